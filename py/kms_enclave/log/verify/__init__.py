"""Verification of the audit log: pure rules; whoever feeds them reads and verifies signatures."""
