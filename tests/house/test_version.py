"""One version, stated in four places."""

from __future__ import annotations

import re
import tomllib

from house.quick_start import ROOT

import chokepoint

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_citation_states_the_version():
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert re.findall(r"^version: (\S+)$", citation, re.MULTILINE) == [PROJECT["version"]]


def test_newest_entry_of_the_changelog_is_the_version():
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## (\d\S*)", changelog, re.MULTILINE)[0] == PROJECT["version"]


def test_package_states_the_version():
    assert chokepoint.__version__ == PROJECT["version"]


def test_licence_is_the_same_everywhere():
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"license: {PROJECT['license']}" in citation
    assert (ROOT / "LICENSE").read_text("utf-8").startswith("BSD 3-Clause License")
