"""Measurements: `python -m tests.bench` prints a table. Ratios within one run, never times asserted."""
