"""The query language: text → `RecordingQuery` → canonical text and its window (pure)."""
