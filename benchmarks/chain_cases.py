"""Made-up chains for timings, swept over size and over nastiness.

The realistic ones come from `chokepoint.datasets.synthetic`; the others are odd on purpose (a line,
one hub, outputs over nine orders of magnitude), or stay because results are recorded on them. Every
case satisfies the accounting identities by construction: totals solve the Leontief system
of the recipes, and flows are proportional (or circulant between equal countries), so both the
outputs of suppliers and the needs of buyers are met exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from chokepoint.datasets import synthetic

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Recipe:
    """One product needs a quantity of another."""

    product: str
    input: str
    quantity: float
    lead_weeks: int = 2
    stock_weeks: float = 4.0


def _totals(products: Sequence[str], recipes: Sequence[Recipe], final: float) -> pd.Series:
    """Return output per product: final demand plus what other products need."""
    position = {name: i for i, name in enumerate(products)}
    use = np.zeros((len(products), len(products)))
    for recipe in recipes:
        use[position[recipe.input], position[recipe.product]] += recipe.quantity
    return pd.Series(
        np.linalg.solve(np.eye(len(products)) - use, np.full(len(products), final)), products
    )


def _shares(sizes: np.ndarray, suppliers: int | None) -> np.ndarray:
    """Return supplier shares, shape (supplier, buyer): proportional, or circulant."""
    count = len(sizes)
    if suppliers is None:
        return np.repeat(sizes[:, None], count, axis=1)
    shares = np.zeros((count, count))
    for step in range(suppliers):
        shares[(np.arange(count) + step) % count, np.arange(count)] = 1.0 / suppliers
    return shares


def build(
    products: Sequence[str],
    recipes: Sequence[Recipe],
    sizes: np.ndarray,
    *,
    suppliers: int | None = None,
    single: Sequence[str] = (),
) -> Tables:
    """Return the tables of a chain.

    `sizes` are country shares, the same for all products; `suppliers` limits the suppliers of
    each buyer (countries must then be equal); products in `single` are made in one country only.
    """
    countries = [f"X_{i:03d}" for i in range(len(sizes))]
    totals = _totals(products, recipes, final=520.0)
    alone = np.eye(len(sizes))[0]
    made = {name: alone if name in single else sizes for name in products}
    even = _shares(sizes, suppliers)
    supply = {
        name: np.repeat(alone[:, None], len(sizes), axis=1) if name in single else even
        for name in products
    }
    site_rows, market_rows, flow_rows = [], [], []
    for name in products:
        for country, share in zip(countries, made[name], strict=True):
            if share > 0:
                site_rows.append((name, country, totals[name] * share))
        for buyer, share in zip(countries, sizes, strict=True):
            market_rows.append((name, buyer, 520.0 * share))
            flow_rows += [
                (f"{name}@{seller}", f"market:{name}@{buyer}", name, 520.0 * share * part)
                for seller, part in zip(
                    countries, supply[name][:, countries.index(buyer)], strict=True
                )
                if part > 0
            ]
    for recipe in recipes:
        for column, (buyer, size) in enumerate(zip(countries, made[recipe.product], strict=True)):
            need = totals[recipe.product] * size * recipe.quantity
            flow_rows += [
                (f"{recipe.input}@{seller}", f"{recipe.product}@{buyer}", recipe.input, need * part)
                for seller, part in zip(countries, supply[recipe.input][:, column], strict=True)
                if need * part > 0
            ]
    flows = pd.DataFrame(flow_rows, columns=["supplier", "buyer", "slot", "quantity"])
    to_market = flows["buyer"].str.startswith("market:")
    return {
        "products": pd.DataFrame({"product": products, "price_usd": 1e6}),
        "sites": pd.DataFrame(site_rows, columns=["product", "country", "output_qty"]),
        "inputs": pd.DataFrame([vars(recipe) for recipe in recipes]),
        "markets": pd.DataFrame(market_rows, columns=["product", "country", "quantity"]),
        "flows": flows.assign(slot=flows["slot"].where(~to_market, "demand"), known="reported"),
    }


def tiered(tiers: int, width: int, countries: int, *, suppliers: int = 4) -> Tables:
    """Every product needs two products of the tier before it."""
    products = [f"t{tier}_{i}" for tier in range(tiers) for i in range(width)]
    recipes = [
        Recipe(f"t{tier}_{i}", f"t{tier - 1}_{(i + step) % width}", 0.4)
        for tier in range(1, tiers)
        for i in range(width)
        for step in range(min(2, width))
    ]
    return build(products, recipes, np.full(countries, 1 / countries), suppliers=suppliers)


def line(length: int) -> Tables:
    """Return a long chain without branches: a shortage takes `length` steps to arrive."""
    products = [f"p{i}" for i in range(length)]
    recipes = [Recipe(f"p{i}", f"p{i - 1}", 0.5) for i in range(1, length)]
    return build(products, recipes, np.full(2, 0.5), suppliers=1)


def hub(width: int, countries: int) -> Tables:
    """Return many products that need one product from one country."""
    products = ["hub", *(f"p{i}" for i in range(width))]
    recipes = [Recipe(f"p{i}", "hub", 0.1) for i in range(width)]
    return build(products, recipes, np.full(countries, 1 / countries), single=["hub"])


def cycle(countries: int) -> Tables:
    """Return products that need each other in a circle."""
    recipes = [Recipe("a", "c", 0.3), Recipe("b", "a", 0.5), Recipe("c", "b", 0.5)]
    return build(["a", "b", "c"], recipes, np.full(countries, 1 / countries))


def uneven(countries: int) -> Tables:
    """Return countries whose outputs span nine orders of magnitude."""
    sizes = 10.0 ** -np.linspace(0, 9, countries)
    recipes = [Recipe("b", "a", 0.5), Recipe("c", "b", 0.5)]
    return build(["a", "b", "c"], recipes, sizes / sizes.sum())


CASES: dict[str, Callable[[], Tables]] = {
    "tiered-100": lambda: tiered(4, 5, 5),
    "tiered-1000": lambda: tiered(5, 20, 10),
    "line-60": lambda: line(60),
    "hub": lambda: hub(40, 8),
    "cycle": lambda: cycle(20),
    "uneven": lambda: uneven(20),
    "synthetic-1000": lambda: synthetic(1_000, rng=0).tables,
    "synthetic-10000": lambda: synthetic(10_000, rng=0).tables,
}
