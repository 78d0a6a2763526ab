"""Time to import the package, in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"


STATEMENTS = {
    "bare interpreter": "pass",
    "what the package builds on": "import numpy, pandas, networkx, scipy.sparse",
    "chokepoint": "import chokepoint",
    "chokepoint, names used": "import chokepoint as cp; cp.SupplyChain, cp.simulate, cp.Scenario",
}


@pytest.mark.parametrize("what", STATEMENTS)
def test_import(benchmark, what):
    """Names load on first use, so the last statement is the honest one."""
    benchmark.group = "import"
    path = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", STATEMENTS[what]]
    benchmark.pedantic(
        lambda: subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": path}),
        rounds=7,
        warmup_rounds=1,
    )
