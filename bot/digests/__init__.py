"""Digests: when they are due, what is kept about them, and posting each slot once."""
