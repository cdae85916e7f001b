"""Fixtures and settings that every Python test shares."""

from __future__ import annotations

import os

import pytest
from enclave import World
from hypothesis import HealthCheck, settings

pytest_plugins = ("e2e.driving.evidence",)

# One example may start several enclaves; a slow machine is no reason to fail.
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("short", max_examples=60, stateful_step_count=25, **_COMMON)
settings.register_profile("long", max_examples=2000, stateful_step_count=80, **_COMMON)
settings.load_profile("long" if os.environ.get("KMS_LONG") == "1" else "short")


@pytest.fixture
def world() -> World:
    """An origin where nothing is stored yet."""
    return World()
