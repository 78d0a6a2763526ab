"""Files of the project say nothing about the machine that they were written on."""

from __future__ import annotations

import re
import subprocess

import pytest
from house.quick_start import ROOT

# Assembled from parts, so that this file does not contain what it looks for.
_FOLDERS = ["work", "root", r"home/\w+", "Users"]
_HOSTS = [r"pypi\." + "org", r"pythonhosted\." + "org", r"npmjs\." + "org", "ana" + r"conda\.org"]
_PROGRAMS = ["chat" + "gpt", "co" + "pilot", "cla" + "ude"]
FORBIDDEN = {
    "path of a machine": r"(?<![\w.])/(?:" + "|".join(_FOLDERS) + r")/\w",
    "host of a package registry": r"\b(?:" + "|".join(_HOSTS) + r")\b",
    "folder outside the project": r"shared/(?:" + "facts|design" + r")\b",
    "name of a writing program": r"(?i)\b(?:" + "|".join(_PROGRAMS) + r")\b",
}
TEXT = {".py", ".md", ".toml", ".csv", ".json", ".cff", ".yaml", ".yml", ".txt", ".html", ""}


def _files():
    """Return the project's text files: what git tracks, or all files outside a checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        hidden = {".venv", ".git", "__pycache__"}
        paths = [path for path in ROOT.rglob("*") if not hidden & set(path.parts)]
    return [path for path in paths if path.is_file() and path.suffix in TEXT]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_contains(what):
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in _files()
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_the_patterns_recognise_what_they_are_for():
    samples = {
        "path of a machine": "see /" + "work/main/x.csv",
        "host of a package registry": "https://" + "pypi" + ".org/simple",
        "folder outside the project": "../shared/" + "facts/rare_earths",
        "name of a writing program": "written by Co" + "pilot",
    }
    assert {what for what, text in samples.items() if re.search(FORBIDDEN[what], text)} == set(
        FORBIDDEN
    )


def test_no_file_is_larger_than_the_reader_expects():
    """Sources stay below a length at which a file has more than one reason to exist."""
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "src").rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > 600
    }
    assert long == {}
