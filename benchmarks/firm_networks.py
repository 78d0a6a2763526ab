"""Synthetic networks of firms with heavy-tailed links and sales, like those of value-added tax.

Firms of a sector are not alike here, and revenue exceeds sales by what the network does not see, as
in tax records: what the index costs depends on both, and results are recorded on them.
`chokepoint.datasets.synthetic`, whose accounts are closed, is measured beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

LINKS_PER_FIRM = 5
# Exponent of the distribution of firm sizes, which draw links; a twentieth of all firms at most.
TAIL = 1.2
# With firms that differ less nearly all hang together, and more of them are left as core.
EVEN_TAIL = 2.0
LARGEST = 0.05
# Share of links whose buyer is any firm, large or small.
EVEN = 0.3
REVENUE = 1.5


@dataclass(frozen=True)
class Network:
    """Arguments of `cascade_index`; revenue exceeds sales in the network by a half."""

    edges: pd.DataFrame
    firms: pd.DataFrame
    essentiality: np.ndarray
    revenue: pd.Series

    def described(self) -> dict[str, float]:
        """Return size, the share of firms in the largest strong component, and skewness."""
        from scipy import sparse
        from scipy.sparse import csgraph

        n = len(self.firms)
        links = (self.edges["supplier"], self.edges["buyer"])
        matrix = sparse.coo_array((self.edges["value"], links), shape=(n, n)).tocsr()
        _, label = csgraph.connected_components(matrix, connection="strong")
        degree = np.bincount(self.edges["supplier"], minlength=n)
        return {
            "firms": n,
            "links": matrix.nnz,
            "sectors": len(self.essentiality),
            "strong_share": np.bincount(label).max() / n,
            "largest_degree": int(degree.max()),
        }


def firm_network(n: int, sectors: int, *, seed: int = 0, tail: float = TAIL) -> Network:
    """Return a network of `n` firms: ends of links are drawn in proportion to size."""
    rng = np.random.default_rng(seed)
    pull = np.minimum((1.0 - rng.random(n)) ** (-1.0 / tail), LARGEST * n)
    chance = pull / pull.sum()
    drawn = int(1.3 * LINKS_PER_FIRM * n)
    supplier = rng.choice(n, drawn, p=chance)
    buyer = np.where(
        rng.random(drawn) < EVEN, rng.integers(0, n, drawn), rng.choice(n, drawn, p=chance)
    )
    edges = pd.DataFrame({"supplier": supplier, "buyer": buyer})
    edges = edges[supplier != buyer].drop_duplicates().head(LINKS_PER_FIRM * n)
    both = pull[edges["supplier"]] * pull[edges["buyer"]]
    edges = edges.assign(value=np.sqrt(both) * rng.lognormal(0.0, 1.0, len(edges)))
    weight = 1.0 / np.arange(1, sectors + 1) ** 0.5
    firms = pd.DataFrame(
        {"firm": np.arange(n), "sector": rng.choice(sectors, n, p=weight / weight.sum())}
    )
    # Every sector has a firm, so that the matrix has a row for each.
    firms.loc[: sectors - 1, "sector"] = np.arange(sectors)
    essentiality = rng.choice([0, 1, 2], (sectors, sectors), p=[0.3, 0.6, 0.1])
    sales = np.bincount(edges["supplier"], weights=edges["value"], minlength=n)
    revenue = pd.Series(REVENUE * sales + sales[sales > 0].min(), index=firms["firm"])
    return Network(edges, firms, essentiality, revenue)
