"""For whoever runs the bot: health, metrics, the doctor."""
