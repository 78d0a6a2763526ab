"""A chain as it will stand at a later date: projects that are on line, and ramps of capacity."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets import with_outputs
from chokepoint.errors import OptionError
from chokepoint.leverage._status import day

__all__ = ["Ramp", "chain_at", "ramp_cost"]

Labels = str | Sequence[str]

_MOST = 0.98
"""Largest share of a product that growing sites together may reach."""


@dataclass(frozen=True, kw_only=True)
class Ramp:
    r"""Capacity that an area builds, as a stated assumption.

    The output that is added at time :math:`\tau`, in years from the day that ramps are counted
    from, is

    .. math:: K(\tau) = K_\infty \bigl(1 - e^{-(\tau - \text{lag})_+ / T}\bigr).

    Parameters
    ----------
    name : str
        Label in tables.
    products : str or sequence of str
        Products or groups; each is ramped on its own.
    country : str or sequence of str
        Areas or blocs that build, where they have sites of the product already; the addition goes
        to these sites by their output.
    of_need : float
        :math:`K_\infty` as a share of what the sites and markets of these areas use of the product.
    lag_years : float
        Years until the first addition.
    time_years : float
        :math:`T`: after it 63 % of the addition stand.
    cost_usd_m : float
        Cost of the whole addition [USD million].

    Examples
    --------
    >>> ramp = Ramp(name="magnets", products="magnet_ndfeb", country="USA", of_need=0.5)
    >>> round(ramp.part(4.0), 3)
    0.632
    """

    name: str
    products: Labels
    country: Labels
    of_need: float
    lag_years: float = 1.0
    time_years: float = 3.0
    cost_usd_m: float = 0.0

    def __post_init__(self) -> None:
        amounts = (self.of_need, self.lag_years, self.cost_usd_m)
        if not (all(0.0 <= one < math.inf for one in amounts) and 0.0 < self.time_years < math.inf):
            raise OptionError(
                "Ramp: expected of_need, lag_years and cost_usd_m >= 0 and time_years > 0, got "
                f"{self}."
            )

    def part(self, years: float) -> float:
        """Return the share of the addition that stands after some years."""
        return -math.expm1(-max(0.0, years - self.lag_years) / self.time_years)


def ramp_cost(ramps: Iterable[Ramp], years: float) -> float:
    """Return what has been spent on ramps after some years [USD million].

    Money is spent as capacity comes: `cost_usd_m` times the part that stands.
    """
    return sum(one.cost_usd_m * one.part(years) for one in ramps)


def chain_at(
    chain: SupplyChain,
    date: str | dt.date,
    *,
    ramps: Iterable[Ramp] = (),
    since: str | dt.date | None = None,
    projects: bool = True,
) -> SupplyChain:
    """Return the chain in which what is built by a date makes its share of the world's output.

    Projects with an `online_date` up to the date add ``added_share * probability`` of their site's
    output, ramps what stands of them. The total of each product is kept: the other sites of the
    product give way in proportion, and flows are fitted anew, as if buyers had qualified the new
    suppliers. Demand does not grow. So it is the market of the baseline year with other shares, not
    a forecast.

    Parameters
    ----------
    chain : SupplyChain
        The baseline.
    date : str or datetime.date
        The day, as ``"2029-01-01"``.
    ramps : iterable of Ramp
        Ramps, counted from `since`.
    since : str or datetime.date, optional
        Day from which ramps are counted; needed with ramps.
    projects : bool
        Whether projects of the chain count.

    Returns
    -------
    SupplyChain
        With the same sites and flows; ``chain`` itself where nothing is added.

    Raises
    ------
    OptionError
        If a ramp finds no site, or ramps come without `since`.
    ConvergenceError
        If no outputs near those keep the accounting identities.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> later = chain_at(chain, "2030-01-01")
    >>> before, after = (
    ...     one.sites.query("country == 'USA' and product == 'magnet_ndfeb_heavy'").output_qty.sum()
    ...     for one in (chain, later)
    ... )
    >>> bool(after > 5 * before)
    True
    """
    ramps, then = tuple(ramps), day(date, last=True)
    added = pd.Series(0.0, index=pd.Index(chain.sites["site"]))
    if projects:
        added = added.add(_of_projects(chain, then), fill_value=0.0)
    if ramps:
        if since is None:
            raise OptionError("Expected since, the day from which ramps are counted, with ramps.")
        years = (then - day(since, last=False)).days / 365.25
        for ramp in ramps:
            added = added.add(_of_ramp(chain, ramp, years), fill_value=0.0)
    added = added.reindex(chain.sites["site"])
    if not (added > 0).any():
        return chain
    return _grown(chain, added)


def _of_projects(chain: SupplyChain, then: dt.date) -> pd.Series:
    projects = chain.projects
    done = projects["online_date"].map(lambda stated: day(stated, last=True) <= then).astype(bool)
    part = (projects["added_share"] * projects["probability"])[done]
    output = chain.sites.set_index("site")["output_qty"]
    gains = part.groupby(projects.loc[done, "site"]).sum()
    return pd.Series(gains * output.reindex(gains.index))


def _of_ramp(chain: SupplyChain, ramp: Ramp, years: float) -> pd.Series:
    """Return the output that a ramp adds to each of its sites [product units per year]."""
    sites, areas = chain.sites.set_index("site"), chain.areas(ramp.country)
    parts = []
    for product in chain.products_in(ramp.products):
        mine = sites[sites["product"].eq(product) & sites["country"].isin(areas)]["output_qty"]
        if not mine.sum() > 0:
            continue
        amount = ramp.of_need * _need(chain, product, areas) * ramp.part(years)
        parts.append(mine / mine.sum() * amount)
    if not parts:
        raise OptionError(
            f"Ramp {ramp.name!r}: expected sites of {ramp.products} in {ramp.country}, found none. "
            "A ramp enlarges sites; name products that the area makes already."
        )
    added: pd.Series = pd.concat(parts)
    return added


def _need(chain: SupplyChain, product: str, areas: Sequence[str]) -> float:
    """Return what sites and markets of areas use of a product [units per year]."""
    links, nodes = chain.links, chain.nodes
    place = list(chain.products["product"]).index(product)
    inside = np.isin(nodes["country"].to_numpy()[links.buyer], areas)
    used = nodes["sector"].to_numpy()[links.buyer] != "other_use"
    return float(links.quantity[(links.product == place) & inside & used & ~links.dormant].sum())


def _grown(chain: SupplyChain, added: pd.Series) -> SupplyChain:
    sites = chain.sites.set_index("site")
    total = sites.groupby("product")["output_qty"].transform("sum")
    stated = sites["output_qty"] + added
    grows = added > 0
    # Sites that grow cannot make more than nearly all of a product.
    wanted = stated.where(grows, 0.0).groupby(sites["product"]).transform("sum")
    limit = (_MOST * total / wanted.where(wanted > 0, np.inf)).clip(upper=1.0)
    stated = (stated * limit).clip(lower=sites["output_qty"]).where(grows, sites["output_qty"])
    return with_outputs(chain, stated, fixed=grows)
