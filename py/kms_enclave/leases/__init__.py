"""Leases, quotas and the issuance of tokens."""
