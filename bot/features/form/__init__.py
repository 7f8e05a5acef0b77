"""The form that asks for recordings, prefilled with IDs found in messages."""
