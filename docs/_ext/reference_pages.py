"""Reference pages made from the library itself: one of the tables of a chain, one per package.

The pages are written to `docs/reference/generated` before Sphinx reads its sources, so that a
column's meaning, unit and bounds are stated once, in `src/chokepoint/schema/tables`.
"""

from __future__ import annotations

import ast
import csv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "chokepoint"
SCHEMA = PACKAGE / "schema" / "tables"
GENERATED = ROOT / "docs" / "reference" / "generated"

# The order of the questions that the library answers.
PACKAGES = (
    "schema",
    "chain",
    "datasets",
    "scenario",
    "propagate",
    "exposure",
    "program",
    "history",
    "resilience",
    "leverage",
    "testing",
    "plot",
    "report",
    "cli",
)
# What a reader looks for first; wide tables scroll.
SHOWN = ("column", "description", "unit", "default", "bounds", "references", "dtype", "status")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_").replace("<", "&lt;")


def table_section(name: str, rows: list[dict[str, str]]) -> str:
    """Return the section on one table: a row for each column that the table may hold."""
    lines = [
        f"## {name}",
        "",
        "| " + " | ".join(SHOWN) + " |",
        "|" + "---|" * len(SHOWN),
    ]
    for row in rows:
        cells = [f"`{row['column']}`", *(_cell(row.get(key, "")) for key in SHOWN[1:])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def tables_page(folder: Path = SCHEMA) -> str:
    """Return the page of all tables that a chain may hold, from the schema tables in `folder`."""
    parts = [
        "# Tables of a chain",
        "",
        "Made from the schema tables. `status` says whether a column is part of the key, required,",
        "optional, derived where it is blank, or provenance; the word *measure* marks the number",
        "that plain `low` and `high` belong to. In `references`, `a.x|b.y` means either.",
        "",
    ]
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            parts.append(table_section(path.stem, list(csv.DictReader(file))))
    return "\n".join(parts)


def public_names(module: Path) -> list[str]:
    """Return the names in `__all__` of a source file, read without importing it."""
    for node in ast.parse(module.read_text("utf-8")).body:
        targets: list[Any] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets) and node.value:
            return [str(name) for name in ast.literal_eval(node.value)]
    return []


def package_page(name: str, names: list[str]) -> str:
    """Return the page of one package: its docstring and a summary table of its public names."""
    full = f"chokepoint.{name}"
    return "\n".join(
        [
            full,
            "=" * len(full),
            "",
            f".. automodule:: {full}",
            "   :no-members:",
            "",
            f".. currentmodule:: {full}",
            "",
            ".. autosummary::",
            "   :toctree: api",
            "   :nosignatures:",
            "",
            *(f"   {item}" for item in names),
            "",
        ]
    )


def write_pages(target: Path = GENERATED) -> list[Path]:
    """Write all generated pages to `target` and return their paths."""
    target.mkdir(parents=True, exist_ok=True)
    pages = {"tables.md": tables_page()}
    for name in PACKAGES:
        module = PACKAGE / name / "__init__.py"
        names = public_names(module) if module.is_file() else []
        if names:
            pages[f"{name}.rst"] = package_page(name, names)
    written = []
    for name, text in pages.items():
        path = target / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
        written.append(path)
    return written


def setup(app: Any) -> dict[str, bool]:
    """Hook into Sphinx."""
    # Sphinx lists its sources, and autosummary reads them, after this event.
    app.connect("config-inited", lambda _app, _config: write_pages() and None)
    return {"parallel_read_safe": True}
