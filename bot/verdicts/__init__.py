"""What is wrong with a recording, in sentences (pure)."""
