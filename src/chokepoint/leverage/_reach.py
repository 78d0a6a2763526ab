"""What an export ban does not reach: content embedded in other goods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain

__all__ = ["reach"]


def reach(
    chain: SupplyChain,
    *,
    by: str | Sequence[str],
    against: str | Sequence[str],
    products: str | Sequence[str],
) -> pd.DataFrame:
    r"""Return how the owner's goods enter the target: directly, in parts, through others.

    The content of product :math:`p` made by the owner in one unit of site :math:`i`'s output
    follows the flows,

    .. math:: c_i = \frac{1}{x_i} \sum_{e \to i} f_e \left( [s(e) \in A, p(e) = p] + c_{s(e)}
        \right),

    and every flow into the target carries ``f_e c_s(e)`` of it, besides the direct flows of
    :math:`p` itself. A ban on :math:`p` stops only the direct part. Content that crosses the
    target's border twice is counted twice. Joint outputs share the content of their process by
    mass.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    by, against : str or sequence of str
        Areas or blocs of the owner and of the target.
    products : str or sequence of str
        Products or groups; each product is traced on its own, in its own unit.

    Returns
    -------
    pandas.DataFrame
        Index product; columns direct, in_owner_goods (embedded in other goods of the owner),
        through_others (embedded in goods of third countries) [product unit per year] and
        reached_share = direct over the sum.
    """
    from scipy.sparse import coo_array, identity
    from scipy.sparse.linalg import splu

    nodes = chain.nodes
    edges = chain.edges.loc[lambda table: ~table["dormant"] & (table["quantity"] > 0)]
    position = pd.Series(np.arange(len(nodes)), index=nodes.index)
    supplier = position.loc[edges["supplier"]].to_numpy()
    buyer = position.loc[edges["buyer"]].to_numpy()
    flow = edges["quantity"].to_numpy(dtype=float)
    output = nodes["output_qty"].to_numpy(dtype=float)
    country = nodes["country"].to_numpy()
    owner = np.isin(country, chain.areas(by))
    target = np.isin(country, chain.areas(against))
    size = len(nodes)
    rows, columns, share = [buyer], [supplier], [flow / np.where(output > 0, output, 1.0)[buyer]]
    # By-products carry nothing: the content stays with the product that is sold.
    joint = nodes["process"].ne("") & nodes["wanted"].astype(bool)
    children = np.flatnonzero(joint.to_numpy())
    if len(children):
        parents = position.loc[nodes["process"].iloc[children]].to_numpy()
        rows.append(children)
        columns.append(parents)
        share.append(_content_per_output(children, parents, output))
    carried = coo_array(
        (np.concatenate(share), (np.concatenate(rows), np.concatenate(columns))),
        shape=(size, size),
    ).tocsc()
    solver = splu((identity(size, format="csc") - carried).tocsc())
    entering = target[buyer] & ~target[supplier]
    records = {}
    for product in chain.products_in(products):
        made = owner & nodes["product"].eq(product).to_numpy()
        direct = flow[entering & made[supplier]].sum()
        source = carried @ made.astype(float)
        content = solver.solve(source)
        embedded = entering & ~made[supplier]
        inside = flow * content[supplier]
        records[product] = (
            direct,
            inside[embedded & owner[supplier]].sum(),
            inside[embedded & ~owner[supplier]].sum(),
        )
    table = pd.DataFrame.from_dict(
        records, orient="index", columns=["direct", "in_owner_goods", "through_others"]
    )
    table.index.name = "product"
    table["reached_share"] = table["direct"] / table.sum(axis=1).replace(0.0, np.nan)
    table.attrs["unit"] = "product unit per year (reached_share: share)"
    return table


def _content_per_output(
    children: np.ndarray, parents: np.ndarray, output: np.ndarray
) -> np.ndarray:
    """Return the content in a unit of a joint output per unit of content in its process.

    The outputs of a process share its content by mass, never by value.
    """
    mass = output[children]
    together = np.bincount(parents, mass, minlength=len(output))[parents]
    share: np.ndarray = output[parents] / np.where(together > 0, together, 1.0)
    return share
