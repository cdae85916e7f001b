"""Transparency logs, pure: Merkle trees (RFC 6962), signed notes and checkpoints (C2SP)."""
