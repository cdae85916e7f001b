"""Leases: their life, their quotas, their tokens' records."""
