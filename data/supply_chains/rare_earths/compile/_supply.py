"""Materials: magnets, alloys, metals and oxides from need; ores to oxides from what mines give."""

from __future__ import annotations

import pandas as pd
from _common import CHINA, NAN, read, text
from _demand import MAGNETS

DOWNSTREAM = ("alloy_ndfeb", "powder_bonded", "alloy_smco")
METALS = ("metal_ndpr", "metal_dy", "metal_tb", "metal_sm", "metal_lace")
ORES = ("ore_bastnaesite", "ore_monazite", "ore_ionic", "ore_xenotime")
RECYCLED = ("oxide_ndpr_recycled", "oxide_dy_recycled", "oxide_tb_recycled")
PROCESSES = ("separation_light", "separation_heavy", "separation_seg", "recycling")
ORE_PER_CONCENTRATE = 1.1
OWN_FEED = {"own_ore": ("ore_", ORE_PER_CONCENTRATE), "own_concentrate": ("conc_light", 1.0)}
SWARF = (CHINA, "JPN", "VNM")  # swarf of other countries, 1 % of the world, is not followed
# Value added of a separation plant: this part of what its outputs are worth more than its feed (the
# rest pays for acids, solvents and energy), and at most so much of the output.
MARGIN_KEPT = 0.7
MOST_VALUE_ADDED = (0.30, 0.40)


class Materials:
    """Sites of the materials, built step by step; `need` and `made` are world totals by product."""

    def __init__(
        self, recipes: pd.DataFrame, downstream: pd.DataFrame, rest: pd.Series, price: pd.Series
    ) -> None:
        self.recipes, self.price = recipes, price
        self.table = read("material_sites")
        self.yields = read("yields")
        self.rows: list[dict[str, object]] = []
        self.need = _needs(downstream, recipes).add(rest, fill_value=0.0)

    def build(self) -> pd.DataFrame:
        """Return all material sites."""
        other = read("other_use")
        stated = other[other["kind"] == "quantity"].groupby("product")["value"].sum()
        self.need = self.need.add(stated[stated.index.isin(METALS)], fill_value=0.0)
        for products in (MAGNETS, DOWNSTREAM, METALS):
            for product in products:
                self._by_need(product)
            self._add_needs(products)
        self._swarf()
        for product in ORES:
            self._place(product, NAN)
        self._place(
            "conc_light", self._made("ore_bastnaesite", "ore_monazite") / ORE_PER_CONCENTRATE
        )
        self._place("conc_heavy", self._made("ore_ionic", "ore_xenotime") / ORE_PER_CONCENTRATE)
        self._place("separation_light", self._made("conc_light") - self._stocked("conc_light"))
        self._place("separation_heavy", self._made("conc_heavy"))
        self._children("separation_light")
        self._place("separation_seg", self._made("seg_concentrate") - self._stockpiled())
        self._children("separation_heavy")
        self._children("separation_seg")
        self._recycling()
        self._children("recycling")
        return pd.DataFrame(self.rows)

    def _made(self, *products: str) -> float:
        return sum(float(r["quantity"]) for r in self.rows if r["product"] in products)  # type: ignore[arg-type]

    def _by_need(self, product: str) -> None:
        self._place(product, float(self.need[product]))

    def _place(self, product: str, total: float) -> None:
        """Add the sites of one product: stated quantities, then shares of the total, then the rest."""
        table = self.table[self.table["product"] == product]
        quantity = table["value"].where(
            table["basis"] == "quantity", table["value"] * total / 100.0
        )
        for basis, (kind, per) in OWN_FEED.items():
            own = [self._own(row, kind) / per for row in table.itertuples()]
            quantity = quantity.where(table["basis"] != basis, own)
        left = total - quantity[table["basis"] != "rest"].sum()
        for row, amount in zip(table.itertuples(), quantity, strict=True):
            value = left if row.basis == "rest" else amount
            if not value > 0:
                raise ValueError(f"{product}@{row.country}:{row.firm} would make {value:g}")
            self._add(row, value)

    def _own(self, row, kind: str) -> float:
        """Return what the same firm, or the country where no firm is named, makes of a product."""
        firm = text(row.firm)
        return sum(
            float(r["quantity"])  # type: ignore[arg-type]
            for r in self.rows
            if str(r["product"]).startswith(kind)
            and r["firm"] == firm
            and (firm or r["country"] == row.country)
        )

    def _add(self, row, quantity: float, **other: object) -> None:
        scale = quantity / row.value if row.basis in ("quantity", "share") else NAN
        self.rows.append(
            {
                "product": row.product,
                "country": row.country,
                "firm": text(row.firm),
                "cohort": "",
                "process": "",
                "quantity": quantity,
                "low": row.low * scale,
                "high": row.high * scale,
                "va_share": row.value_added_share,
                "va_low": row.va_low,
                "va_high": row.va_high,
                "ramp_max": row.ramp_max,
                "ramp_weeks": row.ramp_weeks,
                "year": row.year,
                "source": row.source,
                "confidence": row.confidence,
                "derivation": {
                    "share": f"share of {row.value:g} % of world output; ",
                    "rest": "world output less the other sites; ",
                }.get(row.basis, "")
                + text(row.derivation),
                **other,
            }
        )

    def _add_needs(self, products: tuple[str, ...]) -> None:
        made = pd.DataFrame([r for r in self.rows if r["product"] in products])
        self.need = self.need.add(_needs(made, self.recipes), fill_value=0.0)

    def _swarf(self) -> None:
        sintered = ("magnet_ndfeb", "magnet_ndfeb_heavy")
        for row in [r for r in self.rows if r["product"] in sintered and r["country"] in SWARF]:
            part = self.yields[(self.yields["process"] == row["product"])].iloc[0]
            kind = "heavy" if row["product"] == "magnet_ndfeb_heavy" else "light"
            self.rows.append(self._child(row, part, cohort=kind))

    def _stocked(self, product: str) -> float:
        """Return what makers put into stocks, as stated."""
        other = read("other_use")
        stated = (other["product"] == product) & (other["kind"] == "quantity")
        return float(other.loc[stated, "value"].sum())

    def _stockpiled(self) -> float:
        other = read("other_use")
        places = other[(other["product"] == "seg_concentrate") & (other["kind"] == "origin")][
            "country"
        ]
        return sum(
            float(r["quantity"])  # type: ignore[arg-type]
            for r in self.rows
            if r["product"] == "seg_concentrate" and r["country"] in set(places)
        )

    def _recycling(self) -> None:
        swarf = pd.Series(0.0, index=list(SWARF))
        for row in self.rows:
            if row["product"] == "swarf":
                swarf[row["country"]] += row["quantity"]
        for row in self.table[self.table["product"] == "recycling"].itertuples():
            self._add(row, swarf[row.country])

    def _children(self, process: str) -> None:
        for row in [r for r in self.rows if r["product"] == process]:
            own = self.yields[self.yields["process"] == process]
            exact = own[(own["country"] == row["country"]) & (own["firm"] == row["firm"])]
            general = own[(own["country"] == "") & (own["firm"] == "")]
            tag = {"separation_heavy": "clay", "separation_seg": "seg"}.get(process, "")
            parts = exact if len(exact) else general
            margin = self._margin(process, parts)
            for _, part in parts.iterrows():
                self.rows.append(self._child(row, part, cohort=tag, margin=margin))

    def _margin(self, process: str, parts: pd.DataFrame) -> float:
        """Return what outputs are worth more than the feed, per USD of outputs.

        margin = 1 - sum(feed quantity x price) / sum(yield x price), at the prices of `products`.
        """
        feed = self.recipes[self.recipes["product"] == process].drop_duplicates("slot")
        paid = float((feed["quantity"] * feed["input"].map(self.price)).sum())
        worth = float((parts["yield"] * parts["product"].map(self.price)).sum())
        if paid > worth:
            raise ValueError(f"{process}: feed of {paid:g} USD gives outputs of {worth:g} USD")
        return 1.0 - paid / worth

    def _child(
        self, parent: dict[str, object], part: pd.Series, *, cohort: str, margin: float = 0.0
    ) -> dict[str, object]:
        label = f"{parent['product']}@{parent['country']}" + (
            f":{parent['firm']}" if parent["firm"] else ""
        )
        share = float(part["yield"])
        most, ceiling = MOST_VALUE_ADDED
        value_added = round(min(MARGIN_KEPT * margin, most), 6)
        return {
            **parent,
            "product": part["product"],
            "cohort": cohort,
            "process": label,
            "quantity": float(parent["quantity"]) * share,  # type: ignore[arg-type]
            "low": NAN,
            "high": NAN,
            "va_share": value_added,
            "va_low": round(0.5 * value_added, 6),
            "va_high": max(value_added, round(min(0.95 * margin, ceiling), 6)),
            "source": part["source"],
            "confidence": "D",
            "derivation": f"yield {share:g} x activity of {label}",
        }


def _needs(sites: pd.DataFrame, recipes: pd.DataFrame) -> pd.Series:
    made = sites.groupby("product")["quantity"].sum()
    # Of a slot with several inputs the first is the new material; recycled supply is taken off it.
    first = recipes[~recipes.duplicated(["product", "slot"])]
    need = first["product"].map(made).fillna(0.0) * first["quantity"]
    return need.groupby(first["input"]).sum()


def other_use(sites: pd.DataFrame, need: pd.Series) -> pd.DataFrame:
    """Return markets that take what the chain does not follow, so that every product balances.

    ``quantity`` rows are stated; ``origin`` rows take the output of their own country; ``share``
    rows split the remainder = made + recycled - needed - stated. A negative remainder raises.
    """
    table = read("other_use")
    made = sites.groupby("product")["quantity"].sum()
    rows = []
    kinds = ["share", "quantity", "origin"]
    for product, group in table[table["kind"].isin(kinds)].groupby("product", sort=False):
        recycled = f"{product}_recycled"
        stated = group[group["kind"] == "quantity"]
        origin = group[group["kind"] == "origin"]
        share = group[group["kind"] == "share"]
        left = float(made.get(product, 0.0)) + float(made.get(recycled, 0.0))
        left -= float(need.get(product, 0.0))
        for row in origin.itertuples():
            here = sites[(sites["product"] == product) & (sites["country"] == row.country)]
            rows.append(_market(row, float(here["quantity"].sum())))
        if len(share):
            left -= float(stated["value"].sum())
            if left <= 0:
                raise ValueError(f"{product}: needs exceed supply by {-left:g}")
            rows += [
                _market(row, left * row.value / share["value"].sum()) for row in share.itertuples()
            ]
        rows += [_market(row, float(row.value)) for row in stated.itertuples()]
    return pd.DataFrame(rows)


def _market(row, quantity: float) -> dict[str, object]:
    return {
        "product": row.product,
        "country": row.country,
        "sector": "other_use",
        "quantity": quantity,
        "source": row.source,
        "confidence": row.confidence,
        "derivation": text(row.derivation),
    }
