"""Which sites, slots and flows can matter for the losses that are counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chokepoint.propagate import CompiledChain

__all__ = ["Extent", "find_extent"]

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Extent:
    """Parts of a chain that a program keeps.

    Attributes
    ----------
    counted : array of bool (N,)
        Sites whose losses count.
    sites : array of bool (N,)
        Counted sites and all that supply them, directly or through others.
    groups : array of bool (G,)
        Slots that can limit a kept site.
    edges : array of bool (E,)
        Flows into kept slots.
    outlets : array of bool (E,)
        Other flows out of counted sites: what they sell to markets, to sites that do not
        matter, and to slots that limit nobody.
    """

    counted: BoolArray
    sites: BoolArray
    groups: BoolArray
    edges: BoolArray
    outlets: BoolArray


def find_extent(
    chain: CompiledChain,
    counted: BoolArray,
    possible: BoolArray,
    served: BoolArray | None = None,
) -> Extent:
    """Return what matters for the losses of `counted` sites.

    All other sites may be set to zero: every row of the program only limits what is made,
    sent or kept from above, but for those of counted sites, whose outlets are kept. So the
    optimum is that of the whole chain.

    Parameters
    ----------
    chain : CompiledChain
        The chain.
    counted : array of bool (N,)
        Sites whose losses count.
    possible : array of bool (E,)
        Flows that may carry anything at all within the horizon.
    served : array of bool (N,), optional
        Markets that must be served; kept with all that supplies them.
    """
    counted = counted & ~chain.is_market & (chain.value_added[:, 0] > 0)
    limits_buyer = ((chain.eps > 0) | (chain.phi > 0)).any(axis=1)
    children = np.flatnonzero(chain.is_child)
    sites = counted if served is None else counted | (served & chain.is_market)
    sites, fresh = sites.copy(), sites
    while fresh.any():
        reached = np.zeros_like(sites)
        into = limits_buyer & fresh[chain.group_buyer]
        reached[chain.edge_supplier[into[chain.edge_group] & possible]] = True
        reached[chain.process[children[fresh[children]]]] = True
        fresh = reached & ~sites
        sites |= fresh
    groups = limits_buyer & sites[chain.group_buyer]
    edges = groups[chain.edge_group] & possible
    outlets = counted[chain.edge_supplier] & ~groups[chain.edge_group] & possible
    return Extent(counted, sites, groups, edges, outlets)
