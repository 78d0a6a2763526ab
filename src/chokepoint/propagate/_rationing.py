"""Whom a supplier serves first when it cannot fill all orders (step 6): a class for every flow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chokepoint.errors import UnknownLabelError
from chokepoint.propagate._behaviour import Behaviour
from chokepoint.propagate._compile import CompiledChain

__all__ = ["rationing_classes"]

IntArray = NDArray[np.intp]

_QUARTILES = 4


def rationing_classes(chain: CompiledChain, behaviour: Behaviour) -> IntArray:
    """Return the class of every flow: a supplier serves class 0 first, then 1, and so on.

    Classes belong to the structure of a run, one for all lanes. Where chains are drawn, bids of
    the first one decide.

    Parameters
    ----------
    chain : CompiledChain
        The chain; its labels are read unless rationing is proportional or equalising.
    behaviour : Behaviour
        Settings `rationing` and `alliances`.

    Returns
    -------
    array of int (E,)
        All 0 where rationing is proportional or equalising.

    Raises
    ------
    UnknownLabelError
        If an alliance is no bloc of the chain.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.propagate import compile_chain
    >>> chain = compile_chain(cp.load("rare_earths"))
    >>> sorted(set(rationing_classes(chain, cp.Behaviour(rationing="allies_first")).tolist()))
    [0, 1, 2]
    """
    if behaviour.rationing == "domestic_first":
        return np.where(_at_home(chain), 0, 1).astype(np.intp)
    if behaviour.rationing == "allies_first":
        allied = _allied(chain, behaviour.alliances)
        return np.where(_at_home(chain), 0, np.where(allied, 1, 2)).astype(np.intp)
    if behaviour.rationing == "highest_bidder":
        return _bid_classes(chain)
    return np.zeros(chain.n_edges, dtype=np.intp)


def _countries(chain: CompiledChain) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Return the country of the supplier and of the buyer of each flow."""
    country = chain.nodes["country"].to_numpy(dtype=object)
    return country[chain.edge_supplier], country[chain.group_buyer[chain.edge_group]]


def _at_home(chain: CompiledChain) -> NDArray[np.bool_]:
    seller, buyer = _countries(chain)
    return np.asarray(seller == buyer, dtype=bool)


def _allied(chain: CompiledChain, alliances: tuple[str, ...] | None) -> NDArray[np.bool_]:
    """Return whether supplier and buyer share a bloc that counts as an alliance."""
    blocs = frozenset[str]().union(*chain.allies.values())
    for name in alliances or ():
        if name not in blocs:
            raise UnknownLabelError(name, "bloc", sorted(blocs))
    counted = blocs if alliances is None else frozenset(alliances)
    member = {area: some & counted for area, some in chain.allies.items()}
    nobody = frozenset[str]()
    seller, buyer = _countries(chain)
    allied = {
        pair: bool(member.get(pair[0], nobody) & member.get(pair[1], nobody))
        for pair in set(zip(seller, buyer, strict=True))
    }
    return np.array([allied[pair] for pair in zip(seller, buyer, strict=True)], dtype=bool)


def _bid_classes(chain: CompiledChain) -> IntArray:
    """Return quartiles of the bids on each supplier, the highest bids in class 0.

    A bid belongs to the quartile of the share of the supplier's flows that bid more. Equal bids
    share a class; values that differ by rounding are equal.
    """
    bid = np.array([float(f"{value:.9e}") for value in chain.bid[:, 0]])
    order = np.lexsort((-bid, chain.edge_supplier))
    supplier, sorted_bid = chain.edge_supplier[order], bid[order]
    rows = np.arange(len(order))
    new_supplier = np.append(True, supplier[1:] != supplier[:-1])
    new_bid = new_supplier | np.append(True, sorted_bid[1:] != sorted_bid[:-1])
    start = np.maximum.accumulate(np.where(new_supplier, rows, 0))
    higher = np.maximum.accumulate(np.where(new_bid, rows, 0)) - start
    count = np.bincount(supplier, minlength=chain.n_nodes)[supplier]
    classes = np.empty(len(order), dtype=np.intp)
    classes[order] = _QUARTILES * higher // count
    return classes
