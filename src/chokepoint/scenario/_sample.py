"""Random scenarios: outages and bans drawn over a chain, weighted by output."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.scenario._bans import ExportBan
from chokepoint.scenario._event import Event, is_share, is_whole
from chokepoint.scenario._index import IntArray, Labels, index_of
from chokepoint.scenario._outage import Outage
from chokepoint.scenario._scenario import Scenario

__all__ = ["sample"]

Range = tuple[float, float]
FloatArray = NDArray[np.float64]


def sample(
    chain: SupplyChain,
    n: int,
    *,
    rng: np.random.Generator | int | None = None,
    events: int = 1,
    bans: float = 0.5,
    products: Labels | None = None,
    severity: Range = (0.5, 1.0),
    start: tuple[int, int] = (0, 0),
    weeks: tuple[int, int] = (4, 26),
    recovery_weeks: tuple[int, int] = (0, 13),
) -> list[Scenario]:
    """Draw random scenarios: outages of sites and export bans, larger ones more often hit.

    Each event is an export ban with probability `bans`, else an outage.

    * An outage starts from a site drawn by the value of its output, and hits, with equal
      chance, that site, all sites of its product in its country, or all sites of its country.
    * A ban starts from a flow over a border drawn by its value. The seller's country bans the
      product, with equal chance against the buyer's country or against everyone.

    Severity is drawn evenly from its range, lengths and start evenly among whole weeks.

    Parameters
    ----------
    chain : SupplyChain
        The chain; every event matches something in it.
    n : int
        Number of scenarios.
    rng : numpy.random.Generator, int or None
        Randomness; the same seed gives the same scenarios.
    events : int
        Events per scenario.
    bans : float
        Probability that an event is a ban, in [0, 1].
    products : str or sequence of str, optional
        Draw only sites and flows of these products or groups (an outage of a whole country
        still hits all that it makes).
    severity : (float, float)
        Least and largest share of capacity or flow that is lost.
    start, weeks, recovery_weeks : (int, int)
        Least and largest first week, length, and weeks of (linear) recovery of outages.

    Returns
    -------
    list of Scenario
        Named ``"sample 0"``, ``"sample 1"``, ...

    Raises
    ------
    OptionError
        If a range or number is not valid, or there is nothing to draw from.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> some = cp.sample(chain, 3, rng=7)
    >>> some == cp.sample(chain, 3, rng=7)
    True
    >>> [scenario.name for scenario in some]
    ['sample 0', 'sample 1', 'sample 2']
    """
    ranges = {"start": (start, 0), "weeks": (weeks, 1), "recovery_weeks": (recovery_weeks, 0)}
    _check(n, events, bans, severity, ranges)
    source = _Source(chain, products, bans)
    random = np.random.default_rng(rng)

    def event() -> Event:
        shared: dict[str, Any] = {
            "severity": float(random.uniform(*severity)),
            "start": _whole(random, start),
            "weeks": _whole(random, weeks),
        }
        if random.random() < bans:
            return source.ban(random, shared)
        return source.outage(random, shared, _whole(random, recovery_weeks))

    return [Scenario(f"sample {i}", [event() for _ in range(events)]) for i in range(n)]


class _Source:
    """Sites and flows of a chain with the odds that they are drawn."""

    def __init__(self, chain: SupplyChain, products: Labels | None, bans: float) -> None:
        self.index = index = index_of(chain)
        self.labels = list(index.node)
        nodes = chain.nodes
        value = np.nan_to_num(nodes["value_usd_m"].to_numpy(dtype=float))
        output = nodes["output_qty"].to_numpy(dtype=float)
        wanted = index.in_products(chain, products)
        site = ~index.is_market & wanted[index.node_product] & (output > 0)
        self.sites, self.site_odds = _odds(np.flatnonzero(site), value)
        price = np.divide(value, output, out=np.zeros(len(value)), where=output > 0)
        crossing = index.live & (index.seller_area != index.buyer_area)
        flows = np.flatnonzero(crossing & wanted[index.edge_product])
        worth = price[index.supplier] * chain.edges["quantity"].to_numpy(dtype=float)
        self.flows, self.flow_odds = _odds(flows, worth)
        if (bans < 1 and not len(self.sites)) or (bans > 0 and not len(self.flows)):
            raise OptionError(
                f"sample: expected sites with output and flows over borders to draw from, got "
                f"{len(self.sites)} sites and {len(self.flows)} flows. Widen products, or set "
                "bans to 0 (outages only)."
            )

    def outage(
        self, random: np.random.Generator, shared: dict[str, Any], recovery_weeks: int
    ) -> Outage:
        node = _drawn(random, self.sites, self.site_odds)
        product = self.index.products[self.index.node_product[node]]
        country = self.index.areas[self.index.node_area[node]]
        scope: tuple[dict[str, str], ...] = (
            {"sites": self.labels[node]},
            {"products": product, "country": country},
            {"country": country},
        )
        chosen: dict[str, Any] = dict(scope[int(random.integers(len(scope)))])
        return Outage(**chosen, **shared, recovery_weeks=recovery_weeks)

    def ban(self, random: np.random.Generator, shared: dict[str, Any]) -> ExportBan:
        edge = _drawn(random, self.flows, self.flow_odds)
        buyer = self.index.areas[self.index.buyer_area[edge]]
        return ExportBan(
            by=self.index.areas[self.index.seller_area[edge]],
            against=buyer if random.random() < 0.5 else None,
            products=self.index.products[self.index.edge_product[edge]],
            **shared,
        )


def _odds(rows: IntArray, value: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return rows and their summed odds by value; all alike where nothing has a value."""
    weight = value[rows]
    summed = np.cumsum(weight if weight.sum() > 0 else np.ones(len(rows)))
    return rows, summed / summed[-1:]


def _drawn(random: np.random.Generator, rows: IntArray, odds: FloatArray) -> int:
    return int(rows[np.searchsorted(odds, random.random(), side="right")])


def _whole(random: np.random.Generator, limits: tuple[int, int]) -> int:
    return int(random.integers(limits[0], limits[1], endpoint=True))


def _check(
    n: int, events: int, bans: float, severity: Range, ranges: dict[str, tuple[Any, int]]
) -> None:
    problems = []
    if not is_whole(n, least=0):
        problems.append(f"n must be a whole number >= 0, got {n!r}")
    if not is_whole(events, least=1):
        problems.append(f"events must be a whole number >= 1, got {events!r}")
    if not is_share(bans):
        problems.append(f"bans must be a share in [0, 1], got {bans!r}")
    low, high = severity
    if not (is_share(low) and is_share(high) and low <= high):
        problems.append(f"severity must be a range within [0, 1], got {severity!r}")
    for name, (limits, least) in ranges.items():
        low, high = limits
        if not (is_whole(low, least=least) and is_whole(high, least=least) and low <= high):
            problems.append(f"{name} must be a range of whole weeks >= {least}, got {limits!r}")
    if problems:
        raise OptionError("sample: " + "; ".join(problems) + ".")
