"""A simulated ZEGOCLOUD API and a local Slack: for trying the bot without accounts, and for its tests."""
