"""The cascade index of every firm: how much of the economy its default puts at risk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.exposure._cascade._direct import Direct
from chokepoint.exposure._cascade._inputs import network_of
from chokepoint.exposure._cascade._network import FirmNetwork
from chokepoint.exposure._cascade._paper import Paper
from chokepoint.exposure._cascade._run import run
from chokepoint.exposure._cascade._shocks import Shocks, Solver
from chokepoint.exposure._cascade._swept import Swept

__all__ = ["cascade_index"]

FloatArray = NDArray[np.float64]

_COLUMNS = ["index", "downstream", "upstream", "iterations"]


def cascade_index(
    edges: pd.DataFrame | SupplyChain | Any,
    firms: pd.DataFrame | None = None,
    essentiality: pd.DataFrame | NDArray[Any] | None = None,
    *,
    replaceability: bool = True,
    stop: Literal["fixed_point"] | float = "fixed_point",
    revenue: pd.Series | None = None,
    cost: pd.Series | None = None,
    weights: pd.Series | None = None,
    defaults: Sequence[Any] | None = None,
    shocks: pd.DataFrame | None = None,
    method: Literal["auto", "direct", "sweeps"] = "auto",
    threads: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    r"""Return the economic systemic risk index of firms (Diem et al. 2022).

    A firm that fails hits its buyers, who miss its goods, and its suppliers, who miss its orders.
    With :math:`W_{ij}` the sales of i to j, :math:`d_i` and :math:`u_i` the share of output that
    firm i loses downstream and upstream, and :math:`\psi_i` the shock,

    .. math::
        d_j = \max\Bigl(\psi_j,\ \max_{k\ \text{essential}} \sum_{i \in k}
              \sigma_i \tfrac{W_{ij}}{\sum_{l \in k} W_{lj}} d_i,\
              \sum_{i\ \text{non-essential}} \sigma_i \tfrac{W_{ij}}{\sum_l W_{lj}} d_i\Bigr),
        \qquad
        u_i = \max\Bigl(\psi_i, \sum_j \tfrac{W_{ij}}{R_i} u_j\Bigr),

    .. math::
        \sigma_i = \min\Bigl(1, \frac{s_i}{\sum_{l\ \text{in market of}\ i} s_l (1 - d_l)}\Bigr),
        \qquad \text{index} = \frac{\sum_i w_i \max(d_i, u_i)}{\sum_i w_i},

    where :math:`s_i` are sales in the network and :math:`R_i` is revenue. The default is the
    exact least fixed point: downstream by pushing losses along links while they exceed 1e-11,
    upstream from one factorisation of :math:`I - P`, :math:`P_{ij} = W_{ij} / R_i`, because a
    single default is linear there. It does not depend on units, labels or a stop rule.

    Parameters
    ----------
    edges : DataFrame, networkx.DiGraph, scipy sparse matrix or SupplyChain
        Sales: columns supplier, buyer, value in any one unit (repeats add up); edge attribute
        ``value``; or a matrix in the order of `firms`. For a chain sites are firms, products
        sectors, values USD million, a slot that half of the output needs is essential, and
        revenue includes sales to final demand.
    firms : DataFrame
        Columns firm, sector and, where sales are replaced in markets other than sectors, market.
    essentiality : DataFrame or array, optional
        What goods of a sector (row) are to a sector that buys them (column): 2 essential,
        1 non-essential, 0 negligible. None = all essential.
    replaceability : bool
        Whether others in the market make up for a part of what a firm does not deliver
        (:math:`\sigma`); without it :math:`\sigma = 1`.
    stop : "fixed_point" or float
        A number stops as the paper does: all firms are updated at once until no loss grows by
        more than this in a step (0.01 there). The index is then below its limit.
    revenue : Series by firm, optional
        At least the sales in the network; the rest comes from outside and does not fail. None =
        sales, so that upstream losses circulate in full.
    cost : Series by firm, optional
        At least the purchases in the network; input shares are scaled by purchases over cost.
    weights : Series by firm, optional
        Weights of losses, such as employment; None = sales.
    defaults : sequence of firm labels, optional
        Firms that fail, one after the other; None = every firm.
    shocks : DataFrame, optional
        Share of capacity lost, rows scenarios and columns firms, in [0, 1]; replaces `defaults`.
        Firms without a column lose nothing.
    method : "auto", "direct" or "sweeps"
        How upstream losses are found: by a factorisation, which needs memory for the square of
        a tenth of the firms, or by sweeps over the firms. "auto" takes the first where it fits.
    threads : int, optional
        Threads; None = one per core. Results do not depend on it.
    checkpoint : path, optional
        NPZ file that keeps what is done; a run with the same inputs goes on from there.
    progress : bool, optional
        Show a progress bar; None = only in an interactive terminal.

    Returns
    -------
    DataFrame
        Index firm (or scenario); columns index, downstream and upstream (shares of the total
        weight, each with its own losses alone) and iterations (pushes, or steps of the paper's
        iteration).

    Raises
    ------
    OptionError
        If links, firms, matrix, revenue, weights or shocks do not fit together; all problems
        are listed.
    ConvergenceError
        If an iteration does not settle.

    References
    ----------
    Diem, Borsos, Reisch, Kertesz, Thurner (2022), "Quantifying firm-level economic systemic risk
    from nation-wide supply networks", Scientific Reports 12:7719.

    Examples
    --------
    >>> import pandas as pd
    >>> from chokepoint.exposure import cascade_index
    >>> sales = pd.DataFrame({"supplier": [0, 1, 2], "buyer": [1, 2, 3], "value": [10, 20, 40]})
    >>> line = pd.DataFrame({"firm": range(4), "sector": list("abcd")})
    >>> cascade_index(sales, line)["upstream"].round(4).tolist()
    [0.1429, 0.4286, 1.0, 1.0]
    """
    _check_options(stop, method, defaults, shocks)
    network = network_of(edges, firms, essentiality, revenue=revenue, cost=cost)
    weight = _weights(network, weights)
    if shocks is None:
        chosen = _positions(network, defaults)
        cases, labels = Shocks.defaults(network.n, chosen), network.firms[chosen]
    else:
        cases, labels = _stated(network, shocks), shocks.index
    solver = _solver(network, weight, cases, replaceability, stop, method)
    values = run(solver, cases, threads=threads, checkpoint=checkpoint, progress=progress)
    frame = pd.DataFrame(values, index=labels, columns=_COLUMNS)
    frame["iterations"] = frame["iterations"].astype(np.int64)
    return frame


def _solver(
    network: FirmNetwork,
    weight: FloatArray,
    cases: Shocks,
    replaceability: bool,  # noqa: FBT001
    stop: str | float,
    method: str,
) -> Solver:
    if not isinstance(stop, str):
        return Paper(network, weight, replaceability=replaceability, stop=float(stop))
    if cases.single and method != "sweeps":
        direct = Direct.of(network, weight, replaceability=replaceability, force=method == "direct")
        if direct is not None:
            return direct
    return Swept(network, weight, replaceability=replaceability)


def _check_options(stop: Any, method: str, defaults: Any, shocks: Any) -> None:
    problems = []
    number = isinstance(stop, int | float) and not isinstance(stop, bool) and 0.0 < stop < 1.0
    if stop != "fixed_point" and not number:
        problems.append(f'stop must be "fixed_point" or a number in (0, 1), got {stop!r}')
    if method not in ("auto", "direct", "sweeps"):
        problems.append(f'method must be "auto", "direct" or "sweeps", got {method!r}')
    if defaults is not None and shocks is not None:
        problems.append("give defaults or shocks, not both")
    if shocks is not None and not isinstance(shocks, pd.DataFrame):
        problems.append(f"shocks must be a DataFrame, got {type(shocks).__name__}")
    if problems:
        raise OptionError("Cascade index: " + "; ".join(problems) + ".")


def _weights(network: FirmNetwork, given: pd.Series | None) -> FloatArray:
    """Return weights that add up to 1."""
    weight = network.sales
    if given is not None:
        weight = given.reindex(network.firms).to_numpy(dtype=float)
        if not (np.isfinite(weight) & (weight >= 0)).all():
            raise OptionError("Cascade index: weights must give every firm a number >= 0.")
    if weight.sum() <= 0:
        raise OptionError("Cascade index: weights must not all be zero; give links or weights.")
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def _positions(network: FirmNetwork, defaults: Sequence[Any] | None) -> NDArray[np.int64]:
    if defaults is None:
        return np.arange(network.n)
    position = network.firms.get_indexer(pd.Index(defaults))
    if (position < 0).any():
        unknown = [str(label) for label, at in zip(defaults, position, strict=True) if at < 0]
        raise OptionError(f"Cascade index: defaults that are no firm: {', '.join(unknown[:5])}.")
    return position.astype(np.int64)


def _stated(network: FirmNetwork, shocks: pd.DataFrame) -> Shocks:
    unknown = shocks.columns.difference(network.firms)
    values = shocks.reindex(columns=network.firms, fill_value=0.0).to_numpy(dtype=float)
    problems = []
    if len(unknown):
        problems.append(f"shocks name no firm: {', '.join(map(str, unknown[:5]))}")
    if not ((values >= 0) & (values <= 1)).all():
        problems.append("shocks must be shares in [0, 1]")
    if problems:
        raise OptionError("Cascade index: " + "; ".join(problems) + ".")
    return Shocks.stated(values.T)
