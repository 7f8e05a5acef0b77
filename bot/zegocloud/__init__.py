"""The vendor's API, in the vendor's words; knows nothing of Slack."""
