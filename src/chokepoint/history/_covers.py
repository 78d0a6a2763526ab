"""Stock cover, room to grow and the like as they were then: overrides of a chain's columns."""

from __future__ import annotations

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError

__all__ = ["with_covers"]

_TABLES = ("inputs", "markets", "sites", "alternatives")


def with_covers(chain: SupplyChain, covers: pd.DataFrame) -> SupplyChain:
    """Return the chain with numbers of slots and sites as they were at the time of an episode.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    covers : DataFrame
        Rows of covers.csv: `table` (inputs, markets, sites or alternatives), `product` and `area`
        of the buyer (or site; blank = everywhere), `slot` of the buyer (inputs and alternatives
        only; a market's is "demand"), `column`, `value`, `low`, `high`.

    Returns
    -------
    SupplyChain
        A new chain; flows stay as they are. Where the stock falls below ``throttle_weeks - 1``,
        the throttle follows.

    Raises
    ------
    OptionError
        If a row matches nothing or names a table or column that cannot be overridden.
    UnknownLabelError
        If the chain has no such product or area.
    """
    if not len(covers):
        return chain
    inputs = chain.inputs
    others = {name: chain.tables[name] for name in _TABLES if name != "inputs"}
    for _, row in covers.iterrows():
        if row["table"] not in _TABLES or row["column"] not in chain.tables[row["table"]]:
            raise OptionError(
                f"covers: expected a column of {' or '.join(_TABLES)}, got "
                f"{row['table']}.{row['column']}"
            )
        chain.products_in(row["product"])
        if row["table"] == "inputs":
            inputs = _with_input(chain, inputs, row)
        else:
            changed = _with_alternative if row["table"] == "alternatives" else _with_node
            others[row["table"]] = changed(chain, others[row["table"]], row)
    limit = inputs["stock_weeks"] + 1.0
    for column in ("throttle_weeks", "throttle_weeks_low", "throttle_weeks_high"):
        inputs[column] = inputs[column].where(
            inputs[column].isna(), inputs[column].clip(upper=limit)
        )
    return chain.replace(inputs=inputs, **others)


def _with_input(chain: SupplyChain, inputs: pd.DataFrame, row: pd.Series) -> pd.DataFrame:
    mine = inputs["product"].eq(row["product"]) & inputs["slot"].eq(row["slot"])
    if not mine.any():
        known = sorted(set(inputs.loc[inputs["product"].eq(row["product"]), "slot"]))
        raise OptionError(
            f"covers: {row['product']} has no slot {row['slot']!r}; it has {', '.join(known)}"
        )
    if row["area"]:
        inputs, mine = _own_rows(chain, inputs, row, mine)
    return _set(inputs, mine, row)


def _own_rows(
    chain: SupplyChain, inputs: pd.DataFrame, row: pd.Series, mine: pd.Series
) -> tuple[pd.DataFrame, pd.Series]:
    """Give sites of an area rows of their own, which replace those of the product."""
    sites = chain.sites
    here = sites["product"].eq(row["product"]) & sites["country"].isin(chain.areas(row["area"]))
    if not here.any():
        raise OptionError(f"covers: {row['product']} has no site in {row['area']}")
    labels = sites.loc[here, "site"]
    general = inputs[mine & inputs["site"].eq("")]
    have = set(inputs.loc[mine & inputs["site"].isin(labels), "site"])
    copies = [general.assign(site=label) for label in labels if label not in have]
    inputs = pd.concat([inputs, *copies], ignore_index=True)
    mine = inputs["slot"].eq(row["slot"]) & inputs["site"].isin(labels)
    return inputs, mine


def _with_node(chain: SupplyChain, table: pd.DataFrame, row: pd.Series) -> pd.DataFrame:
    mine = table["product"].isin(chain.products_in(row["product"]))
    if row["area"]:
        mine &= table["country"].isin(chain.areas(row["area"]))
    if not mine.any():
        where = row["area"] or "any area"
        raise OptionError(f"covers: {row['product']} has no {row['table']} in {where}")
    return _set(table, mine, row)


def _with_alternative(chain: SupplyChain, table: pd.DataFrame, row: pd.Series) -> pd.DataFrame:
    nodes = chain.nodes
    buyers = nodes["product"].isin(chain.products_in(row["product"]))
    if row["area"]:
        buyers &= nodes["country"].isin(chain.areas(row["area"]))
    mine = table["buyer"].isin(nodes.index[buyers]) & table["slot"].eq(row["slot"])
    if not mine.any():
        raise OptionError(
            f"covers: {row['product']} has no dormant supplier of slot {row['slot']!r} in "
            f"{row['area'] or 'any area'}"
        )
    return _set(table, mine, row)


def _set(table: pd.DataFrame, mine: pd.Series, row: pd.Series) -> pd.DataFrame:
    column = str(row["column"])
    table = table.copy()
    table.loc[mine, column] = float(row["value"])
    for end in ("low", "high"):
        if f"{column}_{end}" in table:
            table.loc[mine, f"{column}_{end}"] = float(row[end])
    return table
