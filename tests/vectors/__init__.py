"""Vectors that others computed, and what computes them."""
