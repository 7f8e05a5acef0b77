"""Slack as a platform: what arrives, who asks, and the one way back; no feature lives here."""
