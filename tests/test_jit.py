"""Compiled code on disk is good for the sources that it was made from."""

from __future__ import annotations

import pytest

pytest.importorskip("numba")

from chokepoint import _jit


def _double(value):
    return 2 * value


def _uses_of_disk(monkeypatch, sources):
    monkeypatch.setattr(_jit, "_sources", lambda: sources)
    function = _jit.compiled()(_double)
    assert function(21) == 42
    return sum(function.stats.cache_hits.values())


def test_code_is_kept_until_any_source_changes(monkeypatch):
    _uses_of_disk(monkeypatch, "one")
    assert _uses_of_disk(monkeypatch, "one") == 1
    assert _uses_of_disk(monkeypatch, "other") == 0


def test_processes_write_files_of_their_own(monkeypatch):
    names = set()
    for process in (1, 2):
        monkeypatch.setattr(_jit.os, "getpid", lambda process=process: process)
        names.add(_jit.compiled()(_double)._cache._cache_file._data_name_pattern)
    assert len(names) == 2


def test_every_file_with_compiled_loops_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(_jit, "__file__", str(tmp_path / "_jit.py"))
    loops = tmp_path / "part" / "_kernels_some.py"
    loops.parent.mkdir()
    found = []
    for text in ("a = 1", "a = 2"):
        loops.write_text(text, "utf-8")
        found.append(_jit._sources.__wrapped__())
    assert found[0] != found[1]
