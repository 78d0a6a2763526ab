"""What hangs on each slot and each product, from flows and value added alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.propagate import CompiledChain
from chokepoint.resilience._offer import Offer

__all__ = ["Reliance", "of_places", "reliance"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_ROUNDS = 200


@dataclass(frozen=True, eq=False)
class Reliance:
    """What would be lost without a slot, and how concentrated its suppliers are.

    Attributes
    ----------
    slot : array (G,)
        Value added of the targets that hangs on a slot [USD million per week].
    concentration : array (G,)
        Sum of squared shares of supplying countries, in (0, 1].
    """

    slot: FloatArray
    concentration: FloatArray


def reliance(chain: CompiledChain, counted: BoolArray) -> Reliance:
    r"""Return what hangs on each slot.

    With :math:`h_i = va_i + \sum_e \sigma_e\, \epsilon_{g(e)}\, h_{b(e)}` over the flows out of a
    site, its own value added counted where the site belongs to the targets, the slot g of buyer
    b carries :math:`\epsilon_g h_b`. A process carries what its outputs carry. Slots are AND, so
    what hangs on one may hang on another as well.
    """
    added = np.where(counted, chain.value_added[:, 0], 0.0)
    total = float(added.sum())
    need = np.maximum(chain.eps[:, 0], chain.phi[:, 0])
    pull = chain.sigma[:, 0] * need[chain.edge_group]
    child = np.flatnonzero(chain.is_child)
    hangs = added
    for _ in range(_ROUNDS):
        into = chain.group_buyer[chain.edge_group]
        more = np.bincount(chain.edge_supplier, pull * hangs[into], minlength=chain.n_nodes)
        np.add.at(more, chain.process[child], hangs[child])
        new = np.minimum(added + more, total)
        done = np.abs(new - hangs).max(initial=0.0) <= 1e-9 * total
        hangs = new
        if done:
            break
    return Reliance(need * hangs[chain.group_buyer], _concentration(chain))


def _concentration(chain: CompiledChain) -> FloatArray:
    code = chain.nodes["country"].astype("category").cat.codes.to_numpy(dtype=np.intp)
    share = np.zeros((chain.n_groups, int(code.max(initial=0)) + 1))
    np.add.at(share, (chain.edge_group, code[chain.edge_supplier]), chain.sigma[:, 0])
    return np.asarray((share**2).sum(axis=1))


def of_places(
    offer: Offer, by_slot: FloatArray, *, by_site: FloatArray | None = None
) -> FloatArray:
    """Return a weight of each row of an offer from weights of slots, and of sites.

    Stocks, second sources and the like take the weight of their slot; the flows into a slot share
    it. Capacity takes the weight of its product: what all slots that buy it weigh, by the shares
    of the product in them.

    Parameters
    ----------
    offer : Offer
        Measures and places.
    by_slot : array (G,)
        Weight of each slot.
    by_site : array (N,), optional
        Weight of what a site makes; None = from the slots.
    """
    task = offer.study.task
    chain, table = task.compiled, task.candidates.table
    group = table["group"].to_numpy(dtype=np.intp)
    edge = table["edge"].to_numpy(dtype=np.intp)
    node = table["node"].to_numpy(dtype=np.intp)
    slot = np.where(edge >= 0, chain.edge_group[np.maximum(edge, 0)], group)
    weight = np.where(slot >= 0, by_slot[np.maximum(slot, 0)], 0.0)
    # Places at flows of one slot share what the slot weighs.
    among = table.groupby([table["measure"], slot])["measure"].transform("size")
    weight = weight / np.where(edge >= 0, among.to_numpy(dtype=float), 1.0)
    if by_site is None:
        by_site = _of_products(chain, by_slot)
    capacity = table["kind"].eq("capacity").to_numpy()
    made = chain.nodes.index.get_indexer(pd.Index(table["where"].where(capacity, "")))
    site = np.where(made >= 0, made, node)
    weight = np.where(capacity & (site >= 0), by_site[np.maximum(site, 0)], weight)
    pooled = table["kind"].eq("pooled_stock").to_numpy()
    for row in np.flatnonzero(pooled):
        weight[row] = by_slot[list(table["groups"].iloc[row])].sum()
    return np.asarray(weight, dtype=np.float64)


def _of_products(chain: CompiledChain, by_slot: FloatArray) -> FloatArray:
    """Return what hangs on each product, shared out over its sites by their output."""
    product = chain.nodes["product"].astype("category").cat.codes.to_numpy(dtype=np.intp)
    value = chain.sigma[:, 0] * by_slot[chain.edge_group]
    by_product = np.bincount(
        product[chain.edge_supplier], value, minlength=int(product.max(initial=0)) + 1
    )
    output = np.where(chain.is_market, 0.0, chain.output[:, 0])
    total = np.bincount(product, output, minlength=len(by_product))
    share = np.divide(output, total[product], out=np.zeros_like(output), where=total[product] > 0)
    return np.asarray(by_product[product] * share)
