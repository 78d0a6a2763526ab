"""Run effects on chains that are arrays already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._chains import ListedChains
from chokepoint.propagate._check import (
    check_chain,
    option_problems,
    raise_options,
    repeated_names,
)
from chokepoint.propagate._compile import CompiledChain, check_same_structure
from chokepoint.propagate._engines import EngineName
from chokepoint.propagate._layout import weekly_sales
from chokepoint.propagate._outcome import Outcome
from chokepoint.propagate._recorder import Record
from chokepoint.propagate._simulate import Precision, batch_outcome, row_labels
from chokepoint.scenario import Effects

__all__ = ["run"]


def run(
    chain: CompiledChain | Sequence[CompiledChain],
    effects: Effects | Sequence[Effects],
    *,
    labels: Iterable[Any] | None = None,
    weeks: int = 52,
    behaviour: Behaviour | None = None,
    record: Record = "site",
    dtype: Precision = "float64",
    engine: EngineName = "auto",
    threads: int | None = None,
    progress: bool | None = None,
) -> Outcome:
    """Run effects on a compiled chain, which may be made of plain arrays.

    This is what :func:`simulate` does once tables and events have become arrays. Use it for
    networks that are too large for tables.

    Parameters
    ----------
    chain : CompiledChain or sequence of CompiledChain
        The chain, or draws of one chain. Its frames may be without labels; then all nodes
        belong to one area, ``"all"``.
    effects : Effects or sequence of Effects
        One for each scenario. A sequence that makes its items when asked keeps memory small.
    labels : iterable, optional
        Names of the scenarios; None = 0, 1, 2, ...
    weeks, behaviour, record, dtype, engine, threads, progress
        As for :func:`simulate`.

    Returns
    -------
    Outcome
        As from :func:`simulate`.

    Raises
    ------
    OptionError, ShapeError, TableError, MissingDependencyError
        As for :func:`simulate`.

    Examples
    --------
    >>> import numpy as np
    >>> import chokepoint as cp
    >>> from chokepoint.propagate import compile_chain, run
    >>> from chokepoint.scenario import CapacityEffect, Effects
    >>> compiled = compile_chain(cp.load("rare_earths"))
    >>> half = Effects(capacity=(CapacityEffect(np.array([0]), np.full(8, 0.5)),))
    >>> run(compiled, [Effects(), half], labels=["none", "half"], weeks=8).scenarios.tolist()
    ['none', 'half']
    """
    chains = [chain] if isinstance(chain, CompiledChain) else list(chain)
    given = [effects] if isinstance(effects, Effects) else effects
    names = list(range(len(given))) if labels is None else list(labels)
    problems = option_problems(weeks, record, dtype, engine, threads)
    problems += repeated_names(names)
    if not chains:
        problems.append("Expected at least one chain, got none.")
    if not len(given):
        problems.append("Expected the effects of at least one scenario, got none.")
    elif len(names) != len(given):
        problems.append(f"Expected {len(given)} labels, one for each scenario, got {len(names)}.")
    raise_options(problems)
    check_same_structure(chains)
    for one in chains:
        check_chain(one)
    draws = None if isinstance(chain, CompiledChain) else range(len(chains))
    return batch_outcome(
        ListedChains(chains, [weekly_sales(one) for one in chains]),
        lambda _, scenario: given[scenario],
        row_labels(names, draws),
        weeks=int(weeks),
        behaviour=behaviour,
        record=record,
        dtype=dtype,
        engine=engine,
        threads=threads,
        progress=progress,
        unmatched=[],
    )
