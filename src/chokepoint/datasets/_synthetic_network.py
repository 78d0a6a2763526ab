"""Made-up networks of sites as arrays: who makes what, who buys from whom, how much.

Products form tiers and have recipes; their sites are found in countries and choose suppliers in
proportion to an attractiveness with a heavy tail, so that a few sites serve very many. Outputs are
what markets and the other sites take: x = f + A x, with A the input that a unit of a buyer's output
needs of each supplier. Inputs are worth less than the output, so that the sum over rounds of
suppliers converges, and all accounts balance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.datasets._synthetic_recipes import Recipes, Settings, made_recipes

__all__ = ["Network", "made_network"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_ABROAD = 0.4
"""Share of the final sales of end products that go to a market in another country."""
_SMALL = 0.1
"""Final sales of a site that makes no end product, over those of one as attractive that does."""
_SCALE = 100.0
"""Final sales of an end product's site per unit of attractiveness [USD million per year]."""
_ROUNDS = 400
_EXACT = 1e-14


@dataclass(frozen=True)
class Network:
    """Sites sorted by product and country, then markets; slots by buyer; flows by slot, supplier.

    Attributes
    ----------
    tier : array of int (products,)
        Tier of each product.
    recipes : Recipes
        Inputs of products.
    product, country : array of int (sites,)
        What each site makes, and where.
    market_product, market_country : array of int (markets,)
        The same for markets.
    slot_buyer, slot_row : array of int (slots,)
        Buyer (site, or sites + market) and row of the recipes, -1 for the slot of a market.
    supplier, slot : array of int (flows,)
        Ends of each flow.
    quantity : array (flows,)
        Units per year.
    output : array (sites,)
        Units per year: the sum of the flows out.
    demand : array (markets,)
        Units per year: the sum of the flows in.
    """

    tier: IntArray
    recipes: Recipes
    product: IntArray
    country: IntArray
    market_product: IntArray
    market_country: IntArray
    slot_buyer: IntArray
    slot_row: IntArray
    supplier: IntArray
    slot: IntArray
    quantity: FloatArray
    output: FloatArray
    demand: FloatArray


def made_network(settings: Settings, rng: np.random.Generator) -> Network:
    """Return a random network."""
    tier = np.sort(np.arange(settings.products, dtype=np.int64) % settings.tiers)
    recipes = made_recipes(settings, tier, rng)
    product, country = _placed(settings, rng)
    pull = (1.0 - rng.random(settings.sites)) ** (-1.0 / settings.tail)
    rows = np.bincount(recipes.product, minlength=settings.products)
    first_row = np.cumsum(rows) - rows
    slots = rows[product]
    slot_buyer = np.repeat(np.arange(settings.sites), slots)
    place = np.arange(len(slot_buyer)) - np.repeat(np.cumsum(slots) - slots, slots)
    slot_row = first_row[product[slot_buyer]] + place
    supplier, slot = _chosen(settings, recipes, product, country, pull, slot_buyer, slot_row, rng)
    share = pull[supplier] ** 0.5 * rng.lognormal(0.0, 0.5, len(supplier))
    share /= np.bincount(slot, share, minlength=len(slot_buyer))[slot]
    need = recipes.quantity[slot_row[slot]] * share
    final, sales = _final_sales(settings, tier, product, country, pull, rng)
    output = _outputs(final, need, supplier, slot_buyer[slot])
    quantity = need * output[slot_buyer[slot]]
    output = final + np.bincount(supplier, quantity, minlength=settings.sites)
    return _with_markets(
        settings, tier, recipes, product, country, slot_buyer, slot_row, supplier, slot,
        quantity, output, sales,
    )  # fmt: skip


def _placed(settings: Settings, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return product and country of each site, sorted; every product has a site.

    Countries differ like the numbers 1, 1/2, 1/3, ..., and each product is at home in some more
    than in others.
    """
    count = settings.products
    size = rng.lognormal(0.0, 1.0, count)
    drawn = rng.choice(count, settings.sites - count, p=size / size.sum())
    product = np.sort(np.concatenate([np.arange(count), drawn]))
    weight = (
        1.0
        / np.arange(1, settings.countries + 1)
        * rng.lognormal(0.0, 1.0, (count, settings.countries))
    )
    total = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    # Products stand one after the other on a line, each one unit long.
    ends = (total + np.arange(count)[:, None]).ravel()
    place = np.searchsorted(ends, product + rng.random(len(product)), side="right")
    country = np.clip(place - product * settings.countries, 0, settings.countries - 1)
    order = np.lexsort((country, product))
    return product[order], country[order]


def _chosen(
    settings: Settings,
    recipes: Recipes,
    product: IntArray,
    country: IntArray,
    pull: FloatArray,
    slot_buyer: IntArray,
    slot_row: IntArray,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """Return suppliers and slots of all flows between sites, sorted by slot, then supplier.

    Large buyers have more suppliers; a supplier is drawn in proportion to its pull, at home where
    that is asked for and somebody there makes the input.
    """
    large = np.minimum(pull / pull.mean(), 20.0) ** 0.5
    large /= large[slot_buyer].mean() if len(slot_buyer) else 1.0
    count = 1 + rng.poisson((settings.suppliers - 1.0) * large[slot_buyer])
    slot = np.repeat(np.arange(len(slot_buyer)), count)
    taken = recipes.input[slot_row[slot]]
    # Makers of a product, and those of them in a country, stand side by side.
    key = product * settings.countries + country
    here = taken * settings.countries + country[slot_buyer[slot]]
    low, high = np.searchsorted(product, taken), np.searchsorted(product, taken, side="right")
    near_low, near_high = np.searchsorted(key, here), np.searchsorted(key, here, side="right")
    near = (rng.random(len(slot)) < settings.home) & (near_low < near_high)
    low, high = np.where(near, near_low, low), np.where(near, near_high, high)
    total = np.concatenate([[0.0], np.cumsum(pull)])
    aim = total[low] + rng.random(len(slot)) * (total[high] - total[low])
    supplier = np.clip(np.searchsorted(total, aim, side="right") - 1, low, high - 1)
    pair = _distinct(slot * len(product) + supplier)
    return pair % len(product), pair // len(product)


def _distinct(keys: IntArray) -> IntArray:
    """Return keys sorted, each once; they come nearly in order: a stable sort makes use of it."""
    ordered: IntArray = np.sort(keys, kind="stable")
    return np.asarray(ordered[np.append(True, ordered[1:] != ordered[:-1])])


def _summed(position: IntArray, amount: FloatArray, size: int) -> FloatArray:
    return np.asarray(np.bincount(position, amount, minlength=size), dtype=np.float64)


def _final_sales(
    settings: Settings,
    tier: IntArray,
    product: IntArray,
    country: IntArray,
    pull: FloatArray,
    rng: np.random.Generator,
) -> tuple[FloatArray, tuple[IntArray, IntArray, FloatArray]]:
    """Return final sales of each site, and each sale: site, country of the market, quantity.

    End products are sold at home and in one other country, a little of all others at home.
    """
    size = len(product)
    end = np.flatnonzero(tier[product] == settings.tiers - 1)
    final = _SMALL * pull
    final[end] = pull[end]
    final *= _SCALE
    at_home = final.copy()
    at_home[end] *= 1.0 - _ABROAD
    weight = np.cumsum(1.0 / np.arange(1, settings.countries + 1))
    abroad = np.searchsorted(weight, rng.random(len(end)) * weight[-1])
    sale = (
        np.concatenate([np.arange(size), end]).astype(np.int64),
        np.concatenate([country, abroad]).astype(np.int64),
        np.concatenate([at_home, _ABROAD * final[end]]),
    )
    # What is sold is the sum of the sales, to the last digit.
    return _summed(sale[0], sale[2], size), sale


def _outputs(
    final: FloatArray, need: FloatArray, supplier: IntArray, buyer: IntArray
) -> FloatArray:
    """Return the outputs that meet final sales and what they need upstream."""
    size = len(final)
    pull = sparse.csr_array((need, (supplier, buyer)), shape=(size, size))
    output = final
    for _ in range(_ROUNDS):
        new = final + pull @ output
        moved = np.divide(np.abs(new - output), new, out=np.zeros(size), where=new > 0)
        change, output = float(moved.max()), new
        if change <= _EXACT:
            break
    return output


def _with_markets(
    settings: Settings,
    tier: IntArray,
    recipes: Recipes,
    product: IntArray,
    country: IntArray,
    slot_buyer: IntArray,
    slot_row: IntArray,
    supplier: IntArray,
    slot: IntArray,
    quantity: FloatArray,
    output: FloatArray,
    sales: tuple[IntArray, IntArray, FloatArray],
) -> Network:
    """Return the network with a market for each product and country that takes final sales."""
    seller, place, amount = sales
    key, market = np.unique(product[seller] * settings.countries + place, return_inverse=True)
    pair, same = np.unique(market * len(product) + seller, return_inverse=True)
    amount = _summed(same, amount, len(pair))
    size = len(slot_buyer)
    market_of = pair // len(product)
    return Network(
        tier=tier,
        recipes=recipes,
        product=product,
        country=country,
        market_product=key // settings.countries,
        market_country=key % settings.countries,
        slot_buyer=np.concatenate([slot_buyer, len(product) + np.arange(len(key))]),
        slot_row=np.concatenate([slot_row, np.full(len(key), -1)]),
        supplier=np.concatenate([supplier, pair % len(product)]),
        slot=np.concatenate([slot, size + market_of]),
        quantity=np.concatenate([quantity, amount]),
        output=output,
        demand=_summed(market_of, amount, len(key)),
    )
