"""Digests: schedules, slots, and the message that each slot posts once."""
