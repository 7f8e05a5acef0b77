"""The query language: what is understood, what is said where nothing is, and that text and query agree."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from html import escape
from zoneinfo import available_timezones

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.errors import QueryError
from bot.query.parser import format_query, parse_query, resolve_window, wants_help
from bot.query.terms import KEYS, SORT_SYNONYMS, STATUS_SYNONYMS, TERMS, RecordingQuery, Sort, Status
from bot.query.times import DAY, HOUR, MAX_SECONDS, RelativeDay, TimePoint, Window
from bot.query.tokenizer import MAX_SHOWN, Change, edited
from bot.query.wording import describe_query, describe_subject, describe_window
from bot.query.zones import asker_zone

BERLIN = "Europe/Berlin"
NOW = dt.datetime(2026, 11, 23, 13, 3, tzinfo=dt.UTC).timestamp()
"""Monday 23 November 2026, 14:03 in Berlin."""

MOMENTS = (
    'write `14:00`, `2026-11-20`, `2026-11-20T14:00`, `today`, `yesterday`, `"yesterday 14:00"` or `now`.'
)
DURATIONS = "write `30m`, `6h`, `1h30m` or `2d`."
ZONES = "zones are written like `Europe/Berlin`."
STATUSES = "it can be all, ongoing, ended, failed, paused, starting or attention."
OFFSETS_GO = "offset that no place has: they go from -14:00 to +14:00."
SPRING = "on 2026-03-29 the clocks go from 02:00 to 03:00."
IN_TASK_IDS = "task IDs have only English letters, digits, `-`, and `_`"
CLOCK = "hours go from 00 to 23, minutes and seconds from 00 to 59."
START_OR_END = "may be the start or the end of the window: write"
NO_KEY = "has no key, and it is neither a status nor a duration: a room needs `room=`."
ROOM_OR_TASK = (
    "`YRHu6-E4IyvEAAAD` may be a room or a task: write `room=YRHu6-E4IyvEAAAD` or `task=YRHu6-E4IyvEAAAD`."
)
CONFERENCE = (
    "`conference_rooms` may be a room or a task: write `room=conference_rooms` or `task=conference_rooms`."
)
TERM_LIST = "The terms are room, status, last, from, to, tz, sort, size, page and task."

TODAY, YESTERDAY = TimePoint(RelativeDay.TODAY), TimePoint(RelativeDay.YESTERDAY)

QUERIES = [
    ("", RecordingQuery()),
    (
        "room=1230 status=ongoing last=6h",
        RecordingQuery(rooms=("1230",), status=Status.ONGOING, last_seconds=6 * HOUR),
    ),
    ("room=1230,88", RecordingQuery(rooms=("1230", "88"))),
    ("room=1230、88，7", RecordingQuery(rooms=("1230", "88", "7"))),
    ("sort=oldest size=5 page=2", RecordingQuery(sort=Sort.OLDEST, size=5, page=2)),
    ("tz=europe/berlin", RecordingQuery(tz=BERLIN)),
    ("from=14:00", RecordingQuery(last_seconds=None, start=TimePoint(time=dt.time(14)), tz=BERLIN)),
    (
        'from="yesterday 14:00" to=2026-11-23',
        RecordingQuery(
            last_seconds=None,
            start=TimePoint(RelativeDay.YESTERDAY, dt.time(14)),
            end=TimePoint(dt.date(2026, 11, 23)),
            tz=BERLIN,
        ),
    ),
    (
        "from=2026-11-20T14:00:05.25+02:00 to=now",
        RecordingQuery(
            last_seconds=None,
            start=TimePoint(dt.date(2026, 11, 20), dt.time(14, 0, 5, 250_000), 120),
            end=TimePoint(),
        ),
    ),
    ("yesterday", RecordingQuery(last_seconds=None, start=YESTERDAY, end=YESTERDAY, tz=BERLIN)),
    ("today", RecordingQuery(last_seconds=None, start=TODAY, tz=BERLIN)),
    ("task=YRHu6-E4IyvEAAAD", RecordingQuery(task="YRHu6-E4IyvEAAAD")),
]

UNDERSTOOD = [
    ("", "last=24h"),
    ("room=1230 status=ongoing last=6h", "room=1230 status=ongoing last=6h"),
    ("last=6h status=ongoing room=1230", "room=1230 status=ongoing last=6h"),
    ("ROOM=1230 Status=ONGOING Last=6H", "room=1230 status=ongoing last=6h"),
    ("1230", "room=1230 last=24h"),
    ("1230,88", "room=1230,88 last=24h"),
    ("1230 ongoing 6h", "room=1230 status=ongoing last=6h"),
    ("room=1230,88,1230", "room=1230,88 last=24h"),
    ("room=1230, 88", "room=1230,88 last=24h"),
    ("room = 1230 , 88", "room=1230,88 last=24h"),
    ("room: 1230", "room=1230 last=24h"),
    ("room:1230", "room=1230 last=24h"),
    ("room= 1230", "room=1230 last=24h"),
    ("room =1230", "room=1230 last=24h"),
    ("room=1230, status=ongoing", "room=1230 status=ongoing last=24h"),
    ("rooms=1230", "room=1230 last=24h"),
    ("roomid=1230", "room=1230 last=24h"),
    ("room_id=1230", "room=1230 last=24h"),
    ('room="main hall"', 'room="main hall" last=24h'),
    ("room='main hall'", 'room="main hall" last=24h'),
    ('room="a,b","c d"', 'room="a,b","c d" last=24h'),
    ('room="say \\"hi\\""', 'room="say \\"hi\\"" last=24h'),
    ('room="back\\\\slash"', "room=back\\slash last=24h"),
    ("room=back\\slash", "room=back\\slash last=24h"),
    ('room="\\x41\\u0042\\U00000043"', "room=ABC last=24h"),
    ("room=o'brien", "room=o'brien last=24h"),
    ("room=don’t", "room=don't last=24h"),
    ("room=“main hall”", 'room="main hall" last=24h'),
    ("room=«main hall»", 'room="main hall" last=24h'),
    ("room=‚main hall‘", 'room="main hall" last=24h'),
    ("room=a=b", 'room="a=b" last=24h'),
    ("room=a:b", 'room="a:b" last=24h'),
    ('room="=5"', 'room="=5" last=24h'),
    ('room="status=ongoing"', 'room="status=ongoing" last=24h'),
    ("room=\"'quoted'\"", "room=\"'quoted'\" last=24h"),
    ("room=~!@#$%^&*()_+-;.<>/", "room=~!@#$%^&*()_+-;.<>/ last=24h"),
    ("room=&lt;b&gt;&amp;", "room=<b>& last=24h"),
    ('room="&amp;amp;"', 'room="\\x26amp;" last=24h'),
    ("room=<http://www.example.com|www.example.com>", "room=www.example.com last=24h"),
    ("room=<@U0ASKER1|asker>", "room=@asker last=24h"),
    ("room=<mailto:a@example.com|a@example.com>", "room=a@example.com last=24h"),
    ("room=12–30", "room=12-30 last=24h"),
    (
        "room=\uff11\uff12\uff13\uff10\u3000\uff53\uff54\uff41\uff54\uff55\uff53\uff1d\uff4c\uff49\uff56\uff45",
        "room=1230 status=ongoing last=24h",
    ),
    ("room=12\u200b30", "room=1230 last=24h"),
    ("status=live", "status=ongoing last=24h"),
    ("status=running", "status=ongoing last=24h"),
    ("status=in-progress", "status=ongoing last=24h"),
    ('status="in progress"', "status=ongoing last=24h"),
    ("status=recording", "status=ongoing last=24h"),
    ("status=done", "status=ended last=24h"),
    ("status=Finished", "status=ended last=24h"),
    ("status=completed", "status=ended last=24h"),
    ("status=stopped", "status=ended last=24h"),
    ("status=abnormal", "status=failed last=24h"),
    ("status=error", "status=failed last=24h"),
    ("status=crashed", "status=failed last=24h"),
    ("status=broken", "status=failed last=24h"),
    ("status=hold", "status=paused last=24h"),
    ('status="on hold"', "status=paused last=24h"),
    ("status=initialising", "status=starting last=24h"),
    ("status=initializing", "status=starting last=24h"),
    ("status=*", "last=24h"),
    ("state=paused", "status=paused last=24h"),
    ("live", "status=ongoing last=24h"),
    ("failed", "status=failed last=24h"),
    ("all", "last=24h"),
    ("last=30m", "last=30m"),
    ("last=90min", "last=1h30m"),
    ("last=1h30m", "last=1h30m"),
    ('last="6 hours"', "last=6h"),
    ('last="1 h 30 min"', "last=1h30m"),
    ("last=24h", "last=24h"),
    ("last=48h", "last=2d"),
    ("last=26h", "last=26h"),
    ("last=1w", "last=7d"),
    ("last=366d", "last=366d"),
    ("last=45s", "last=45s"),
    ("last=1d2h3m4s", "last=26h3m4s"),
    ("past=6h", "last=6h"),
    ("2d", "last=2d"),
    ("90min", "last=1h30m"),
    ('"6 hours"', "last=6h"),
    ("from=2026-11-20", "from=2026-11-20 tz=Europe/Berlin"),
    ("from=2026-11-20T14:00", "from=2026-11-20T14:00 tz=Europe/Berlin"),
    ('from="2026-11-20 14:00"', "from=2026-11-20T14:00 tz=Europe/Berlin"),
    ("from=2026-11-20t14:00:05", "from=2026-11-20T14:00:05 tz=Europe/Berlin"),
    ("from=2026-11-20T14:00:05.250", "from=2026-11-20T14:00:05.25 tz=Europe/Berlin"),
    ("from=2026-11-20T14:00Z", "from=2026-11-20T14:00Z"),
    ("from=2026-11-20T14:00+02:00", "from=2026-11-20T14:00+02:00"),
    ("from=2026-11-20T14:00-0330", "from=2026-11-20T14:00-03:30"),
    ("from=2026-11-20T14:00\u221203", "from=2026-11-20T14:00-03:00"),
    ("from=2026-11-20T14:00+00:00", "from=2026-11-20T14:00Z"),
    ("from=14:00", "from=14:00 tz=Europe/Berlin"),
    ("from=9:05", "from=09:05 tz=Europe/Berlin"),
    ("from:9:05", "from=09:05 tz=Europe/Berlin"),
    ("from=today", "from=today tz=Europe/Berlin"),
    ('from="Today 09:00"', 'from="today 09:00" tz=Europe/Berlin'),
    ('from="yesterday 14:00"', 'from="yesterday 14:00" tz=Europe/Berlin'),
    ('from="yesterday 14:00+05:30"', 'from="yesterday 14:00+05:30"'),
    ("from=yesterday to=today", "from=yesterday to=today tz=Europe/Berlin"),
    ("from=yesterday to=now", "from=yesterday to=now tz=Europe/Berlin"),
    ("to=now", "to=now"),
    ("to=2026-11-22", "to=2026-11-22 tz=Europe/Berlin"),
    ("to=12:00", "to=12:00 tz=Europe/Berlin"),
    ("since=yesterday until=now", "from=yesterday to=now tz=Europe/Berlin"),
    ("from=9:00 to=9:30 tz=asia/tokyo", "from=09:00 to=09:30 tz=Asia/Tokyo"),
    ("today", "from=today tz=Europe/Berlin"),
    ("yesterday", "from=yesterday to=yesterday tz=Europe/Berlin"),
    ("yesterday 1230", "room=1230 from=yesterday to=yesterday tz=Europe/Berlin"),
    ("tz=Europe/Berlin", "last=24h tz=Europe/Berlin"),
    ("tz=europe/berlin", "last=24h tz=Europe/Berlin"),
    ("tz=utc", "last=24h tz=UTC"),
    ("timezone=Asia/Kolkata last=6h", "last=6h tz=Asia/Kolkata"),
    ("sort=oldest", "last=24h sort=oldest"),
    ("sort=asc", "last=24h sort=oldest"),
    ('sort="newest first"', "last=24h"),
    ("order=latest", "last=24h"),
    ("size=5", "last=24h size=5"),
    ("limit=20", "last=24h size=20"),
    ("page=2", "last=24h page=2"),
    ("page=100000", "last=24h page=100000"),
    ("size=10 page=1 sort=newest status=all last=24h", "last=24h"),
    ("task=YRHu6-E4IyvEAAAD", "task=YRHu6-E4IyvEAAAD"),
    ("taskid=YRHu6-E4IyvEAAAD", "task=YRHu6-E4IyvEAAAD"),
    ('task = "YRHu6-E4IyvEAAAD"', "task=YRHu6-E4IyvEAAAD"),
    ("/recordings room=1230", "room=1230 last=24h"),
    ("Recordings room=1230", "room=1230 last=24h"),
    ("/RECORDINGS 1230", "room=1230 last=24h"),
    ("  room=1230", "room=1230 last=24h"),
    ("room=1230\tstatus=ongoing", "room=1230 status=ongoing last=24h"),
    ("room=1230 ,status=ongoing", "room=1230 status=ongoing last=24h"),
    ("1230, status=ongoing", "room=1230 status=ongoing last=24h"),
    ("room=12&#7;", "room=12&#7; last=24h"),
    # Digits of any script, everywhere: Arabic, Persian, Devanagari, Bengali, Thai, full width, mathematical
    ("room=١٢٣٠", "room=1230 last=24h"),
    ("room=۱۲۳۰", "room=1230 last=24h"),
    ("room=१२३०", "room=1230 last=24h"),
    ("room=১২৩০", "room=1230 last=24h"),
    ("room=๑๒๓๐", "room=1230 last=24h"),
    ("room=１２３０", "room=1230 last=24h"),
    ("room=𝟏𝟐𝟑𝟎", "room=1230 last=24h"),
    ("room=𑁧𑁨", "room=12 last=24h"),
    ("room=١٢٣٠,٨٨", "room=1230,88 last=24h"),
    ("room=١٢٣٠،٨٨", "room=1230,88 last=24h"),
    ("room=١٢٣٠,1230", "room=1230 last=24h"),
    ("room=class-٧", "room=class-7 last=24h"),
    ('room="hall ٧",٧', 'room="hall 7",7 last=24h'),
    ('room="\\u0661\\u0662"', "room=12 last=24h"),
    ("١٢٣٠", "room=1230 last=24h"),
    ("१२३०,८८", "room=1230,88 last=24h"),
    ("١٢٣٠ ongoing ٦h", "room=1230 status=ongoing last=6h"),
    ("\u200f١٢٣٠\u200f", "room=1230 last=24h"),
    ("last=٦h", "last=6h"),
    ("last=۱h۳۰m", "last=1h30m"),
    ('last="६ hours"', "last=6h"),
    ("٩٠min", "last=1h30m"),
    ("from=١٤:٠٠", "from=14:00 tz=Europe/Berlin"),
    ("from=١٤：٠٠", "from=14:00 tz=Europe/Berlin"),
    ("from=٢٠٢٦-١١-٢٠", "from=2026-11-20 tz=Europe/Berlin"),
    ("from=۲۰۲۶-۱۱-۲۰T۱۴:۰۰+۰۲:۰۰", "from=2026-11-20T14:00+02:00"),
    ('from="yesterday ১৪:০০"', 'from="yesterday 14:00" tz=Europe/Berlin'),
    ('from="\\u0661\\u0664:00"', "from=14:00 tz=Europe/Berlin"),
    ("size=٥", "last=24h size=5"),
    ('size="\\u0665"', "last=24h size=5"),
    ("page=२", "last=24h page=2"),
    ("task=YRHu٦-E٤IyvEAAAD", "task=YRHu6-E4IyvEAAAD"),
    ("tz=Etc/GMT-٢", "last=24h tz=Etc/GMT-2"),
]

NOT_ROOMS = [
    ("room=сlass-7", "сlass-7", "the Cyrillic `с`", "room=class-7"),
    ("rооm=сlass-7", "", "", "room=class-7"),
    ("ROOM=СLASS-7", "СLASS-7", "the Cyrillic `С`", "room=CLASS-7"),
    ("room=рор-еаѕу", "рор-еаѕу", "the Cyrillic `р`", "room=pop-easy"),
    ("room=ΑΒΕ-1", "ΑΒΕ-1", "the Greek `Α`", "room=ABE-1"),
    ("room=rοοm7", "rοοm7", "the Greek `ο`", "room=room7"),
    ("room=1230,сlass-7", "сlass-7", "the Cyrillic `с`", "room=1230,class-7"),
    ("room=сlass-7,сlass-8", "сlass-7", "the Cyrillic `с`", "room=class-7,class-8"),
    ("room=сlass-7,class-7", "сlass-7", "the Cyrillic `с`", "room=class-7"),
    ('room="main һall"', "main һall", "the Cyrillic `һ`", 'room="main hall"'),
    ("room=сlass-7 last=6h", "сlass-7", "the Cyrillic `с`", "room=class-7 last=6h"),
    ("status=ongoing room=сlass-7", "сlass-7", "the Cyrillic `с`", "status=ongoing room=class-7"),
    ("id=сlass-7", "", "", "room=class-7"),
    ("сlass-7", "", "", "room=class-7"),
    ("сlass-7 оngоing", "", "", "room=class-7 status=ongoing"),
    ("roomid: сlass-7", "сlass-7", "the Cyrillic `с`", "room=class-7"),
    ("rom=сlass-7 lst=6h", "", "", "room=class-7 last=6h"),
    ("room=Zürich", "Zürich", "`ü`", "room=Zurich"),
    ("room=Zu\u0308rich", "Zu\u0308rich", "`u\u0308`", "room=Zurich"),
    ("room=ёx-1", "ёx-1", "the Cyrillic `ё`", "room=ex-1"),
    ("room=12²", "12²", "`²`", "room=122"),
    ("room=①", "①", "`①`", "room=1"),
    ("room=1\ufe0f\u20e32\ufe0f\u20e3", "1\ufe0f\u20e32\ufe0f\u20e3", "`1\ufe0f`", "room=12"),
    ("room=ℓab-Ⅳ", "ℓab-Ⅳ", "`ℓ`", "room=lab-IV"),
    ("room=𝒸lass", "𝒸lass", "`𝒸`", "room=class"),
    ("room=12\ufe5830", "12\ufe5830", "`\ufe58`", "room=12-30"),
    ("room=class‿7", "class‿7", "`‿`", ""),
    ("room=1230٬88", "1230٬88", "`٬`", "room=1230,88"),
    ("room=会议", "会议", "`会`", ""),
    ("room=1230,会议", "会议", "`会`", ""),
    ("room=class-7🙂", "class-7🙂", "`🙂`", ""),
    ("room=комната", "комната", "the Cyrillic `к`", ""),
    ("room=قاعة", "قاعة", "`ق`", ""),
    ('room="\\u0441lass-7"', "сlass-7", "the Cyrillic `с`", "room=class-7"),
    ('room="\\u200b\\u0441"', "", "", ""),
]
"""What is typed, the room in it that cannot be, what is odd about it, and what may be meant."""

MISTAKES = [
    ("statsu=ongoing", "There is no term `statsu`.", "status=ongoing"),
    ("room=1230 statsu=ongoing lst=6h", "There is no term `statsu`.", "room=1230 status=ongoing last=6h"),
    ("statsu:ongoing", "There is no term `statsu`.", "status=ongoing"),
    ("STATSU=ongoing", "There is no term `STATSU`.", "status=ongoing"),
    ("foo=bar", f"There is no term `foo`. {TERM_LIST}", ""),
    ("foo=", f"There is no term `foo`. {TERM_LIST}", ""),
    ("1230=5", f"There is no term `1230`. {TERM_LIST}", ""),
    ("rom=1230", "There is no term `rom`.", "room=1230"),
    ("form=yesterday", "There is no term `form`.", "from=yesterday"),
    ("--room=1230", "There is no term `--room`.", "room=1230"),
    ("—room=1230", "There is no term `--room`.", "room=1230"),
    ("id=YRHu6-E4IyvEAAAD", "There is no term `id`.", "task=YRHu6-E4IyvEAAAD"),
    ("id=1230", "There is no term `id`.", "room=1230"),
    ("day=yesterday", "There is no term `day`.", "from=yesterday to=yesterday"),
    ("window=6h", "There is no term `window`.", "last=6h"),
    ("room=", "`room=` has no value: write for example `room=1230`.", ""),
    ("room= status=ongoing", "`room=` has no value: write for example `room=1230`.", ""),
    ("status=", "`status=` has no value: write for example `status=ongoing`.", ""),
    ("last= room=5", "`last=` has no value: write for example `last=6h`.", ""),
    ('room=""', "A room ID in `room=` is empty.", ""),
    ('room=" "', "A room ID in `room=` is empty.", ""),
    ("room=,1", "There is nothing before the comma in `room=,`.", "room=1"),
    ("room=1,", "There is nothing behind the comma in `room=1,`.", "room=1"),
    ("room=1,,2", "There is nothing before the comma in `room=1,,`.", "room=1,2"),
    (
        "room=1230,status=ongoing",
        "`status=ongoing` inside `room=` reads like a term of its own.",
        "room=1230 status=ongoing",
    ),
    (
        "room=status=ongoing",
        "`status=ongoing` inside `room=` reads like a term of its own.",
        "status=ongoing",
    ),
    ("room==1230", "There is more than one `=` or `:` in `room=`.", "room=1230"),
    ("room==", "There is more than one `=` or `:` in `room=`.", ""),
    ("room= ongoing", "`ongoing` behind a space may be a room or a term of its own.", "room=ongoing"),
    (
        "room=1230, ongoing",
        "`ongoing` behind a space may be a room or a term of its own.",
        "room=1230 ongoing",
    ),
    ("room=1230, 6h, 88", "`6h` behind a space may be a room or a term of its own.", "room=1230,6h,88"),
    ('room="abc', 'The quotes do not pair up: `"abc` opens one that is never closed.', 'room="abc"'),
    ("room='abc", "The quotes do not pair up: `'abc` opens one that is never closed.", 'room="\'abc"'),
    ('room=ab"c', '`ab"c` has a quote inside: quotes stand around a whole value.', "room=abc"),
    ('room="a"b', "`b` follows directly on a closing quote: put a space or a comma between.", ""),
    ('"abc', 'The quotes do not pair up: `"abc` opens one that is never closed.', "room=abc"),
    ('room="a\\b"', "In quotes, `\\b` means nothing: a backslash is written `\\\\` there.", 'room="a\\\\b"'),
    (
        'room="\\U00110000"',
        "In quotes, `\\U00110000` means nothing: a backslash is written `\\\\` there.",
        "",
    ),
    ('room="\\u0007"', "The room ID `�` holds a control character or an invisible one.", ""),
    ('room="\\u200b1230"', "The room ID `�1230` holds a control character or an invisible one.", ""),
    ("room=1 room=2", "`room=` is given twice.", "room=1,2"),
    ("room=1 2", "`room=` is given twice.", "room=1,2"),
    ("1 2", "`room=` is given twice.", "room=1,2"),
    ("status=ongoing failed", "`status=` is given twice.", "status=ongoing"),
    ("size=5 size=6", "`size=` is given twice.", "size=5"),
    ("last=6h 2d", "`last=` is given twice.", "last=6h"),
    ("last=1h 30m", "`last=` is given twice.", "last=1h30m"),
    ("1h 30m", "`last=` is given twice.", "last=1h30m"),
    ("status=foo", f"There is no status `foo`: {STATUSES}", ""),
    ("status=ongoin", f"There is no status `ongoin`: {STATUSES}", "status=ongoing"),
    ("status=atention", f"There is no status `atention`: {STATUSES}", "status=attention"),
    ("status=ongoing,failed", "`status=` takes one value, and here are 2.", "status=ongoing"),
    ("status=in progress", f"There is no status `in`: {STATUSES}", "status=ongoing"),
    ("in progress", "`in progress` is two words: a value with a space stands in quotes.", "status=ongoing"),
    ("ongoin", "`ongoin` is not a term.", "status=ongoing"),
    ("complted", "`complted` is not a term.", "status=ended"),
    ("last=6", f"`6` is not a duration: {DURATIONS}", "last=6h"),
    ("last=6 hours", f"`6` is not a duration: {DURATIONS}", "last=6h"),
    ("6 hours", "`6 hours` is two words: a value with a space stands in quotes.", "last=6h"),
    ("last=0h", f"`0h` is no time at all: {DURATIONS}", ""),
    ("0m", f"`0m` is no time at all: {DURATIONS}", ""),
    ("last=-5m", f"`-5m` is not a duration: {DURATIONS}", "last=5m"),
    ("last=400d", "`400d` is more than 366 days.", "last=366d"),
    ("400d", "`400d` is more than 366 days.", "last=366d"),
    ("last=6x", f"`6x` is not a duration: {DURATIONS}", ""),
    ("last=1.5h", f"`1.5h` is not a duration: {DURATIONS}", "last=1h30m"),
    ("last=1h30", f"`1h30` is not a duration: {DURATIONS}", "last=1h30m"),
    ("last=30m1h", f"`30m1h` is not a duration: {DURATIONS}", ""),
    ("last=hour", f"`hour` is not a duration: {DURATIONS}", "last=1h"),
    ("last=yesterday", f"`yesterday` is not a duration: {DURATIONS}", "from=yesterday to=yesterday"),
    ("last=today", f"`today` is not a duration: {DURATIONS}", "from=today"),
    ("last=6h,7h", "`last=` takes one value, and here are 2.", "last=6h"),
    ("last 6h", "`last` needs `=` and a value, such as `last=6h`.", "last=6h"),
    ("room 1230", "`room` needs `=` and a value, such as `room=1230`.", "room=1230"),
    ("room", "`room` needs `=` and a value, such as `room=1230`.", ""),
    ("from=6h", "`6h` is a duration, and `from=` takes a moment.", "last=6h"),
    ("from=10", f"`10` is not a time: {MOMENTS}", "from=10:00"),
    ("from=25:00", f"`25:00` is not a time: {CLOCK}", ""),
    ("from=12:60", f"`12:60` is not a time: {CLOCK}", ""),
    ("from=2026-02-30", "`2026-02-30` is not a date: Feb 2026 has the days 01 to 28.", "from=2026-02-28"),
    ("from=2026-13-01", "`2026-13-01` is not a date: months go from 01 to 12.", ""),
    ("from=2026-11-00", "`2026-11-00` is not a date: Nov 2026 has the days 01 to 30.", "from=2026-11-01"),
    ("from=1999-01-01", "`1999-01-01` is out of reach: years go from 2000 to 2100.", ""),
    ("from=2026-11-20T14:00+15:00", f"`2026-11-20T14:00+15:00` has an {OFFSETS_GO}", ""),
    ("from=2026-11-20T25:00", f"`2026-11-20T25:00` is not a time: {CLOCK}", ""),
    ("from=2026-11-20Z", f"`2026-11-20Z` is not a time: {MOMENTS}", ""),
    ("from=2pm", f"`2pm` is not a time: {MOMENTS}", "from=14:00"),
    ('from="yesterday 2:30 pm"', f"`yesterday 2:30 pm` is not a time: {MOMENTS}", 'from="yesterday 14:30"'),
    ("from=2026/11/20", f"`2026/11/20` is not a time: {MOMENTS}", "from=2026-11-20"),
    ("from=20261120", f"`20261120` is not a time: {MOMENTS}", "from=2026-11-20"),
    ("from=20.11.2026", f"`20.11.2026` is not a time: {MOMENTS}", "from=2026-11-20"),
    ("from=3/4/2026", f"`3/4/2026` is not a time: {MOMENTS}", ""),
    ("from=20/11/2026", f"`20/11/2026` is not a time: {MOMENTS}", "from=2026-11-20"),
    ("from=yesteday", f"`yesteday` is not a time: {MOMENTS}", "from=yesterday"),
    ('from="yesterday at 14:00"', f"`yesterday at 14:00` is not a time: {MOMENTS}", 'from="yesterday 14:00"'),
    ('from="14:00 yesterday"', f"`14:00 yesterday` is not a time: {MOMENTS}", 'from="yesterday 14:00"'),
    ("from=monday", f"`monday` is not a time: {MOMENTS}", ""),
    ("from=", '`from=` has no value: write for example `from="yesterday 14:00"`.', ""),
    ("to=tomorrow", "`tomorrow` is in the future.", "to=today"),
    ('to="tomorrow 9:00"', "`tomorrow 9:00` is in the future.", "to=today"),
    ("from=tomorrow", "`tomorrow` is in the future.", "from=today"),
    (
        "from=yesterday 14:00 to=now",
        "`yesterday 14:00` is two words: a value with a space stands in quotes.",
        'from="yesterday 14:00" to=now',
    ),
    (
        "from=2026-11-20 14:00",
        "`2026-11-20 14:00` is two words: a value with a space stands in quotes.",
        "from=2026-11-20T14:00",
    ),
    (
        "today 14:00",
        "`today 14:00` is two words: a value with a space stands in quotes.",
        'from="today 14:00"',
    ),
    ("14:00", f"`14:00` {START_OR_END} `from=14:00` or `to=14:00`.", "from=14:00"),
    ("2026-11-20", f"`2026-11-20` {START_OR_END} `from=2026-11-20` or `to=2026-11-20`.", "from=2026-11-20"),
    ("now", f"`now` {START_OR_END} `from=now` or `to=now`.", "to=now"),
    (
        '"yesterday 14:00"',
        f'`yesterday 14:00` {START_OR_END} `from="yesterday 14:00"` or `to="yesterday 14:00"`.',
        'from="yesterday 14:00"',
    ),
    (
        "from=15:00",
        "`from=15:00` is in the future; it is Mon 23 Nov 14:03 (Europe/Berlin).",
        'from="yesterday 15:00"',
    ),
    (
        'from="today 15:00"',
        '`from="today 15:00"` is in the future; it is Mon 23 Nov 14:03 (Europe/Berlin).',
        'from="yesterday 15:00"',
    ),
    (
        "from=15:00Z",
        "`from=15:00Z` is in the future; it is Mon 23 Nov 14:03 (Europe/Berlin).",
        'from="yesterday 15:00Z"',
    ),
    (
        "from=2026-12-24",
        "`from=2026-12-24` is in the future; it is Mon 23 Nov 14:03 (Europe/Berlin).",
        "from=today",
    ),
    (
        "from=22:00 to=06:00",
        "`from=22:00` is in the future; it is Mon 23 Nov 14:03 (Europe/Berlin).",
        'from="yesterday 22:00" to=06:00',
    ),
    ("from=12:00 to=11:00", "`from=12:00` is not before `to=11:00`.", 'from="yesterday 12:00" to=11:00'),
    (
        "from=2026-11-22 to=2026-11-21",
        "`from=2026-11-22` is not before `to=2026-11-21`.",
        "from=2026-11-21 to=2026-11-22",
    ),
    ("from=12:00 to=12:00", "`12:00` is where this window begins and ends: it is empty.", "last=24h"),
    ("from=now", "`now` is where this window begins and ends: it is empty.", "last=24h"),
    ("to=2026-11-10", "`to=2026-11-10` lies before the 3 days that ZEGOCLOUD's API keeps.", "last=3d"),
    (
        "to=2026-11-10 room=5",
        "`to=2026-11-10` lies before the 3 days that ZEGOCLOUD's API keeps.",
        "last=3d room=5",
    ),
    ("last=6h from=today", "`last=` and `from=`, `to=` set the same window: keep one of them.", "from=today"),
    (
        "from=today to=now last=6h",
        "`last=` and `from=`, `to=` set the same window: keep one of them.",
        "from=today to=now",
    ),
    ("today 6h", "`last=` and `from=`, `to=` set the same window: keep one of them.", "today"),
    ("yesterday to=12:00", "`to=` is given twice.", "yesterday"),
    (
        "from=2026-03-29T02:30",
        f"`2026-03-29T02:30` does not exist in Europe/Berlin: {SPRING}",
        "from=2026-03-29T03:00",
    ),
    (
        "room=5 from=2026-03-29T02:30 to=2026-03-29T04:00",
        f"`2026-03-29T02:30` does not exist in Europe/Berlin: {SPRING}",
        "room=5 from=2026-03-29T03:00 to=2026-03-29T04:00",
    ),
    (
        "from=2026-03-29T01:00 to=2026-03-29T02:59",
        f"`2026-03-29T02:59` does not exist in Europe/Berlin: {SPRING}",
        "from=2026-03-29T01:00 to=2026-03-29T03:00",
    ),
    ("tz=berlin", f"`berlin` is not a time zone: {ZONES}", "tz=Europe/Berlin"),
    ("tz=CET", f"`CET` is not a time zone: {ZONES}", "tz=Europe/Berlin"),
    ("tz=PST from=today", f"`PST` is not a time zone: {ZONES}", "tz=America/Los_Angeles from=today"),
    ("tz=Europe/Berln", f"`Europe/Berln` is not a time zone: {ZONES}", "tz=Europe/Berlin"),
    ('tz="new york"', f"`new york` is not a time zone: {ZONES}", "tz=America/New_York"),
    ("tz=UTC+2", f"`UTC+2` is not a time zone: {ZONES}", "tz=Etc/GMT-2"),
    ("tz=+00:00", f"`+00:00` is not a time zone: {ZONES}", "tz=UTC"),
    ("tz=../etc/passwd", f"`../etc/passwd` is not a time zone: {ZONES}", ""),
    ("tz=/etc/localtime", f"`/etc/localtime` is not a time zone: {ZONES}", ""),
    ("tz=Europe", f"`Europe` is not a time zone: {ZONES}", ""),
    ("tz=posix/Europe/Berlin", f"`posix/Europe/Berlin` is not a time zone: {ZONES}", "tz=Europe/Berlin"),
    ('tz=""', "The value of `tz=` is empty.", ""),
    ("tz=Mars/Olympus", f"`Mars/Olympus` is not a time zone: {ZONES}", ""),
    ("sort=foo", "There is no order `foo`: it can be newest or oldest.", ""),
    ("sort=newset", "There is no order `newset`: it can be newest or oldest.", "sort=newest"),
    ("oldest", "`oldest` is not a term.", "sort=oldest"),
    ("Europe/Berlin", "`Europe/Berlin` is not a term.", "tz=Europe/Berlin"),
    ("size=0", "`size=` goes from 1 to 20, and 0 is outside.", "size=1"),
    ("size=21", "`size=` goes from 1 to 20, and 21 is outside.", "size=20"),
    ("size=abc", "`size=` takes a whole number from 1 to 20, not `abc`.", ""),
    ("size=5.5", "`size=` takes a whole number from 1 to 20, not `5.5`.", ""),
    ("size=5,6", "`size=` takes one value, and here are 2.", "size=5"),
    ("page=0", "`page=` goes from 1 to 100000, and 0 is outside.", "page=1"),
    ("page=100001", "`page=` goes from 1 to 100000, and 100001 is outside.", "page=100000"),
    ("page=-1", "`page=` takes a whole number from 1 to 100000, not `-1`.", ""),
    ("task=abc", "`abc` is not a task ID: those have 16 characters, letters, digits, `-` and `_`.", ""),
    (
        "task=YRHu6-E4IyvEAAA",
        "`YRHu6-E4IyvEAAA` is not a task ID: those have 16 characters, letters, digits, `-` and `_`.",
        "",
    ),
    (
        "task=YRHu6-E4IyvEAAAD room=5",
        "`task=` stands alone: one recording needs no other term.",
        "task=YRHu6-E4IyvEAAAD",
    ),
    (
        "task=YRHu6-E4IyvEAAAD tz=UTC",
        "`task=` stands alone: one recording needs no other term.",
        "task=YRHu6-E4IyvEAAAD",
    ),
    (
        "task=YRHu6-E4IyvEAAAD,YRHu6-E4IyvEAAAE",
        "`task=` takes one value, and here are 2.",
        "task=YRHu6-E4IyvEAAAD",
    ),
    ("YRHu6-E4IyvEAAAD", f"{ROOM_OR_TASK}", "task=YRHu6-E4IyvEAAAD"),
    ("YRHu6-E4IyvEAAAD last=6h", f"{ROOM_OR_TASK}", "room=YRHu6-E4IyvEAAAD last=6h"),
    ("foo", f"`foo` {NO_KEY}", "room=foo"),
    ("a,b", f"`a, b` {NO_KEY}", ""),
    ('""', f"`` {NO_KEY}", ""),
    ("a1,b2", f"`a1, b2` {NO_KEY}", "room=a1,b2"),
    ("a1,b", f"`a1, b` {NO_KEY}", ""),
    ("room=1230 foo", f"`foo` {NO_KEY}", ""),
    ("room=1230 foo7", f"`foo7` {NO_KEY}", "room=1230,foo7"),
    ("main hall", f"`main` {NO_KEY}", ""),
    ("hello all room=1230", f"`hello` {NO_KEY}", ""),
    ("rom=1230 hello", "There is no term `rom`.", ""),
    ("hello", f"`hello` {NO_KEY}", "room=hello"),
    ("main-hall", f"`main-hall` {NO_KEY}", "room=main-hall"),
    ("hi", f"`hi` {NO_KEY}", ""),
    ("-", f"`-` {NO_KEY}", ""),
    ("🙂", f"`🙂` {NO_KEY}", ""),
    ("Zürich", f"`Zürich` {NO_KEY}", ""),
    ("conference_rooms", CONFERENCE, "task=conference_rooms"),
    ("conference_rooms last=6h", CONFERENCE, "room=conference_rooms last=6h"),
    ("help", "`help` is no term of a query: ask for help with it alone.", ""),
    ("room=1230 help", "`help` is no term of a query: ask for help with it alone.", ""),
    ("room=1,2,3,4,5,6,7,8,9,10,11", "`room=` takes at most 10 rooms, and here are 11.", ""),
    ("room=1230 sise=50 lst=6", "There is no term `sise`.", "room=1230 size=20 last=6h"),
    ("`rm -rf`", f"`'rm` {NO_KEY}", ""),
    ("last=6h to=now", "`last=` and `from=`, `to=` set the same window: keep one of them.", "to=now"),
    ("last=6h from=15:00", "`last=` and `from=`, `to=` set the same window: keep one of them.", "last=6h"),
    (
        "last=6h from=15:00 to=16:00",
        "`last=` and `from=`, `to=` set the same window: keep one of them.",
        "last=6h",
    ),
    ("last=6h to=2026-11-10", "`last=` and `from=`, `to=` set the same window: keep one of them.", "last=6h"),
    ('room=ab"c"', '`ab"c"` has a quote inside: quotes stand around a whole value.', "room=abc"),
    ('room=ab"c d"', '`ab"c` has a quote inside: quotes stand around a whole value.', ""),
    ("ongoing,failed", "`status=` takes one value, and here are 2.", "status=ongoing"),
    ("ongoing,1230", f"`ongoing, 1230` {NO_KEY}", ""),
    ("6h,7h", f"`6h, 7h` {NO_KEY}", "room=6h,7h"),
    ("today,yesterday", f"`today, yesterday` {NO_KEY}", ""),
    ("room=1,=2,3", "There is more than one `=` or `:` in `room=`.", "room=1,2,3"),
    ('room="a",=b', "There is more than one `=` or `:` in `room=`.", "room=a,b"),
    ("room==X1", "There is more than one `=` or `:` in `room=`.", "room=X1"),
    (
        "room=abcdefghijklmnopqrstuvwxyz,",
        "There is nothing behind the comma in `hijklmnopqrstuvwxyz,`.",
        "room=abcdefghijklmnopqrstuvwxyz",
    ),
    (
        "room=abcdefghijklmnopqrstuvwxyz,,1",
        "There is nothing before the comma in `hijklmnopqrstuvwxyz,,`.",
        "room=abcdefghijklmnopqrstuvwxyz,1",
    ),
    (
        "to=yesterday 12:00",
        "`yesterday 12:00` is two words: a value with a space stands in quotes.",
        'to="yesterday 12:00"',
    ),
    ("--day=yesterday", "There is no term `--day`.", "from=yesterday to=yesterday"),
    ("date=2026-11-20", "There is no term `date`.", "from=2026-11-20 to=2026-11-20"),
    ("last 6h room=1", "`last` needs `=` and a value, such as `last=6h`.", "last=6h room=1"),
    ("room=1 last 6h", "`last` needs `=` and a value, such as `last=6h`.", "room=1 last=6h"),
    ("foo:bar", f"`foo:bar` {NO_KEY}", ""),
    ("rate:5", f"`rate:5` {NO_KEY}", 'room="rate:5"'),
    ("failover", f"`failover` {NO_KEY}", "room=failover"),
    (
        'from="yesterday 12:00" to="yesterday 11:00"',
        '`from="yesterday 12:00"` is not before `to="yesterday 11:00"`.',
        'from="yesterday 11:00" to="yesterday 12:00"',
    ),
    ("from=today to=yesterday", "`from=today` is not before `to=yesterday`.", "from=yesterday to=today"),
    (
        "from=2026-11-22T12:00 to=2026-11-22T11:00",
        "`from=2026-11-22T12:00` is not before `to=2026-11-22T11:00`.",
        "from=2026-11-22T11:00 to=2026-11-22T12:00",
    ),
    ("from=now to=now", "`now` is where this window begins and ends: it is empty.", "last=24h"),
    ("from=now to=yesterday", "`from=now` is not before `to=yesterday`.", "from=yesterday to=now"),
    ("last=6,7 hours", "`last=` takes one value, and here are 2.", "last=6h"),
    ("room=1,2 ongoing=3", f"There is no term `ongoing`. {TERM_LIST}", ""),
    ('"last=6h', 'The quotes do not pair up: `"last=6h` opens one that is never closed.', "last=6h"),
    (
        "from=2026-12-24T10:00",
        "`from=2026-12-24T10:00` is in the future; it is Mon 23 Nov 14:03 (Europe/Berlin).",
        "from=today",
    ),
    (
        'from="today 12:00" to="today 11:00"',
        '`from="today 12:00"` is not before `to="today 11:00"`.',
        'from="today 11:00" to="today 12:00"',
    ),
]


def ms(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    """Unix milliseconds of a moment in UTC."""
    return round(dt.datetime(year, month, day, hour, minute, tzinfo=dt.UTC).timestamp() * 1000)


def mistake(text: str, now: float = NOW, tz: str = BERLIN) -> QueryError:
    with pytest.raises(QueryError) as caught:
        parse_query(text, now, tz)
    return caught.value


@pytest.mark.parametrize(("text", "query"), QUERIES)
def test_text_becomes_this_query(text: str, query: RecordingQuery) -> None:
    assert parse_query(text, NOW, BERLIN) == query


@pytest.mark.parametrize(("text", "canonical"), UNDERSTOOD)
def test_text_is_understood_and_said_back_canonically(text: str, canonical: str) -> None:
    query = parse_query(text, NOW, BERLIN)
    assert format_query(query) == canonical
    assert parse_query(canonical, NOW, "Asia/Tokyo") == query


@pytest.mark.parametrize(("text", "problem", "suggestion"), MISTAKES)
def test_a_mistake_is_named_with_the_nearest_right_text(text: str, problem: str, suggestion: str) -> None:
    error = mistake(text)
    assert (error.problem, error.suggestion) == (problem, suggestion)


@pytest.mark.parametrize("suggestion", sorted({suggestion for _, _, suggestion in MISTAKES if suggestion}))
def test_every_suggestion_can_be_typed(suggestion: str) -> None:
    assert parse_query(suggestion, NOW, BERLIN)


@pytest.mark.parametrize(
    ("synonym", "status"), [(word, status) for status, words in STATUS_SYNONYMS.items() for word in words]
)
def test_every_everyday_word_for_a_status_works_with_and_without_its_key(synonym: str, status: str) -> None:
    assert parse_query(f'status="{synonym.upper()}"', NOW, BERLIN).status == status
    assert parse_query(f'"{synonym}"', NOW, BERLIN).status == status


@pytest.mark.parametrize(
    ("synonym", "sort"), [(word, sort) for sort, words in SORT_SYNONYMS.items() for word in words]
)
def test_every_everyday_word_for_an_order_works(synonym: str, sort: str) -> None:
    assert parse_query(f'sort="{synonym}"', NOW, BERLIN).sort == sort


def test_no_everyday_word_means_two_things() -> None:
    for synonyms in (STATUS_SYNONYMS, SORT_SYNONYMS):
        words = [word for value, others in synonyms.items() for word in (value, *others)]
        assert len(words) == len(set(words))
    assert len(KEYS) == sum(1 + len(term.synonyms) for term in TERMS.values())


@pytest.mark.parametrize(("key", "canonical"), KEYS.items())
def test_every_key_works_in_any_case(key: str, canonical: str) -> None:
    value = TERMS[canonical].example.partition("=")[2]
    assert parse_query(f"{key.upper()}={value}", NOW, BERLIN) == parse_query(
        TERMS[canonical].example, NOW, BERLIN
    )


def test_a_room_of_128_bytes_is_the_longest() -> None:
    assert parse_query(f"room={'x' * 128}", NOW, BERLIN).rooms == ("x" * 128,)
    said = "x" * (MAX_SHOWN - 1) + "…"
    assert mistake(f"room={'x' * 129}").problem == (
        f"The room ID `{said}` has 129 bytes; ZEGOCLOUD allows at most 128."
    )
    assert "has 129 bytes" in mistake("1" * 129).problem


@pytest.mark.parametrize(("text", "room", "odd", "suggestion"), NOT_ROOMS)
def test_a_room_that_is_not_ascii_is_said_to_be_impossible_with_what_it_looks_like(
    text: str, room: str, odd: str, suggestion: str
) -> None:
    error = mistake(text)
    if room:
        allowed = "room IDs have only English letters, digits, and symbols"
        assert error.problem == f"`{room}` can't be a room ID: {allowed}, not {odd}."
    assert error.suggestion == suggestion
    assert not suggestion or parse_query(suggestion, NOW, BERLIN).rooms[0].isascii()


@pytest.mark.parametrize(
    ("text", "room", "suggestion"),
    [
        ("room=88?", "88?", "room=88"),
        ("room=88？", "88?", "room=88"),
        ("room=88??", "88??", "room=88"),
        ("last=6h room=88?", "88?", "last=6h room=88"),
        ("room=88? last=6h", "88?", "room=88 last=6h"),
        ("room=1230,88?", "88?", "room=1230,88"),
        ('room="main hall?"', "main hall?", 'room="main hall"'),
        ("room=?", "?", ""),
    ],
)
def test_a_room_that_ends_with_a_question_mark_is_said_to_be_impossible(
    text: str, room: str, suggestion: str
) -> None:
    error = mistake(text)
    assert error.problem == f"`{room}` can't be a room ID: room IDs don't contain `?`."
    assert error.suggestion == suggestion


@pytest.mark.parametrize("room", ["88.", "88!", "88;", "a?b", "?88", "a.b;c!d", "(88)"])
def test_other_signs_of_a_room_stay_as_they_are_typed(room: str) -> None:
    assert parse_query(f"room={room}", NOW, BERLIN).rooms == (room,)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("last=6h?", "last=6h"), ("status=ongoing?", "status=ongoing"), ("88?", "room=88")],
)
def test_a_value_with_a_question_mark_is_suggested_without(text: str, suggestion: str) -> None:
    assert mistake(text).suggestion == suggestion


@pytest.mark.parametrize(
    ("text", "problem", "suggestion"),
    [
        (
            "task=YRHu6-Е4IyvEAAAD",
            f"`YRHu6-Е4IyvEAAAD` can't be a task ID: {IN_TASK_IDS}, not the Cyrillic `Е`.",
            "task=YRHu6-E4IyvEAAAD",
        ),
        (
            "task=YRHu6—E4IyvEAAAD",
            "`YRHu6--E4IyvEAAAD` is not a task ID: those have 16 characters, letters, digits, `-` and `_`.",
            "",
        ),
        ("rооm=1230", "There is no term `rооm`.", "room=1230"),
        ("stаtus=ongoing", "There is no term `stаtus`.", "status=ongoing"),
        ("status=оngoing", f"There is no status `оngoing`: {STATUSES}", "status=ongoing"),
        ("last=6һ", f"`6һ` is not a duration: {DURATIONS}", "last=6h"),
        ("from=tоday", f"`tоday` is not a time: {MOMENTS}", "from=today"),
        ("tz=Еurope/Berlin", f"`Еurope/Berlin` is not a time zone: {ZONES}", "tz=Europe/Berlin"),
        ("sort=οldest", "There is no order `οldest`: it can be newest or oldest.", "sort=oldest"),
        ("room=1230 size=٠", "`size=` goes from 1 to 20, and 0 is outside.", "room=1230 size=1"),
        ("page=٠", "`page=` goes from 1 to 100000, and 0 is outside.", "page=1"),
        ("last=٠h", f"`0h` is no time at all: {DURATIONS}", ""),
        ("last=١٫٥h", f"`1.5h` is not a duration: {DURATIONS}", "last=1h30m"),
        ("from=٢٥:٠٠", f"`25:00` is not a time: {CLOCK}", ""),
        ("from=٢٠٢٦-٠٢-٣٠", "`2026-02-30` is not a date: Feb 2026 has the days 01 to 28.", "from=2026-02-28"),
    ],
)
def test_no_other_value_is_misread_because_of_its_script(text: str, problem: str, suggestion: str) -> None:
    error = mistake(text)
    assert (error.problem, error.suggestion) == (problem, suggestion)


def test_huge_text_is_refused_unread() -> None:
    assert parse_query("room=1" + " " * 3994, NOW, BERLIN).rooms == ("1",)
    assert mistake("room=1" + " " * 3995).problem == (
        "This is 4,001 characters long; a query has at most 4,000. Ask for fewer rooms at once."
    )


def test_the_length_of_a_text_is_what_was_typed_not_what_slack_made_of_it() -> None:
    rooms = ",".join(f"{number}{'&amp;' * 127}" for number in range(10))
    assert len(f"room={rooms}") > 6300
    assert parse_query(f"room={rooms}", NOW, BERLIN).rooms[9] == "9" + "&" * 127
    assert mistake("&lt;" * 4001).problem.startswith("This is 4,001 characters long;")
    assert mistake("<http://example.com|example.com> " * 334).problem.startswith("This is 4,008 characters")


def test_control_characters_are_named_and_taken_out_of_the_suggestion() -> None:
    error = mistake("room=12\a30")
    assert (error.problem, error.suggestion) == ("There is a control character in this text.", "room=1230")


def test_text_is_said_back_shortened_and_harmless() -> None:
    error = mistake("`" + "y" * 200)
    assert error.problem.startswith("`'" + "y" * 78 + "…` has no key")
    assert len(mistake(f"status={'z' * 300}").problem) < 300


def test_four_mistakes_at_once_are_corrected_and_five_are_not() -> None:
    assert mistake("rom=1 statsu=all lst=6h sise=5").suggestion == "room=1 status=all last=6h size=5"
    assert mistake("rom=1 statsu=all lst=6h sise=5 pge=2").suggestion == ""


def test_a_suggestion_never_grows_beyond_what_can_be_shown() -> None:
    rooms = ",".join(f"{number}" * 120 for number in range(1, 10))
    assert mistake(f"rom={rooms}").suggestion == f"room={rooms}"
    spaces = " " * (1500 - len(f"room={rooms} tz=UTC") + 1)
    assert len(mistake(f"rom={rooms}{spaces}tz=UTC").suggestion) == 1500
    assert mistake(f"rom={rooms}{spaces} tz=UTC").suggestion == ""


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        ([Change(2, 3, "")], "a c"),
        ([Change(0, 1, "")], "b c"),
        ([Change(4, 5, "")], "a b"),
        ([Change(2, 3, "X")], "a X c"),
        ([Change(0, 1, "X"), Change(4, 5, "")], "X b"),
        ([Change(4, 5, "YY"), Change(0, 1, "ZZZ")], "ZZZ b YY"),
        ([Change(1, 2, "")], "ab c"),
        ([Change(5, 5, " tz=X")], "a b c tz=X"),
    ],
)
def test_a_correction_leaves_no_double_space(edit: list[Change], text: str) -> None:
    assert edited("a b c", tuple(edit)) == text


def test_a_correction_takes_nothing_else() -> None:
    assert edited("aXb", (Change(1, 2, ""),)) == "ab"
    assert edited("a  b", (Change(1, 1, ""),)) == "a  b"


# --- the window ---

WINDOWS = [
    ("last=6h", ms(2026, 11, 23, 7, 3), ms(2026, 11, 23, 13, 3)),
    ("last=30d", ms(2026, 10, 24, 13, 3), ms(2026, 11, 23, 13, 3)),
    ("from=14:00", ms(2026, 11, 23, 13), ms(2026, 11, 23, 13, 3)),
    ("from=9:00 to=9:30", ms(2026, 11, 23, 8), ms(2026, 11, 23, 8, 30)),
    ("from=9:00 to=9:30 tz=Asia/Kolkata", ms(2026, 11, 23, 3, 30), ms(2026, 11, 23, 4)),
    ("from=2026-11-20", ms(2026, 11, 19, 23), ms(2026, 11, 23, 13, 3)),
    ("from=2026-11-20 to=2026-11-20", ms(2026, 11, 19, 23), ms(2026, 11, 20, 23) - 1),
    ("from=2026-11-20T10:00Z to=2026-11-20T10:00-01:00", ms(2026, 11, 20, 10), ms(2026, 11, 20, 11)),
    ('from="yesterday 00:30"', ms(2026, 11, 21, 23, 30), ms(2026, 11, 23, 13, 3)),
    ("yesterday", ms(2026, 11, 21, 23), ms(2026, 11, 22, 23) - 1),
    ("today", ms(2026, 11, 22, 23), ms(2026, 11, 23, 13, 3)),
    ("from=yesterday to=now", ms(2026, 11, 21, 23), ms(2026, 11, 23, 13, 3)),
    ("to=yesterday", ms(2026, 11, 20, 13, 3), ms(2026, 11, 22, 23) - 1),
    ("to=now", ms(2026, 11, 20, 13, 3), ms(2026, 11, 23, 13, 3)),
    ("to=today", ms(2026, 11, 20, 13, 3), ms(2026, 11, 23, 13, 3)),
    ("from=2020-01-01 tz=UTC", ms(2020, 1, 1), ms(2026, 11, 23, 13, 3)),
]


@pytest.mark.parametrize(("text", "start_ms", "end_ms"), WINDOWS)
def test_the_window_is_resolved_in_its_zone(text: str, start_ms: int, end_ms: int) -> None:
    query = parse_query(text, NOW, BERLIN)
    assert resolve_window(query, NOW, BERLIN) == Window(start_ms, end_ms, query.tz or BERLIN)


def test_the_zone_of_the_query_wins_over_the_readers() -> None:
    query = parse_query("from=9:00 to=9:30", NOW, BERLIN)
    assert resolve_window(query, NOW, "Asia/Tokyo") == resolve_window(query, NOW, BERLIN)


def test_a_reader_without_a_known_zone_reads_in_utc() -> None:
    assert resolve_window(RecordingQuery(), NOW, "Mars/Olympus").zone == "UTC"
    assert parse_query("last=6h", NOW, "").last_seconds == 6 * HOUR


def test_an_asker_without_a_known_zone_is_asked_for_one() -> None:
    error = mistake("from=14:00 room=5", tz="Mars/Olympus")
    assert error.problem == (
        "Your time zone `Mars/Olympus` is not known here: say in which zone `from=` and `to=` are meant."
    )
    assert error.suggestion == 'from="yesterday 14:00" room=5 tz=UTC'


def test_relative_words_are_resolved_anew_at_each_asking() -> None:
    query = parse_query("yesterday", NOW, BERLIN)
    first, later = resolve_window(query, NOW, BERLIN), resolve_window(query, NOW + 2 * DAY, BERLIN)
    assert later.start_ms - first.start_ms == 2 * DAY * 1000


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("from=9:00 to=16:00", ("`to=16:00` is in the future; read as now.",)),
        ("from=9:00 to=2026-12-24", ("`to=2026-12-24` is in the future; read as now.",)),
        ('from=9:00 to="today 14:04"', ('`to="today 14:04"` is in the future; read as now.',)),
        ("from=9:00 to=14:03", ()),
        ("from=9:00 to=today", ()),
        (
            "from=2026-10-25T02:30 to=2026-10-26",
            ('"2026-10-25 02:30" happens twice in Europe/Berlin; read as the first.',),
        ),
        (
            "from=2026-10-25T02:00 to=2026-10-25T02:30",
            (
                '"2026-10-25 02:00" happens twice in Europe/Berlin; read as the first.',
                '"2026-10-25 02:30" happens twice in Europe/Berlin; read as the first.',
            ),
        ),
        ("from=2026-10-25T02:30+01:00", ()),
    ],
)
def test_what_was_read_otherwise_than_written_is_noted(text: str, notes: tuple[str, ...]) -> None:
    assert resolve_window(parse_query(text, NOW, BERLIN), NOW, BERLIN).notes == notes


def test_what_was_asked_long_ago_is_said_without_a_word_that_is_only_true_of_now() -> None:
    query = parse_query("room=1230 last=6h", NOW, BERLIN)
    window = resolve_window(query, NOW, BERLIN, asked_now=False)
    assert describe_window(query, window) == "Mon 23 Nov 08:03 – 14:03 (Europe/Berlin)"
    assert describe_query(query, window) == (
        "Recordings in room 1230, all statuses, that started in the window "
        "Mon 23 Nov 08:03 – 14:03 (Europe/Berlin), newest first."
    )
    query = parse_query("from=9:00 to=16:00", NOW, BERLIN)
    assert resolve_window(query, NOW, BERLIN, asked_now=False).notes == (
        "`to=16:00` was in the future when this was asked; the window ends at that moment.",
    )


def test_an_end_in_the_future_is_cut_to_now() -> None:
    assert resolve_window(parse_query("to=16:00", NOW, BERLIN), NOW, BERLIN).end_ms == round(NOW * 1000)


@pytest.mark.parametrize(
    ("query", "problem", "suggestion"),
    [
        (
            RecordingQuery(rooms=("5",), last_seconds=None, start=TimePoint(time=dt.time(15)), tz=BERLIN),
            "`from=15:00` is in the future; it is Mon 23 Nov 14:03 (Europe/Berlin).",
            'room=5 from="yesterday 15:00" tz=Europe/Berlin',
        ),
        (
            RecordingQuery(last_seconds=None, start=TimePoint(time=dt.time(15), offset_minutes=0)),
            "`from=15:00Z` is in the future; it is Mon 23 Nov 14:03 (Europe/Berlin).",
            'from="yesterday 15:00Z"',
        ),
        (
            RecordingQuery(last_seconds=None, end=TimePoint(dt.date(2026, 11, 10)), tz="UTC"),
            "`to=2026-11-10` lies before the 3 days that ZEGOCLOUD's API keeps.",
            "last=3d tz=UTC",
        ),
        (
            RecordingQuery(last_seconds=None, start=TODAY, tz="Mars/Olympus"),
            "The time zone `Mars/Olympus` is not known here.",
            "from=today tz=UTC",
        ),
        (
            RecordingQuery(tz="Mars/Olympus"),
            "The time zone `Mars/Olympus` is not known here.",
            "last=24h tz=UTC",
        ),
        (
            RecordingQuery(
                last_seconds=None, start=TimePoint(dt.date(2026, 12, 1)), end=YESTERDAY, tz=BERLIN
            ),
            "`from=2026-12-01` is in the future; it is Mon 23 Nov 14:03 (Europe/Berlin).",
            "",
        ),
    ],
)
def test_a_window_that_has_become_impossible_is_told_with_a_better_one(
    query: RecordingQuery, problem: str, suggestion: str
) -> None:
    with pytest.raises(QueryError) as caught:
        resolve_window(query, NOW, BERLIN)
    assert (caught.value.problem, caught.value.suggestion) == (problem, suggestion)


# --- words for people ---


@pytest.mark.parametrize(
    ("text", "subject", "window", "sentence"),
    [
        (
            "room=1230 status=ongoing last=6h",
            "room 1230 · ongoing",
            "the last 6 h",
            (
                "Recordings in room 1230, status ongoing, that started in the last 6 h "
                "(Mon 23 Nov 08:03 – 14:03, Europe/Berlin), newest first."
            ),
        ),
        (
            "last=90m sort=oldest page=3 size=5",
            "all rooms · all statuses",
            "the last 1 h 30 min",
            (
                "Recordings in all rooms, all statuses, that started in the last 1 h 30 min "
                "(Mon 23 Nov 12:33 – 14:03, Europe/Berlin), oldest first, page 3, 5 a page."
            ),
        ),
        (
            'room=1230,"main hall" failed yesterday',
            "rooms 1230 and main hall · failed",
            "Sun 22 Nov 00:00 – 23:59 (Europe/Berlin)",
            (
                "Recordings in rooms 1230 and main hall, status failed, that started in the window "
                "Sun 22 Nov 00:00 – 23:59 (Europe/Berlin), newest first."
            ),
        ),
        (
            "from=2025-12-31T23:00:30 to=2026-01-01 tz=UTC",
            "all rooms · all statuses",
            "Wed 31 Dec 2025 23:00:30 – Thu 1 Jan 2026 23:59:59 (UTC)",
            (
                "Recordings in all rooms, all statuses, that started in the window "
                "Wed 31 Dec 2025 23:00:30 – Thu 1 Jan 2026 23:59:59 (UTC), newest first."
            ),
        ),
        (
            "task=YRHu6-E4IyvEAAAD",
            "task YRHu6-E4IyvEAAAD",
            "the last 24 h",
            "Details of task YRHu6-E4IyvEAAAD.",
        ),
    ],
)
def test_a_query_is_said_back_in_words(text: str, subject: str, window: str, sentence: str) -> None:
    query = parse_query(text, NOW, BERLIN)
    resolved = resolve_window(query, NOW, BERLIN)
    assert describe_subject(query) == subject
    assert describe_window(query, resolved) == window
    assert describe_query(query, resolved) == sentence


@pytest.mark.parametrize(
    ("rooms", "words"),
    [
        (("<@U0ASKER1>",), "room <@U0ASKER1>"),
        (('say "hi"', "a=b", "back\\slash"), 'rooms say "hi", a=b and back\\slash'),
        (("x" * 128,), f"room {'x' * 128}"),
        (
            tuple(f"{n:036}" for n in range(10)),
            f"rooms {', '.join(f'{n:036}' for n in range(9))} and {9:036}",
        ),
        (tuple(f"{n}{'x' * 127}" for n in range(10)), "and 3 more"),
        (("&" * 128, "1", "&" * 72, "2"), f"rooms {'&' * 128}, 1 and 2 more"),
        (("&" * 128, *"123456789"), f"rooms {'&' * 128}, 1, 2, 3, 4, 5, 6, 7, 8 and 9"),
    ],
)
def test_rooms_are_named_as_they_are_as_far_as_a_message_holds_them(
    rooms: tuple[str, ...], words: str
) -> None:
    subject = describe_subject(RecordingQuery(rooms=rooms))
    assert words in subject
    assert len(escape(subject, quote=False)) < 1100


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "help",
        "HELP",
        "?",
        "--help",
        "—help",
        "hilfe",
        "/recordings",
        "recordings",
        "/recordings help",
        "\u200b",
    ],
)
def test_help_is_asked_for_in_these_ways(text: str) -> None:
    assert wants_help(text)


@pytest.mark.parametrize("text", ["1230", "room=1", "help me", "room=help", "x" * 5000, "\a"])
def test_anything_else_does_not_ask_for_help(text: str) -> None:
    assert not wants_help(text)


def test_every_term_has_an_example_that_can_be_typed() -> None:
    assert list(TERMS) == [
        *("room", "status", "last", "from", "to"),
        *("tz", "sort", "size", "page", "task"),
    ]
    for term in TERMS.values():
        assert parse_query(term.example, NOW, BERLIN)
        assert term.meaning
        assert term.values


# --- properties ---

AWKWARD = [
    *('"', "'", "\\", "=", ":", ",", " ", "  ", "&amp;", "&lt;", "&", "<", ">", "|", "`", "\u00a0", "\u3000"),
    *("“", "”", "«", "’", "—", "–", "−", "＝", "１", "é", "ß", "İ", "会", "😀", "\u0378", "\ufe0f"),
    *("٣", "३", "𝟏", "²", "①", "،", "٫", "с", "Ο", "ё", "\u0308"),
    *("<@U1|x>", "<http://x|y>", "<!here>", "<mailto:", "status=", "to=", "room:", "/recordings ", "\\u0041"),
    *("1230", "ongoing", "6h", "today", "help", "x" * 60),
]


def is_room(text: str) -> bool:
    fits = text.isascii() and text.isprintable() and len(text) <= 128
    return fits and bool(text.strip()) and not text.endswith("?")


VENDOR_ALPHABET = "abcABC0189~!@#$%^&*()_+-=`;',.<>/\\"
ROOMS = st.one_of(
    st.text(VENDOR_ALPHABET, min_size=1, max_size=128),
    st.lists(st.sampled_from(AWKWARD), min_size=1, max_size=12).map("".join),
    st.text(st.characters(codec="ascii"), min_size=1, max_size=128),
).filter(is_room)
ZONE_NAMES = st.sampled_from(sorted(filter(None, map(asker_zone, sorted(available_timezones())))))
TIMES = st.one_of(
    st.times().map(lambda time: time.replace(second=0, microsecond=0)),
    st.times(),
)
OFFSETS = st.none() | st.integers(-14 * 60, 14 * 60)
DAYS = st.dates(dt.date(2026, 11, 1), dt.date(2026, 11, 23)) | st.sampled_from(RelativeDay)
POINTS = st.one_of(
    st.just(TimePoint()),
    st.builds(TimePoint, DAYS | st.dates(dt.date(2000, 1, 1), dt.date(2100, 12, 31))),
    st.builds(TimePoint, st.none() | DAYS, TIMES, OFFSETS),
)
TASKS = st.text("abcXYZ0189_-", min_size=16, max_size=16)


@st.composite
def queries(draw: st.DrawFn) -> RecordingQuery:
    if draw(st.integers(0, 19)) == 0:
        return RecordingQuery(task=draw(TASKS))
    query = RecordingQuery(
        rooms=tuple(draw(st.lists(ROOMS, max_size=10, unique=True))),
        status=draw(st.sampled_from(Status)),
        tz=draw(st.none() | ZONE_NAMES),
        sort=draw(st.sampled_from(Sort)),
        size=draw(st.integers(1, 20)),
        page=draw(st.integers(1, 100_000)),
    )
    if draw(st.booleans()):
        return replace(query, last_seconds=draw(st.integers(1, MAX_SECONDS)))
    start, end = draw(st.none() | POINTS), draw(st.none() | POINTS)
    assume(start or end)
    query = replace(query, last_seconds=None, start=start, end=end)
    if any(point and point.needs_zone for point in (start, end)):
        return replace(query, tz=query.tz or draw(ZONE_NAMES))
    return query


def is_possible(query: RecordingQuery, now: float) -> bool:
    try:
        resolve_window(query, now, "UTC")
    except QueryError:
        return False
    return True


@given(queries(), st.floats(-3 * DAY, 400 * DAY).map(lambda seconds: NOW + seconds), ZONE_NAMES)
@example(RecordingQuery(rooms=("<@" * 64,) * 1), NOW, "UTC")
@example(RecordingQuery(rooms=tuple(f"{letter}{'<@' * 63}" for letter in "0123456789")), NOW, "UTC")
@example(RecordingQuery(rooms=tuple(f"{letter}{'&lt;' * 31}" for letter in "0123456789")), NOW, "UTC")
def test_canonical_text_means_the_same_query_to_every_reader(
    query: RecordingQuery, now: float, zone: str
) -> None:
    assume(is_possible(query, now))
    text = format_query(query)
    assert text
    assert parse_query(text, now, zone) == query
    assert (
        parse_query(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), now, zone) == query
    )


FRAGMENTS = st.sampled_from(
    [
        *AWKWARD,
        *(f"{key}=" for key in KEYS),
        *(
            "statsu",
            "yesterday",
            "now",
            "14:00",
            "2026-11-20",
            "T",
            "Z",
            "+02:00",
            BERLIN,
            "berlin",
            "oldest",
        ),
        *(
            "10",
            "0",
            "99",
            "YRHu6-E4IyvEAAAD",
            "in progress",
            "hours",
            "2pm",
            "\x07",
            "\u200b",
            "\\x",
            " ",
            " ",
        ),
    ]
)


def read(text: str) -> tuple[RecordingQuery | None, QueryError | None]:
    try:
        return parse_query(text, NOW, BERLIN), None
    except QueryError as error:
        return None, error


@given(st.text(max_size=200) | st.lists(FRAGMENTS, max_size=10).map("".join))
def test_any_text_is_either_a_query_or_a_mistake_with_words_for_it(text: str) -> None:
    query, error = read(text)
    if error:
        assert error.problem.isprintable()
        assert len(error.problem) < 400
        assert not error.suggestion or parse_query(error.suggestion, NOW, BERLIN)
    if query:
        canonical = format_query(query)
        assert canonical.isascii()
        assert parse_query(canonical, NOW, "Asia/Tokyo") == query
        assert format_query(parse_query(canonical, NOW, "Asia/Tokyo")) == canonical
        assert describe_query(query, resolve_window(query, NOW, BERLIN))
