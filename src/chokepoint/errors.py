"""Every error of the library, on one page.

Each class derives from :class:`ChokepointError` and from the standard type that fits best, so that
``except ChokepointError`` catches all of them and ``except ValueError`` still does what a reader
expects. A message says what was expected, what was given and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "ChokepointError",
    "ConvergenceError",
    "ImmutableError",
    "InfeasibleError",
    "Issue",
    "MissingDependencyError",
    "OptionError",
    "ShapeError",
    "SolverError",
    "TableError",
    "UnknownLabelError",
    "nearest_label",
    "row_name",
]

_MAX_LINES_PER_TABLE = 20


class ChokepointError(Exception):
    """Base class of every error that the library raises on purpose."""


class OptionError(ChokepointError, ValueError):
    """An argument has a value that its function does not accept."""


class ShapeError(ChokepointError, ValueError):
    """An array has another shape than the axes named in its documentation."""


class ImmutableError(ChokepointError, AttributeError):
    """An attempt to change an object that is never changed in place."""


class InfeasibleError(ChokepointError, ValueError):
    """No solution satisfies the constraints; the message names the ones that contradict."""


class ConvergenceError(ChokepointError, RuntimeError):
    """An iteration stopped before it reached its tolerance; the message lists the worst rows."""


class SolverError(ChokepointError, RuntimeError):
    """A solver stopped without an optimum: status, solver and what to try."""


class MissingDependencyError(ChokepointError, ImportError):
    """An optional package is needed and not installed; the message prints the install line."""


class UnknownLabelError(ChokepointError, KeyError):
    """A label that the chain does not have; the message offers the nearest one."""

    def __init__(self, label: object, kind: str, known: Iterable[str] = ()) -> None:
        self.label = label
        self.kind = kind
        self.nearest = nearest_label(str(label), known)
        self._text = ""
        super().__init__(label)

    def told_as(self, text: str) -> UnknownLabelError:
        """Return the same error with another message, such as one that says where it was met."""
        told = UnknownLabelError(self.label, self.kind)
        told.nearest, told._text = self.nearest, text
        return told

    def __str__(self) -> str:
        if self._text:
            return self._text
        hint = f'; closest: "{self.nearest}"' if self.nearest else ""
        return f'"{self.label}" is not a {self.kind} of this chain{hint}'


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem in one place of one table.

    Attributes
    ----------
    table, column : str
        Where; `column` may name several columns, or be blank for the whole table.
    row : Any
        Index label of the row in the table as it was given, None for the whole table.
    value : Any
        What was given.
    rule : str
        What was expected, with the unit in brackets where there is one.
    nearest : str
        Nearest valid label, or blank.
    advice : str
        What to do, where the rule alone does not say it.
    """

    table: str
    column: str
    rule: str
    row: Any = None
    value: Any = None
    nearest: str = ""
    advice: str = ""

    def line(self) -> str:
        """Return the problem as one line: place, value, rule, nearest label, advice."""
        place = "" if self.row is None else row_name(self.row)
        cell = self.column if self.value is None else f"{self.column} = {_shown(self.value)}"
        rule = self.rule + (f'; closest: "{self.nearest}"' if self.nearest else "")
        rule += f"; {self.advice}" if self.advice else ""
        return f"  {place:<9} {cell:<28} {rule}"


class TableError(ChokepointError, ValueError):
    """Tables that break their rules, with every problem collected in :attr:`issues`.

    Parameters
    ----------
    issues : sequence of Issue
        All problems that were found.
    sizes : dict, optional
        Number of rows of each table, for the head line of its block.
    """

    def __init__(self, issues: Sequence[Issue], *, sizes: dict[str, int] | None = None) -> None:
        self.issues = tuple(issues)
        self._sizes = sizes or {}
        super().__init__(self._message())

    def _message(self) -> str:
        tables = dict.fromkeys(issue.table for issue in self.issues)
        blocks = [self._block(table) for table in tables]
        return "\n".join([*blocks, "Correct the rows above and build the chain again."])

    def _block(self, table: str) -> str:
        found = [issue for issue in self.issues if issue.table == table]
        rows = len({str(issue.row) for issue in found if issue.row is not None})
        size = f" of {self._sizes[table]:,}" if table in self._sizes else ""
        head = f"{table}: {_count(len(found), 'problem')}"
        head += f" in {_count(rows, 'row')}{size}" if rows else ""
        lines = [issue.line() for issue in found[:_MAX_LINES_PER_TABLE]]
        if len(found) > _MAX_LINES_PER_TABLE:
            lines.append(f"  ... and {len(found) - _MAX_LINES_PER_TABLE} more, all in .issues")
        return "\n".join([head, *lines])


def row_name(row: object) -> str:
    """Return how messages name a row: by its own text label, else as "row N".

    Examples
    --------
    >>> row_name(17), row_name("line 18")
    ('row 17', 'line 18')
    """
    return row if isinstance(row, str) else f"row {row}"


def nearest_label(label: str, known: Iterable[str]) -> str:
    """Return the label of `known` nearest in spelling to `label`, or "" if none is near.

    Examples
    --------
    >>> nearest_label("ndfeb_magnt", ["ndfeb_magnet", "motor"])
    'ndfeb_magnet'
    """
    candidates = list(dict.fromkeys(str(item) for item in known))
    folded: dict[str, str] = {}
    for item in candidates:
        folded.setdefault(item.casefold(), item)
    match = difflib.get_close_matches(label.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[match[0]] if match else ""


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
