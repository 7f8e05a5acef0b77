"""A support engineer's tools: IDs in messages, the form, one task judged."""
