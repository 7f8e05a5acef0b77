"""The local Slack: a strict stand-in for Slack's platform over real HTTP and WebSockets."""
