"""Recordings bot: answers in Slack what is happening with ZEGOCLOUD cloud recordings."""

__version__ = "0.1.0"
