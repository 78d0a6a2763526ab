"""From the words of an event to flows, sites and markets; what matches nothing, and what would."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chokepoint.chain import SupplyChain
from chokepoint.errors import UnknownLabelError
from chokepoint.scenario._index import (
    BoolArray,
    IntArray,
    Labels,
    index_of,
    listed,
    words,
)

__all__ = ["FlowQuery", "NodeQuery"]

_Words = Sequence[str | None]


@dataclass(frozen=True)
class FlowQuery:
    """Flows over a border between the owner of an event and those it is aimed at.

    Attributes
    ----------
    by : str or sequence of str
        Areas or blocs of the owner.
    against : str or sequence of str, optional
        Areas or blocs at the other end; None = every area that is not the owner.
    products : str or sequence of str, optional
        Products or groups; None = all.
    owner_sells : bool
        Whether the owner is the seller; else the buyer.
    """

    by: Labels
    against: Labels | None
    products: Labels | None
    owner_sells: bool = True

    def positions(self, chain: SupplyChain) -> IntArray:
        """Return the flows, dormant ones included, as positions in ``chain.edges``."""
        index = index_of(chain)
        owner = index.in_areas(chain, self.by)
        aimed = ~owner if self.against is None else index.in_areas(chain, self.against)
        owned = index.crossing(owner, sold=self.owner_sells)
        other = index.buyer_area if self.owner_sells else index.seller_area
        keep = aimed[other[owned]]
        if self.products is not None:
            keep &= index.in_products(chain, self.products)[index.edge_product[owned]]
        return owned[keep]

    def text(self, by: _Words, against: _Words, products: _Words) -> str:
        """Return a query in words, goods first and then their way."""
        seller, buyer = _listed(by), _listed(against) or "others"
        if not self.owner_sells:
            seller, buyer = buyer, seller
        return f"{_listed(products) or 'any product'}: {seller} -> {buyer}"

    def __str__(self) -> str:
        return self.text(words(self.by), words(self.against), words(self.products))

    def unmatched(self, chain: SupplyChain) -> list[str]:
        """Return the combinations of words that match no flow.

        A word that matches nothing at all gives one line. Of the others, each owner has one line
        on those with whom it trades nothing, and each pair one on the products that it does not
        trade.
        """
        by, against, products = words(self.by), words(self.against), words(self.products)
        if not len(self.positions(chain)):
            return [str(self)]
        if len(by) == len(against) == len(products) == 1:
            return []
        found = self._found(chain, by, against, products)
        alive = [np.asarray(found.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
        lines = [self.text([one], against, products) for one in _where(by, ~alive[0])]
        lines += [self.text(by, [one], products) for one in _where(against, ~alive[1])]
        lines += [self.text(by, against, [one]) for one in _where(products, ~alive[2])]
        for i in np.flatnonzero(alive[0]).tolist():
            sold = found[i].any(axis=1)
            none = _where(against, ~sold & alive[1])
            lines += [self.text([by[i]], none, products)] if none else []
            for j in np.flatnonzero(sold).tolist():
                missing = _where(products, ~found[i, j] & alive[2])
                lines += [self.text([by[i]], [against[j]], missing)] if missing else []
        return lines

    def _found(
        self, chain: SupplyChain, by: _Words, against: _Words, products: _Words
    ) -> BoolArray:
        """Return which combinations of words match a flow, shape (by, against, products)."""
        index, edges = index_of(chain), self.positions(chain)
        mine, other = index.seller_area[edges], index.buyer_area[edges]
        if not self.owner_sells:
            mine, other = other, mine
        # Without a name the other end is anyone, and the flows at hand all qualify.
        owners = np.array([index.in_areas(chain, one)[mine] for one in by], dtype=float)
        aimed = np.array([index.in_areas(chain, one)[other] for one in against], dtype=float)
        goods = [index.in_products(chain, one)[index.edge_product[edges]] for one in products]
        found = [(owners[:, held] @ aimed[:, held].T) > 0 for held in goods]
        return np.stack(found, axis=2)

    def advice(self, chain: SupplyChain) -> str:
        """Return the nearest flows that there are, for a query that matches none."""
        index = index_of(chain)
        verb, answer = ("sells to", "buys from") if self.owner_sells else ("buys from", "sells to")
        near, far = index.seller_area, index.buyer_area
        if not self.owner_sells:
            near, far = far, near
        if self.against is not None:
            edges = replace(self, against=None).positions(chain)
            if len(edges):
                return f"{_listed(words(self.by))} {verb}: {_labels(index.areas, far[edges])}"
            turned = FlowQuery(self.against, None, self.products, not self.owner_sells)
            edges = turned.positions(chain)
            if len(edges):
                other = _listed(words(self.against))
                return f"{other} {answer}: {_labels(index.areas, near[edges])}"
        edges = replace(self, products=None).positions(chain)
        if len(edges):
            return f"what flows there is: {_labels(index.products, index.edge_product[edges])}"
        sellers = index.seller_area[index.seller_area != index.buyer_area]
        return f"areas that sell to others: {_labels(index.areas, sellers) or 'none'}"


@dataclass(frozen=True)
class NodeQuery:
    """Sites, or markets, of given products, areas or labels; all that is given must hold."""

    kind: str
    products: Labels | None
    country: Labels | None
    labels: Labels | None = None

    def positions(self, chain: SupplyChain) -> IntArray:
        """Return the sites or markets as positions in ``chain.nodes``, ascending."""
        index = index_of(chain)
        if self.labels is None:
            found = np.flatnonzero(index.is_market == (self.kind == "market"))
        else:
            found = np.unique(
                np.array([self._place(chain, label) for label in self._named()], dtype=np.intp)
            )
        if self.products is not None:
            found = found[index.in_products(chain, self.products)[index.node_product[found]]]
        if self.country is not None:
            found = found[index.in_areas(chain, self.country)[index.node_area[found]]]
        return found

    def _named(self) -> list[str]:
        return [self.labels] if isinstance(self.labels, str) else list(self.labels or ())

    def _place(self, chain: SupplyChain, label: str) -> int:
        index = index_of(chain)
        place = index.node.get(label, -1)
        if place < 0 or index.is_market[place] != (self.kind == "market"):
            known = [
                one
                for one, i in index.node.items()
                if index.is_market[i] == (self.kind == "market")
            ]
            raise UnknownLabelError(label, self.kind, known)
        return place

    def __str__(self) -> str:
        return _node_text(self._named() or [None], words(self.products), words(self.country))

    def unmatched(self, chain: SupplyChain) -> list[str]:
        """Return the combinations of words that match nothing."""
        return [str(part) for part in self._parts() if not len(part.positions(chain))]

    def _parts(self) -> list[NodeQuery]:
        # A site has one product and one area: what it must be is said by all words together.
        if self.labels is not None:
            return [replace(self, labels=label) for label in self._named()]
        pairs = itertools.product(words(self.products), words(self.country))
        return [replace(self, products=product, country=country) for product, country in pairs]

    def advice(self, chain: SupplyChain) -> str:
        """Return the nearest sites or markets that there are, for a query that matches none."""
        index = index_of(chain)
        for relaxed in (
            NodeQuery(self.kind, self.products, None),
            NodeQuery(self.kind, None, self.country),
        ):
            found = relaxed.positions(chain)
            if not len(found):
                continue
            if relaxed.products is not None:
                where = _labels(index.areas, index.node_area[found])
                return f"{_listed(words(self.products))} has {self.kind}s in: {where}"
            if relaxed.country is not None:
                what = _labels(index.products, index.node_product[found])
                return f"{_listed(words(self.country))} has {self.kind}s of: {what}"
        count = int((index.is_market == (self.kind == "market")).sum())
        return f"the chain has {count} {self.kind}s, see chain.nodes"


def _node_text(labels: _Words, products: _Words, country: _Words) -> str:
    where = _listed(country)
    parts = (_listed(labels), _listed(products), f"in {where}" if where else "")
    return " ".join(part for part in parts if part) or "anything"


def _listed(names: _Words) -> str:
    return listed([name for name in names if name is not None])


def _where(names: _Words, mask: BoolArray) -> list[str | None]:
    return [name for name, chosen in zip(names, mask, strict=True) if chosen]


def _labels(labels: Sequence[str], codes: IntArray) -> str:
    return listed([labels[code] for code in np.unique(codes).tolist()])
