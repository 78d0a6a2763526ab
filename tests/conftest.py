"""Chains that several tests look at; they are immutable, so one instance serves all."""

from __future__ import annotations

import pytest
from strategies import full_chain, full_tables


@pytest.fixture(scope="session")
def full():
    """The hand-made chain with every feature, its flows estimated."""
    return full_chain()


@pytest.fixture
def tables():
    """Fresh tables of the hand-made chain, to be changed at will."""
    return full_tables()
