"""Scales every limit on time in the tests by one factor, for machines that have other work.

KMS_TEST_PATIENCE is that factor, a number from 1. Limits of the page's JavaScript get it as
an argument.
"""

from __future__ import annotations

import os
from typing import Final

__all__ = ["PATIENCE", "patient"]


def _factor(text: str) -> float:
    factor = float(text)
    if not 1 <= factor <= 1000:
        raise ValueError(f"KMS_TEST_PATIENCE must be from 1 to 1000, not {text}")
    return factor


PATIENCE: Final = _factor(os.environ.get("KMS_TEST_PATIENCE", "1"))


def patient(limit: float) -> float:
    """Return a limit, of whatever unit, as long as this machine needs it."""
    return limit * PATIENCE
