"""Slack as a platform: receiving, dispatch, the one sender, people and channels; no feature lives here."""
