"""The query language: text → `RecordingQuery` → canonical text and its window (pure)."""

from bot.query.language import (
    TERMS,
    RecordingQuery,
    Sort,
    Status,
    describe_query,
    describe_subject,
    describe_window,
    format_query,
    help_terms,
    parse_query,
    quote,
    readme_table,
    resolve_window,
    wants_help,
)

__all__ = [
    "TERMS",
    "RecordingQuery",
    "Sort",
    "Status",
    "describe_query",
    "describe_subject",
    "describe_window",
    "format_query",
    "help_terms",
    "parse_query",
    "quote",
    "readme_table",
    "resolve_window",
    "wants_help",
]
