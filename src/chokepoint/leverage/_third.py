"""Third countries between poles: whom they lean on, and what a choice would cost them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.leverage._bench import gdp_of
from chokepoint.leverage._leverage import leverage
from chokepoint.leverage._result import Leverage
from chokepoint.propagate import Behaviour
from chokepoint.propagate._simulate import Precision

__all__ = ["ThirdCountries", "third_countries"]

Areas = str | Sequence[str]
MATERIALITY = 0.0025


@dataclass(frozen=True, eq=False)
class ThirdCountries:
    r"""Where countries stand between two poles A and B, from gross leverages over them.

    With :math:`x^P_r = \Lambda_{P \to r}`, the largest loss that pole P can cause country r, as a
    share of r's GDP, and weights :math:`w_r` by GDP:

    .. math::
        \beta_r = \frac{x^A_r - x^B_r}{x^A_r + x^B_r}, \qquad
        f_r = \min(x^A_r, x^B_r), \qquad
        s_P = \frac{\sum_r w_r x^P_r}{\sum_Q \sum_r w_r x^Q_r}, \qquad
        N_{eff} = 1 \Big/ \sum_P s_P^2

    Attributes
    ----------
    poles : tuple of str
        Names of A and B.
    weeks : int
        Horizon.
    exposure : pandas.DataFrame
        :math:`x^P_r`, rows countries, columns all actors, A and B first.
    table : pandas.DataFrame
        One row a country: first and second (exposure to A and B), tilt (1 = leans on A alone),
        forced_choice_cost (the loss of giving up the pole that it depends on less), strongest_other
        and other (largest exposure to a third actor, and to whom), autonomy (1 less the larger of
        first and second over the largest of all countries), gdp_usd_m and forced: whether no third
        actor can do to it what either pole can, and the choice would cost at least `materiality`.
    shares : pandas.Series
        :math:`s_P` of all actors.
    materiality : float
        Limit, share of GDP.
    """

    poles: tuple[str, str]
    weeks: int
    exposure: pd.DataFrame
    table: pd.DataFrame
    shares: pd.Series
    materiality: float

    @property
    def effective_poles(self) -> float:
        """:math:`N_{eff}`: 1 = one hegemon; 2 with equal shares of A and B = bipolar."""
        return float(1.0 / np.square(self.shares.to_numpy(dtype=float)).sum())

    @property
    def forced_share(self) -> float:
        """Share of the countries' GDP that is forced to choose between A and B."""
        gdp = self.table["gdp_usd_m"]
        return float(gdp[self.table["forced"]].sum() / gdp.sum())

    @property
    def tilt(self) -> float:
        r"""Tilt of all countries together, weighted by their forced-choice cost in USD."""
        weight = self.table["gdp_usd_m"] * self.table[["first", "second"]].sum(axis=1)
        if not weight.sum() > 0:
            return float("nan")
        return float((self.table["tilt"].fillna(0.0) * weight).sum() / weight.sum())

    def __repr__(self) -> str:
        return (
            f"<ThirdCountries: {len(self.table)} between {' and '.join(self.poles)}, "
            f"{self.weeks} weeks, {self.effective_poles:.2f} effective poles, "
            f"{100 * self.forced_share:.0f} % of GDP forced to choose>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.table.to_html()}"


def third_countries(
    chain: SupplyChain | Leverage,
    poles: Mapping[str, Areas] | Sequence[str],
    *,
    others: Mapping[str, Areas] | Sequence[str] = (),
    countries: Mapping[str, Areas] | Sequence[str] | None = None,
    weeks: int = 52,
    levers: Sequence[str] = ("exports", "imports", "everything"),
    materiality: float = MATERIALITY,
    behaviour: Behaviour | None = None,
    dtype: Precision = "float64",
    progress: bool | None = None,
) -> ThirdCountries:
    """Measure how third countries lean on two poles, and what it would cost them to pick one.

    Parameters
    ----------
    chain : SupplyChain or Leverage
        A chain; or leverages that were measured already, whose actors include the poles.
    poles : mapping of name to areas, or sequence of areas and blocs
        The two poles A and B.
    others : mapping or sequence
        Other actors that a country might lean on instead; without them every country with some
        exposure to both poles counts as forced.
    countries : mapping or sequence, optional
        Third countries; None = all countries of the chain (not residual areas) that belong to no
        pole. A country that is an actor too is not compared with itself.
    weeks : int
        Horizon.
    levers : sequence of {"exports", "imports", "controls", "everything"}
        What poles may do, as in :func:`leverage`.
    materiality : float
        Least forced-choice cost that counts as forced, share of GDP.
    behaviour, dtype, progress
        As for :func:`leverage`.

    Returns
    -------
    ThirdCountries

    Raises
    ------
    OptionError
        If there are not two poles, or a horizon was not measured.
    UnknownLabelError
        If the leverages do not know a pole.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> made = third_countries(chain, ["CHN", "USA"], countries=["JPN", "DEU"], weeks=26)
    >>> bool((made.table["tilt"] > 0).all())
    True
    """
    names = list(poles)
    if len(names) != 2:
        raise OptionError(f"Expected two poles, got {names}.")
    if isinstance(chain, Leverage):
        made = chain
        for name in names:
            if name not in made.actors:
                raise UnknownLabelError(name, "actor of the leverages", list(made.actors))
    else:
        actors = {**_named(poles), **_named(others)}
        held = {area for areas in _named(poles).values() for area in chain.areas(areas)}
        made = leverage(
            chain,
            actors=actors,
            targets=_named(_countries(chain, held) if countries is None else countries),
            weeks=[weeks],
            levers=levers,
            band=False,
            behaviour=behaviour,
            record="country",
            dtype=dtype,
            progress=progress,
        )
    return _measure(made, (names[0], names[1]), weeks, materiality)


def _named(given: Mapping[str, Areas] | Sequence[str]) -> dict[str, Areas]:
    return dict(given) if isinstance(given, Mapping) else {name: name for name in given}


def _countries(chain: SupplyChain, held: set[str]) -> list[str]:
    areas, sites = chain.countries, set(chain.sites["country"])
    named = areas.loc[areas["kind"].eq("country"), "area"]
    return [area for area in named if area in sites and area not in held]


def _measure(
    made: Leverage, poles: tuple[str, str], weeks: int, materiality: float
) -> ThirdCountries:
    if weeks not in made.table.index.unique("weeks") or made.study is None:
        raise OptionError(
            f"Expected leverages at {weeks} weeks, got {list(made.table.index.unique('weeks'))}."
        )
    shares_now = made.share
    shares_now = shares_now.loc[:, shares_now.columns.get_level_values("weeks") == weeks]
    wide = pd.DataFrame(shares_now.droplevel("weeks", axis=1).T)
    order = [*poles, *(name for name in made.actors if name not in poles)]
    inside = {area for pole in poles for area in made.actors[pole]}
    rows = [name for name, areas in made.targets.items() if not inside & set(areas)]
    exposure = wide.reindex(index=rows, columns=order)
    exposure = exposure.rename_axis(index="country", columns="actor")
    first, second = exposure[poles[0]], exposure[poles[1]]
    rest = exposure[order[2:]].fillna(0.0)
    strongest = rest.max(axis=1).fillna(0.0) if order[2:] else first * 0.0
    larger, smaller = np.maximum(first, second), np.minimum(first, second)
    both = first + second
    gdp = pd.Series({name: gdp_of(made.study.chain, made.targets[name]) for name in rows})
    top = float(larger.max()) if len(larger) else 0.0
    table = pd.DataFrame(
        {
            "first": first,
            "second": second,
            "tilt": (first - second) / both.where(both > 0),
            "forced_choice_cost": smaller,
            "strongest_other": strongest,
            "other": rest.idxmax(axis=1).where(strongest > 0, "") if order[2:] else "",
            "autonomy": 1.0 - larger / top if top > 0 else 1.0,
            "gdp_usd_m": gdp.reindex(exposure.index),
            "forced": (strongest < smaller) & (smaller >= materiality),
        }
    )
    money = exposure.fillna(0.0).mul(table["gdp_usd_m"], axis=0).sum()
    shares = money / money.sum() if money.sum() > 0 else money * np.nan
    exposure.attrs["unit"] = "share of the country's GDP of the same weeks"
    return ThirdCountries(poles, weeks, exposure, table, shares.rename("share"), materiality)
