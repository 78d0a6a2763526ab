"""Run scenarios on a chain, or on many draws of one chain, and collect the outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from chokepoint._progress import track
from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._compile import CompiledChain, check_same_structure, compile_chain, stack
from chokepoint.propagate._engine_numpy import NumpyEngine
from chokepoint.propagate._outcome import Outcome
from chokepoint.propagate._recorder import CountryRecorder, SiteRecorder
from chokepoint.propagate._shocks import ShockPlan
from chokepoint.scenario import Effects, Scenario

__all__ = ["simulate"]

# Flows x lanes that keep the working set of one week in a core's cache.
_CELLS_PER_CHUNK = 64_000


@dataclass(frozen=True)
class _Lane:
    """One scenario on one chain."""

    chain: CompiledChain
    effects: Effects


def simulate(
    chain: SupplyChain | Iterable[SupplyChain],
    scenarios: Scenario | Iterable[Scenario],
    *,
    weeks: int = 52,
    behaviour: Behaviour | None = None,
    record: Literal["site", "country"] = "site",
    dtype: Literal["float64", "float32"] = "float64",
    progress: bool | None = None,
) -> Outcome:
    r"""Propagate scenarios through a chain week by week.

    The page *The weekly model* of the docs states every step: orders, rationing of scarce
    output, input limits :math:`x_i = \min_g[(1-\epsilon_g) Q_i + \epsilon_g v_g / k_g]`,
    stocks, transit, supplier switching, order-up-to replenishment and ramp-up, all in
    deviations from baseline. Without a shock every loss is exactly 0.0.

    Parameters
    ----------
    chain : SupplyChain or iterable of SupplyChain
        One chain, or draws of one chain with the same sites, slots and flows.
    scenarios : Scenario or iterable of Scenario
        What happens; names must be unique.
    weeks : int
        Number of weeks to run, at least 1.
    behaviour : Behaviour, optional
        Settings shared by all sites.
    record : {"site", "country"}
        What is kept: the activity of every site and week, or only sums by country. Use
        ``"country"`` for large batches: memory then does not grow with the number of sites.
    dtype : {"float64", "float32"}
        Precision of the run.
    progress : bool, optional
        Show a progress bar; None = only in an interactive terminal.

    Returns
    -------
    Outcome
        Rows are scenarios, or (draw, scenario) pairs when several chains are given.

    Raises
    ------
    OptionError
        If there is no scenario, names repeat, or `weeks` is below 1.
    ShapeError
        If the chains differ in structure.

    Examples
    --------
    >>> import chokepoint as cp
    >>> chain = cp.load("rare_earths")
    >>> out = cp.simulate(chain, cp.Scenario("baseline"), weeks=4)
    >>> float(out.loss(by="total").to_numpy().sum())
    0.0
    """
    listed = _listed(scenarios)
    weeks = _whole_weeks(weeks)
    _check_choice("record", record, ("site", "country"))
    _check_choice("dtype", dtype, ("float64", "float32"))
    settings = behaviour or Behaviour()
    single = isinstance(chain, SupplyChain)
    chains = [chain] if isinstance(chain, SupplyChain) else list(chain)
    if not chains:
        raise OptionError("Expected at least one chain, got none.")
    effects = [scenario.effects(chains[0], weeks) for scenario in listed]
    compiled = [compile_chain(one) for one in chains]
    check_same_structure(compiled)
    lanes = [_Lane(one, effect) for one in compiled for effect in effects]
    kind = SiteRecorder if record == "site" else CountryRecorder
    parts = []
    for some in track(_chunks(lanes, compiled[0]), "simulate", progress=progress):
        merged = stack([lane.chain for lane in some]) if not single else compiled[0]
        shocks = ShockPlan(
            [lane.effects for lane in some],
            n_nodes=merged.n_nodes,
            n_edges=merged.n_edges,
            weeks=weeks,
        )
        recorder = kind(merged, shocks)
        NumpyEngine(merged, shocks, settings, np.dtype(dtype)).run(recorder)
        parts.append(recorder.result())
    return Outcome.join(
        parts,
        labels=_labels(listed, None if single else len(chains)),
        chain=compiled[0],
        weeks=weeks,
        behaviour=settings,
    )


def _listed(scenarios: Any) -> list[Scenario]:
    """Return the scenarios as a list; refuse what is none, and names that repeat."""
    several = isinstance(scenarios, Iterable) and not isinstance(scenarios, str)
    given = list(scenarios) if several else [scenarios]
    strangers = {type(one).__name__ for one in given if not isinstance(one, Scenario)}
    if strangers:
        raise OptionError(
            f"Expected scenarios, got {', '.join(sorted(strangers))}. Put events into a "
            'scenario: Scenario("name", [event, ...]).'
        )
    if not given:
        raise OptionError("Expected at least one scenario, got none.")
    names = pd.Index([scenario.name for scenario in given])
    if names.has_duplicates:
        twice = sorted(set(names[names.duplicated()]))
        raise OptionError(f"Scenario names must be unique; repeated: {', '.join(twice)}.")
    return given


def _whole_weeks(weeks: Any) -> int:
    if isinstance(weeks, bool) or not isinstance(weeks, int | np.integer) or weeks < 1:
        raise OptionError(f"weeks must be a whole number of at least 1, got {weeks!r}.")
    return int(weeks)


def _check_choice(option: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        listed = ", ".join(f'"{choice}"' for choice in choices)
        raise OptionError(f'{option} must be one of {listed}, got "{value}".')


def _labels(scenarios: Sequence[Scenario], draws: int | None) -> pd.Index:
    names = [scenario.name for scenario in scenarios]
    if draws is None:
        return pd.Index(names, name="scenario")
    return pd.MultiIndex.from_product([range(draws), names], names=["draw", "scenario"])


def _chunks(lanes: Sequence[_Lane], chain: CompiledChain) -> list[Sequence[_Lane]]:
    """Cut the lanes into chunks; results do not depend on where the cuts fall."""
    size = max(8, _CELLS_PER_CHUNK // max(chain.n_edges, 1))
    return [lanes[start : start + size] for start in range(0, len(lanes), size)]
