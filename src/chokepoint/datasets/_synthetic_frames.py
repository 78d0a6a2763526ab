"""Tables and views of a made-up chain, made of the arrays of its network."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint import schema
from chokepoint.chain import DEMAND, Links
from chokepoint.chain._recipes import SLOT_COLUMNS
from chokepoint.chain._table_store import TableStore
from chokepoint.datasets._synthetic_network import Network

__all__ = ["links_of_network", "network_tables", "slot_frame"]

_PRICE = 1e6
_DERIVATION = "made up by a random generator"


def network_tables(network: Network, countries: int) -> TableStore:
    """Return the tables of the chain; the one with a row per flow is made when asked for."""
    return TableStore(
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


def slot_frame(
    network: Network, nodes: pd.Index, tables: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
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


def links_of_network(network: Network, tables: Mapping[str, pd.DataFrame]) -> Links:
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
