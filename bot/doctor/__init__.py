"""The doctor: checks the configuration against the real services, and says what to do."""
