"""Optional packages: found, missing, or broken inside."""

from __future__ import annotations

import json
import sys

import pytest

from chokepoint._optional import require
from chokepoint.errors import MissingDependencyError


def test_a_module_that_is_there_is_returned():
    assert require("json", extra="report") is json


@pytest.mark.parametrize(
    ("extra", "line"),
    [("report", r'pip install "chokepoint\[report\]"'), (None, "pip install absent_package")],
)
def test_a_missing_package_names_the_install_line(extra, line):
    with pytest.raises(MissingDependencyError, match=line) as caught:
        require("absent_package.part", extra=extra)
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_package_that_lacks_something_itself_says_so(tmp_path, monkeypatch):
    (tmp_path / "present_package.py").write_text("import absent_dependency\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="absent_dependency") as caught:
        require("present_package", extra="report")
    assert not isinstance(caught.value, MissingDependencyError)
    sys.modules.pop("present_package", None)
