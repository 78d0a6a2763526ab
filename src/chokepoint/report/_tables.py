"""Tables of the page: text cells made from results, with units in the headings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from chokepoint.report._compare import compare
from chokepoint.report._findings import Findings
from chokepoint.report._format import digits, money, per_cent, span, weeks

__all__ = ["Cell", "Table"]


@dataclass(frozen=True)
class Cell:
    """A cell: text, a smaller second line, and a shade between 0 and 1."""

    text: str
    note: str = ""
    shade: float = 0.0


@dataclass(frozen=True)
class Table:
    """A table: headings, rows of cells, and which columns hold text that may be broken."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    text: Sequence[int] = (0,)


def _row(*cells: str | Cell) -> list[Cell]:
    return [cell if isinstance(cell, Cell) else Cell(cell) for cell in cells]


def damage_table(findings: Findings, bundle: str) -> Table:
    """Return damage by target and horizon with interval and share of GDP."""
    horizons = findings.settings.weeks
    found = {
        (target, weeks): findings.damage(target, bundle, weeks)
        for target in findings.targets
        for weeks in horizons
    }
    largest = max(one.share_of_gdp for one in found.values()) or 1.0
    rows = []
    for target in findings.targets:
        cells: list[str | Cell] = [target]
        for horizon in horizons:
            one = found[target, horizon]
            note = f"{per_cent(one.share_of_gdp)} of GDP"
            if not math.isnan(one.low):
                note += f"; {span(one.low, one.high)}"
            cells.append(Cell(money(one.reference), note, max(0.0, one.share_of_gdp) / largest))
        rows.append(_row(*cells))
    return Table(["target", *(f"{horizon} weeks" for horizon in horizons)], rows)


def group_table(findings: Findings) -> Table | None:
    """Return damage by product group and target at the headline horizon."""
    if not findings.groups:
        return None
    found = {
        (bundle, target): findings.damage(target, bundle)
        for bundle in findings.groups
        for target in findings.targets
    }
    largest = max(one.share_of_gdp for one in found.values()) or 1.0
    rows = []
    for bundle in findings.groups:
        cells: list[str | Cell] = [bundle.replace("_", " ")]
        for target in findings.targets:
            one = found[bundle, target]
            shade = max(0.0, one.share_of_gdp) / largest
            cells.append(Cell(money(one.reference), per_cent(one.share_of_gdp), shade))
        rows.append(_row(*cells))
    return Table(["banned alone", *findings.targets], rows)


def band_table(findings: Findings) -> Table:
    """Return the band and the interval of the headline at each horizon with a planner."""
    rows = []
    for target in findings.targets:
        for horizon in findings.settings.planner:
            found = findings.damage(target, weeks=horizon)
            ends = (found.planner, found.reference, found.stressed)
            interval = span(found.low, found.high)
            rows.append(_row(target, str(horizon), *(money(value) for value in ends), interval))
    head = ["target", "weeks", "planner", "reference", "stressed", "interval"]
    return Table(head, rows, text=(0, 1))


def onset_table(findings: Findings) -> Table:
    """Return weeks to the first stop, and the cover that explains them."""
    longest = findings.settings.weeks[-1]
    cover = _cover(findings)
    last = max(tier for _, tier, _ in cover)
    rows = []
    for target in findings.targets:
        onsets = [
            weeks(findings.damage(target, bundle, longest).onset_weeks)
            for bundle in findings.main.bundles
        ]
        thinnest = [
            one for (name, tier, _), (one, _) in cover.items() if (name, tier) == (target, last)
        ]
        rows.append(_row(target, *onsets, weeks(min(thinnest, default=math.inf))))
    return Table(["target", *findings.main.bundles, "thinnest cover of an end sector"], rows)


def _cover(findings: Findings) -> dict[tuple[str, int, str], tuple[float, float]]:
    """Return thinnest and typical cover by (target, tier, stage) [weeks]."""
    return {
        (row["target"], int(row["tier"]), row["stage"]): (row["thinnest"], row["typical"])
        for row in findings.survival.reset_index().to_dict("records")
    }


def survival_table(findings: Findings) -> Table:
    """Return the least and the typical cover by tier and target."""
    cover = _cover(findings)
    rows = []
    for tier, stage in sorted({(tier, stage) for _, tier, stage in cover}):
        cells: list[str | Cell] = [stage]
        for target in findings.targets:
            found = cover.get((target, tier, stage))
            cells.append(Cell(weeks(found[0]), f"typical {weeks(found[1])}") if found else "–")
        rows.append(_row(*cells))
    return Table(["stage", *findings.targets], rows)


def sector_table(findings: Findings, *, top: int = 10) -> Table:
    """Return where the loss falls: the products that lose most, by target."""
    names = product_names(findings)
    lost = {target: findings.sectors[target].to_dict() for target in findings.targets}
    whole = [target for target in findings.targets if target not in _parts_of_others(findings)]
    products = list(findings.sectors.index)
    products.sort(key=lambda product: -sum(lost[target][product] for target in whole))
    largest = {target: max(0.0, *by_product.values()) or 1.0 for target, by_product in lost.items()}
    rows = []
    for product in products[:top]:
        cells = [
            Cell(
                money(lost[target][product]), "", max(0.0, lost[target][product]) / largest[target]
            )
            for target in findings.targets
        ]
        rows.append(_row(names[product], *cells))
    rest = products[top:]
    sums = [sum(lost[target][product] for product in rest) for target in findings.targets]
    rows.append(_row("all others", *(money(value) for value in sums)))
    rows.append(_row("sum", *(money(sum(lost[target].values())) for target in findings.targets)))
    return Table(["product", *findings.targets], rows)


def _parts_of_others(findings: Findings) -> set[str]:
    """Return targets that lie inside another target, so that sums count them once."""
    areas = {name: set(held) for name, held in findings.targets.items()}
    return {one for one in areas if any(areas[one] < areas[other] for other in areas)}


def product_names(findings: Findings) -> dict[str, str]:
    """Return the products in words."""
    products = findings.chain.products
    known = zip(products["product"], products["name"], strict=True)
    return {product: name or product for product, name in known}


def reach_table(findings: Findings) -> Table:
    """Return the share of each material that a ban reaches, for goods that leave the bundle."""
    found = {
        (row["target"], row["product"]): row
        for row in findings.main.not_reached.reset_index().to_dict("records")
    }
    names, products = product_names(findings), findings.chain.products
    unit = dict(zip(products["product"], products["unit"], strict=True))
    rows = []
    for product in _outlets(findings):
        cells: list[str | Cell] = [names[product]]
        for target in findings.targets:
            row = found.get((target, product))
            if row is None or math.isnan(row["reached_share"]):
                cells.append("–")
                continue
            entering = row["direct"] + row["in_owner_goods"] + row["through_others"]
            share = float(row["reached_share"])
            cells.append(Cell(per_cent(share), f"of {digits(entering)} {unit[product]}", share))
        rows.append(_row(*cells))
    return Table(["material", *findings.targets], rows)


def _outlets(findings: Findings) -> list[str]:
    """Return the materials that parts or end products are made of, in the order of the products."""
    chain = findings.chain
    inside = chain.products_in(findings.bundles[findings.study.narrow])
    nodes, edges = chain.nodes, chain.edges
    buyer = edges["buyer"].map(nodes["tier"]).where(edges["buyer"].map(nodes["kind"]).eq("site"))
    last = nodes.loc[nodes["product"].isin(inside), "tier"].max()
    leaving = edges["product"].isin(inside) & buyer.gt(last) & edges["quantity"].gt(0)
    outlets = set(edges.loc[leaving, "product"])
    return [product for product in chain.products["product"] if product in outlets]


def assumption_table(findings: Findings, target: str) -> Table:
    """Return the one-at-a-time table of the headline for one target."""
    reference = findings.damage(target).reference
    rows = [
        _row(
            swing.assumption,
            Cell(money(swing.low), swing.low_setting),
            Cell(money(swing.high), swing.high_setting),
            money(swing.size(reference)),
        )
        for swing in findings.swings(target)
    ]
    return Table(["assumption", "at its low end", "at its high end", "swing"], rows, text=(0, 1, 2))


def plan_table(findings: Findings) -> Table | None:
    """Return what each target's plan costs and saves, in the program and simulated again."""
    if not findings.plans:
        return None
    rows = []
    for target, held in findings.plans.items():
        found, bought = findings.damage(target), held.plan
        share = 1.0 - held.reference / found.reference if found.reference > 0 else math.nan
        rows.append(
            _row(
                target,
                money(bought.spent),
                _change(float(bought.baseline_loss.sum()), float(bought.residual_loss.sum())),
                _change(found.reference, held.reference),
                per_cent(share),
                _change(found.stressed, held.stressed),
                f"{digits(bought.budget_value)}",
            )
        )
    head = [
        "target",
        "spent",
        "planner's loss, without → with",
        "reference, without → with",
        "saved",
        "stressed, without → with",
        "worth of one more USD",
    ]
    return Table(head, rows)


def _change(before: float, after: float) -> str:
    return f"{money(before)} → {money(after)}"


def bought_table(findings: Findings, target: str, *, top: int = 12) -> Table:
    """Return the dearest measures of one target's plan."""
    names = product_names(findings)
    bought = findings.plans[target].plan.measures.to_dict("records")
    rows = [
        _row(
            str(row["kind"]).replace("_", " "),
            names[row["product"]],
            str(row["where"]),
            f"{digits(row['quantity'])} {row['unit']}",
            money(row["cost_usd_m"]),
        )
        for row in bought[:top]
    ]
    if len(bought) > top:
        rest = sum(row["cost_usd_m"] for row in bought[top:])
        rows.append(_row(f"{len(bought) - top} others", "", "", "", money(rest)))
    return Table(["kind", "product", "where", "quantity", "cost"], rows, text=(0, 1, 2))


def third_party_table(findings: Findings, *, top: int = 4) -> Table:
    """Return what each headline ban costs the actor and who else gains and loses."""
    actor = findings.study.actor
    rows = []
    for target, areas in findings.targets.items():
        found = findings.damage(target)
        parties = {*areas, *findings.main.actors[actor]}
        by_country = findings.by_country.loc[target].to_dict()
        others = {str(area): value for area, value in by_country.items() if area not in parties}
        order = sorted(others, key=lambda area: -abs(others[area]))[:top]
        named = [f"{area} {money(others[area])}" for area in order if money(others[area]) != "0"]
        ratio = found.reference / found.self_harm if found.self_harm > 0 else math.nan
        sums = [money(value) for value in (found.reference, found.self_harm, found.third_party)]
        rows.append(_row(target, *sums[:2], digits(ratio), sums[2], ", ".join(named)))
    head = [
        "target",
        "loss of the target",
        f"loss of {actor} itself",
        "ratio",
        "loss of all others",
        "largest among them (minus = gain)",
    ]
    return Table(head, rows, text=(0, 5))


def estimate_table(findings: Findings) -> Table:
    """Return published estimates beside the figures of this chain."""
    rows = [
        _row(
            Cell(row.shock, row.who),
            row.geography,
            weeks(row.weeks),
            Cell(row.metric, f"scope: {row.scope}"),
            Cell(row.published, row.published_range),
            Cell(row.own, row.own_note),
            row.grade,
        )
        for row in compare(findings)
    ]
    head = ["shock", "whose", "weeks", "what", "published", "this chain", "grade"]
    return Table(head, rows, text=(0, 1, 3))


def verdict_table(findings: Findings, rows: pd.DataFrame) -> Table:
    """Return the statements that were tested at the headline horizon."""
    cells = [
        _row(
            row["question"],
            Cell(money(row["figure"]), f"threshold {money(row['threshold'])}"),
            row["verdict"],
            row["decided_by"],
        )
        for row in rows.to_dict("records")
        if not math.isnan(row["threshold"])
        and row["horizon_weeks"] == findings.settings.headline
        and (row["bundle"] == findings.study.narrow or row["verdict"] != "not tested")
        and row["bundle"] in findings.main.bundles
    ]
    head = ["statement", "figure, USD", "verdict", "farthest value, or what is missing"]
    return Table(head, cells, text=(0, 2, 3))


def grade_table(findings: Findings) -> Table:
    """Return how many rows of each table have which grade."""
    rows = []
    for name, table in findings.chain.tables.items():
        if "confidence" not in table or table.empty:
            continue
        counts = table["confidence"].value_counts().to_dict()
        held = [int(counts.get(grade, 0)) for grade in "ABCD"]
        cells = [Cell(f"{count:,}", "", count / len(table)) for count in held]
        rows.append(_row(name, f"{len(table):,}", *cells))
    return Table(["table", "rows", "A", "B", "C", "D"], rows)


def source_table(findings: Findings) -> Table:
    """Return the sources with their addresses as text."""
    rows = []
    for row in findings.chain.sources.to_dict("records"):
        year = "" if pd.isna(row["year"]) else str(int(row["year"]))
        publisher = ", ".join(part for part in (row["publisher"], year) if part)
        rows.append(_row(row["source"], Cell(row["title"], publisher), row["url"]))
    return Table(["label", "source", "address"], rows, text=(0, 1, 2))
