"""Issuing tokens under leases: the decision, the ledger, the refusals."""
