"""Made-up chains of any size, for tests of speed and for trying things out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint import schema
from chokepoint.chain import DEMAND, Links, SupplyChain
from chokepoint.chain._recipes import SLOT_COLUMNS
from chokepoint.chain._table_store import TableStore
from chokepoint.chain._views import node_view
from chokepoint.datasets._synthetic_network import Network, Settings, made_network
from chokepoint.errors import OptionError

__all__ = ["synthetic"]

_PRICE = 1e6
_DERIVATION = "made up by a random generator"


def synthetic(
    n_sites: int,
    *,
    tiers: int = 6,
    products: int | None = None,
    countries: int = 36,
    inputs: float = 2.5,
    suppliers: float = 2.5,
    tail: float = 1.3,
    feedback: float = 0.05,
    home: float = 0.4,
    rng: np.random.Generator | int | None = None,
) -> SupplyChain:
    r"""Return a made-up chain with tiers, hubs and cycles whose accounts balance.

    Products stand in tiers; each beyond the first is made of 1 + Poisson(`inputs` - 1) others, most
    of the tier before. Sites carry an attractiveness :math:`a_i` from a Pareto distribution,
    :math:`P(a > z) = z^{-\text{tail}}`, :math:`z \ge 1`. Each slot of a site draws
    :math:`1 + \text{Poisson}((\text{suppliers} - 1)\, c_i)` suppliers, :math:`c_i` growing with
    the root of the buyer's attractiveness, each in proportion to :math:`a`, so that

    * the number of customers of a site has a tail of exponent `tail` up to the size of a product's
      market: a few hubs serve a large part of all buyers;
    * the number of suppliers of a site grows with its size, with a much lighter tail;
    * outputs have a heavy tail, since they are what the markets and all buyers take,
      :math:`x = f + A x`.

    Popularity of products as inputs has the same tail. Recipes, shares, stock covers (0.5 to 8
    weeks), criticality (six in ten inputs stop all output), leads (1 to 4 weeks) and qualification
    times (8 to 52 weeks) are random; inputs are worth 30 to 60 per cent of the output.

    Parameters
    ----------
    n_sites : int
        Number of sites, at least four times `tiers`. A million take less than a minute.
    tiers : int
        Number of tiers, at least 2.
    products : int, optional
        Number of products; None = the root of the number of sites, at least twice the tiers.
    countries : int
        Number of countries ``C00``, ``C01``, ...; their sizes differ like 1, 1/2, 1/3, ...
    inputs, suppliers : float
        Mean number of inputs of a product and of suppliers drawn for a slot, at least 1.
    tail : float
        Exponent of the Pareto distributions, above 1; smaller = larger hubs.
    feedback : float
        Share of inputs that come from the same or a later tier, in [0, 1): where it is above 0
        there is at least one cycle of products.
    home : float
        Share of suppliers that are looked for at home first, in [0, 1].
    rng : Generator, int or None
        Randomness; the same seed gives the same chain.

    Returns
    -------
    SupplyChain
        All flows are marked "reported", all numbers graded D. Flows stay in arrays
        (:attr:`SupplyChain.links`); the table with a row for each is made when asked for, and above
        a million flows it cannot be written, edited table by table or made a graph.

    Raises
    ------
    OptionError
        If an option is out of range.

    Examples
    --------
    >>> chain = cp.datasets.synthetic(1000, rng=1)
    >>> len(chain.sites), bool(chain.balance()["relative"].abs().max() < 1e-12)
    (1000, True)
    """
    count = max(2 * tiers, round(n_sites**0.5)) if products is None else products
    settings = Settings(
        n_sites, tiers, count, countries, float(inputs), float(suppliers), float(tail),
        float(feedback), float(home),
    )  # fmt: skip
    _check(settings)
    network = made_network(settings, np.random.default_rng(rng))
    tables = TableStore(
        {
            "countries": _complete(
                "countries",
                countries,
                {"area": _codes("C", countries, 2), "kind": ["country"] * countries},
            ),
            "products": _products(network),
            "inputs": _inputs(network),
            "sites": _sites(network),
            "markets": _markets(network),
        },
        {"flows": (len(network.quantity), partial(_flows, network))},
    )
    nodes = node_view(tables)
    cache = {"nodes": nodes, "slots": _slots(network, nodes.index, tables)}
    chain = SupplyChain._from_trusted(tables, name=f"synthetic {n_sites:,}", cache=cache)
    chain._cache["links"] = _links(network, tables)
    return chain


def _check(settings: Settings) -> None:
    asked = (
        f"tiers <= products <= sites, given {settings.tiers} tiers, {settings.products} products "
        f"and {settings.sites} sites"
    )
    wrong = [
        (settings.tiers >= 2, f"tiers >= 2, given {settings.tiers}"),
        (settings.countries >= 1, f"countries >= 1, given {settings.countries}"),
        (settings.tiers <= settings.products <= settings.sites, asked),
        (settings.inputs >= 1, f"inputs >= 1, given {settings.inputs}"),
        (settings.suppliers >= 1, f"suppliers >= 1, given {settings.suppliers}"),
        (settings.tail > 1, f"tail > 1, given {settings.tail}"),
        (0 <= settings.feedback < 1, f"feedback in [0, 1), given {settings.feedback}"),
        (0 <= settings.home <= 1, f"home in [0, 1], given {settings.home}"),
    ]
    problems = [text for right, text in wrong if not right]
    if problems:
        raise OptionError("expected " + "; ".join(problems))


def _products(network: Network) -> pd.DataFrame:
    count = len(network.tier)
    columns = {
        "product": _codes("p", count, 5),
        "tier": network.tier,
        "price_usd": np.full(count, _PRICE),
        "derivation": [_DERIVATION] * count,
    }
    return _complete("products", count, columns)


def _inputs(network: Network) -> pd.DataFrame:
    recipes = network.recipes
    product = _codes("p", len(network.tier), 5)
    taken = _take(product, recipes.input)
    columns = {
        "product": _take(product, recipes.product),
        "slot": taken,
        "input": taken,
        "quantity": recipes.quantity,
        "stock_weeks": recipes.stock,
        "criticality": recipes.criticality,
        "lead_weeks": recipes.lead,
        "qualification_weeks": recipes.qualification,
        "derivation": [_DERIVATION] * len(taken),
    }
    return _complete("inputs", len(taken), columns)


def _sites(network: Network) -> pd.DataFrame:
    size = len(network.product)
    product = _take(_codes("p", len(network.tier), 5), network.product)
    country = _take(_codes("C", int(network.country.max()) + 1, 2), network.country)
    firm = schema.text_column(_codes("f", size, 7))
    bought = np.bincount(
        network.recipes.product, network.recipes.quantity, minlength=len(network.tier)
    )
    columns = {
        "site": product + "@" + country + ":" + firm,
        "product": product,
        "country": country,
        "firm": firm,
        "output_qty": network.output,
        "output_usd_m": network.output,
        "value_added_share": 1.0 - bought[network.product],
        "derivation": _take([_DERIVATION], np.zeros(size, dtype=np.int64)),
    }
    return _complete("sites", size, columns)


def _markets(network: Network) -> pd.DataFrame:
    size = len(network.demand)
    product = _take(_codes("p", len(network.tier), 5), network.market_product)
    country = _take(_codes("C", int(network.market_country.max()) + 1, 2), network.market_country)
    columns = {
        "market": "market:" + product + "@" + country,
        "product": product,
        "country": country,
        "quantity": network.demand,
        "value_usd_m": network.demand,
        "derivation": [_DERIVATION] * size,
    }
    return _complete("markets", size, columns)


def _flows(network: Network) -> pd.DataFrame:
    size = len(network.quantity)
    sites, markets = _sites(network)["site"], _markets(network)["market"]
    nodes = pd.concat([sites, markets], ignore_index=True)
    columns = {
        "supplier": _take(sites, network.supplier),
        "buyer": _take(nodes, network.slot_buyer[network.slot]),
        "slot": _take(*_slot_names(network)).take(network.slot).reset_index(drop=True),
        "quantity": network.quantity,
        "value_usd_m": network.quantity,
        "known": _take(["reported"], np.zeros(size, dtype=np.int64)),
        "derivation": _take([_DERIVATION], np.zeros(size, dtype=np.int64)),
    }
    return _complete("flows", size, columns)


def _slot_names(network: Network) -> tuple[list[str], NDArray[np.int64]]:
    """Return names of slots, and the name of each slot as a position among them."""
    count = len(network.tier)
    taken = np.append(network.recipes.input, count)
    return [*_codes("p", count, 5), DEMAND], taken[network.slot_row]


def _slots(network: Network, nodes: pd.Index, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return ``chain.slots``, without looking any label up."""
    row, size = network.slot_row, len(network.product)
    inputs, markets = tables["inputs"], tables["markets"]
    names, name = _slot_names(network)
    levels: Any = [nodes, pd.Index(schema.text_column(names))]
    codes: Any = [network.slot_buyer, name]
    index = pd.MultiIndex(
        levels=levels, codes=codes, names=["buyer", "slot"], verify_integrity=False
    )
    final = row < 0
    amount = np.concatenate([network.output, network.demand])
    columns: dict[str, Any] = {"need": amount[network.slot_buyer]}
    # The one slot of a market, as its row says; needed whole, and a shortage is a shortage.
    of_market = {
        "use_share": 1.0, "combine": "nested", "criticality": 1.0, "throttle_weeks": 1.0,
        "thrift_weekly": 0.0, "thrift_floor": 1.0, "decay_weekly": 0.0, "repair_weeks": 1.0,
    }  # fmt: skip
    for column in SLOT_COLUMNS:
        if column == "combine":
            columns[column] = _take(["nested"], np.zeros(len(row), dtype=np.int64)).to_numpy()
            continue
        values = inputs[column].to_numpy(dtype=np.float64)[np.where(final, 0, row)]
        given = (
            np.full(len(markets), of_market[column])
            if column in of_market
            else markets[column].to_numpy(dtype=np.float64)
        )
        values[final] = given[network.slot_buyer[final] - size]
        columns[column] = values
    stock = columns["stock_weeks"]
    columns["storable"] = ~final | (stock > 0)
    return pd.DataFrame(columns, index=index)


def _links(network: Network, tables: Mapping[str, pd.DataFrame]) -> Links:
    row = network.slot_row[network.slot]
    final = row < 0
    safe = np.where(final, 0, row)
    recipes, markets = network.recipes, tables["markets"]
    market = np.where(final, network.slot_buyer[network.slot] - len(network.product), 0)
    size = len(row)
    growth = float(schema.spec("flows").by_name["growth_max"].default)
    lead = markets["lead_weeks"].to_numpy(dtype=np.float64)
    weeks = markets["qualification_weeks"].to_numpy(dtype=np.float64)
    return Links(
        supplier=network.supplier.astype(np.int32),
        buyer=network.slot_buyer[network.slot].astype(np.int32),
        slot=network.slot.astype(np.int32),
        product=network.product[network.supplier].astype(np.int32),
        quantity=network.quantity.copy(),
        recipe=np.where(final, 1.0, recipes.quantity[safe]),
        growth_max=np.full(size, growth),
        lead_weeks=np.where(final, lead[market], recipes.lead[safe].astype(np.float64)),
        qualification_weeks=np.where(final, weeks[market], recipes.qualification[safe]),
        max_share=np.full(size, np.nan),
        dormant=np.zeros(size, dtype=bool),
    ).frozen()


def _codes(letter: str, count: int, digits: int) -> list[str]:
    return [f"{letter}{number:0{digits}d}" for number in range(count)]


def _take(labels: Any, positions: NDArray[np.integer[Any]]) -> pd.Series:
    """Return labels by position as a text column, without a Python string for every row."""
    return schema.text_column(labels).take(positions).reset_index(drop=True)


def _complete(table: str, size: int, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table with all columns of its kind; columns that are not given hold the default."""
    blank = schema.coerce(table, pd.DataFrame(index=pd.RangeIndex(size)))[0]
    by_name = schema.spec(table).by_name
    given = {
        name: schema.text_column(values)
        if by_name[name].is_text and not isinstance(values, pd.Series)
        else values
        for name, values in columns.items()
    }
    return blank.assign(**given)
