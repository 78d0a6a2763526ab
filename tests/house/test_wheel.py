"""The wheel carries the package and the data, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest
from house.quick_start import ROOT


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    """Names in a wheel built from this tree, without a build environment of its own."""
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", target],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = target.glob("chokepoint-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_table_of_every_chain_is_inside(contents):
    data = ROOT / "data"
    shipped = {
        path.relative_to(data).as_posix()
        for folder in ("supply_chains", "macro", "history")
        for path in (data / folder).rglob("*")
        if path.is_file() and "compile" not in path.relative_to(data).parts
    }
    inside = {name.split("_data/")[1] for name in contents if "_data/" in name}
    assert shipped
    assert inside == shipped


def test_every_source_file_is_inside(contents):
    source = ROOT / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted <= contents
    assert "chokepoint/py.typed" in contents


def test_nothing_else_is_inside(contents):
    others = {name for name in contents if not name.startswith("chokepoint/")}
    assert all(name.startswith("chokepoint-") and ".dist-info/" in name for name in others)
    assert any(name.endswith("licenses/LICENSE") for name in others)
