"""A network of firms as arrays: who sells to whom, and what a missing supplier means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["ESSENTIAL", "NEGLIGIBLE", "NON_ESSENTIAL", "Accounts", "Downstream", "FirmNetwork"]

NEGLIGIBLE, NON_ESSENTIAL, ESSENTIAL = 0, 1, 2

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Downstream(NamedTuple):
    """Links along which a missing supplier is felt, sorted by supplier.

    A buyer adds up what it misses in one account for each sector whose goods are essential to
    it, and in one account for everything that is not.

    Attributes
    ----------
    start : array of int (n + 1,)
        Links of supplier ``i`` are ``start[i]:start[i + 1]``.
    buyer, account : array of int (links,)
        Buyer, and its account.
    share : array (links,)
        Share of the account that the link supplies at baseline.
    n_accounts : int
        Number of accounts; the last n are those of non-essential inputs, in firm order.
    """

    start: IntArray
    buyer: IntArray
    account: IntArray
    share: FloatArray
    n_accounts: int


class Accounts(NamedTuple):
    """The same links by buyer and account; accounts that nothing goes into are left out.

    Firms stand in an order of their own: those with as many accounts and links are neighbours, so
    that a loop over them takes the same turns.

    Attributes
    ----------
    order, position : array of int (n,)
        Firm at each position, and position of each firm.
    buyer_start : array of int (n + 1,)
        Accounts of the buyer at position ``j`` are ``buyer_start[j]:buyer_start[j + 1]``.
    start : array of int (accounts + 1,)
        Links of account ``g`` are ``start[g]:start[g + 1]``.
    supplier : array of int (links,)
        Position of the supplier.
    share : array (links,)
        Share of the account that the link supplies at baseline.
    """

    order: IntArray
    position: IntArray
    buyer_start: IntArray
    start: IntArray
    supplier: IntArray
    share: FloatArray


@dataclass(frozen=True)
class FirmNetwork:
    """Sales between firms; links are sorted by supplier, then buyer, without repeats.

    Attributes
    ----------
    firms : pandas.Index
        Labels.
    sector : array of int (n,)
        Sector of a firm, which decides what its goods are to a buyer.
    market : array of int (n,)
        Market in which others may replace its sales.
    supplier, buyer : array of int (links,)
        Ends of each link.
    value : array (links,)
        Sales, in any unit.
    importance : array of int (links,)
        0 negligible, 1 non-essential, 2 essential to the buyer.
    revenue : array (n,)
        What a firm's sales in the network are a share of; its sales where nothing is stated.
    closed : bool
        Whether revenue is the sales in the network, so that no sales leave it.
    cost : array (n,)
        What a firm's purchases are a share of.
    """

    firms: pd.Index
    sector: IntArray
    market: IntArray
    supplier: IntArray
    buyer: IntArray
    value: FloatArray
    importance: IntArray
    revenue: FloatArray
    closed: bool
    cost: FloatArray

    @property
    def n(self) -> int:
        """Number of firms."""
        return len(self.firms)

    @cached_property
    def sales(self) -> FloatArray:
        """Sales of each firm in the network."""
        return _sums(self.supplier, self.value, self.n)

    @cached_property
    def purchases(self) -> FloatArray:
        """Purchases of each firm in the network."""
        return _sums(self.buyer, self.value, self.n)

    @cached_property
    def market_sales(self) -> FloatArray:
        """Sales of each market."""
        return _sums(self.market, self.sales, 0)

    @cached_property
    def downstream(self) -> Downstream:
        """Links with the share of the buyer's account that they supply."""
        felt = np.flatnonzero((self.importance > NEGLIGIBLE) & (self.value > 0))
        supplier, buyer, value = self.supplier[felt], self.buyer[felt], self.value[felt]
        essential = self.importance[felt] == ESSENTIAL
        key = buyer * (int(self.sector.max(initial=0)) + 1) + self.sector[supplier]
        groups, group = np.unique(key[essential], return_inverse=True)
        account = buyer + len(groups)
        account[essential] = group
        n_accounts = len(groups) + self.n
        total = np.concatenate([np.zeros(len(groups)), self.purchases])
        total[: len(groups)] = np.bincount(group, weights=value[essential], minlength=len(groups))
        share = value / total[account] * (self.purchases / self.cost)[buyer]
        counts = np.bincount(supplier, minlength=self.n)
        start = np.concatenate([[0], np.cumsum(counts)])
        return Downstream(start, buyer, account, share, n_accounts)

    @cached_property
    def accounts(self) -> Accounts:
        """Links along which a missing supplier is felt, by buyer."""
        links = self.downstream
        supplier = np.repeat(np.arange(self.n), np.diff(links.start))
        _, first = np.unique(links.account, return_index=True)
        n_accounts = np.bincount(links.buyer[first], minlength=self.n)
        n_links = np.bincount(links.buyer, minlength=self.n)
        order = np.lexsort((n_links, n_accounts, n_links == 0)).astype(np.int64)
        position = np.empty(self.n, dtype=np.int64)
        position[order] = np.arange(self.n)
        by_buyer = np.lexsort((links.account, position[links.buyer]))
        account = links.account[by_buyer]
        start = np.flatnonzero(np.diff(account, prepend=-1, append=-1))
        return Accounts(
            order,
            position,
            np.concatenate([[0], np.cumsum(n_accounts[order])]).astype(np.int64),
            start.astype(np.int64),
            position[supplier[by_buyer]],
            links.share[by_buyer],
        )

    @cached_property
    def upstream(self) -> sparse.csr_array:
        """Share of a firm's revenue that each buyer brings, shape (n, n)."""
        share = self.value / self.revenue[self.supplier]
        return sparse.csr_array((share, (self.supplier, self.buyer)), shape=(self.n, self.n))

    @cached_property
    def leak(self) -> FloatArray:
        """Share of a firm's revenue that comes from outside the network."""
        if self.closed:
            return np.where(self.sales > 0, 0.0, 1.0)
        return np.clip(1.0 - self.sales / self.revenue, 0.0, 1.0)


def _sums(owner: IntArray, value: FloatArray, n: int) -> FloatArray:
    """Return the sum of the values of each owner."""
    return np.bincount(owner, weights=value, minlength=n).astype(np.float64)
