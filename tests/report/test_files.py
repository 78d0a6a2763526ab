from __future__ import annotations

import pytest

from chokepoint.errors import OptionError
from chokepoint.report import check_writable
from chokepoint.report._files import write_all


def test_files_are_written_and_replaced(tmp_path):
    page, table = tmp_path / "page.html", tmp_path / "table.csv"
    page.write_text("old", "utf-8")
    write_all({page: "new\n", table: "a,b\n"})
    assert page.read_bytes() == b"new\n"
    assert table.read_bytes() == b"a,b\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "table.csv"]


def test_nothing_is_replaced_where_one_cannot_be_written(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("old", "utf-8")
    with pytest.raises(OSError, match="absent"):
        write_all({page: "new", tmp_path / "absent" / "table.csv": "a,b"})
    assert page.read_text("utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize("name", ["", "absent/page.html", "file/page.html"])
def test_places_that_cannot_be_written_are_named(tmp_path, name):
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(OptionError, match="Name"):
        check_writable(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path):
    assert check_writable(tmp_path / "page.html") == tmp_path / "page.html"
    assert list(tmp_path.iterdir()) == []
