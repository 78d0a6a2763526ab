"""How much the world makes of each product, and who makes it: from final demand upstream."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from compiler.inputs import NAN, SPREAD, Inputs, stacked, text
from compiler.recipes import RECIPE_KEY, recipes_completed

__all__ = ["World", "site_label", "solve_world"]

SITE_COLUMNS = (
    "site product country firm cohort process output_qty output_usd_m value_added_share "
    "value_added_share_low value_added_share_high ramp_max ramp_weeks surplus_weeks year "
    "low high source confidence derivation"
).split()
ROUNDS = 500
SETTLED = 1e-13
SURPLUS_WEEKS = {False: 4.0, True: 13.0}
RAMP = (1.1, 26.0)


@dataclass
class World:
    """Quantities of the world, worked out.

    Attributes
    ----------
    sites : DataFrame
        The table `sites`.
    need : Series
        What the chain's own sites use of each product per year.
    left : Series
        World output less that use: for final demand and `other_use`.
    problems : list of str
        What does not add up.
    """

    sites: pd.DataFrame
    need: pd.Series
    left: pd.Series
    problems: list[str] = field(default_factory=list)


def site_label(product: str, country: str, firm: str, cohort: str = "") -> str:
    """Return the label of a site."""
    return f"{product}@{country}" + (f":{firm}" if firm else "") + (f"#{cohort}" if cohort else "")


def solve_world(inputs: Inputs, borrowed: pd.DataFrame) -> World:
    """Return the sites of a chain.

    Products are taken from the highest tier down; output of a product = need of those above it,
    or the stated output. Upkeep may lead upward, so rounds are repeated until nothing moves.

    Parameters
    ----------
    inputs : Inputs
        The chain's input tables.
    borrowed : DataFrame
        Sites that other chains have already.
    """
    products = inputs["products"].sort_values("tier", ascending=False, kind="stable")["product"]
    order = [p for p in products if p not in set(borrowed["product"])]
    builder = _Places(inputs, borrowed)
    need = builder.needs()
    for _ in range(ROUNDS):
        for product in order:
            builder.place(product)
        before, need = need, builder.needs()
        if np.allclose(before, need, rtol=SETTLED, atol=0.0):
            break
    else:
        builder.problems.append(f"needs do not settle in {ROUNDS} rounds: upkeep feeds on itself")
    sites = builder.table()
    made = sites.groupby("product")["output_qty"].sum().reindex(need.index).fillna(0.0)
    left = made - need
    left[left.index.isin(inputs["joint"]["process"])] = 0.0  # a process ships nothing itself
    left[left.abs() <= 1e-9 * made] = 0.0
    for product in left.index[left < 0]:
        builder.problems.append(
            f"{product}: world output {made[product]:g} is less than the chain's own use "
            f"{need[product]:g}"
        )
    return World(sites, need, left, builder.problems)


class _Places:
    """Sites by product, placed again whenever the need of the product has changed."""

    def __init__(self, inputs: Inputs, borrowed: pd.DataFrame) -> None:
        self.inputs, self.borrowed = inputs, borrowed
        self.problems: list[str] = []
        self._told: set[str] = set()
        self._rows: dict[str, list[dict[str, object]]] = {}
        self._outputs = inputs["outputs"].set_index("product")
        demand = inputs["demand"]
        final = demand[demand["basis"] == "quantity"]
        self._final = final.groupby("product")["value"].sum()
        self._price = inputs["products"].set_index("product")["price_usd"].astype(float)
        self._year = float(inputs.setting("year", "2024"))
        self._needs, self._made = _Needs(inputs), Made(borrowed)

    def place(self, product: str) -> None:
        """Place the sites of a product for what its users need now."""
        if product in set(self.inputs["joint"]["product"]):
            return  # its sites come with those of the process
        rows = self.inputs["places"]
        rows = rows[rows["product"] == product]
        if rows.empty:
            self._tell(product, "has no places")
            return
        quantity = self._quantities(product, rows, self._needs.of(product, self._made))
        if quantity is None:
            return
        self._rows[product] = [
            self._site(row, amount) for row, amount in zip(rows.itertuples(), quantity, strict=True)
        ]
        self._made.put(product, self._rows[product])
        self._children(product)

    def _total(self, product: str, rows: pd.DataFrame, need: float) -> float:
        if product in self._outputs.index:
            stated = self._outputs.loc[product]
            if stated["basis"] == "quantity":
                return float(stated["value"])
            return (need + float(self._final.get(product, 0.0))) * (1.0 + float(stated["value"]))
        if (rows["basis"] == "quantity").all():
            return float(rows["value"].sum())
        return need + float(self._final.get(product, 0.0))

    def _quantities(self, product: str, rows: pd.DataFrame, need: float) -> np.ndarray | None:
        total, value, basis = self._total(product, rows, need), rows["value"], rows["basis"]
        stated = np.where(basis == "share", value / 100.0 * total, value)
        rest = (basis == "rest").to_numpy()
        known = float(stated[~rest].sum())
        if not rest.any():
            if abs(known - total) > 5e-3 * total:
                self._tell(product, f"places make {known:g}, world output is {total:g}")
            return stated * (total / known if known else 0.0)
        left = total - known
        if left <= 0 < total:
            self._tell(product, f"stated places make {known:g} of {total:g}, nothing is left")
            return None
        stated[rest] = left * value[rest] / value[rest].sum()
        return stated

    def _site(self, row, quantity: float) -> dict[str, object]:
        scale = quantity / row.value if row.value else NAN
        low, high = row.low * scale, row.high * scale
        if row.basis == "rest" or low != low or high != high:
            spread = SPREAD[row.confidence]
            low, high = quantity * (1 - spread), quantity * (1 + spread)
        how = {"share": f"{row.value:g} % of world output; ", "rest": "what other places leave; "}
        return {
            "site": site_label(row.product, row.country, text(row.firm)),
            "product": row.product,
            "country": row.country,
            "firm": text(row.firm),
            "cohort": "",
            "process": "",
            "output_qty": quantity,
            "output_usd_m": quantity * self._price[row.product] / 1e6,
            "value_added_share": row.va_share,
            "value_added_share_low": row.va_low,
            "value_added_share_high": row.va_high,
            "ramp_max": row.ramp_max if row.ramp_max == row.ramp_max else RAMP[0],
            "ramp_weeks": row.ramp_weeks if row.ramp_weeks == row.ramp_weeks else RAMP[1],
            "surplus_weeks": SURPLUS_WEEKS[row.product in set(self.inputs["joint"]["process"])],
            "year": self._year_of(row.product),
            "low": min(low, quantity),
            "high": max(high, quantity),
            "source": self._sources_of(row),
            "confidence": row.confidence,
            "derivation": (how.get(row.basis, "") + text(row.derivation)).rstrip("; "),
        }

    def _sources_of(self, row) -> str:
        """Return the sources of a place, with those of the world output that its share is of."""
        if row.basis == "quantity" or row.product not in self._outputs.index:
            return row.source
        both = [*row.source.split(";"), *self._outputs.loc[row.product, "source"].split(";")]
        return ";".join(dict.fromkeys(both))

    def _year_of(self, product: str) -> float:
        if product in self._outputs.index:
            year = float(self._outputs.loc[product, "year"])
            return year if year == year else self._year
        return self._year

    def _children(self, process: str) -> None:
        """Add the outputs of a joint process at each of its places."""
        joint = self.inputs["joint"]
        rows = joint[joint["process"] == process]
        for row, scale in zip(rows.itertuples(), rows["yield"], strict=True):
            made = []
            for parent in self._rows[process]:
                quantity = parent["output_qty"] * scale
                made.append(
                    {
                        **parent,
                        "site": site_label(row.product, parent["country"], parent["firm"]),
                        "product": row.product,
                        "process": parent["site"],
                        "output_qty": quantity,
                        "output_usd_m": quantity * self._price[row.product] / 1e6,
                        "value_added_share": row.va_share,
                        "value_added_share_low": row.va_low,
                        "value_added_share_high": row.va_high,
                        "surplus_weeks": SURPLUS_WEEKS[True],
                        "low": parent["low"] * scale,
                        "high": parent["high"] * scale,
                        "source": ";".join(dict.fromkeys([parent["source"], row.source])),
                        "confidence": max(parent["confidence"], row.confidence),
                        "derivation": f"yield of {scale:g} per unit of {process}",
                    }
                )
            self._rows[row.product] = made
            self._made.put(row.product, made)

    def needs(self) -> pd.Series:
        """Return what all sites placed so far use of each product."""
        products = self.inputs["products"]["product"]
        return pd.Series({p: self._needs.of(p, self._made) for p in products})

    def table(self) -> pd.DataFrame:
        """Return all sites placed so far, the borrowed ones first."""
        own = pd.DataFrame([row for rows in self._rows.values() for row in rows])
        if own.empty:
            return self.borrowed.reindex(columns=SITE_COLUMNS)
        return stacked([self.borrowed, own])[SITE_COLUMNS]

    def _tell(self, product: str, what: str) -> None:
        if product not in self._told:
            self._told.add(product)
            self.problems.append(f"{product}: {what}")


class _Needs:
    """Need of each product per unit of its users, for all their sites and for single ones."""

    def __init__(self, inputs: Inputs) -> None:
        recipes = recipes_completed(inputs)
        recipes = recipes.assign(per_unit=recipes["quantity"] * recipes["share"])
        general = recipes[recipes["country"] == ""]
        usual = general.set_index(RECIPE_KEY)["per_unit"]
        self._general: dict[str, list[tuple[str, float]]] = {}
        self._own: dict[str, list[tuple[str, str, str, float]]] = {}
        for row in general.itertuples():
            self._general.setdefault(row.input, []).append((row.product, row.per_unit))
        own = recipes[recipes["country"] != ""]
        # A firm's row comes on top of its country's, which counts all firms there.
        country = own[own["firm"].map(text) == ""].set_index(["country", *RECIPE_KEY])["per_unit"]
        for row in own.itertuples():
            key = (row.product, row.slot, row.input)
            base = float(usual.get(key, 0.0))
            if text(row.firm):
                base = float(country.get((row.country, *key), base))
            more = row.per_unit - base
            if more:
                place = (row.product, row.country, text(row.firm), more)
                self._own.setdefault(row.input, []).append(place)

    def of(self, product: str, made: Made) -> float:
        """Return what all users take of a product."""
        need = sum(q * made.total(user) for user, q in self._general.get(product, []))
        own = self._own.get(product, [])
        return need + sum(q * made.at(user, country, firm) for user, country, firm, q in own)


class Made:
    """Output of each product, in all and by place."""

    def __init__(self, sites: pd.DataFrame) -> None:
        self._rows: dict[str, list[tuple[str, str, float]]] = {}
        for row in sites.itertuples():
            place = (row.country, text(row.firm), float(row.output_qty))
            self._rows.setdefault(row.product, []).append(place)

    def put(self, product: str, rows: list[dict[str, object]]) -> None:
        """Replace the places of a product."""
        self._rows[product] = [(r["country"], r["firm"], r["output_qty"]) for r in rows]

    def total(self, product: str) -> float:
        """Return the world output of a product."""
        return sum(quantity for _, _, quantity in self._rows.get(product, []))

    def at(self, product: str, country: str, firm: str) -> float:
        """Return the output in a country, of one firm where one is named."""
        return sum(
            quantity
            for where, who, quantity in self._rows.get(product, [])
            if where == country and firm in ("", who)
        )
