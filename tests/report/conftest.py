"""One report on the small chain serves all tests that look at it."""

from __future__ import annotations

import pytest
from report.example import small_chain

from chokepoint.report import build_report


@pytest.fixture(scope="session")
def chain():
    return small_chain()


@pytest.fixture(scope="session")
def report(chain):
    return build_report(chain, draws=6, rng=1, weeks=(4, 13, 52))
