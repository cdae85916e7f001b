"""What is done with the log: reading, verification, export, pruning, announcements."""
