"""A package imports only from its left, and importing anything loads nothing heavy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from house.quick_start import ROOT

SOURCE = ROOT / "src" / "chokepoint"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LAYERS = SETTINGS["tool"]["importlinter"]["contracts"][0]["layers"]
HEAVY = (
    "boario",
    "highspy",
    "jinja2",
    "joblib",
    "matplotlib",
    "numba",
    "openpyxl",
    "plotly",
    "pulp",
    "pymrio",
    "SALib",
    "scipy.optimize",
    "scipy.sparse.csgraph",
    "scipy.stats",
    "tqdm",
    "xarray",
)


def _modules() -> list[str]:
    paths = (path.relative_to(SOURCE.parent) for path in SOURCE.rglob("*.py"))
    names = {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths}
    return sorted(name for name in names if not name.endswith("__main__"))


def _python(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(SOURCE.parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )


def _lint_imports(config: Path) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(config_filename=sys.argv[1], no_cache=True))"
    )
    return _python(code, str(config))


def test_layer_contract_is_kept():
    done = _lint_imports(ROOT / "pyproject.toml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_layer_contract_notices_an_import_to_the_right(tmp_path):
    for name, text in {"errors": "", "chain": "import chokepoint.cli\n", "cli": ""}.items():
        folder = tmp_path / "chokepoint" / name
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(text, "utf-8")
    (tmp_path / "chokepoint" / "__init__.py").touch()
    config = tmp_path / "pyproject.toml"
    config.write_text((ROOT / "pyproject.toml").read_text("utf-8"), "utf-8")
    code = (
        "import os, sys; os.chdir(sys.argv[1]); sys.path.insert(0, sys.argv[1]); "
        "from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(config_filename='pyproject.toml', no_cache=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
    assert done.returncode == 1
    assert "chokepoint.chain is not allowed to import chokepoint.cli" in done.stdout


def test_every_package_has_its_layer():
    placed = {
        name.strip(" ()")
        for layer in LAYERS
        for part in layer.split("|")
        for name in part.split(":")
    }
    found = {name.split(".")[1] for name in _modules() if "." in name}
    assert found <= placed


@pytest.mark.parametrize("heavy", HEAVY)
def test_importing_every_module_loads_nothing_heavy(heavy, loaded_by_import):
    assert heavy not in loaded_by_import


@pytest.fixture(scope="module")
def loaded_by_import():
    """What importing all modules loads beyond numpy, pandas, networkx and scipy.sparse.

    Compiled loops (`_kernels...`, `_jit`) are left out: they are imported where they are used.
    """
    code = (
        "import importlib, json, sys\n"
        "import networkx, numpy, pandas, scipy.sparse\n"
        "base = set(sys.modules)\n"
        "for name in json.loads(sys.argv[1]): importlib.import_module(name)\n"
        "print(json.dumps(sorted(set(sys.modules) - base)))"
    )
    modules = [name for name in _modules() if "._kernels" not in name and "._jit" not in name]
    done = _python(code, json.dumps(modules))
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert set(modules) <= loaded
    return loaded
