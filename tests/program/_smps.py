"""Two-stage programs in SMPS: a core file, the order of its stages, and what is random.

After Birge, Dempster, Gassmann, Gunn, King and Wallace (1987). Read are the sections INDEP,
BLOCKS and SCENARIOS with discrete distributions; fields are words, wherever they stand.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from chokepoint.program import Block, Blocks, LinearProgram, Part, TwoStage

KINDS = {"E": (0.0, 0.0), "L": (-np.inf, 0.0), "G": (0.0, np.inf)}


@dataclass
class Core:
    """Rows, columns and numbers as they stand in the file."""

    name: str = ""
    cost_row: str = ""
    rows: dict[str, str] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    entries: dict[tuple[str, str], float] = field(default_factory=dict)
    right: dict[str, float] = field(default_factory=dict)
    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)


def sections(text):
    """Yield (section, words of its head, lines of its body as words)."""
    head, body = [], []
    for line in text.splitlines():
        if not line.strip() or line.startswith("*"):
            continue
        if line[0] != " ":
            if head:
                yield head[0], head, body
            head, body = line.split(), []
        else:
            body.append(line.split())
    if head:
        yield head[0], head, body


def read_core(text):
    core = Core()
    readers = {
        "ROWS": _read_rows, "COLUMNS": _read_columns, "RHS": _read_right, "BOUNDS": _read_bounds
    }  # fmt: skip
    for section, head, body in sections(text):
        if section == "NAME":
            core.name = head[1]
        elif section != "ENDATA":
            readers[section](core, body)
    return core


def _read_rows(core, body):
    core.rows = {name: kind for kind, name in body if kind != "N"}
    core.cost_row = next(name for kind, name in body if kind == "N")


def _read_columns(core, body):
    for column, *pairs in body:
        if not core.columns or core.columns[-1] != column:
            core.columns.append(column)
        core.entries |= {(row, column): value for row, value in _pairs(pairs)}


def _read_right(core, body):
    for _, *pairs in body:
        core.right |= dict(_pairs(pairs))


def _read_bounds(core, body):
    for kind, _, column, *value in body:
        number = float(value[0]) if value else 0.0
        if kind in ("UP", "FX"):
            core.high[column] = number
        if kind in ("LO", "FX"):
            core.low[column] = number
        if kind in ("MI", "FR"):
            core.low[column] = -np.inf


def _pairs(words):
    return [(words[i], float(words[i + 1])) for i in range(0, len(words), 2)]


def read_stages(text):
    """Return the first column and the first row of the second stage."""
    periods = next(body for section, _, body in sections(text) if section == "PERIODS")
    assert len(periods) == 2
    return periods[1][0], periods[1][1]


def read_cases(text):
    """Return (probability, {(row, column): value}) for every case; a column of None is a side."""
    for section, head, body in sections(text):
        if section in ("INDEP", "BLOCKS", "SCENARIOS"):
            assert head[1] == "DISCRETE"
            return {"INDEP": _independent, "BLOCKS": _blocks, "SCENARIOS": _scenarios}[section](
                body
            )
    raise ValueError("no random part")


def _independent(body):
    values: dict = {}
    for column, row, value, *_, probability in body:
        values.setdefault(_place(column, row), []).append((float(value), float(probability)))
    cases = []
    for chosen in itertools.product(*values.values()):
        probability = float(np.prod([p for _, p in chosen]))
        cases.append((probability, {k: v for k, (v, _) in zip(values, chosen, strict=True)}))
    return cases


def _blocks(body):
    blocks: dict = {}
    for words in body:
        if words[0] == "BL":
            blocks.setdefault(words[1], []).append((float(words[-1]), {}))
            current = blocks[words[1]][-1][1]
        else:
            current |= {_place(words[0], row): value for row, value in _pairs(words[1:])}
    cases = []
    for chosen in itertools.product(*blocks.values()):
        probability = float(np.prod([p for p, _ in chosen]))
        cases.append((probability, {k: v for _, one in chosen for k, v in one.items()}))
    return cases


def _scenarios(body):
    cases, by_name = [], {}
    for words in body:
        if words[0] == "SC":
            _, name, parent, probability, _ = words
            # A scenario begins as its parent, which may be the core.
            cases.append((float(probability), dict(by_name.get(parent, {}))))
            by_name[name] = cases[-1][1]
        else:
            cases[-1][1].update({_place(words[0], row): value for row, value in _pairs(words[1:])})
    return cases


def _place(column, row):
    return (row, None) if column in ("RHS", "RIGHT") else (row, column)


def read(core_text, time_text, stoch_text):
    """Return the two-stage program of three files."""
    core = read_core(core_text)
    column, row = read_stages(time_text)
    rows = list(core.rows)
    n, m = core.columns.index(column), rows.index(row)
    first = _program(core, core.columns[:n], rows[:m], f"{core.name}, first stage")
    parts = []
    for number, (probability, changes) in enumerate(read_cases(stoch_text)):
        case = Core(**vars(core))
        case.entries = core.entries | {k: v for k, v in changes.items() if k[1] is not None}
        case.right = core.right | {k[0]: v for k, v in changes.items() if k[1] is None}
        program = _program(case, core.columns, rows[m:], f"case {number}", own=n)
        parts.append(Part(program, shared=n, weight=probability))
    return TwoStage(first, parts)


def _program(core, columns, rows, name, *, own=0):
    """Return the program of some rows and columns; the first `own` columns are shared."""
    place = {row: i for i, row in enumerate(rows)}
    matrix = np.zeros((len(rows), len(columns)))
    cost = np.zeros(len(columns))
    for j, column in enumerate(columns):
        cost[j] = 0.0 if j < own else core.entries.get((core.cost_row, column), 0.0)
    index = {column: j for j, column in enumerate(columns)}
    for (row, column), value in core.entries.items():
        if row in place and column in index:
            matrix[place[row], index[column]] = value
    right = np.array([core.right.get(row, 0.0) for row in rows])
    kinds = np.array([KINDS[core.rows[row]] for row in rows]).reshape(-1, 2)
    low = np.array([core.low.get(column, 0.0) for column in columns])
    high = np.array([core.high.get(column, np.inf) for column in columns])
    low[:own], high[:own] = -np.inf, np.inf
    blocks = [Block("x", "", Blocks.plain("x", columns[:own])["x"].axes)] if own else []
    label = f"y, {name}"
    blocks.append(Block(label, "", Blocks.plain(label, columns[own:])[label].axes))
    return LinearProgram(
        name=name, cost=cost, matrix=sparse.csr_array(matrix),
        row_lower=right + kinds[:, 0], row_upper=right + kinds[:, 1],
        column_lower=low, column_upper=high, columns=Blocks(blocks),
        rows=Blocks.plain(f"rows, {name}", rows),
    )  # fmt: skip
