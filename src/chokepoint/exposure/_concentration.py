"""Concentration of a product's makers, and dependence of its buyers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from chokepoint.chain import SupplyChain
from chokepoint.chain import concentration as output_concentration
from chokepoint.errors import OptionError

__all__ = ["concentration", "dependence", "hhi", "hirschman"]

_SUM = 1e-6


def hhi(shares: ArrayLike) -> float:
    r"""Return the Herfindahl-Hirschman index :math:`\sum_i s_i^2` of shares that add up to 1.

    Parameters
    ----------
    shares : array_like of shape (n,)
        Shares in [0, 1]; they add up to 1.

    Returns
    -------
    float
        Between 1/n (even) and 1 (a single origin).

    Raises
    ------
    OptionError
        If a share is negative or not a number, or the sum is not 1.

    References
    ----------
    Hirschman (1964), "The Paternity of an Index", American Economic Review 54(5).

    Examples
    --------
    >>> from chokepoint.exposure import hhi
    >>> hhi([0.5, 0.5])
    0.5
    """
    given = np.asarray(shares, dtype=float)
    if not (given >= 0).all() or abs(given.sum() - 1.0) > _SUM:
        raise OptionError(
            f"expected shares >= 0 that add up to 1, got {given.size} that add up to "
            f"{given.sum():g}; divide by their sum, and leave out what is not a number"
        )
    return float((given**2).sum())


def hirschman(shares: ArrayLike) -> float:
    r"""Return Hirschman's index of concentration :math:`\sqrt{\sum_i s_i^2}`.

    His index is the square root of what is now called HHI.

    Parameters
    ----------
    shares : array_like of shape (n,)
        Shares in [0, 1]; they add up to 1.

    Returns
    -------
    float
        Between :math:`1 / \sqrt n` (even) and 1 (a single origin).

    Raises
    ------
    OptionError
        If a share is negative or not a number, or the sum is not 1.

    References
    ----------
    Hirschman (1945), "National Power and the Structure of Foreign Trade".

    Examples
    --------
    >>> from chokepoint.exposure import hirschman
    >>> round(hirschman([0.5, 0.5]), 4)
    0.7071
    """
    return float(np.sqrt(hhi(shares)))


def concentration(chain: SupplyChain) -> pd.DataFrame:
    r"""Return how concentrated the makers of each product are over countries.

    With :math:`s_c` the share of country :math:`c` in the product's baseline output,
    ``hhi`` is :math:`\sum_c s_c^2` and ``hirschman`` its square root.

    Parameters
    ----------
    chain : SupplyChain
        The chain. Residual areas count as one maker each.

    Returns
    -------
    pandas.DataFrame
        Index product, sorted by ``hhi``; columns tier, output [product unit per year],
        countries (number), leader, leader_share, hhi, hirschman. Products that nobody makes
        are left out.

    References
    ----------
    Hirschman (1945), "National Power and the Structure of Foreign Trade"; see `hirschman`.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import concentration
    >>> table = concentration(cp.load("rare_earths"))
    >>> bool(table["hhi"].between(0, 1).all())
    True
    """
    made = output_concentration(chain.tables)
    tier = chain.products.set_index("product")["tier"]
    table = pd.DataFrame(
        {
            "tier": tier.reindex(made.index),
            "output": made["output"],
            "countries": made["countries"],
            "leader": made["country"],
            "leader_share": made["share"],
            "hhi": made["hhi"],
            "hirschman": np.sqrt(made["hhi"]),
        }
    )
    return table.sort_values(["hhi", "tier"], ascending=[False, True], kind="stable")


def dependence(chain: SupplyChain, country: str | list[str]) -> pd.DataFrame:
    r"""Return where the buyers of an area get each product: home, and the largest origin abroad.

    With :math:`q_o` the quantity that the area's sites and markets take from origin o at
    baseline, and H the area itself, shares are :math:`s_o = q_o / \sum_p q_p`, import_share is
    :math:`\sum_{o \ne H} s_o` and hhi :math:`\sum_o s_o^2`. They are at face value: what is
    embedded in other goods is not seen (`look_through` sees it).

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    country : str or list of str
        Area or bloc; flows inside it count as home.

    Returns
    -------
    pandas.DataFrame
        Index product; columns taken [product unit per year], import_share, origin (largest
        origin abroad), origin_share, and hhi over all origins.

    Raises
    ------
    UnknownLabelError
        If the chain has no such area or bloc.

    References
    ----------
    Hirschman (1945), "National Power and the Structure of Foreign Trade": dependence is the part
    of supply that a partner could interrupt.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import dependence
    >>> table = dependence(cp.load("rare_earths"), "JPN")
    >>> bool(table["import_share"].between(0, 1).all())
    True
    """
    areas = chain.areas(country)
    home = areas[0]
    edges, place = chain.edges, chain.nodes["country"]
    taken = edges[edges["buyer"].map(place).isin(areas) & (edges["quantity"] > 0)]
    origin = taken["supplier"].map(place)
    origin = origin.mask(origin.isin(areas), home)
    amount = taken["quantity"].groupby([taken["product"], origin.rename("origin")]).sum()
    total = amount.groupby("product").sum()
    share = (amount / total.reindex(amount.index.get_level_values("product")).to_numpy()).unstack(
        "origin", fill_value=0.0
    )
    abroad = share.drop(columns=home, errors="ignore")
    return pd.DataFrame(
        {
            "taken": total,
            "import_share": abroad.sum(axis=1).clip(upper=1.0),
            "origin": abroad.idxmax(axis=1).where(abroad.max(axis=1) > 0, ""),
            "origin_share": abroad.max(axis=1),
            "hhi": (share**2).sum(axis=1),
        }
    )
