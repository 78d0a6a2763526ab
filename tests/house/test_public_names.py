"""What a package exports exists, is documented, and has tests."""

from __future__ import annotations

import importlib
import inspect

import pytest
from house.quick_start import ROOT

SOURCE = ROOT / "src" / "chokepoint"
PACKAGES = sorted(
    ".".join(path.parent.relative_to(SOURCE.parent).parts) for path in SOURCE.rglob("__init__.py")
)
# Modules and packages right below chokepoint; private helpers are tested through their users.
ROOMS = sorted(
    path.stem
    for path in SOURCE.iterdir()
    if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").is_file())
)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_imports(package):
    module = importlib.import_module(package)
    names = module.__all__
    assert names
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(module, name)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_class_and_function_has_a_docstring(package):
    module = importlib.import_module(package)
    public = [getattr(module, name) for name in module.__all__]
    code = [item for item in public if inspect.isclass(item) or inspect.isfunction(item)]
    assert [item.__name__ for item in code if not (item.__doc__ or "").strip()] == []
    assert (module.__doc__ or "").strip()


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_has_tests_in_the_same_place(room):
    tests = ROOT / "tests"
    assert (tests / f"test_{room}.py").is_file() or list((tests / room).glob("test_*.py"))
