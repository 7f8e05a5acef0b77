"""Words, signs and shapes by which room IDs are known in English, German and Chinese text (pure).

Every pattern is bounded or begins at one place, so that a hostile text costs no more than a long one.
"""

from __future__ import annotations

import re

KEY = re.compile(
    r"""
      (?P<wrapped> (?i:(?:log(?:in|out)|join|enter|leave)_?room) (?=\() )
    | (?P<named>
          (?: (?<![a-z]) (?i:rooms?|raum|räume) | (?<=[a-z]) Rooms? )
          (?: [\s._-]? (?i:ids?|identifiers?|no\.?|nr\.?|num(?:ber)?s?|nummern?|key) (?![A-Za-z0-9])
            | (?=["'\\]{1,2} \s? : \s? \{ \s? ["'\\]{1,2} (?i:id) ["'\\] ) )
        | (?: 直播间 | 房间? ) \s? (?: 号码? | 编号 | (?i:id) ) )
    | (?P<said> (?<![A-Za-z0-9_]) (?<![A-Za-z0-9_]-) (?i:rooms?(?:\(s\))?|raum|räumen?) (?![A-Za-z])
        | (?: 直播间 | 房间 ) (?!里|内|外|数) )
    """,
    re.VERBOSE,
)
NOTHING_BEFORE = re.compile(r"(?:\b(?:bed|bath|class|rest|elbow|head) ?|[€$£]\s?[0-9.,]*\s?)$", re.IGNORECASE)
OTHER_ROOM = re.compile(
    r"(?:meeting|conference|waiting|server|hotel|living|class|board|escape|control|dining|break)[ -]$",
    re.IGNORECASE,
)
_LETTER = "À-ÖØ-öø-ʯͰ-ԯ"
"""Letters with accents, Greek and Cyrillic: what they touch is a part of a word, and no room ID. In Chinese
text an ID stands between characters without a space."""

NUMBERED_NAME = re.compile(rf"[_0-9-][A-Za-z0-9_-]{{0,120}}+(?![A-Za-z0-9_{_LETTER}-])")
NESTED = re.compile(r"""["'\\]{1,2}\s?:\s?\{\s?["'\\]{1,2}id["'\\]{1,2}\s?:\s?""", re.IGNORECASE)
SEPARATOR = re.compile(
    r"""
    [\\"'`*~]{0,4} \s{0,2} (?: \( [^()]{1,40} \) \s? (?=[:=]) )?
    (?P<sign> => | -> | --? (?=\s) | := | ==? | : | > | \| | / | [(\[] (?=["'0-9`\\]) | [#]
      | (?:ids?\s)? (?: is | was | are | were | ist | war | lautet | sind ) (?:\s?: | (?=\s)) | 是 | 为 )?
    [\s*~]{0,3} (?: \[ | \( (?=["'0-9`\\]) )? \s?
    """,
    re.VERBOSE | re.IGNORECASE,
)
WORDS_BETWEEN = re.compile(r"""(?:\s[a-z]{1,12}){1,4}\s?(?:is|are|:)\s(?=["'`])""", re.IGNORECASE)
QUOTED = re.compile(r"""(?P<quote>\\?["']|`{1,3}) (?P<value>[^\s"'`\\]{1,128}) (?P=quote)""", re.VERBOSE)
BARE = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.@~+-]{{0,127}}+(?![A-Za-z0-9_.@~+{_LETTER}-])")
LIST = re.compile(
    r"\s{0,2}(?P<mark>[,;、/&+]|(?:and|or|und|oder|sowie)(?=\s)|[和与及跟或])\s{0,2}"
    r"(?:(?:and|or|und|oder)\s)?(?:(?:rooms?|raum)\s)?[*#]?",
    re.IGNORECASE,
)

PLACEHOLDERS = frozenset(
    [
        *("null", "none", "nil", "undefined", "nan", "true", "false", "string", "int", "integer", "str"),
        *("number", "xxx", "xxxx", "na", "tbd", "unknown", "unset", "missing", "empty", "all", "any", "id"),
        *("ids", "room", "rooms", "roomid", "room_id", "your_room_id", "not", "no", "the", "a", "an", "this"),
        *("that", "same", "see", "below", "above", "wrong", "invalid", "and", "or", "is", "was", "please"),
        *("which", "what", "where", "as", "to", "for", "in", "with", "my", "our", "your", "it", "here"),
        *("there", "nicht", "kein", "keine", "fehlt", "der", "die", "das"),
    ]
)
OTHER_THING = re.compile(
    r"""
      [0-9]{1,2} (?: am | pm | h | uhr ) [0-9]{0,2}                          # a time
    | [0-9]{4} - [0-9]{1,2} - [0-9]{1,2} (?: T .* )? | [0-9]{8} T .*         # a date
    | [0-9]{1,2} ([.-]) [0-9]{1,2} \1 (?: [0-9]{2} | [0-9]{4} )?
    | v? [0-9]+ (?: \.[0-9]+ )+ .*                                           # a version, an IP, 4.50
    | v [0-9]+
    | (?: [0-9]+ (?: ms | s | secs? | m | mins? | h | hrs? | d | days? | w ) )+
    | [0-9]+ (?: st | nd | rd | th | x | k | p | kb | mb | gb | kbps | fps | [x][0-9]+ )
    """,
    re.VERBOSE | re.IGNORECASE,
)
TICKET = re.compile(r"[A-Z]{2,10}-[0-9]{1,6}")
TIME_UNIT_FOLLOWS = re.compile(
    r"\s?(?:%|°|:[0-9]|am\b|pm\b|uhr\b|o'clock|h\b|hours?\b|min(?:ute)?s?\b|sec(?:ond)?s?\b|minuten\b|stunden\b|"
    r"sekunden\b|分钟|小时|秒|点|天|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\b)",
    re.IGNORECASE,
)
COUNTED_FOLLOWS = re.compile(
    r"\s?(?:people|persons?|users?|participants?|guests?|times?|days?|weeks?|recordings?|files?|streams?|others?|more|"
    r"of\b|leute|personen|mal\b|tage[n]?\b|dateien|aufnahmen|个|人|次|号楼|楼|月|周)",
    re.IGNORECASE,
)
FEW = 2
"""Digits of a number that counts something: `rooms 3 times`, but `room 1230 users say`."""

BEHIND = (
    re.compile(
        rf"(?P<value>(?<![A-Za-z0-9_.:{_LETTER}-])[A-Za-z0-9_-]{{1,64}})(?:\s?(?:号|这个|那个))?(?:直播|语音)?房间"
    ),
    re.compile(
        r"`(?P<value>[^`\s]{1,128})`\s?(?:号|这个|那个)?(?:(?:chat |live )?room(?![\w-])|-?raum\b|房间)",
        re.IGNORECASE,
    ),
)
