"""Small chains written down as flows; outputs, recipes and yields follow from the flows.

Whatever flows are given, the accounting identities hold: a site makes what it ships, a slot is
filled by what arrives, a joint output is its yield times the process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pandas as pd

from chokepoint.chain import SupplyChain

# One currency unit of output is USD 1 million, half of it value added, unless stated.
PRICE = 1e6
SHARE = 0.5

_BUILT: dict[str, SupplyChain] = {}


@dataclass(frozen=True)
class Flow:
    """A yearly flow; a blank slot is named after the product that is shipped."""

    supplier: str
    buyer: str
    quantity: float = 52.0
    slot: str = ""
    lead: int = 1
    growth: float = 0.25


@dataclass(frozen=True)
class Alternative:
    """A supplier without a flow."""

    supplier: str
    buyer: str
    max_share: float = 1.0
    qualification: float = 4.0
    slot: str = ""
    lead: int = 1


@dataclass
class Draft:
    """What a chain is made of."""

    flows: Sequence[Flow]
    alternatives: Sequence[Alternative] = ()
    slots: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """Columns of `inputs` by (buyer, slot)."""
    sites: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Columns of `sites` by site."""
    markets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Columns of `markets` by market."""
    outputs_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Wanted outputs of a process."""
    byproducts_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By-products of a site."""
    services: Sequence[str] = ()
    """Products that cannot be kept."""
    countries: Sequence[str] = ()
    """All areas, where some of them may have no site."""
    blocs: Mapping[str, str] = field(default_factory=dict)
    """Sets of countries an area belongs to, separated by ;."""
    products: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Columns of `products` by product."""
    tiers: Mapping[str, int] = field(default_factory=dict)
    price: float = PRICE

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables of the chain."""
        made = self._outputs()
        frames = {
            "countries": pd.DataFrame(
                {"area": area, "blocs": self.blocs.get(area, "")} for area in self.countries
            ),
            "products": self._products(made),
            "sites": self._sites(made),
            "inputs": pd.DataFrame(self._inputs(made)),
            "joint": pd.DataFrame(self._joint(made)),
            "markets": self._markets(),
            "flows": pd.DataFrame(
                {
                    "supplier": flow.supplier,
                    "buyer": flow.buyer,
                    "slot": _slot(flow),
                    "quantity": flow.quantity,
                    "lead_weeks": flow.lead,
                    "growth_max": flow.growth,
                }
                for flow in self.flows
            ),
            "alternatives": pd.DataFrame(
                {
                    "supplier": one.supplier,
                    "buyer": one.buyer,
                    "slot": _slot(one),
                    "max_share": one.max_share,
                    "qualification_weeks": one.qualification,
                    "lead_weeks": one.lead,
                }
                for one in self.alternatives
            ),
        }
        return {name: frame for name, frame in frames.items() if len(frame)}

    def build(self) -> SupplyChain:
        """Return the chain; equal drafts give one chain, which is immutable."""
        key = repr(self)
        if key not in _BUILT:
            if len(_BUILT) >= 256:
                _BUILT.pop(next(iter(_BUILT)))
            _BUILT[key] = SupplyChain.from_tables(self.tables())
        return _BUILT[key]

    def _outputs(self) -> dict[str, float]:
        made: dict[str, float] = dict.fromkeys(self.outputs_of, 52.0)
        for flow in self.flows:
            made[flow.supplier] = made.get(flow.supplier, 0.0) + flow.quantity
            if not flow.buyer.startswith("market:"):
                made.setdefault(flow.buyer, 0.0)
        for one in self.alternatives:
            made.setdefault(one.supplier, 0.0)
        return made

    def _products(self, made: Mapping[str, float]) -> pd.DataFrame:
        names = list(dict.fromkeys(product_of(site) for site in made))
        rows = []
        for name in names:
            row = {
                "product": name,
                "tier": self.tiers.get(name, 0),
                "price_usd": self.price,
                "storable": name not in self.services,
            }
            own = dict(self.products.get(name, {}))
            own["price_usd"] = self.price * own.pop("worth", 1.0)
            rows.append(row | own)
        return pd.DataFrame(rows)

    def _sites(self, made: Mapping[str, float]) -> pd.DataFrame:
        process = {child: site for site, some in self.outputs_of.items() for child in some}
        process |= {child: site for site, some in self.byproducts_of.items() for child in some}
        rows = []
        for site, output in made.items():
            rest, _, cohort = site.partition("#")
            rest, _, firm = rest.partition(":")
            row = {
                "product": product_of(site),
                "country": rest.partition("@")[2],
                "firm": firm,
                "cohort": cohort,
                "process": process.get(site, ""),
                "output_qty": output,
                "value_added_share": SHARE,
            }
            rows.append(row | dict(self.sites.get(site, {})))
        return pd.DataFrame(rows)

    def _inputs(self, made: Mapping[str, float]) -> list[dict[str, Any]]:
        arriving: dict[tuple[str, str], dict[str, float]] = {}
        for flow in self.flows:
            if not flow.buyer.startswith("market:"):
                amounts = arriving.setdefault((flow.buyer, _slot(flow)), {})
                product = product_of(flow.supplier)
                amounts[product] = amounts.get(product, 0.0) + flow.quantity
        for one in self.alternatives:
            if not one.buyer.startswith("market:"):
                arriving[one.buyer, _slot(one)].setdefault(product_of(one.supplier), 0.0)
        rows = []
        for (buyer, slot), amounts in arriving.items():
            columns = dict(self.slots.get((buyer, slot), {}))
            worth = columns.pop("worth", {})
            filled = sum(worth.get(product, 1.0) * amount for product, amount in amounts.items())
            for product in amounts:
                row = {
                    "product": product_of(buyer),
                    "site": buyer,
                    "slot": slot,
                    "input": product,
                    # `worth`: how much of the slot one unit of this input fills.
                    "quantity": filled / worth.get(product, 1.0) / (made[buyer] or 1.0),
                    "stock_weeks": 2.0,
                }
                rows.append(row | columns)
        return rows

    def _joint(self, made: Mapping[str, float]) -> list[dict[str, Any]]:
        rows = []
        for wanted, some in ((True, self.outputs_of), (False, self.byproducts_of)):
            for process, children in some.items():
                for child in children:
                    row = {
                        "process": product_of(process),
                        "site": process,
                        "product": product_of(child),
                        "yield": made[child] / made[process],
                        "wanted": wanted,
                    }
                    rows.append(row)
        return rows

    def _markets(self) -> pd.DataFrame:
        bought: dict[str, float] = {}
        for flow in self.flows:
            if flow.buyer.startswith("market:"):
                bought[flow.buyer] = bought.get(flow.buyer, 0.0) + flow.quantity
        rows = []
        for market, quantity in bought.items():
            _, product_country, *sector = market.split(":")
            product, country = product_country.split("@")
            row = {"product": product, "country": country, "quantity": quantity}
            row["sector"] = sector[0] if sector else ""
            rows.append(row | dict(self.markets.get(market, {})))
        return pd.DataFrame(rows)


def product_of(label: str) -> str:
    """Return the product in the label of a site."""
    return label.partition("@")[0]


def _slot(item: Flow | Alternative) -> str:
    if item.slot:
        return item.slot
    return "demand" if item.buyer.startswith("market:") else product_of(item.supplier)


def line(
    *labels: str, lead: int = 1, stock: float = 2.0, throttle: float = 1.0, **slot: Any
) -> Draft:
    """Return a chain without branches: each label supplies the next one."""
    pairs = list(pairwise(labels))
    columns = {"stock_weeks": stock, "throttle_weeks": throttle, **slot}
    return Draft(
        flows=[Flow(one, other, lead=lead) for one, other in pairs],
        slots={(other, product_of(one)): columns for one, other in pairs},
    )
