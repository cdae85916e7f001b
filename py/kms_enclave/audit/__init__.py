"""The audit log: entries, the chain, who may sign what, and verification."""
