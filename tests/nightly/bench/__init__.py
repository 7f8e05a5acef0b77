"""Measurements: `python -m tests.nightly.bench` prints ratios within one run."""
