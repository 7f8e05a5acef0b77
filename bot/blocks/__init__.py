"""What people see: functions from models to Block Kit dictionaries (pure)."""
