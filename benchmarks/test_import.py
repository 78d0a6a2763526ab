"""Time to import the package, in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"


@pytest.mark.parametrize(
    "statement", ["pass", "import numpy, pandas, networkx, scipy.sparse", "import chokepoint"]
)
def test_import(benchmark, statement):
    """`pass` is the bare interpreter, the second the cost of what the package builds on."""
    benchmark.group = "import"
    path = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", statement]
    benchmark.pedantic(
        lambda: subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": path}),
        rounds=7,
        warmup_rounds=1,
    )
