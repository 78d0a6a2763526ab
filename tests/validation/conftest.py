"""Every comparison is made with both engines."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["numpy", "numba"])
def engine(request):
    """Name of an engine; the compiled one is skipped where numba is not installed."""
    if request.param == "numba":
        pytest.importorskip("numba")
    return request.param
