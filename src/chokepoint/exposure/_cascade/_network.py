"""A network of firms as arrays: who sells to whom, and what a missing supplier means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["ESSENTIAL", "NEGLIGIBLE", "NON_ESSENTIAL", "Accounts", "Downstream", "FirmNetwork"]

NEGLIGIBLE, NON_ESSENTIAL, ESSENTIAL = 0, 1, 2

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Downstream:
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


@dataclass(frozen=True)
class Accounts:
    """The same links by buyer and account; accounts that nothing goes into are left out.

    Attributes
    ----------
    buyer_start : array of int (n + 1,)
        Accounts of buyer ``j`` are ``buyer_start[j]:buyer_start[j + 1]``.
    start : array of int (accounts + 1,)
        Links of account ``g`` are ``start[g]:start[g + 1]``.
    supplier : array of int (links,)
        Supplier.
    share : array (links,)
        Share of the account that the link supplies at baseline.
    """

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
        order = np.lexsort((links.account, links.buyer))
        buyer, account = links.buyer[order], links.account[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (account[1:] != account[:-1]) | (buyer[1:] != buyer[:-1])
        counts = np.bincount(buyer[first], minlength=self.n)
        return Accounts(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.append(np.flatnonzero(first), len(order)).astype(np.int64),
            supplier[order].astype(np.int64),
            links.share[order],
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
