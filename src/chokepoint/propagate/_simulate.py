"""Run scenarios on a chain, or on many draws of one chain, and collect the outcome."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets import Draws
from chokepoint.errors import OptionError
from chokepoint.propagate._batch import Batch
from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._chains import Chains, DrawnChains, ListedChains
from chokepoint.propagate._check import (
    check_chain,
    check_events,
    listed_scenarios,
    option_problems,
    raise_options,
)
from chokepoint.propagate._compile import (
    CompiledChain,
    check_same_structure,
    compile_chain,
    share_structure,
)
from chokepoint.propagate._engines import EngineName
from chokepoint.propagate._layout import weekly_sales
from chokepoint.propagate._outcome import Outcome
from chokepoint.propagate._recorder import Record
from chokepoint.scenario import Effects, Scenario, project_effects

__all__ = ["Precision", "batch_outcome", "row_labels", "simulate"]

Precision = Literal["float64", "float32"]

# Lanes of a chunk; None = what suits the engine. No result depends on it.
_LANES_PER_CHUNK: int | None = None


def simulate(
    chain: SupplyChain | Draws | Iterable[SupplyChain],
    scenarios: Scenario | Iterable[Scenario],
    *,
    weeks: int = 52,
    behaviour: Behaviour | None = None,
    record: Record = "site",
    dtype: Precision = "float64",
    engine: EngineName = "auto",
    threads: int | None = None,
    start_date: str | dt.date | None = None,
    progress: bool | None = None,
) -> Outcome:
    r"""Propagate scenarios through a chain week by week.

    The page *The weekly model* of the docs states every step: orders, rationing of scarce
    output, input limits :math:`x_i = \min_g[(1-\epsilon_g) Q_i + \epsilon_g v_g / k_g]`,
    stocks, transit, supplier switching, order-up-to replenishment and ramp-up, all in
    deviations from baseline. Without a shock every loss is exactly 0.0.

    Parameters
    ----------
    chain : SupplyChain, Draws or iterable of SupplyChain
        One chain; draws of one (:func:`chokepoint.datasets.draw`), which are run as arrays, each
        with its own factors on `behaviour`; or chains with the same sites, slots and flows.
    scenarios : Scenario or iterable of Scenario
        What happens; names must be unique. With several chains, events choose sites and flows
        on the first, with draws on the baseline.
    weeks : int
        Number of weeks to run, at least 1.
    behaviour : Behaviour, optional
        Settings shared by all sites.
    record : {"site", "country", "all"}
        What is kept: the activity of every site and week; only sums by country (for large
        batches: memory then does not grow with the number of sites); or sites, every flow and
        every stock.
    dtype : {"float64", "float32"}
        Precision of the run and of what is kept.
    engine : {"auto", "numba", "numpy", "dense"}
        Compiled loops, array operations, or compiled products of matrices for chains from
        input-output tables; the same equations. ``"auto"`` takes the fastest that can run the
        batch; without numba that is NumPy.
    threads : int, optional
        Chunks of scenarios that run side by side; None = 1 with NumPy, else all cores.
    start_date : str or datetime.date, optional
        First day of week 0, as ``"2026-01-05"``. Projects of the chain then come on line at
        their dates (:func:`chokepoint.scenario.project_effects`); None = without projects.
    progress : bool, optional
        Show a progress bar; None = only in an interactive terminal.

    Returns
    -------
    Outcome
        Rows are scenarios, or (draw, scenario) pairs when several chains are given.

    Raises
    ------
    OptionError
        If there is no scenario, names repeat, an option has a wrong value, or an event matches
        nothing at all.
    UnknownLabelError
        If events name products, areas, sites or blocs that the chain does not have.
    ShapeError
        If the chains differ in structure.
    TableError
        If a chain is out of balance or a throttle cover exceeds the stock cover plus a week.
    MissingDependencyError
        If ``engine="numba"`` is asked for and numba is not installed.

    Notes
    -----
    All errors come before the first week is run, and name every problem found.

    Memory, with N nodes, G slots, E flows, C countries, B lanes (scenarios times chains), T weeks
    and w bytes a number (8 or 4): what is kept takes

    .. math::
        w\, B\, T\, (3 C + [N + \text{markets}]_{\text{site, all}} + [E + 2 G]_{\text{all}})

    bytes, and running at most about :math:`w \cdot \text{threads} \cdot b\, (21 E + 12 N +
    (12 + \max L) G)` more for chunks of b lanes with NumPy, and less in compiled engines,
    whatever B is. Effects and shock arrays are made for one chunk at a time. Results are the
    same to the last bit for any size of chunk and number of threads.

    Examples
    --------
    >>> import chokepoint as cp
    >>> chain = cp.load("rare_earths")
    >>> out = cp.simulate(chain, cp.Scenario("baseline"), weeks=4)
    >>> float(out.loss(by="total").to_numpy().sum())
    0.0
    """
    listed, problems = listed_scenarios(scenarios)
    problems += option_problems(weeks, record, dtype, engine, threads)
    one_by_one = iter(()) if isinstance(chain, Draws) else _chains(chain)
    first = chain.chain if isinstance(chain, Draws) and len(chain) else next(one_by_one, None)
    if first is None:
        problems.append("Expected at least one chain, got none.")
    raise_options(problems)
    assert first is not None
    chains: Chains
    if isinstance(chain, Draws):
        chains, projects = DrawnChains(chain), _projects_of_draws(chain, start_date, weeks)
    else:
        chains, projects = _listed(first, one_by_one, start_date, weeks)
    unmatched = check_events(first, listed, weeks)

    def effects(draw: int, scenario: int) -> Effects:
        found = listed[scenario].effects(first, weeks)
        return projects[draw] + found if projects else found

    # One chain in a list is a batch of draws.
    numbers: Iterable[int] | None = None if isinstance(chain, SupplyChain) else range(len(chains))
    if isinstance(chain, Draws):
        numbers = chain.numbers
    return batch_outcome(
        chains,
        effects,
        row_labels([scenario.name for scenario in listed], numbers),
        weeks=int(weeks),
        behaviour=behaviour,
        record=record,
        dtype=dtype,
        engine=engine,
        threads=threads,
        progress=progress,
        unmatched=unmatched,
    )


def batch_outcome(
    chains: Chains,
    effects: Callable[[int, int], Effects],
    labels: pd.Index,
    *,
    weeks: int,
    behaviour: Behaviour | None,
    record: Record,
    dtype: Precision,
    engine: EngineName,
    threads: int | None,
    progress: bool | None,
    unmatched: Sequence[tuple[str, str, str]],
) -> Outcome:
    """Run a batch whose options are known to be right."""
    settings = behaviour or Behaviour()
    batch = Batch(
        chains,
        len(labels) // len(chains),
        effects,
        weeks,
        settings,
        record,
        np.dtype(dtype),
    )
    kept = batch.run(engine, threads=threads, chunk=_LANES_PER_CHUNK, progress=progress)
    return Outcome.of(
        kept, labels=labels, chains=chains, weeks=weeks, behaviour=settings, unmatched=unmatched
    )


def _listed(
    first: SupplyChain,
    others: Iterator[SupplyChain],
    start_date: str | dt.date | None,
    weeks: int,
) -> tuple[ListedChains, list[Effects]]:
    compiled: list[CompiledChain] = []
    sales, projects = [], []
    for one in itertools.chain([first], others):
        arrays = compile_chain(one)
        check_chain(arrays)
        sales.append(weekly_sales(arrays))
        if start_date is not None:
            projects.append(project_effects(one, start_date, weeks))
        if compiled:
            check_same_structure([compiled[0], arrays], start=len(compiled))
            # Draws are many: of each only the numbers are held.
            arrays = share_structure(compiled[0], arrays)
        compiled.append(arrays)
    return ListedChains(compiled, sales), projects


def _projects_of_draws(draws: Draws, start_date: str | dt.date | None, weeks: int) -> list[Effects]:
    if start_date is None:
        return []
    if not len(draws.chain.projects):
        return [project_effects(draws.chain, start_date, weeks)] * len(draws)
    return [
        project_effects(draws.with_projects(position), start_date, weeks)
        for position in range(len(draws))
    ]


def _chains(given: Any) -> Iterator[SupplyChain]:
    several = isinstance(given, Iterable) and not isinstance(given, SupplyChain | str)
    for one in given if several else [given]:
        if not isinstance(one, SupplyChain):
            kind = type(one).__name__
            hint = " chokepoint.propagate.run takes it." if kind == "CompiledChain" else ""
            raise OptionError(f"Expected a SupplyChain or several, got a {kind}.{hint}")
        yield one


def row_labels(names: Sequence[Any], draws: Iterable[int] | None) -> pd.Index:
    """Return the rows of an outcome: scenarios, or (draw, scenario) pairs."""
    if draws is None:
        index: pd.Index = pd.Index(list(names), name="scenario")
        return index
    return pd.MultiIndex.from_product([list(draws), names], names=["draw", "scenario"])
