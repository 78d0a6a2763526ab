"""Run many sets of levers on one chain, and keep what each costs every area."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.leverage._instruments import Instrument
from chokepoint.propagate import (
    WEEKS_PER_YEAR,
    Behaviour,
    CompiledChain,
    Outcome,
    compile_chain,
    run,
)
from chokepoint.propagate._layout import Layout
from chokepoint.propagate._simulate import Precision
from chokepoint.scenario import Effects, Scenario

__all__ = ["Bench", "Costs", "Levers", "areas_mask", "gdp_of"]

FloatArray = NDArray[np.float64]

_LANES = 4096
"""Lanes that are run together: what is kept of them stays small."""


@dataclass(frozen=True, eq=False)
class Levers:
    """Instruments of an actor, aimed at a target, that reach something.

    Attributes
    ----------
    chain : SupplyChain
        The chain.
    instruments : tuple of Instrument
        Those that reach something.
    against : tuple of str
        Areas that they are aimed at.
    weeks : int
        Length of the runs.
    """

    chain: SupplyChain
    instruments: tuple[Instrument, ...]
    against: tuple[str, ...]
    weeks: int

    @classmethod
    def of(
        cls,
        chain: SupplyChain,
        given: Iterable[Instrument],
        *,
        against: str | Sequence[str],
        weeks: int,
    ) -> Levers:
        """Return the instruments that reach the target, in their order."""
        aimed = chain.areas(against)
        held = tuple(one for one in given if one.events(chain, against=aimed))
        names = [one.name for one in held]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise OptionError(f"Expected instruments with different names, got twice: {twice}.")
        return cls(chain, held, aimed, weeks)

    def __len__(self) -> int:
        """Return the number of instruments."""
        return len(self.instruments)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the instruments."""
        return tuple(one.name for one in self.instruments)

    @cached_property
    def _known(self) -> dict[tuple[int, float], Effects]:
        return {}

    def effects(self, chosen: Iterable[int], level: float = 1.0) -> Effects:
        """Return what some instruments do together, each at the same intensity."""
        found = Effects()
        for place in chosen:
            key = (place, level)
            if key not in self._known:
                self._known[key] = self.scenario([place], level).effects(self.chain, self.weeks)
            found += self._known[key]
        return found

    def scenario(self, chosen: Iterable[int], level: float = 1.0, *, name: str = "") -> Scenario:
        """Return some instruments as a scenario that anyone can run again."""
        events = [
            event
            for place in chosen
            for event in self.instruments[place].events(
                self.chain, against=self.against, level=level
            )
        ]
        return Scenario(name, events)


@dataclass(frozen=True, eq=False)
class Bench:
    """A chain, compiled once, and how it is run.

    Attributes
    ----------
    chain : SupplyChain
        The chain.
    horizons : tuple of int
        Weeks over which losses are counted, ascending.
    behaviour : Behaviour
        Settings of the runs.
    dtype : {"float64", "float32"}
        Precision of the runs.
    progress : bool, optional
        Show progress bars.
    """

    chain: SupplyChain
    horizons: tuple[int, ...]
    behaviour: Behaviour
    dtype: Precision = "float64"
    progress: bool | None = None

    @cached_property
    def compiled(self) -> CompiledChain:
        """The chain as arrays."""
        return compile_chain(self.chain)

    @cached_property
    def areas(self) -> pd.Index:
        """Areas of the losses, in their order."""
        return Layout.of(self.compiled).countries

    def outcome(self, effects: Sequence[Effects], **options: Any) -> Outcome:
        """Return the run of some effects, by country unless told otherwise."""
        return run(
            self.compiled, effects, weeks=self.horizons[-1], behaviour=self.behaviour,
            dtype=self.dtype, progress=self.progress, **{"record": "country", **options},
        )  # fmt: skip

    def costs(self, effects: Sequence[Effects]) -> Costs:
        """Return what the effects cost every area, run in parts that keep memory small."""
        shape = (0, len(self.horizons), len(self.areas))
        loss, unmet = [np.zeros(shape)], [np.zeros(shape)]
        for start in range(0, len(effects), _LANES):
            outcome = self.outcome(effects[start : start + _LANES])
            for parts, table in ((loss, outcome.loss), (unmet, outcome.unmet)):
                cumulated = [table(weeks=horizon).to_numpy() for horizon in self.horizons]
                parts.append(np.stack(cumulated, axis=1))
        return Costs(np.concatenate(loss), np.concatenate(unmet), self.areas)


@dataclass(frozen=True, eq=False)
class Costs:
    """What scenarios cost, shape (scenarios, horizons, areas) [USD million].

    Attributes
    ----------
    loss : array
        Value added lost.
    unmet : array
        Unmet final demand; never to be added to the loss.
    areas : pandas.Index
        Labels of the last axis.
    """

    loss: FloatArray
    unmet: FloatArray
    areas: pd.Index

    def of(self, chosen: Sequence[str], *, what: Literal["loss", "unmet"] = "loss") -> FloatArray:
        """Return the sum over areas, shape (scenarios, horizons)."""
        values: FloatArray = getattr(self, what)[:, :, areas_mask(self.areas, chosen)]
        return np.asarray(values.sum(axis=2))


def areas_mask(areas: pd.Index, chosen: Sequence[str]) -> NDArray[np.bool_]:
    """Return which areas are chosen; chosen areas without a site have nothing to lose."""
    return np.asarray(areas.isin(list(chosen)))


def gdp_of(chain: SupplyChain, areas: Sequence[str], weeks: float = WEEKS_PER_YEAR) -> float:
    """Return the GDP of areas over some weeks [USD million]; not a number if one has none."""
    gdp = chain.countries.set_index("area")["gdp_usd_m"].reindex(list(areas))
    return float(np.sum(gdp.to_numpy(dtype=float))) * weeks / WEEKS_PER_YEAR
