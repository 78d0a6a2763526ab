"""Rules that take several rows or tables to check: slots, processes, flows, accounting.

Each check is a small function that adds the problems it found to the draft.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd

from chokepoint import schema
from chokepoint.chain._assemble import Draft
from chokepoint.chain._balance import TOLERANCE, balance
from chokepoint.chain._joint import children, pure_processes
from chokepoint.chain._recipes import SLOT_COLUMNS
from chokepoint.errors import row_name

__all__ = ["check_balance", "check_structure"]

_WORST = 10
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_DATES = {"projects": ("online_date",), "controls": ("start", "end")}


def check_structure(draft: Draft) -> None:
    """Add every broken rule that does not need the flows to balance."""
    for check in _CHECKS:
        check(draft)


def check_balance(draft: Draft) -> None:
    """Add the worst broken accounting identities of the tables."""
    frame = balance(draft.tables, draft.recipe)
    bad = frame[~(frame["relative"].abs() <= TOLERANCE)]
    order = bad["relative"].abs().fillna(np.inf).sort_values(ascending=False, kind="stable").index
    for position in order[:_WORST]:
        _add_imbalance(draft, frame.loc[position], hidden=max(0, len(bad) - _WORST))


def _add_imbalance(draft: Draft, row: pd.Series, *, hidden: int) -> None:
    node = str(row["node"])
    amounts = f"given {row['actual']:.10g}, residual {row['residual']:.3g}"
    if row["identity"] == "output":
        rule = f"must equal the sum of its flows out, {row['actual']:.10g}"
        rule += f"; residual {row['residual']:.3g}"
        column, value, table = "output_qty", float(row["expected"]), "sites"
        advice = "supply that the chain does not use goes to a market of sector other_use"
    elif row["actual"] == 0.0:
        rule = f"slot {row['slot']} of {node} needs {row['expected']:.10g} and nothing supplies it"
        table, column, value, advice = "flows", "buyer", None, "add a flow or leave out all flows"
    else:
        rule = f"slot {row['slot']} of {node} must be filled to {row['expected']:.10g} "
        rule += f"(flows / recipe); {amounts}"
        table, column, value, advice = "flows", "quantity", None, ""
    if hidden:
        advice = f"{advice}; {hidden} smaller residuals are not listed".lstrip("; ")
    position = _position(draft, table, node)
    draft.add(table, position, column, rule, value=value, advice=advice)


def _position(draft: Draft, table: str, node: str) -> int:
    key = "site" if table == "sites" else "buyer"
    found = np.flatnonzero((draft.tables[table][key] == node).to_numpy())
    return int(found[0]) if len(found) else -1


def _check_site_rows(draft: Draft) -> None:
    """Rows of inputs and joint that name a site must fit it."""
    sites = draft.tables["sites"]
    product = dict(zip(sites["site"], sites["product"], strict=True))
    child = set(sites.loc[sites["process"] != "", "site"])
    for table, column in (("inputs", "product"), ("joint", "process")):
        frame = draft.tables[table]
        for i, (site, made) in enumerate(zip(frame["site"], frame[column], strict=True)):
            if site in product and product[site] != made:
                rule = f"must be a site that makes {made}; this one makes {product[site]}"
                draft.add(table, i, "site", rule, value=site)
            if table == "inputs" and site in child:
                rule = "is the output of a process and takes no inputs of its own"
                draft.add(table, i, "site", rule, value=site, advice="give them to the process")


def _check_slots(draft: Draft) -> None:
    """Inputs of one slot of one site agree on what describes the slot; stock and throttle fit."""
    found = draft.recipe[draft.recipe["row"] >= 0]
    inputs = draft.tables["inputs"]
    shared = [*SLOT_COLUMNS]
    shared += [
        f"{c}{end}" for c in SLOT_COLUMNS for end in ("_low", "_high") if f"{c}{end}" in inputs
    ]
    rows = inputs.loc[found["row"], shared].reset_index(drop=True)
    slot = found.groupby(["buyer", "slot"], sort=False).ngroup().to_numpy()
    first = pd.Series(np.arange(len(slot))).groupby(slot).transform("first").to_numpy()
    told: set[tuple[int, str]] = set()
    for column in shared:
        cells = rows[column].astype(object).where(rows[column].notna(), None).to_numpy()
        for i in np.flatnonzero(cells != cells[first]).tolist():
            row = int(found["row"].iloc[i])
            if (row, column) in told:
                continue
            told.add((row, column))
            slot_name, other = found["slot"].iloc[i], int(found["row"].iloc[first[i]])
            rule = f"must agree among the inputs of slot {slot_name} of {found['buyer'].iloc[i]}; "
            rule += f"{row_name(draft.rows['inputs'][other])} has {cells[first[i]]}"
            draft.add("inputs", row, column, rule, value=cells[i])


def _check_throttle(draft: Draft) -> None:
    frame = draft.tables["inputs"]
    stock, throttle = frame["stock_weeks"].to_numpy(), frame["throttle_weeks"].to_numpy()
    for i in np.flatnonzero(throttle > stock + 1 + 1e-12).tolist():
        rule = f"must be at most stock_weeks + 1 = {stock[i] + 1:g} [weeks]"
        draft.add("inputs", int(i), "throttle_weeks", rule, value=float(throttle[i]))


def _check_shares(draft: Draft) -> None:
    """Disjoint slots need different parts of the output, so that their shares add up to <= 1."""
    found = draft.recipe
    found = found[(found["row"] >= 0) & (found["combine"] == "disjoint")]
    found = found[~found.duplicated(["buyer", "slot"])]
    part = found["use_share"] * found["criticality"]
    total = part.groupby(found["buyer"], sort=False).sum()
    told: set[int] = set()
    for buyer, share in total[total > 1 + 1e-9].items():
        row = int(found.loc[found["buyer"] == buyer, "row"].iloc[0])
        if row not in told:
            told.add(row)
            rule = f"use_share x criticality of the disjoint slots of {buyer} add up to {share:g}"
            draft.add("inputs", row, "use_share", rule + ", must be <= 1")


def _check_joint(draft: Draft) -> None:
    """Children match a row of joint, one per output; a process is no child; pure ones not sold."""
    tables = draft.tables
    sites, joint = tables["sites"], tables["joint"]
    found = children(tables)
    kind = dict(zip(sites["site"], sites["product"], strict=True))
    seen: dict[tuple[str, str], str] = {}
    child = set(found["child"])
    for i, row in found.iterrows():
        position, process = int(str(i)), row["process"]
        if row["row"] < 0 and process in kind:
            rule = f"is not an output of {kind[process]} in joint"
            draft.add("sites", position, "product", rule, value=row["product"])
        if process in child:
            rule = "is itself the output of a process; name the first process"
            draft.add("sites", position, "process", rule, value=process)
        if (process, row["product"]) in seen:
            rule = f"has this output already: {seen[process, row['product']]}"
            draft.add("sites", position, "process", rule, value=process)
        seen[process, row["product"]] = row["child"]
    splitting = set(joint.loc[joint["wanted"], "process"])
    parents = set(found["process"])
    for i, (site, made) in enumerate(zip(sites["site"], sites["product"], strict=True)):
        if made in splitting and site not in parents:
            rule = f"splits into the outputs that joint lists for {made}, but no site names it"
            advice = "add its output sites with this label in the column process"
            draft.add("sites", i, "site", rule, value=site, advice=advice)
    pure = pure_processes(tables, found)
    for table in ("flows", "alternatives"):
        for i, supplier in enumerate(tables[table]["supplier"]):
            if supplier in pure:
                rule = "is a process and ships nothing itself; ship from the sites of its outputs"
                draft.add(table, i, "supplier", rule, value=supplier)


def _check_yields(draft: Draft) -> None:
    """Outputs of children equal yield x process output; told before flows are estimated."""
    sites = draft.tables["sites"]
    output = dict(zip(sites["site"], sites["output_qty"], strict=True))
    for i, row in children(draft.tables).iterrows():
        expected = row["yield"] * output.get(row["process"], np.nan)
        given = output[row["child"]]
        if abs(given - expected) > TOLERANCE * abs(expected):
            rule = f"must be yield x process output = {expected:.10g}; residual "
            rule += f"{given - expected:.3g}"
            draft.add("sites", int(str(i)), "output_qty", rule, value=float(given))


def _check_edges(draft: Draft) -> None:
    """No site supplies itself unless that is reported; an alternative is not yet a flow."""
    tables = draft.tables
    for table in ("flows", "alternatives"):
        frame = tables[table]
        own = frame["supplier"] == frame["buyer"]
        if table == "flows":
            # Industries of input-output tables use part of their own output.
            own &= frame["known"] != "reported"
        for i in np.flatnonzero(own.to_numpy()).tolist():
            rule = "must not be the supplier itself"
            advice = 'mark own use as known = "reported"' if table == "flows" else ""
            value = frame["buyer"].iloc[i]
            draft.add(table, int(i), "buyer", rule, value=value, advice=advice)
    columns = ["supplier", "buyer", "slot"]
    flows = set(tables["flows"][columns].itertuples(index=False, name=None))
    cells = tables["alternatives"][columns].itertuples(index=False, name=None)
    for i, cell in enumerate(cells):
        if cell in flows:
            rule = "supplies this slot already, so it is no dormant alternative"
            advice = "remove it and set growth_max of the flow"
            draft.add("alternatives", i, "supplier", rule, value=cell[0], advice=advice)


def _check_trade(draft: Draft) -> None:
    """A total over several products adds only like units."""
    products = draft.tables["products"]
    unit = dict(zip(products["product"], products["unit"], strict=True))
    members: dict[str, list[str]] = {}
    for product, group in zip(products["product"], products["group"], strict=True):
        members.setdefault(product, []).append(product)
        members.setdefault(group, []).append(product)
    for i, cell in enumerate(draft.tables["trade"]["products"]):
        covered = [p for item in schema.split_list(cell) for p in members.get(item, [])]
        units = Counter(unit[product] for product in covered)
        if len(units) > 1:
            rule = f"covers products in different units: {', '.join(units)}"
            draft.add("trade", i, "products", rule, value=cell, advice="state one total per unit")


def _check_dates(draft: Draft) -> None:
    for table, columns in _DATES.items():
        for column in columns:
            for i, cell in enumerate(draft.tables[table][column]):
                if cell and not _DATE.fullmatch(cell):
                    rule = "must be a date YYYY, YYYY-MM or YYYY-MM-DD"
                    draft.add(table, i, column, rule, value=cell)


_CHECKS: tuple[Callable[[Draft], None], ...] = (
    _check_site_rows,
    _check_slots,
    _check_throttle,
    _check_shares,
    _check_joint,
    _check_yields,
    _check_edges,
    _check_trade,
    _check_dates,
)
