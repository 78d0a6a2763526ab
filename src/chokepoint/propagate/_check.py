"""What is refused before any week is run, with every problem named at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import ChokepointError, Issue, OptionError, TableError, UnknownLabelError
from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._engines import ENGINES
from chokepoint.propagate._recorder import RECORDS
from chokepoint.scenario import Scenario

__all__ = [
    "check_chain",
    "check_events",
    "listed_scenarios",
    "option_problems",
    "raise_options",
    "repeated_names",
]

_BALANCE = 1e-9
"""Largest relative residual of an identity; as for a chain that loads."""
_SHOWN = 10


def raise_options(problems: Sequence[str]) -> None:
    """Raise one error that names all `problems`, if there are any."""
    if len(problems) == 1:
        raise OptionError(problems[0])
    if problems:
        raise OptionError(f"{len(problems)} problems:" + "".join(f"\n  {one}" for one in problems))


def option_problems(weeks: Any, record: Any, dtype: Any, engine: Any, threads: Any) -> list[str]:
    """Return what is wrong with the options of a run."""
    problems = _whole_problem("weeks", weeks)
    problems += _choice_problem("record", record, RECORDS)
    problems += _choice_problem("dtype", dtype, ("float64", "float32"))
    problems += _choice_problem("engine", engine, ENGINES)
    if threads is not None:
        problems += _whole_problem("threads", threads)
    return problems


def _whole_problem(option: str, value: Any) -> list[str]:
    """Return a problem unless `value` is a whole number of at least 1."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if whole and value >= 1:
        return []
    return [f"{option} must be a whole number of at least 1, got {value!r}."]


def _choice_problem(option: str, value: object, choices: Sequence[str]) -> list[str]:
    """Return a problem unless `value` is one of `choices`."""
    if isinstance(value, str) and value in choices:
        return []
    listed = ", ".join(f'"{choice}"' for choice in choices)
    return [f'{option} must be one of {listed}, got "{value}".']


def listed_scenarios(scenarios: Any) -> tuple[list[Scenario], list[str]]:
    """Return the scenarios as a list, and what is wrong with them as such."""
    several = isinstance(scenarios, Iterable) and not isinstance(scenarios, str)
    given = list(scenarios) if several else [scenarios]
    strangers = {type(one).__name__ for one in given if not isinstance(one, Scenario)}
    if strangers:
        problem = f"Expected scenarios, got {', '.join(sorted(strangers))}. Put events into a "
        return [], [problem + 'scenario: Scenario("name", [event, ...]).']
    if not given:
        return [], ["Expected at least one scenario, got none."]
    return given, repeated_names([scenario.name for scenario in given])


def repeated_names(names: Iterable[Any]) -> list[str]:
    """Return a problem if names of scenarios repeat."""
    twice = sorted(str(name) for name, count in Counter(names).items() if count > 1)
    return [f"Scenario names must be unique; repeated: {', '.join(twice)}."] if twice else []


# ------------------------------------------------------------------------------------- events


def check_events(
    chain: SupplyChain, scenarios: Sequence[Scenario], weeks: int
) -> list[tuple[str, str, str]]:
    """Refuse events that name what the chain does not have, or that match nothing at all.

    Returns
    -------
    list of (scenario, event, text)
        What single events ask for and do not find while they find something else.

    Raises
    ------
    OptionError, UnknownLabelError
        With every such event of every scenario, the scenario named.
    """
    problems: list[tuple[str, ChokepointError]] = []
    unmatched: list[tuple[str, str, str]] = []
    for scenario in scenarios:
        for event in scenario.events:
            try:
                event.effects(chain, weeks)
                missing = event.unmatched(chain)
            except (OptionError, UnknownLabelError) as error:
                problems.append((scenario.name, error))
            else:
                unmatched += [(scenario.name, event.label, text) for text in missing]
    if problems:
        _raise_events(problems)
    return unmatched


def _raise_events(problems: Sequence[tuple[str, ChokepointError]]) -> None:
    lines = [f'Scenario "{name}": {error}' for name, error in problems]
    text = lines[0]
    if len(lines) > 1:
        hidden = [f"... and {len(lines) - _SHOWN} more."] if len(lines) > _SHOWN else []
        shown = [*lines[:_SHOWN], *hidden]
        text = f"{len(lines)} events cannot be run:" + "".join(f"\n  {line}" for line in shown)
    first = problems[0][1]
    unknown = all(isinstance(error, UnknownLabelError) for _, error in problems)
    if isinstance(first, UnknownLabelError) and unknown:
        raise first.told_as(text) from first
    raise OptionError(text) from first


# -------------------------------------------------------------------------------------- chain


def check_chain(chain: CompiledChain) -> None:
    """Refuse a chain that would not stay at baseline without a shock.

    Raises
    ------
    TableError
        If a site does not ship its output, a slot is not filled to its need (1e-9 relative), or
        a throttle cover exceeds the stock cover plus one week; the worst rows are named.
    """
    found = [_unfilled(chain), _unsold(chain), _throttled(chain)]
    issues = [issue for part in found for issue in part]
    if issues:
        raise TableError(issues)


def _unfilled(chain: CompiledChain) -> list[Issue]:
    filled = _sums(chain.edge_group, chain.sigma, chain.n_groups)
    needed = (_lanes(chain.output, chain.sigma)[chain.group_buyer] > 0).astype(float)
    wrong = _worst(filled - needed)
    rule = "flows / recipe must fill the slot to its need; they fill {:.10g} of it"
    advice = "see chain.balance()"
    return [
        Issue("flows", "quantity", rule.format(filled[row].flat[0]), row=name, advice=advice)
        for row, name in _named(wrong, chain.groups, "slot")
    ]


def _unsold(chain: CompiledChain) -> list[Issue]:
    sold = _sums(chain.edge_supplier, chain.kappa * chain.sigma, chain.n_nodes)
    sells = ~(chain.is_market | chain.is_process)[:, None] & (_lanes(chain.output, sold) > 0)
    wrong = _worst(np.where(sells, sold - 1.0, 0.0))
    rule = "must equal the sum of its flows out, which is {:.10g} of it"
    advice = "supply that the chain does not use goes to a market of sector other_use"
    return [
        Issue("sites", "output_qty", rule.format(sold[row].flat[0]), row=name, advice=advice)
        for row, name in _named(wrong, chain.nodes.index, "site")
    ]


def _throttled(chain: CompiledChain) -> list[Issue]:
    over = np.where(chain.throttle > (chain.stock + 1.0) * (1.0 + _BALANCE), chain.throttle, 0.0)
    rule = "must be at most stock_weeks + 1 = {:g} [weeks]"
    advice = "without a shock the site would run below baseline"
    return [
        Issue(
            "inputs", "throttle_weeks", rule.format(chain.stock[row].flat[0] + 1.0), row=name,
            value=float(chain.throttle[row].flat[0]), advice=advice,
        )
        for row, name in _named(_worst(over), chain.groups, "slot")
    ]  # fmt: skip


def _sums(owner: NDArray[Any], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    columns = [np.bincount(owner, weights=column, minlength=size) for column in values.T]
    return np.stack(columns, axis=1)


def _lanes(values: NDArray[np.float64], like: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.broadcast_to(values, (len(values), like.shape[1]))


def _worst(residual: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return rows beyond the tolerance, the worst first."""
    size = np.nan_to_num(np.abs(residual), nan=np.inf).max(axis=1, initial=0.0)
    rows = np.flatnonzero(size > _BALANCE)
    return rows[np.argsort(-size[rows], kind="stable")]


def _named(rows: NDArray[np.intp], labels: pd.Index, kind: str) -> list[tuple[int, str]]:
    """Return the first rows with how messages name them."""
    named = []
    for row in rows[:_SHOWN].tolist():
        label = labels[row] if row < len(labels) else row
        if isinstance(label, tuple):
            buyer, slot = label
            named.append((row, f"{kind} {slot} of {buyer}"))
        else:
            named.append((row, f"{kind} {label}"))
    if named and len(rows) > _SHOWN:
        row, name = named[-1]
        named[-1] = (row, f"{name} ({len(rows) - _SHOWN} smaller ones follow)")
    return named
