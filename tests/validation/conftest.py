"""Every comparison is made with both engines."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


@pytest.fixture(params=["numpy", "numba"])
def engine(request):
    """Name of an engine; the compiled one is skipped where it cannot run."""
    if request.param == "numba":
        pytest.importorskip("numba")
        if find_spec("chokepoint.propagate._engine_numba") is None:
            pytest.skip("this version has no compiled engine")
    return request.param
