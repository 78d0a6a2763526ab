"""Levers that every trading nation has: a ban on what it sells, a boycott of what it buys."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.leverage._instruments import Instrument, Kind
from chokepoint.schema import OTHER_USE

__all__ = ["generic_instruments", "traded_groups"]

Labels = str | Sequence[str]

_WORDS: dict[Kind, str] = {"export_ban": "no", "import_boycott": "no purchase of"}


def generic_instruments(
    chain: SupplyChain,
    *,
    actor: Labels,
    target: Labels,
    exports: bool = True,
    imports: bool = True,
    least_usd_m: float = 0.0,
) -> list[Instrument]:
    """Return a ban on each product group that an actor sells, a boycott of each that it buys.

    They stand beside the instruments of the table `controls`, so that an actor without rows there
    has levers too: complete, at once, and on no particular law.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    actor, target : str or sequence of str
        Areas or blocs.
    exports, imports : bool
        Whether bans and boycotts are wanted.
    least_usd_m : float
        Groups with less trade than this are left out [USD million per year].

    Returns
    -------
    list of Instrument
        Bans, then boycotts, each by falling trade. Named as ``"no ndfeb_sintered"`` and ``"no
        purchase of vehicle"``. Groups that go to `other_use` alone are left out.

    Examples
    --------
    >>> made = generic_instruments(cp.load("rare_earths"), actor="CHN", target="USA")
    >>> "no ndfeb_sintered" in [one.name for one in made]
    True
    """
    own = chain.areas(actor)
    asked: list[tuple[Kind, bool, Labels, Labels]] = [
        ("export_ban", exports, actor, target),
        ("import_boycott", imports, target, actor),
    ]
    found = []
    for kind, wanted, seller, buyer in asked:
        if not wanted:
            continue
        trade = traded_groups(chain, seller=seller, buyer=buyer)
        for group, row in trade[trade["value_usd_m"] > least_usd_m].iterrows():
            found.append(
                Instrument(
                    name=f"{_WORDS[kind]} {group}",
                    owner=";".join(own),
                    kind=kind,
                    products=row["products"],
                    legal_hook="none in particular",
                )
            )
    return found


def traded_groups(chain: SupplyChain, *, seller: Labels, buyer: Labels) -> pd.DataFrame:
    """Return what some areas sell to others by product group, by falling value.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    seller, buyer : str or sequence of str
        Areas or blocs.

    Returns
    -------
    pandas.DataFrame
        Index group (the product itself where it has none); columns products (tuple) and
        value_usd_m [USD million per year, at baseline prices].

    Examples
    --------
    >>> trade = traded_groups(cp.load("rare_earths"), seller="CHN", buyer="JPN")
    >>> bool(trade["value_usd_m"].is_monotonic_decreasing)
    True
    """
    links, nodes, products = chain.links, chain.nodes, chain.products
    country, sector = nodes["country"].to_numpy(), nodes["sector"].to_numpy()
    used = sector[links.buyer] != OTHER_USE
    sold = np.isin(country[links.supplier], chain.areas(seller))
    bought = np.isin(country[links.buyer], chain.areas(buyer))
    live = ~links.dormant & (links.quantity > 0)
    chosen = np.flatnonzero(sold & bought & used & live)
    worth, output = (nodes[name].to_numpy(dtype=float) for name in ("value_usd_m", "output_qty"))
    price = np.divide(worth, output, out=np.zeros(len(output)), where=output > 0)
    value = links.quantity[chosen] * price[links.supplier[chosen]]
    by_product = pd.Series(value).groupby(products["product"].to_numpy()[links.product[chosen]])
    frame = by_product.sum().rename("value_usd_m").rename_axis("product").reset_index()
    frame["group"] = frame["product"].map(products.set_index("product")["group"])
    frame["group"] = frame["group"].where(frame["group"].ne(""), frame["product"])
    table = frame.groupby("group").agg(
        products=("product", lambda held: tuple(sorted(held))), value_usd_m=("value_usd_m", "sum")
    )
    table.attrs["unit"] = "USD million per year"
    return table.sort_values("value_usd_m", ascending=False, kind="stable")
