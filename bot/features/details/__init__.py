"""Details of one recording."""
