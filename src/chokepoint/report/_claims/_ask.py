"""What a row of the ledger asks, and a figure that was found without asking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.propagate import WEEKS_PER_YEAR, Behaviour
from chokepoint.scenario import Scenario

__all__ = ["Ask", "Found", "Other", "Setting", "Show"]

Show = Callable[[float], str]
YEAR = 52


@dataclass(frozen=True, kw_only=True, eq=False)
class Other:
    """Another chain that a figure needs beside the chain as it stands.

    Attributes
    ----------
    name : str
        Label; runs on chains of one name are shared.
    chain : SupplyChain
        The chain.
    measures : pandas.DataFrame, optional
        Measures of a plan that make it from the chain: its draws are then those of the chain,
        with the measures in place. None = its draws have the same numbers, but its own outputs and
        flows, which are not drawn.
    weeks : int
        Horizon of the plan.
    """

    name: str
    chain: SupplyChain
    measures: pd.DataFrame | None = None
    weeks: int = YEAR


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all rows share.

    Attributes
    ----------
    chain : SupplyChain
        The chain.
    code : str
        Python expression that gives the chain.
    today : str
        The day that dates are seen from.
    later : str
        The day at which builds are looked at again.
    weeks : int
        Horizon of most figures.
    fast : bool
        Whether little is computed, for trying things out.
    draws : int
        Draws of the data.
    rng : int
        Seed of the draws.
    behaviour : Behaviour
        Settings of the weekly model.
    known : dict of Other
        Other chains that rows share, by name; filled as they are made.
    """

    chain: SupplyChain
    code: str
    today: str
    later: str
    weeks: int = YEAR
    fast: bool = False
    draws: int = 0
    rng: int = 1
    behaviour: Behaviour = field(default_factory=Behaviour)
    known: dict[str, Other] = field(default_factory=dict, repr=False, compare=False)

    def other(self, name: str, make: Callable[[], SupplyChain]) -> Other:
        """Return another chain, made once."""
        if name not in self.known:
            self.known[name] = Other(name=name, chain=make())
        return self.known[name]

    def goods(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the groups and products among `names` that the chain has."""
        products = self.chain.products
        known = {*products["product"], *products["group"]}
        return tuple(name for name in names if name in known)

    def has(self, *areas: str) -> bool:
        """Return whether all areas have sites in the chain."""
        return set(areas) <= set(self.chain.sites["country"])

    def gdp(self, areas: str | Sequence[str], weeks: int = YEAR) -> float:
        """Return the GDP of areas over some weeks [USD million]."""
        table = self.chain.countries.set_index("area")["gdp_usd_m"]
        held = table.reindex(list(self.chain.areas(areas))).to_numpy(dtype=float)
        return float(np.sum(held)) * weeks / WEEKS_PER_YEAR

    def nodes(
        self, kind: Literal["site", "market"], area: str, goods: Sequence[str]
    ) -> tuple[str, ...]:
        """Return the sites or markets of an area for some groups and products."""
        nodes = self.chain.nodes
        products = self.chain.products_in(tuple(goods)) if goods else ()
        mine = nodes["country"].eq(area) & nodes["product"].isin(products)
        return tuple(nodes.index[mine & nodes["kind"].eq(kind)])


@dataclass(frozen=True, kw_only=True)
class _Row:
    """What every row says.

    Attributes
    ----------
    claim : int
        Number of the claim.
    key : str
        Label of the figure, unique in its claim.
    statement : str
        A sentence without a full stop that is true if the figure reaches the threshold; without a
        threshold, what the figure is.
    unit : str
        Unit of the figure.
    show : callable
        From a figure to text.
    threshold : float, optional
        Limit of the statement; None = a figure, not a statement.
    weeks : int
        Horizon.
    code : str
        Python expression that gives the figure, with ``import chokepoint as cp``.
    goods, areas : tuple of str
        Products and areas whose rows drive the figure.
    published : tuple of str
        Estimates of the chain to stand beside it.
    remark : str
        What else a reader must know.
    table : pandas.DataFrame, optional
        What stands behind the figure.
    """

    claim: int
    key: str
    statement: str
    unit: str
    show: Show
    threshold: float | None = None
    weeks: int = YEAR
    code: str = ""
    goods: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    remark: str = ""
    table: pd.DataFrame | None = None

    @property
    def name(self) -> str:
        """Label, unique in the ledger."""
        return f"{self.claim}: {self.key}"


@dataclass(frozen=True, kw_only=True)
class Ask(_Row):
    """A figure that is reckoned from losses, in every case.

    Attributes
    ----------
    scenarios : tuple of Scenario
        What happens; names unique in the ledger.
    formula : callable
        From the :class:`chokepoint.leverage.Losses` of the chain, and of each of `others`, to the
        figure.
    others : tuple of Other
        Other chains that the scenarios run on.
    by : {"country", "site"}
        Whether the formula reads losses of areas or of sites and markets.
    bound : tuple, optional
        Scenario, areas and weeks of the planner's program, if the figure is that loss.
    bound_share : float
        What the planner's loss is divided by, to have the unit of the figure.
    extra : mapping of name to callable
        The figure with another assumption that is not in the chain.
    judge : callable, optional
        Whether the statement is true in a case, for a statement that is no threshold.
    draws : int, optional
        Most draws that the row can carry; None = all.
    """

    scenarios: tuple[Scenario, ...]
    formula: Callable[..., float]
    others: tuple[Other, ...] = ()
    by: Literal["country", "site"] = "country"
    bound: tuple[str, Sequence[str], int] | None = None
    bound_share: float = 1.0
    extra: Mapping[str, Callable[..., float]] = field(default_factory=dict)
    judge: Callable[..., bool] | None = None
    draws: int | None = None

    @property
    def held(self) -> bool:
        """Whether outputs and flows are held in draws: where chains are set against each other."""
        return any(other.measures is None for other in self.others)


@dataclass(frozen=True, kw_only=True)
class Found(_Row):
    """A figure that was worked out on its own, without draws.

    Attributes
    ----------
    figure, low, high : float
        The figure, and the ends of its range over assumptions.
    cases : mapping of name to float
        The figure under other assumptions, one at a time.
    grades : str
        Grades of the numbers behind it, where they are not rows of the chain.
    """

    figure: float
    low: float = float("nan")
    high: float = float("nan")
    cases: Mapping[str, float] = field(default_factory=dict)
    grades: str = ""
