"""How long markets and sites last from stock and transit alone once some suppliers are gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.exposure._needs import By, Needs, needs_of, removed_nodes

__all__ = ["weeks_to_stop"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


def weeks_to_stop(
    chain: SupplyChain,
    removed: str | Sequence[str],
    *,
    by: By = "country",
    essential: float = 0.5,
    slots: bool = False,
) -> pd.DataFrame:
    r"""Return how many weeks each market lasts, and on which input, once `removed` is gone.

    Slots are AND, suppliers of a slot are OR. With stock :math:`n_g` and transit :math:`L_e`,

    .. math::
        T_i = 0 \text{ if removed}, \qquad
        T_g = n_g + \max_{e \in g} (T_{s(e)} + L_e), \qquad
        T_i = \min_{g \to i} T_g ,

    so a slot lasts its stock longer than the last goods of its last supplier, and a site as
    long as the slot that it needs and that runs out first. Outputs of a process last as long as
    the process. What never stops has no row.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    removed : str or sequence of str
        Countries (or blocs), firms or sites, all gone in week 0.
    by : {"country", "firm", "site"}
        What `removed` names.
    essential : float
        A slot counts if use share times criticality is at least this, in (0, 1].
    slots : bool
        Return every slot that runs out in the place of markets.

    Returns
    -------
    DataFrame
        Index market; columns product, country, weeks, input (product of the removed site from
        which the weeks are counted) and path (products from there to the market). With `slots`,
        index (buyer, slot) and columns kind, product, country, stock_weeks, last_arrival (weeks
        until the last goods arrive), weeks and decides (whether the buyer stops on this slot).
        Sorted by weeks.

    Raises
    ------
    OptionError
        If an option is unknown.
    UnknownLabelError
        If something in `removed` is not in the chain.

    Notes
    -----
    It is the time after which nothing is left if all goes on at full rate: the loss begins
    earlier, as soon as any supplier is missing, and stocks last longer where output falls. The
    function `chokepoint.leverage.time_to_survive` asks something else, the shortest cover along
    any path that a ban touches, even where others still supply the same slot: it bounds the first
    effect from below, this the stop. `chokepoint.simulate` gives what lies between.

    References
    ----------
    Simchi-Levi et al. (2015), "Identifying Risks and Mitigating Disruptions in the Automotive
    Supply Chain", Interfaces 45(5), for time to survive; theirs reallocates, see
    `chokepoint.resilience`.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import weeks_to_stop
    >>> table = weeks_to_stop(cp.load("rare_earths"), "CHN")
    >>> bool((table["weeks"] > 0).all())
    True
    """
    needs = needs_of(chain, essential=essential)
    gone = removed_nodes(chain, removed, by=by)
    stock, lead = _covers(chain)
    times = _Times.of(needs, gone, stock[needs.slot_row], lead[needs.edge_row])
    nodes = needs.nodes
    if slots:
        return _slot_table(chain, needs, times, stock)
    market = nodes["kind"].eq("market").to_numpy() & nodes["sector"].ne("other_use").to_numpy()
    found = np.flatnonzero(market & np.isfinite(times.node))
    paths = [tuple(nodes["product"].iloc[times.path(int(node))]) for node in found]
    table = nodes.iloc[found][["product", "country"]].rename_axis("market")
    table["weeks"] = times.node[found]
    table["input"] = pd.Series([path[0] for path in paths], index=table.index, dtype=object)
    table["path"] = pd.Series(paths, index=table.index, dtype=object)
    return table.sort_values("weeks", kind="stable")


def _covers(chain: SupplyChain) -> tuple[FloatArray, FloatArray]:
    """Return stock of slots and transit of flows [weeks]."""
    slots = chain.slots
    stock = slots["stock_weeks"].where(slots["storable"], 0.0)
    return stock.to_numpy(dtype=float), chain.links.lead_weeks


@dataclass(frozen=True)
class _Times:
    """Weeks until nodes stop and slots are empty, and what each of them waits for."""

    node: FloatArray
    slot: FloatArray
    last: FloatArray
    before: IntArray

    @classmethod
    def of(
        cls, needs: Needs, gone: NDArray[np.bool_], stock: FloatArray, lead: FloatArray
    ) -> _Times:
        node = np.where(gone, 0.0, np.inf)
        last = np.full(len(stock), np.inf)
        child = np.flatnonzero(needs.process >= 0)
        # Derivations grow by a tier in each round, and every one of them is at most N deep.
        while len(stock):
            arrival = node[needs.supplier] + lead
            last = np.maximum.reduceat(arrival, needs.slot_starts)
            now = node.copy()
            np.minimum.at(now, needs.slot_buyer, stock + last)
            now[child] = np.minimum(now[child], now[needs.process[child]])
            if np.array_equal(now, node):
                break
            node = now
        return cls(node, stock + last, last, _waits(needs, node, stock, last, lead))

    def path(self, node: int) -> list[int]:
        """Return the nodes from the removed one to this one."""
        path = [node]
        while self.before[path[-1]] >= 0:
            path.append(int(self.before[path[-1]]))
        return path[::-1]


def _waits(
    needs: Needs, node: FloatArray, stock: FloatArray, last: FloatArray, lead: FloatArray
) -> IntArray:
    """Return the supplier or process on which each node's time depends, -1 for none."""
    before = np.full(len(node), -1, dtype=np.intp)
    if not len(stock):
        return before
    arrival = node[needs.supplier] + lead
    slot_of = needs.flow_slot
    latest = np.flatnonzero(np.isfinite(arrival) & (arrival == last[slot_of]))[::-1]
    supplier = np.full(len(stock), -1, dtype=np.intp)
    supplier[slot_of[latest]] = needs.supplier[latest]
    ends = stock + last
    decides = np.flatnonzero(np.isfinite(ends) & (ends == node[needs.slot_buyer]))[::-1]
    before[needs.slot_buyer[decides]] = supplier[decides]
    child = np.flatnonzero(needs.process >= 0)
    made = child[np.isfinite(node[child]) & (node[child] == node[needs.process[child]])]
    before[made] = needs.process[made]
    before[node == 0.0] = -1
    return before


def _slot_table(chain: SupplyChain, needs: Needs, times: _Times, stock: FloatArray) -> pd.DataFrame:
    found = np.flatnonzero(np.isfinite(times.slot))
    labels = chain.slots.index[needs.slot_row[found]]
    buyer = needs.slot_buyer[found]
    table = needs.nodes.iloc[buyer][["kind", "product", "country"]].set_axis(labels)
    table["stock_weeks"] = stock[needs.slot_row[found]]
    table["last_arrival"] = times.last[found]
    table["weeks"] = times.slot[found]
    table["decides"] = times.slot[found] == times.node[buyer]
    return table.sort_values("weeks", kind="stable")
