"""What the loss of one country's capacity costs whom: a shield, and what builds abroad do to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets import with_outputs
from chokepoint.errors import OptionError
from chokepoint.leverage._bench import areas_mask
from chokepoint.propagate import WEEKS_PER_YEAR, Behaviour, simulate
from chokepoint.propagate._simulate import Precision
from chokepoint.scenario import Outage, Scenario

__all__ = ["Shield", "built", "shield"]

Labels = str | Sequence[str]


@dataclass(frozen=True, eq=False)
class Shield:
    r"""Losses of all countries when the holder's capacity falls to nothing.

    .. math:: S(c, h) = D_c(h;\ \text{capacity of the holder} \to 0)

    Attributes
    ----------
    holder : tuple of str
        Areas whose capacity is lost.
    products : tuple of str
        Products.
    weeks : int
        Horizon h.
    table : pandas.DataFrame
        Index area, largest loss first: loss [USD million], share_of_gdp, unmet (final demand).
    deterrence : float
        Loss of the side to be deterred, share of its GDP.
    assurance : pandas.Series
        Losses of those whose help counts on it, shares of their GDP.
    derivative : pandas.DataFrame
        :math:`dS(c) / dK_b`: rows builders b, columns countries; change of the loss [USD million]
        per percentage point of the world's output of the products that moves to the builder, the
        other makers giving way in proportion.
    step : float
        Share of the world's output that was moved to measure it.
    """

    holder: tuple[str, ...]
    products: tuple[str, ...]
    weeks: int
    table: pd.DataFrame
    deterrence: float
    assurance: pd.Series
    derivative: pd.DataFrame
    step: float

    def __repr__(self) -> str:
        return (
            f"<Shield: {'+'.join(self.holder)} without {len(self.products)} products for "
            f"{self.weeks} weeks; deterrence {100 * self.deterrence:.2f} % of GDP>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.table.to_html(max_rows=20)}"


def shield(
    chain: SupplyChain,
    holder: Labels,
    products: Labels,
    *,
    deterred: Labels,
    assured: Sequence[str],
    builders: Sequence[str] = (),
    weeks: int = 52,
    step: float = 0.05,
    severity: float = 1.0,
    behaviour: Behaviour | None = None,
    dtype: Precision = "float64",
    progress: bool | None = None,
) -> Shield:
    """Measure what the loss of a country's capacity costs whom, and how builds abroad change it.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    holder : str or sequence of str
        Areas or blocs that hold the capacity, such as ``"TWN"``.
    products : str or sequence of str
        Products or groups that it makes, such as ``"advanced_logic"``.
    deterred : str or sequence of str
        Areas or blocs that the shield shall deter.
    assured : sequence of str
        Areas or blocs whose own loss ties them to the holder; each counts on its own.
    builders : sequence of str
        Areas or blocs that build capacity for the same products; needs sites there.
    weeks : int
        Horizon.
    step : float
        Share of the world's output that moves to a builder to measure the derivative.
    severity : float
        Share of the capacity that is lost.
    behaviour : Behaviour, optional
        Settings of the runs.
    dtype : {"float64", "float32"}
        Precision of the runs.
    progress : bool, optional
        Show progress bars.

    Returns
    -------
    Shield

    Raises
    ------
    OptionError
        If the holder makes none of the products, a builder makes none, or `step` is no share.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> made = shield(chain, "JPN", "magnet_ndfeb_heavy", deterred="CHN", assured=["USA"], weeks=13)
    >>> bool(made.deterrence > 0)
    True
    """
    if not 0.0 < step < 1.0:
        raise OptionError(f"step must be a share above 0 and below 1, got {step}.")
    own, goods = chain.areas(holder), chain.products_in(products)
    event = Outage(products=goods, country=own, severity=severity)
    chains = [chain, *(built(chain, builder, goods, own, step) for builder in builders)]
    outcome = simulate(
        chains, Scenario("shield", [event]), weeks=weeks, behaviour=behaviour, record="country",
        dtype=dtype, progress=progress,
    )  # fmt: skip
    loss = outcome.loss().to_numpy()
    income = chain.countries.set_index("area")["gdp_usd_m"].reindex(outcome.countries)
    shares = pd.Series(loss[0] / (income.to_numpy() * weeks / WEEKS_PER_YEAR), outcome.countries)
    table = pd.DataFrame(
        {
            "loss": loss[0],
            "share_of_gdp": shares.to_numpy(),
            "unmet": outcome.unmet().to_numpy()[0],
        },
        index=outcome.countries.rename("area"),
    ).sort_values("loss", ascending=False, kind="stable")
    table.attrs["unit"] = "USD million; share of GDP of the same weeks"
    derivative = pd.DataFrame(
        (loss[1:] - loss[0]) / (100.0 * step),
        index=pd.Index([str(one) for one in builders], name="builder"),
        columns=outcome.countries,
    )

    def share_of(areas: Labels) -> float:
        mask = areas_mask(outcome.countries, chain.areas(areas))
        whole = income.to_numpy()[mask].sum() * weeks / WEEKS_PER_YEAR
        return float(loss[0][mask].sum() / whole) if whole > 0 else float("nan")

    return Shield(
        holder=own,
        products=goods,
        weeks=weeks,
        table=table,
        deterrence=share_of(deterred),
        assurance=pd.Series({name: share_of(name) for name in assured}, dtype=float),
        derivative=derivative,
        step=step,
    )


def built(
    chain: SupplyChain, builder: str, goods: Sequence[str], holder: Sequence[str], step: float
) -> SupplyChain:
    """Return the chain in which a share of the world's output has moved to a builder."""
    sites, areas = chain.sites.set_index("site"), chain.areas(builder)
    common = sorted(set(areas) & set(holder))
    if common:
        raise OptionError(f"Expected builders other than the holder, got {common}.")
    made = sites["product"].isin(list(goods))
    held = set(sites.loc[made & sites["country"].isin(list(holder)), "product"])
    mine = sites["country"].isin(areas) & sites["product"].isin(held) & (sites["output_qty"] > 0)
    if not mine.any():
        raise OptionError(
            f"Expected sites of {', '.join(goods)} in {builder}, found none: leave the builder out."
        )
    total = sites.groupby("product")["output_qty"].transform("sum")
    own = sites["output_qty"].where(mine, 0.0).groupby(sites["product"]).transform("sum")
    part = (sites["output_qty"] / own.where(own > 0, np.inf)).where(mine, 0.0)
    stated = sites["output_qty"] + part * step * total
    return with_outputs(chain, stated, fixed=mine)
