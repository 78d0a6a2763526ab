"""The small chain as a folder, and commands run in this process."""

from __future__ import annotations

import re

import pytest
from report.example import small_chain

from chokepoint import cli


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The small chain as a folder."""
    place = tmp_path_factory.mktemp("chains") / "small"
    small_chain("small").write(place)
    return place


@pytest.fixture
def command(folder, capsys):
    """Run a command on the small chain; return exit code, standard output, error stream."""

    def run(name, *arguments, chain=folder):
        where = ["--chain", str(chain)]
        code = cli.main([name, *where, *map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def shape(text):
    """Return text with every figure as # and rows of blanks as one, to compare its shape."""
    lines = (re.sub(r"-?\d[\d,.]*(e-?\d+)?", "#", line) for line in text.splitlines())
    return [re.sub(r" {2,}", "  ", line).strip() for line in lines]


def fails(done, *parts):
    """Hold that a command failed in one line of the error stream, after stages, and why."""
    code, out, err = done
    said = [line for line in err.splitlines() if not line.startswith("[")]
    assert code == 2
    assert out == ""
    assert len(said) == 1
    for part in parts:
        assert part in said[0]
