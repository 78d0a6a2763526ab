"""The package's own names: loaded on first use, functions before subpackages."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import chokepoint as cp


def run(code):
    """What a fresh Python prints."""
    source = Path(cp.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(source)},
    )
    return done.stdout.split()


def test_importing_the_package_loads_none_of_its_rooms():
    code = "import sys, chokepoint; print(*[m for m in sys.modules if m.startswith('chokepoint.')])"
    assert run(code) == []


@pytest.mark.parametrize("name", cp.__all__)
def test_every_public_name_is_there(name):
    assert getattr(cp, name) is not None
    assert name in dir(cp)


@pytest.mark.parametrize(
    "first",
    [
        "",
        "import chokepoint.leverage",
        "from chokepoint.leverage import leverage",
        "from chokepoint import leverage",
        "cp.leverage",
        "import importlib; importlib.import_module('chokepoint.leverage._leverage')",
    ],
)
def test_a_function_wins_over_the_subpackage_of_its_name(first):
    code = f"import chokepoint as cp\n{first}\nprint(type(cp.leverage).__name__)"
    assert run(code) == ["function"]


def test_modules_are_modules():
    assert isinstance(cp.datasets, types.ModuleType)
    assert isinstance(cp.errors, types.ModuleType)


def test_other_names_raise():
    with pytest.raises(AttributeError, match="has no attribute 'levrage'"):
        _ = cp.levrage
