"""Setting up, and adding, changing and removing ways of unlocking."""
