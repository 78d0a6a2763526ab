"""Reliance on areas at face value and looked through, from one matrix of cost shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import CostShares, SupplyChain, cost_shares
from chokepoint.errors import OptionError

__all__ = ["flow_betweenness", "hypothetical_extraction", "look_through"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
By = Literal["site", "country", "product"]
Side = Literal["inputs", "sales"]

_GROUPS = ("site", "country", "product")
_UNBOUNDED = (
    "the inputs on some cycle of the chain cost all that its outputs are worth, so look-through "
    "shares have no bound. Check prices and quantities along the cycle."
)


def look_through(
    chain: SupplyChain,
    *,
    by: By = "site",
    side: Side = "inputs",
    areas: Sequence[str] | None = None,
) -> pd.DataFrame:
    r"""Return reliance on areas at face value, looked through, and in value added.

    With :math:`a_{ij}` what site j buys from site i per USD of its output and
    :math:`L = (I - A)^{-1}`, the reliance of j on inputs from area c is

    .. math::
        \text{face value} = \sum_{i \in c} a_{ij}, \qquad
        \text{look-through} = \sum_{i \in c} (L - I)_{ij}, \qquad
        \text{value added} = \sum_{i \in c} v_i L_{ij} ,

    the second being the *foreign input reliance* (FIR) of Baldwin, Freeman and Theodorakopoulos
    for areas other than j's own. With :math:`b_{ij}` the share of i's output that site j buys and
    :math:`G = (I - B)^{-1}`, the sales side is

    .. math::
        \text{face value} = \sum_{k \in c} b_{jk}, \qquad
        \text{look-through} = \sum_{k \in c} (G - I)_{jk}, \qquad
        \text{final demand} = \sum_k G_{jk}\, y_{kc} / x_k ,

    the second being the *foreign market reliance* (FMR): sales to industries. Final demand says
    in which area's markets the output ends at last.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    by : {"site", "country", "product"}
        Rows. Countries and products are means over their sites, weighted by the value of output,
        so they are per USD of the group's gross output.
    side : {"inputs", "sales"}
        Whom one buys from, or whom one sells to.
    areas : sequence of str, optional
        Areas or blocs to report on, each as one; None = every area.

    Returns
    -------
    DataFrame
        Index (site, area), (country, area) or (product, area): who relies and on whom. Columns
        face_value, look_through and value_added (side "inputs") or final_demand (side "sales"),
        all in USD per USD of output. Rows whose output is worth nothing are left out.

    Raises
    ------
    OptionError
        If an option is unknown, or the inputs on some cycle cost all that its outputs are worth.
    UnknownLabelError
        If the chain has no such area or bloc.

    Notes
    -----
    Look-through counts an input each time that it changes hands: it is no share, and it can
    exceed 1. Value added counts once, and adds up to 1 over all areas where inputs in the chain
    and value added make up the value of each output; final demand adds up to 1 where outputs are
    sold in the chain. Inputs from outside the chain are not seen.

    References
    ----------
    Baldwin, Freeman, Theodorakopoulos (2023), "Hidden Exposure: Measuring US Supply Chain
    Reliance", Brookings Papers on Economic Activity, Fall.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import look_through
    >>> table = look_through(cp.load("rare_earths"), by="product", areas=["CHN"])
    >>> bool((table["look_through"] >= table["face_value"] - 1e-9).all())
    True
    """
    if by not in _GROUPS:
        raise OptionError(f"Look-through: by must be one of {', '.join(_GROUPS)}; got {by!r}.")
    if side not in ("inputs", "sales"):
        raise OptionError(f'Look-through: side must be "inputs" or "sales", got {side!r}.')
    money = cost_shares(chain)
    names = [*chain.areas()] if areas is None else [areas] if isinstance(areas, str) else [*areas]
    member = _membership(chain, names)
    sites = np.flatnonzero(money.value > 0)
    parts = _inputs(money, member) if side == "inputs" else _sales(chain, money, member)
    weight, labels = _weights(chain, money.value, sites, by)
    frames = {
        name: pd.DataFrame(weight @ part[sites], index=labels, columns=pd.Index(names, name="area"))
        for name, part in parts.items()
    }
    stacked = {name: frame.stack(future_stack=True) for name, frame in frames.items()}
    return pd.DataFrame(stacked)


def _membership(chain: SupplyChain, names: Sequence[str]) -> FloatArray:
    """Return 1 where a node lies in an area, shape (N, areas)."""
    country = chain.nodes["country"].to_numpy()
    columns = [np.isin(country, chain.areas(name)) for name in names]
    return np.column_stack(columns).astype(np.float64)


def _inputs(money: CostShares, member: FloatArray) -> dict[str, FloatArray]:
    live = member * (money.value > 0)[:, None]
    added = live * money.value_added[:, None]
    found = _bounded(money.solve(np.hstack([live, added])))
    count = member.shape[1]
    return {
        "face_value": np.asarray(money.shares @ live),
        "look_through": found[:, :count] - live,
        "value_added": found[:, count:],
    }


def _sales(chain: SupplyChain, money: CostShares, member: FloatArray) -> dict[str, FloatArray]:
    # G = X^-1 L X, so a solution for outputs in USD gives one for shares of them.
    worth = money.value[:, None]
    live = member * (money.value > 0)[:, None]
    sold = _final_sales(chain, money, member)
    found = _bounded(money.solve_sales(np.hstack([live * worth, sold])))
    scale = np.divide(1.0, worth, out=np.zeros_like(worth), where=worth > 0)
    count = member.shape[1]
    return {
        "face_value": np.asarray(money.shares.T @ (live * worth)) * scale,
        "look_through": found[:, :count] * scale - live,
        "final_demand": found[:, count:] * scale,
    }


def _final_sales(chain: SupplyChain, money: CostShares, member: FloatArray) -> FloatArray:
    """Return sales of each node to markets in each area [USD million]."""
    nodes, links = chain.nodes, chain.links
    market = nodes["kind"].eq("market").to_numpy()
    output = nodes["output_qty"].to_numpy(dtype=float)
    price = np.divide(money.value, output, out=np.zeros(len(output)), where=output > 0)
    sold = np.flatnonzero(market[links.buyer] & ~links.dormant)
    worth = price[links.supplier[sold]] * links.quantity[sold]
    result = np.zeros(member.shape)
    np.add.at(result, links.supplier[sold], worth[:, None] * member[links.buyer[sold]])
    return result


def _bounded(found: FloatArray | None) -> FloatArray:
    if found is None:
        raise OptionError("Look-through: " + _UNBOUNDED)
    return found


def _weights(
    chain: SupplyChain, value: FloatArray, sites: NDArray[np.intp], by: str
) -> tuple[FloatArray, pd.Index]:
    """Return the weight of each site in each row, adding up to 1, and the rows' labels."""
    nodes = chain.nodes
    if by == "site":
        return np.eye(len(sites)), pd.Index(nodes.index[sites], name="site")
    code, labels = pd.factorize(nodes[by].iloc[sites], sort=True)
    weight = np.zeros((len(labels), len(sites)))
    weight[code, np.arange(len(sites))] = value[sites]
    return weight / weight.sum(axis=1, keepdims=True), pd.Index(labels, name=by)


def hypothetical_extraction(chain: SupplyChain, areas: Sequence[str] | None = None) -> pd.DataFrame:
    r"""Return what others lose if an area neither buys nor sells: as a buyer, as a supplier.

    The rows and the columns of all sites in area c are taken out; O are the sites elsewhere.

    * **As a buyer** (Leontief side): rows and columns of c leave the matrix of cost shares A, and
      so does final demand for c's goods; final demand for all others stays. Outputs elsewhere
      become :math:`x_O' = (I - A_{OO})^{-1} y_O`. What is lost was made, directly or not, for
      industries in c.
    * **As a supplier** (Ghosh side): rows and columns of c leave the matrix of sales shares
      :math:`b_{ij} = a_{ij} x_j / x_i`, and so do c's primary inputs; those of all others stay.
      Outputs elsewhere become :math:`x_O' = w_O (I - B_{OO})^{-1}`. What is lost was made,
      directly or not, from goods of c, in proportion to their cost.

    Losses are shares of the world outside c: of gross output
    :math:`1 - \sum_{i \in O} x_i' / \sum_{i \in O} x_i`, and of value added, where each output is
    weighted by its value added.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    areas : sequence of str, optional
        Areas or blocs to extract, each as one; None = every area.

    Returns
    -------
    DataFrame
        Index area; columns output_as_buyer, value_added_as_buyer, output_as_supplier,
        value_added_as_supplier, shares in [0, 1].

    Raises
    ------
    OptionError
        If the inputs on some cycle cost all that its outputs are worth.
    UnknownLabelError
        If the chain has no such area or bloc.

    Notes
    -----
    The Ghosh side takes inputs in proportion to cost, as if all could replace one another; a
    missing input that is essential stops more: see `stopped` and `chokepoint.simulate`. The value
    of the area's own output is not part of the loss.

    References
    ----------
    Dietzenbacher, van Burken, Kondo (2019), "Hypothetical extractions from a global perspective",
    Economic Systems Research 31(4). Ghosh (1958), Economica 25.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import hypothetical_extraction
    >>> table = hypothetical_extraction(cp.load("rare_earths"), ["CHN", "JPN"])
    >>> bool(table["output_as_supplier"].between(0, 1).all())
    True
    """
    money, inverse, member, names = _extraction(chain, areas)
    value, added = money.value, money.value * money.value_added
    rows = []
    for inside in member.T:
        # What is lost outside C: L_OC L_CC^-1 x_C, and 1_C' L_CC^-1 L_CO x_O from the other side.
        outside = ~inside
        held = inverse[np.ix_(inside, inside)]
        buyer = inverse[np.ix_(outside, inside)] @ np.linalg.solve(held, value[inside])
        supplier = np.linalg.solve(held.T, np.ones(int(inside.sum())))
        supplied = (supplier @ inverse[np.ix_(inside, outside)]) * value[outside]
        share = np.divide(added, value, out=np.zeros(len(value)), where=value > 0)[outside]
        worth, own = value[outside].sum(), added[outside].sum()
        rows.append(
            (_share(buyer.sum(), worth), _share(share @ buyer, own),
             _share(supplied.sum(), worth), _share(share @ supplied, own))
        )  # fmt: skip
    columns = [f"{what}_{how}" for how in ("as_buyer", "as_supplier")
               for what in ("output", "value_added")]  # fmt: skip
    return pd.DataFrame(rows, index=pd.Index(names, name="area"), columns=columns)


def flow_betweenness(chain: SupplyChain, areas: Sequence[str] | None = None) -> pd.Series:
    r"""Return the share of all output that is made in chains which pass through an area.

    .. math:: b_c = \frac{1' (L - L^{-c})\, y}{1' L\, y}

    with y the sales to markets, L the Leontief inverse and :math:`L^{-c}` the same with the rows
    and columns of all sites in c set to zero in A; final demand stays whole. Output counts that
    is made in c as an input, and output elsewhere that goes through c, on any path.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    areas : sequence of str, optional
        Areas or blocs, each as one; None = every area.

    Returns
    -------
    Series
        By area, in [0, 1]. Shares of several areas overlap, so they do not add up to 1.

    Raises
    ------
    OptionError
        If the inputs on some cycle cost all that its outputs are worth.
    UnknownLabelError
        If the chain has no such area or bloc.

    References
    ----------
    Dietzenbacher, van Burken, Kondo (2019), "Hypothetical extractions from a global perspective",
    Economic Systems Research 31(4), for taking an area out; the share is that of what is lost.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import flow_betweenness
    >>> share = flow_betweenness(cp.load("rare_earths"), ["CHN", "JPN"])
    >>> bool(share["CHN"] > share["JPN"])
    True
    """
    money, inverse, member, names = _extraction(chain, areas)
    made = inverse @ money.final
    column = inverse.sum(axis=0)
    shares = []
    for inside in member.T:
        # Walks that touch C: L_.C L_CC^-1 L_C. , less the sites of C standing alone.
        held = np.linalg.solve(inverse[np.ix_(inside, inside)], made[inside])
        through = column[inside] @ held - money.final[inside].sum()
        shares.append(_share(through, made.sum()))
    return pd.Series(shares, index=pd.Index(names, name="area"), name="betweenness")


def _extraction(
    chain: SupplyChain, areas: Sequence[str] | None
) -> tuple[CostShares, FloatArray, BoolArray, list[str]]:
    """Return values, the Leontief inverse, which sites each area holds, and names of areas."""
    money = cost_shares(chain)
    names = [*chain.areas()] if areas is None else [areas] if isinstance(areas, str) else [*areas]
    member = _membership(chain, names).astype(bool)
    live = np.flatnonzero(money.value > 0)
    part = CostShares(
        value=money.value[live],
        shares=money.shares[live][:, live],
        value_added=money.value_added[live],
        final=money.final[live],
    )
    inverse = _bounded(part.solve_sales(np.eye(len(live))))
    return part, inverse, member[live], names


def _share(part: float, whole: float) -> float:
    return float(min(max(part / whole, 0.0), 1.0)) if whole > 0 else 0.0
