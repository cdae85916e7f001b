"""The log and the one way to write: entries, their signers, the journal, the unit of work."""
