"""From a user's frames to the completed tables of a chain, with every problem noted.

Completed means: all table kinds present, all columns present and typed, labels made from their
parts, areas listed, slots of flows found, values in USD derived where blank.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from chokepoint import schema
from chokepoint.chain._recipes import infer_inputs, recipes
from chokepoint.errors import Issue

__all__ = ["DERIVED_VALUES", "Draft", "assemble", "blank_derived", "complete_values"]

DERIVED_VALUES = {
    "sites": ("output_usd_m", "output_qty"),
    "markets": ("value_usd_m", "quantity"),
    "flows": ("value_usd_m", "quantity"),
}
"""Value column and quantity column of each table whose blank values are quantity x price."""

_SAME = 1e-12

_LABELS: dict[str, tuple[str, Callable[..., str], tuple[str, ...]]] = {
    "sites": ("site", schema.site_label, ("product", "country", "firm", "cohort")),
    "markets": ("market", schema.market_label, ("product", "country", "sector")),
}
_PLAIN = {
    "products": ("product",),
    "countries": ("area",),
    "sites": ("firm", "cohort"),
    "markets": ("sector",),
    "inputs": ("slot",),
}


@dataclass(slots=True)
class Draft:
    """Tables on their way to a chain: frames, the user's row labels, problems, and recipes."""

    tables: dict[str, pd.DataFrame]
    rows: dict[str, Sequence[Any]]
    issues: list[Issue] = field(default_factory=list)
    recipe: pd.DataFrame = field(default_factory=pd.DataFrame)

    def add(self, table: str, position: int, column: str, rule: str, **more: Any) -> None:
        """Note a problem in one row, named by the user's own row label."""
        self.issues.append(Issue(table, column, rule, self.rows[table][position], **more))


def assemble(given: Mapping[str, pd.DataFrame]) -> Draft:
    """Coerce, complete and check the tables as far as single rows and labels go."""
    draft = Draft({}, {}, schema.check_table_names(list(given)))
    for table in schema.TABLE_NAMES:
        frame = given.get(table)
        if frame is None and table in ("products", "sites"):
            rule = "is required: a chain has at least products and sites"
            draft.issues.append(Issue(table, "table", rule))
        _add_table(draft, table, frame)
    _make_labels(draft)
    _make_countries(draft)
    for table, frame in draft.tables.items():
        if len(frame):
            draft.issues += schema.check_table(table, frame, draft.rows[table])
    _check_plain(draft)
    _fill_slots(draft, has_inputs=given.get("inputs") is not None)
    for table, frame in draft.tables.items():
        draft.issues += schema.check_keys(table, frame, draft.rows[table])
    draft.issues += schema.check_references(draft.tables, draft.rows)
    complete_values(draft.tables)
    return draft


def complete_values(tables: dict[str, pd.DataFrame]) -> None:
    """Fill blank values in USD million with quantity x baseline price; replaces frames."""
    for table, (value, _) in DERIVED_VALUES.items():
        given = tables[table][value].to_numpy()
        filled = np.where(np.isnan(given), _derived_value(tables, table), given)
        tables[table] = tables[table].assign(**{value: filled})


def blank_derived(
    old: Mapping[str, pd.DataFrame], new: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return the new tables with values blanked that the library had derived from the old ones.

    A value is taken as derived where the old row of the same key held quantity x price and
    the new row still holds that value. Left as it is it would go stale with the quantity or price.
    """
    tables = dict(new)
    for table, (value, _) in DERIVED_VALUES.items():
        frame = tables.get(table)
        key = list(schema.spec(table).key)
        if frame is None or not {value, *key} <= set(frame.columns):
            continue
        derived = _derived_value(old, table)
        before = old[table]
        own = np.isclose(before[value].to_numpy(), derived, rtol=_SAME, atol=0.0)
        known = pd.Series(before[value].to_numpy()[own], index=_key_index(before[own], key))
        asked = known.reindex(_key_index(frame, key)).to_numpy()
        now = pd.to_numeric(frame[value], errors="coerce").to_numpy()
        stale = np.isclose(asked, now, rtol=_SAME, atol=0.0)
        tables[table] = frame.assign(**{value: frame[value].where(~stale)})
    return tables


def _derived_value(tables: Mapping[str, pd.DataFrame], table: str) -> np.ndarray:
    products = tables["products"].drop_duplicates("product")
    price = pd.Series(products["price_usd"].to_numpy(), index=products["product"])
    frame = tables[table]
    product = frame["product"] if table != "flows" else _made_by(tables["sites"], frame)
    unit_price = product.map(price).to_numpy(dtype=np.float64)
    return np.asarray(frame[DERIVED_VALUES[table][1]].to_numpy() * unit_price / 1e6)


def _made_by(sites: pd.DataFrame, flows: pd.DataFrame) -> pd.Series:
    sites = sites.drop_duplicates("site")
    return flows["supplier"].map(pd.Series(sites["product"].to_numpy(), index=sites["site"]))


def _key_index(frame: pd.DataFrame, key: list[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(frame[key])


def _add_table(draft: Draft, table: str, frame: pd.DataFrame | None) -> None:
    if frame is None:
        draft.tables[table], draft.rows[table] = schema.empty(table), []
        return
    given: object = frame
    if not isinstance(given, pd.DataFrame):
        rule = f"must be a DataFrame; given {type(given).__name__}"
        draft.issues.append(Issue(table, "table", rule))
        draft.tables[table], draft.rows[table] = schema.empty(table), []
        return
    draft.rows[table] = list(frame.index)
    draft.tables[table], issues = schema.coerce(table, frame)
    draft.issues += issues


def _make_labels(draft: Draft) -> None:
    for table, (column, make, parts) in _LABELS.items():
        frame = draft.tables[table]
        labels = []
        cells = frame[[column, *parts]].itertuples(index=False, name=None)
        for position, (given, *values) in enumerate(cells):
            made = make(*values)
            labels.append(given or made)
            if given and given != made:
                rule = f'must agree with {", ".join(parts)}, which make "{made}"'
                advice = "correct one of them or leave the label blank"
                draft.add(table, position, column, rule, value=given, advice=advice)
        draft.tables[table] = frame.assign(**{column: schema.text_column(labels)})


def _make_countries(draft: Draft) -> None:
    if len(draft.tables["countries"]):
        return
    used = [*draft.tables["sites"]["country"], *draft.tables["markets"]["country"]]
    areas = [area for area in dict.fromkeys(used) if area]
    kinds = ["residual" if area.startswith("X_") else "country" for area in areas]
    frame = pd.DataFrame({"area": areas, "kind": kinds}, dtype=object)
    draft.tables["countries"] = schema.coerce("countries", frame)[0]
    draft.rows["countries"] = list(range(len(areas)))


def _check_plain(draft: Draft) -> None:
    for table, columns in _PLAIN.items():
        for column in columns:
            for position, cell in enumerate(draft.tables[table][column]):
                if any(character in cell for character in schema.FORBIDDEN):
                    rule = f"must not contain any of {' '.join(schema.FORBIDDEN)}"
                    draft.add(table, position, column, rule, value=cell)


def _fill_slots(draft: Draft, *, has_inputs: bool) -> None:
    tables = draft.tables
    if not has_inputs and len(tables["flows"]):
        tables["inputs"] = infer_inputs(tables)
        draft.rows["inputs"] = list(range(len(tables["inputs"])))
    inputs = tables["inputs"]
    slot = inputs["slot"].where(inputs["slot"] != "", inputs["input"])
    tables["inputs"] = inputs.assign(slot=schema.text_column(slot))
    found = draft.recipe = recipes(tables)
    accepted: dict[tuple[str, str], list[str]] = {}
    for buyer, label, product in zip(found["buyer"], found["slot"], found["product"], strict=True):
        accepted.setdefault((buyer, product), []).append(label)
    inputs_of: dict[str, list[str]] = {}
    for buyer, product in accepted:
        inputs_of.setdefault(buyer, []).append(product)
    for table in ("flows", "alternatives"):
        _fill_slot(draft, table, accepted, inputs_of)


def _fill_slot(
    draft: Draft,
    table: str,
    accepted: Mapping[tuple[str, str], list[str]],
    inputs_of: Mapping[str, list[str]],
) -> None:
    frame = draft.tables[table]
    sites, markets = draft.tables["sites"], draft.tables["markets"]
    product = dict(zip(sites["site"], sites["product"], strict=True))
    buyers = {*sites["site"], *markets["market"]}
    slots = []
    cells = zip(frame["supplier"], frame["buyer"], frame["slot"], strict=True)
    for position, (supplier, buyer, slot) in enumerate(cells):
        slots.append(slot)
        if supplier not in product or buyer not in buyers:
            continue
        candidates = accepted.get((buyer, product[supplier]), [])
        if not candidates:
            options = ", ".join(dict.fromkeys(inputs_of.get(buyer, []))) or "nothing"
            rule = f"{buyer} does not take {product[supplier]}; it takes {options}"
            advice = "add a row to inputs or remove this one"
            draft.add(table, position, "supplier", rule, value=supplier, advice=advice)
        elif slot and slot not in candidates:
            rule = f"must be a slot of the buyer that takes {product[supplier]}"
            nearest = candidates[0]
            draft.add(table, position, "slot", rule, value=slot, nearest=nearest)
        elif not slot and len(candidates) > 1:
            rule = (
                f"must name one of the buyer's slots {', '.join(candidates)}, all of which take it"
            )
            draft.add(table, position, "slot", rule)
        elif not slot:
            slots[-1] = candidates[0]
    draft.tables[table] = frame.assign(slot=schema.text_column(slots))
