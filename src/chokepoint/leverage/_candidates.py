"""Which numbers of a chain may decide what a scenario costs a target: ranges, and a screen.

The screen is a first-order guess that only says in which order numbers are worth a run: a slot
counts with the value added of the target that hangs on its buyer, times the part of the slot that
runs short, times the width of the range.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.datasets._spread import column_spread
from chokepoint.scenario import Effects

__all__ = ["Candidate", "Weights", "candidates"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_SLOT_COLUMNS = ("stock_weeks", "throttle_weeks", "use_share", "criticality")
_SHARES = ("use_share", "criticality", "max_share", "value_added_share")
_BEYOND = 2.0
"""Ends of numbers without a range: this many standard deviations of their grade away."""
_WIDEST = 2.0
_ROUNDS = 50


@dataclass(frozen=True)
class Candidate:
    """A number and the ends between which it is moved.

    Attributes
    ----------
    table, column : str
        Where it stands.
    position : int
        Row of the table, counted from 0.
    rows : array of int
        Rows that hold the number together: all inputs of a slot.
    value, low, high : float
        The number and its ends.
    score : float
        What the screen expects of it; only the order counts.
    """

    table: str
    column: str
    position: int
    rows: IntArray
    value: float
    low: float
    high: float
    score: float


@dataclass(frozen=True)
class Weights:
    """How much of a target's value added hangs on nodes and slots that a scenario moves.

    Attributes
    ----------
    lost : array (nodes,)
        Value added of the target's own sites times how far they move [USD million per year].
    slot : array (slots,)
        Value added of the target that hangs on the slot's buyer, times the part of it that runs
        short.
    supplied : array (nodes,)
        The same of the slots that a site supplies, by its share in them.
    """

    lost: FloatArray
    slot: FloatArray
    supplied: FloatArray

    @classmethod
    def of(
        cls,
        chain: SupplyChain,
        effects: Effects,
        activities: Iterable[NDArray[np.floating]],
        areas: Sequence[str],
    ) -> Weights:
        """Return the weights from runs of the scenario, activity of shape (week, node) each."""
        nodes, links = chain.nodes, chain.links
        moved = np.max([np.abs(one - 1.0).mean(axis=0) for one in activities], axis=0)
        moved = np.clip(moved, 0.0, 1.0)
        inside = nodes["country"].isin(areas).to_numpy()
        added = np.where(inside, nodes["value_added_usd_m"].to_numpy(dtype=np.float64), 0.0)
        need = links.recipe * nodes["output_qty"].to_numpy(dtype=np.float64)[links.buyer]
        share = np.divide(links.quantity, need, out=np.zeros(len(need)), where=need > 0)
        hangs = _dependent(chain, added, share)
        short = share * np.maximum(moved[links.supplier], _touched(effects, len(links)))
        slot = np.minimum(_summed(links.slot, short, len(chain.slots)), 1.0)
        buyer = nodes.index.get_indexer(chain.slots.index.get_level_values("buyer"))
        slot = slot * np.where(moved[buyer] > 0, hangs[buyer], 0.0)
        supplied = _summed(links.supplier, share * slot[links.slot], len(nodes))
        return cls(lost=added * moved, slot=slot, supplied=supplied)


def candidates(chain: SupplyChain, weights: Weights) -> list[Candidate]:
    """Return the numbers on the paths to the target, the most promising first.

    Outputs of sites (not of joint outputs, which follow their process, nor of the only maker of a
    product, whose share is one), value added and prices of the target's sites, stock, throttle,
    use share, criticality and qualification of the slots, and shares of dormant alternatives.
    """
    found = [*_of_sites(chain, weights), *_of_inputs(chain, weights), *_of_dormant(chain, weights)]
    return sorted((one for one in found if one.score > 0), key=lambda one: -one.score)


def _dependent(chain: SupplyChain, added: FloatArray, share: FloatArray) -> FloatArray:
    """Return the target's value added that hangs on each node, its own included.

    Slots are AND, so what hangs on one supplier may hang on another as well.
    """
    nodes, slots, links = chain.nodes, chain.slots, chain.links
    essential = (slots["use_share"] * slots["criticality"]).to_numpy(dtype=np.float64)
    pull = share * essential[links.slot]
    process = nodes.index.get_indexer(pd.Index(nodes["process"]))
    child = np.flatnonzero(process >= 0)
    hangs, total = added, float(added.sum())
    for _ in range(_ROUNDS):
        more = _summed(links.supplier, pull * hangs[links.buyer], len(nodes))
        more += _summed(process[child], hangs[child], len(nodes))
        new = np.minimum(added + more, total)
        if np.abs(new - hangs).max(initial=0.0) <= 1e-6 * total:
            return new
        hangs = new
    return hangs


def _touched(effects: Effects, size: int) -> FloatArray:
    """Return by how much the scenario itself cuts each flow at worst, share in [0, 1]."""
    cut = np.zeros(size)
    for flow in effects.flows:
        np.maximum.at(cut, flow.edges, 1.0 - float(flow.allowed.min(initial=1.0)))
    for licence in effects.licences:
        np.maximum.at(cut, licence.edges, 1.0)
    return cut


def _of_sites(chain: SupplyChain, weights: Weights) -> Iterator[Candidate]:
    sites, products = chain.sites, chain.products
    size = len(sites)
    label, made = pd.Index(sites["site"]), sites["product"]
    # A process stands behind all that its outputs supply.
    behind = weights.supplied[:size] + weights.lost[:size]
    process = label.get_indexer(pd.Index(sites["process"]))
    child = np.flatnonzero(process >= 0)
    np.add.at(behind, process[child], behind[child])
    # Another output of one site changes the shares of all: what hangs on the product counts too.
    of_product = pd.Series(behind).groupby(made.to_numpy()).transform("sum").to_numpy()
    share = sites["output_qty"] / sites.groupby("product")["output_qty"].transform("sum")
    alone = made.map(made.value_counts()).to_numpy() == 1
    held = alone | (process >= 0)
    part = share.fillna(0.0).to_numpy(dtype=np.float64)
    weight = np.asarray(np.where(held, 0.0, behind + of_product * part), dtype=np.float64)
    yield from _cells("sites", sites, "output_qty", weight)
    yield from _cells("sites", sites, "value_added_share", weights.lost[:size])
    lost = pd.Series(weights.lost[:size]).groupby(sites["product"].to_numpy()).sum()
    sold = np.array(products["product"].map(lost).fillna(0.0), dtype=np.float64)
    yield from _cells("products", products, "price_usd", sold)


def _of_inputs(chain: SupplyChain, weights: Weights) -> Iterator[Candidate]:
    inputs, recipe = chain.inputs, chain._view("recipes")
    own = recipe["row"].to_numpy() >= 0
    row = recipe["row"].to_numpy()[own]
    slot = chain.slots.index.get_indexer(
        pd.MultiIndex.from_frame(recipe.loc[own, ["buyer", "slot"]])
    )
    first = _first_rows(row, slot, len(inputs))
    # One row speaks for a slot, so a slot counts once for the rows that go together.
    pairs = np.unique(np.column_stack([first[row], slot]), axis=0)
    score = _summed(pairs[:, 0], weights.slot[pairs[:, 1]], len(inputs))
    for column in _SLOT_COLUMNS:
        ceiling = _room(recipe, len(inputs), column)
        yield from _cells("inputs", inputs, column, score, first=first, ceiling=ceiling)
    each = _summed(row, weights.slot[slot], len(inputs))
    yield from _cells("inputs", inputs, "qualification_weeks", each)


def _of_dormant(chain: SupplyChain, weights: Weights) -> Iterator[Candidate]:
    dormant = chain.alternatives
    slot = chain.slots.index.get_indexer(pd.MultiIndex.from_frame(dormant[["buyer", "slot"]]))
    score = weights.slot[slot] if len(dormant) else np.zeros(0)
    yield from _cells("alternatives", dormant, "max_share", score)


def _first_rows(row: IntArray, slot: IntArray, size: int) -> IntArray:
    """Return for each row of `inputs` the first of all rows that share slots with it."""
    first, before = np.arange(size), np.full(size, -1)
    while not np.array_equal(first, before):
        before = first.copy()
        of_slot = np.full(int(slot.max(initial=-1)) + 1, size)
        np.minimum.at(of_slot, slot, first[row])
        np.minimum.at(first, row, of_slot[slot])
    return first


def _room(recipe: pd.DataFrame, size: int, column: str) -> FloatArray:
    """Return the largest value at which disjoint slots of all sites still add up to at most 1."""
    room = np.full(size, np.inf)
    if column not in ("use_share", "criticality"):
        return room
    own = recipe[(recipe["row"] >= 0) & (recipe["combine"] == "disjoint")]
    own = own.assign(part=own["use_share"] * own["criticality"])
    slots = own[~own.duplicated(["buyer", "slot"])]
    total = own["buyer"].map(slots.groupby("buyer")["part"].sum()).to_numpy(dtype=np.float64)
    part = own["part"].to_numpy(dtype=np.float64)
    value = own[column].to_numpy(dtype=np.float64)
    allowed = 1.0 - (total - part)
    most = np.divide(allowed * value, part, out=np.full(len(own), np.inf), where=part > 0)
    np.minimum.at(room, own["row"].to_numpy(), most)
    return room


def _cells(
    table: str,
    frame: pd.DataFrame,
    column: str,
    weight: FloatArray,
    *,
    first: IntArray | None = None,
    ceiling: FloatArray | float = np.inf,
) -> Iterator[Candidate]:
    """Yield the numbers of a column with some weight whose range is wider than nothing."""
    spread = column_spread(table, frame, column)
    value = spread.value
    # A share stated as 0 or 1 without a range is a statement, not an estimate (as in draws).
    fixed = (value <= spread.floor) | (value >= spread.ceiling)
    reach = np.where(fixed, 0.0, _BEYOND * spread.sigma)
    low = np.where(np.isnan(spread.low), value * np.exp(-reach), spread.low)
    high = np.where(np.isnan(spread.high), value * np.exp(reach), spread.high)
    low = np.clip(low, spread.floor, value)
    high = np.clip(np.minimum(high, ceiling), value, spread.ceiling)
    scale = 1.0 if column in _SHARES else np.maximum(value, 1e-12)
    width = np.minimum((high - low) / scale, _WIDEST)
    groups = np.arange(len(frame)) if first is None else first
    members = pd.Series(np.arange(len(frame))).groupby(groups).indices
    for i in np.flatnonzero((weight > 0) & (width > 0)).tolist():
        yield Candidate(
            table, column, i, np.asarray(members[i], dtype=np.intp),
            float(value[i]), float(low[i]), float(high[i]), float(weight[i] * width[i]),
        )  # fmt: skip


def _summed(position: NDArray[np.integer], weight: FloatArray, size: int) -> FloatArray:
    return np.asarray(np.bincount(position, weight, minlength=size), dtype=np.float64)
