"""A question answered in the terminal."""
