"""From the words of an event to positions of sites, markets and flows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import UnknownLabelError

__all__ = ["Labels", "edge_positions", "node_positions"]

Labels = str | Sequence[str]


def edge_positions(
    chain: SupplyChain,
    *,
    by: Labels,
    against: Labels | None,
    products: Labels | None,
    seller_is_owner: bool = True,
) -> NDArray[np.intp]:
    """Return the flows between the owner of an event and those it is aimed at.

    Only flows that cross a border count. With ``against=None`` the event is aimed at every
    area that is not the owner. ``seller_is_owner=False`` turns the direction round.
    """
    edges, nodes = chain.edges, chain.nodes
    seller = edges["supplier"].map(nodes["country"])
    buyer = edges["buyer"].map(nodes["country"])
    owner, other = (seller, buyer) if seller_is_owner else (buyer, seller)
    owners = chain.areas(by)
    chosen = owner.isin(owners) & (seller != buyer)
    chosen &= other.isin(chain.areas(against)) if against is not None else ~other.isin(owners)
    if products is not None:
        chosen &= edges["product"].isin(chain.products_in(products))
    return np.flatnonzero(chosen.to_numpy())


def node_positions(
    chain: SupplyChain,
    *,
    kind: str,
    products: Labels | None,
    country: Labels | None,
    labels: Labels | None = None,
) -> NDArray[np.intp]:
    """Return the sites or markets of given products, countries or labels (all must hold)."""
    nodes = chain.nodes
    chosen = pd.Series(nodes["kind"].eq(kind).to_numpy(), index=nodes.index)
    if products is not None:
        chosen &= nodes["product"].isin(chain.products_in(products))
    if country is not None:
        chosen &= nodes["country"].isin(chain.areas(country))
    if labels is not None:
        wanted = [labels] if isinstance(labels, str) else list(labels)
        known = nodes.index[nodes["kind"].eq(kind)]
        for label in wanted:
            if label not in known:
                raise UnknownLabelError(label, kind, known)
        chosen &= nodes.index.isin(wanted)
    return np.flatnonzero(chosen.to_numpy())
