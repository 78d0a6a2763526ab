"""The documentation follows the library: tables, words, notebooks."""

from __future__ import annotations

import csv
import importlib.util
import os
import subprocess
import sys

import pytest
from house.quick_start import ROOT

DOCS = ROOT / "docs"
SCHEMA = ROOT / "src" / "chokepoint" / "schema" / "tables"
VOCABULARY = (
    "product site input slot flow market stock_cover lead_time cohort use_share criticality event "
    "scenario batch outcome instrument measure plan strategy"
).split()
TUTORIALS = sorted((DOCS / "tutorials").glob("*.py"))


@pytest.fixture(scope="module")
def pages():
    spec = importlib.util.spec_from_file_location("pages", DOCS / "_ext" / "reference_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", sorted(SCHEMA.glob("*.csv")), ids=lambda path: path.stem)
def test_reference_has_a_row_for_every_column_of_a_table(path, pages):
    page = pages.tables_page()
    section = page.split(f"\n## {path.stem}\n")[1].split("\n## ")[0]
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    listed = [line for line in section.splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in listed] == [row["column"] for row in rows]
    # Bars inside a cell are escaped, so that every row has as many cells as the heading.
    assert {line.replace("\\|", "").count("|") for line in listed} == {len(pages.SHOWN) + 1}


def test_reference_has_a_page_for_every_package_that_exports_something(pages, tmp_path):
    written = {path.stem for path in pages.write_pages(tmp_path)}
    exporting = {
        path.parent.name
        for path in (ROOT / "src" / "chokepoint").glob("*/__init__.py")
        if pages.public_names(path)
    }
    assert exporting | {"tables"} == written


def test_public_names_are_read_from_both_forms_of_assignment(pages, tmp_path):
    module = tmp_path / "module.py"
    module.write_text('x = 1\n__all__ = ["b", "a"]\n', "utf-8")
    assert pages.public_names(module) == ["b", "a"]
    module.write_text('__all__: list[str] = ["c"]\n', "utf-8")
    assert pages.public_names(module) == ["c"]


@pytest.mark.parametrize("word", VOCABULARY)
def test_glossary_explains(word):
    glossary = (DOCS / "glossary.md").read_text("utf-8")
    assert f"\n{word.replace('_', ' ')}\n: " in glossary


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs(path, tmp_path):
    search = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CHOKEPOINT_FAST": "1", "PYTHONPATH": search},
    )
    assert done.returncode == 0, done.stderr[-3000:]
