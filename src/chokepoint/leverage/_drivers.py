"""Which numbers of the data decide a result: each moved to the ends of its range, one at a time."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.chain._provenance import row_names
from chokepoint.datasets import Draws
from chokepoint.datasets._draw_columns import NAMES
from chokepoint.datasets._drawn_views import DrawnViews
from chokepoint.datasets._quantities import Quantities
from chokepoint.errors import ConvergenceError, OptionError
from chokepoint.leverage._candidates import Candidate, Weights, candidates
from chokepoint.leverage._variants import stressed
from chokepoint.propagate import Behaviour, simulate
from chokepoint.scenario import Scenario

__all__ = ["drivers"]

FloatArray = NDArray[np.float64]

_KEY = ("table", "row", "column")
_ROUNDING = 1e-10
"""Relative; a tenth of what the weekly model accepts."""
_FACTS = ("unit", "confidence", "source", "titles", "derivation")


def drivers(
    chain: SupplyChain,
    scenario: Scenario,
    *,
    target: str | Iterable[str],
    weeks: int = 52,
    top: int | None = 10,
    most: int | None = 200,
    behaviour: Behaviour | None = None,
    start_date: str | dt.date | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    r"""Rank the numbers of the data by what they move of the target's loss, one at a time.

    With :math:`D(\theta)` the loss of value added of the target under the scenario, each number
    :math:`\theta_k` is set to the ends of its range while all others stay, and

    .. math::
        \text{swing}_k = \max(D, D_k^{low}, D_k^{high}) - \min(D, D_k^{low}, D_k^{high}).

    Looked at are, on the paths from what the scenario touches to the target: outputs of sites (the
    others of the product give way, so that it is shares that change), stock, throttle, use share,
    criticality and qualification of slots, shares of dormant alternatives, and value added and
    prices of the target's own sites. Numbers without a range move by two standard deviations of
    their grade, as draws do (:func:`chokepoint.datasets.draw`).

    Parameters
    ----------
    chain : SupplyChain
        The baseline.
    scenario : Scenario
        What happens.
    target : str or iterable of str
        Areas or blocs whose loss is counted.
    weeks : int
        Weeks over which it is counted.
    top : int, optional
        Rows of the result; None = all numbers that were moved.
    most : int, optional
        Numbers that are moved, the most promising ones by a first-order screen (loss of the
        reference and the stressed run, dependence of the target, width of the range); None = all.
    behaviour : Behaviour, optional
        Settings of the runs.
    start_date : str or datetime.date, optional
        As for :func:`chokepoint.simulate`.
    progress : bool, optional
        Show progress bars.

    Returns
    -------
    DataFrame
        Largest swing first; columns table, row (its key), column, value, low, high (the ends it
        was moved to), unit, confidence, source, titles, derivation (of its row), loss_low,
        loss_high and swing [USD million of value added]. ``attrs`` holds `loss` (the reference),
        `found` and `moved` (how many numbers were found and how many moved), `left_out` (numbers
        for which no balanced chain was found at an end).

    Raises
    ------
    OptionError
        If an option is out of range or the scenario matches nothing.
    UnknownLabelError
        If the chain has no such area or bloc.

    Notes
    -----
    One at a time: what two numbers do together is not seen, nor are numbers of competitors in
    third countries that share the scarce goods. :func:`chokepoint.datasets.draw` moves everything
    at once.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> ban = cp.Scenario("magnets", [cp.ExportBan(by="CHN", products=["ndfeb_sintered"])])
    >>> table = cp.drivers(chain, ban, target="JPN", weeks=26, top=3, most=10)
    >>> len(table), bool(table["swing"].is_monotonic_decreasing)
    (3, True)
    """
    for name, number in (("top", top), ("most", most)):
        if number is not None and number < 1:
            raise OptionError(f"expected {name} to be at least 1, or None for all; given {number}")
    areas = chain.areas(target)
    settings = behaviour or Behaviour()
    reference = simulate(
        chain, scenario, weeks=weeks, behaviour=settings, start_date=start_date, progress=progress
    )
    tight = simulate(
        stressed(chain), scenario, weeks=weeks, behaviour=Behaviour(switching=False),
        start_date=start_date, progress=progress,
    )  # fmt: skip
    activities = [reference.activity[0], tight.activity[0]]
    weights = Weights.of(chain, scenario.effects(chain, weeks), activities, areas)
    found = candidates(chain, weights)
    chosen = found[:most]
    kept, batch = _moved(chain, chosen)
    losses = np.full((len(chosen), 2), np.nan)
    if kept:
        outcome = simulate(
            batch, scenario, weeks=weeks, behaviour=settings, record="country",
            start_date=start_date, progress=progress,
        )  # fmt: skip
        losses[tuple(np.transpose(kept))] = _of(outcome.loss(), areas)
    base = float(_of(reference.loss(), areas)[0])
    table = _ranked(chain, chosen, losses, base)
    left_out = table[table["swing"].isna()]
    table = table[table["swing"].notna()].head(len(table) if top is None else top)
    table.attrs = {
        "unit": "USD million of value added",
        "loss": base,
        "found": len(found),
        "moved": len(chosen),
        "left_out": [f"{name}: {row}" for name, row in left_out[["table", "row"]].values],
    }
    return table


def _moved(chain: SupplyChain, chosen: Sequence[Candidate]) -> tuple[list[tuple[int, int]], Draws]:
    """Return a batch with one chain for each number and end, and which is which.

    Ends at which no accounts balance are left out.
    """
    tables = chain._tables
    quantities, views = Quantities.of(chain), DrawnViews.of(chain, chain._view("recipes"))
    kept: list[tuple[int, int]] = []
    made: list[dict[str, FloatArray]] = []
    for i, end in itertools.product(range(len(chosen)), range(2)):
        one = chosen[i]
        try:
            made.append(_numbers(chain, quantities, views, one, one.high if end else one.low))
        except ConvergenceError:
            continue
        kept.append((i, end))
    columns = {}
    for name, (table, column) in NAMES.items():
        base = tables[table][column].to_numpy(dtype=np.float64)
        shape = (len(made), len(base))
        # A column that nothing moves is held once, however many chains there are.
        columns[name] = (
            np.array([one.get(name, base) for one in made]).reshape(shape)
            if any(name in one for one in made)
            else np.broadcast_to(base, shape)
        )
    return kept, Draws(chain, pd.RangeIndex(len(made)), columns, views)


def _numbers(
    chain: SupplyChain,
    quantities: Quantities,
    views: DrawnViews,
    candidate: Candidate,
    value: float,
) -> dict[str, FloatArray]:
    """Return the columns in which one number is another; what must balance is fitted again."""
    tables = chain._tables
    if candidate.column == "output_qty":
        count = len(tables["sites"])
        stated = np.concatenate([tables["sites"]["output_qty"], tables["markets"]["quantity"]])
        stated[candidate.position] = value
        fixed = np.arange(len(stated)) == candidate.position
        nodes, flows = quantities.stated(stated, fixed)
        _refuse_vanishing(tables, nodes, flows[views.edge_of_flow])
        return {
            "outputs": nodes[:count],
            "markets": nodes[count:],
            "flows": flows[views.edge_of_flow],
        }
    frame, name = tables[candidate.table], candidate.column
    column = frame[name].to_numpy(dtype=np.float64, copy=True)
    column[candidate.rows] = value
    if name == "price_usd":
        return {"prices": column}
    if name not in ("stock_weeks", "throttle_weeks"):
        return {name: column}
    both = {one: frame[one].to_numpy(dtype=np.float64) for one in ("stock_weeks", "throttle_weeks")}
    both[name] = column
    return {
        "stock_weeks": both["stock_weeks"],
        "throttle_weeks": np.minimum(both["throttle_weeks"], both["stock_weeks"] + 1.0),
    }


def _refuse_vanishing(
    tables: Mapping[str, pd.DataFrame], nodes: FloatArray, flows: FloatArray
) -> None:
    """Raise where a number pushes another site so near to nothing that its account is rounding."""
    sites = pd.Index(tables["sites"]["site"])
    supplier = sites.get_indexer(pd.Index(tables["flows"]["supplier"]))
    sold = np.bincount(supplier, weights=flows, minlength=len(sites))
    sells = np.bincount(supplier, minlength=len(sites)) > 0
    output = nodes[: len(sites)]
    if (np.abs(sold - output)[sells] > _ROUNDING * output[sells]).any():
        raise ConvergenceError("a site all but vanishes")


def _of(loss: pd.DataFrame, areas: Sequence[str]) -> FloatArray:
    present = [area for area in areas if area in loss.columns]
    return loss[present].sum(axis=1).to_numpy(dtype=np.float64)


def _ranked(
    chain: SupplyChain, chosen: Sequence[Candidate], losses: FloatArray, base: float
) -> pd.DataFrame:
    """Return the numbers with what is known about them, largest swing first."""
    known = chain.provenance(tables=["products", "sites", "inputs", "alternatives"]).numbers
    names = {table: row_names(table, chain._tables[table]) for table in {c.table for c in chosen}}
    text = dict.fromkeys(_KEY, "str")
    frame = pd.DataFrame(
        {
            "table": [one.table for one in chosen],
            "row": [names[one.table][one.position] for one in chosen],
            "column": [one.column for one in chosen],
            "value": [one.value for one in chosen],
            "low": [one.low for one in chosen],
            "high": [one.high for one in chosen],
        }
    ).astype(text)
    facts = known[[*_KEY, *_FACTS]]
    frame = frame.merge(facts, on=list(_KEY), how="left", validate="one_to_one")
    every = np.column_stack([losses, np.full(len(losses), base)])
    # A number that has no balanced chain at one of its ends has no swing.
    frame = frame.assign(
        loss_low=losses[:, 0],
        loss_high=losses[:, 1],
        swing=every.max(axis=1, initial=-np.inf) - every.min(axis=1, initial=np.inf),
    )
    order = frame.sort_values("swing", ascending=False, kind="stable", na_position="last")
    return order.reset_index(drop=True)
