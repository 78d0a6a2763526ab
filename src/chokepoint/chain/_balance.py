"""The accounting identities of a chain and how far its tables are from them.

Three identities hold to 1e-9 relative: what a site ships is its output; what arrives in a slot,
divided by the recipe, is the buyer's output; what a child makes is its yield times its process.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from chokepoint.chain._joint import children, pure_processes
from chokepoint.chain._recipes import slot_keys
from chokepoint.chain._views import recipe_positions

__all__ = ["TOLERANCE", "balance", "with_residuals"]

TOLERANCE = 1e-9
"""Largest relative residual of an identity in a chain that loads."""


def balance(tables: Mapping[str, pd.DataFrame], recipe: pd.DataFrame) -> pd.DataFrame:
    """Return the residual of every identity; see :meth:`SupplyChain.balance`."""
    flows = tables["flows"]
    position = recipe_positions(tables, flows, recipe)
    parts = [
        _outputs(tables, flows),
        _slots(tables, flows, recipe, position),
        _children(tables),
    ]
    return with_residuals(pd.concat([part for part in parts if len(part)], ignore_index=True))


def with_residuals(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with residual (actual - expected) and relative residual."""
    expected, actual = frame["expected"].to_numpy(), frame["actual"].to_numpy()
    residual = actual - expected
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(residual == 0.0, 0.0, residual / np.abs(expected))
    return frame.assign(residual=residual, relative=relative)


def _outputs(tables: Mapping[str, pd.DataFrame], flows: pd.DataFrame) -> pd.DataFrame:
    sites = tables["sites"]
    index = pd.Index(sites["site"])
    supplier = index.get_indexer(flows["supplier"])
    shipped = np.bincount(supplier, weights=flows["quantity"], minlength=len(sites))
    sold = ~sites["site"].isin(pure_processes(tables)).to_numpy()
    return _frame("output", sites["site"][sold], "", sites["output_qty"][sold], shipped[sold])


def _slots(
    tables: Mapping[str, pd.DataFrame],
    flows: pd.DataFrame,
    recipe: pd.DataFrame,
    position: np.ndarray,
) -> pd.DataFrame:
    first = ~slot_keys(recipe).duplicated()
    slots = recipe.loc[first, ["buyer", "slot"]]
    if slots.empty:
        return pd.DataFrame()
    slot = (np.cumsum(first) - 1)[position] if len(flows) else np.zeros(0, dtype=np.int64)
    filled = flows["quantity"].to_numpy() / recipe["recipe"].to_numpy()[position]
    arrived = np.bincount(slot, weights=filled, minlength=len(slots))
    need = pd.concat(
        [
            tables["sites"].set_index("site")["output_qty"],
            tables["markets"].set_index("market")["quantity"],
        ]
    )
    return _frame("slot", slots["buyer"], slots["slot"], slots["buyer"].map(need), arrived)


def _children(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    found = children(tables)
    output = tables["sites"].set_index("site")["output_qty"]
    expected = found["yield"].to_numpy() * found["process"].map(output).to_numpy(dtype=np.float64)
    actual = found["child"].map(output).to_numpy(dtype=np.float64)
    return _frame("child", found["child"], "", expected, actual)


def _frame(
    identity: str,
    node: pd.Series,
    slot: pd.Series | str,
    expected: pd.Series | np.ndarray,
    actual: np.ndarray,
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "identity": identity,
            "node": node.to_numpy(),
            "slot": slot if isinstance(slot, str) else slot.to_numpy(),
            "expected": np.asarray(expected, dtype=np.float64),
            "actual": np.asarray(actual, dtype=np.float64),
        }
    )
