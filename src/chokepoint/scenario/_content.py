"""What of an area is inside a site's output: embedded value, and technology it is made with."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain, cost_shares
from chokepoint.errors import OptionError
from chokepoint.scenario._index import BoolArray, ChainIndex, Labels, index_of

__all__ = ["embedded_content", "technology_reach"]

FloatArray = NDArray[np.float64]


def embedded_content(chain: SupplyChain, areas: Labels) -> pd.Series:
    r"""Return the share of each site's output value that was added in given areas.

    In value terms, with :math:`v_i` the value added per USD of output of site :math:`i` and
    :math:`a_{ji}` the value of what it buys from site :math:`j` per USD of its output,

    .. math:: \kappa_i = v_i\, [i \in A] + \sum_j a_{ji}\, \kappa_j ,

    solved for all sites at once, cycles included. Flows count at the supplier's baseline price.
    The outputs of a joint process, and a site and its by-products, share the cost of the inputs
    by value. Inputs from outside the chain carry nothing, so the contents of all areas add up to
    at most 1 where inputs and value added do not exceed the value of the output. A site whose
    output is worth nothing has content 0.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    areas : str or sequence of str
        Areas or blocs whose value added is traced.

    Returns
    -------
    pandas.Series
        Share of the value, by site.

    Raises
    ------
    UnknownLabelError
        If the chain has no such area or bloc.
    OptionError
        If the inputs on some cycle cost all that its outputs are worth.

    Examples
    --------
    >>> from chokepoint.scenario import embedded_content
    >>> content = embedded_content(cp.load("rare_earths"), "CHN")
    >>> bool(content["magnet_ndfeb@KOR"] > content["magnet_ndfeb@JPN:TDK"])
    True
    """
    return _by_site(chain, content_of_nodes(chain, areas), "content")


def technology_reach(chain: SupplyChain, areas: Labels, products: Labels) -> pd.Series:
    """Return which sites are equipped, directly or indirectly, by technology from given areas.

    A site is reached if a path of baseline flows leads to it that starts at a site in `areas`
    and on which every flow is of one of the `products` (equipment, software, intellectual
    property): the user of a tool is reached, and so is the user of a tool that was made with such
    a tool, but not the buyer of what the tool makes. Joint outputs are reached with their
    process.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    areas : str or sequence of str
        Areas or blocs the technology comes from.
    products : str or sequence of str
        Products or groups that count as technology.

    Returns
    -------
    pandas.Series
        True or False, by site; sites in `areas` count only if a path leads to them too.

    Examples
    --------
    >>> from chokepoint.scenario import technology_reach
    >>> reached = technology_reach(cp.load("rare_earths"), "CHN", "motor")
    >>> bool(reached["magnet_ndfeb@JPN:TDK"])
    False
    """
    return _by_site(chain, technology_of_nodes(chain, areas, products), "reached")


def content_of_nodes(chain: SupplyChain, areas: Labels) -> FloatArray:
    """Return the content of all nodes (0 for markets), computed once per chain and areas."""
    index = index_of(chain)
    inside = index.in_areas(chain, areas)
    key = ("content", inside.tobytes())
    if key not in index.derived:
        index.derived[key] = _solve(chain, inside[index.node_area] & ~index.is_market)
    found: FloatArray = index.derived[key]
    return found


def technology_of_nodes(chain: SupplyChain, areas: Labels, products: Labels) -> BoolArray:
    """Return which nodes technology reaches, computed once per chain, areas and products."""
    index = index_of(chain)
    inside, goods = index.in_areas(chain, areas), index.in_products(chain, products)
    key = ("technology", inside.tobytes(), goods.tobytes())
    if key not in index.derived:
        index.derived[key] = _spread(chain, index, inside[index.node_area], goods)
    found: BoolArray = index.derived[key]
    return found


def _by_site(chain: SupplyChain, values: NDArray[np.generic], name: str) -> pd.Series:
    index = index_of(chain)
    labels = pd.Index([*index.node], name="site")
    return pd.Series(values, index=labels, name=name)[~index.is_market]


def _process_of(chain: SupplyChain, index: ChainIndex) -> NDArray[np.intp]:
    """Return the node whose inputs a node is made of: its process, or itself."""
    labels = chain.nodes["process"].to_numpy()
    return np.array(
        [index.node[label] if label else i for i, label in enumerate(labels)], dtype=np.intp
    )


def _solve(chain: SupplyChain, inside: BoolArray) -> FloatArray:
    """Solve ``kappa = v [inside] + M kappa``, M the cost shares of inputs."""
    money = cost_shares(chain)
    content = money.solve(np.where(inside, money.value_added, 0.0))
    if content is None:
        raise OptionError(
            "embedded_content: the inputs on some cycle of the chain cost all that its outputs "
            "are worth, so content has no bound. Check prices and quantities along the cycle."
        )
    return content


def _spread(
    chain: SupplyChain, index: ChainIndex, inside: BoolArray, goods: BoolArray
) -> BoolArray:
    """Walk along the flows of technology until no further node is reached."""
    chosen = np.flatnonzero(index.live & goods[index.edge_product])
    supplier, buyer = index.supplier[chosen], index.buyer[chosen]
    process = _process_of(chain, index)
    reached = np.zeros(len(inside), dtype=bool)
    source = inside & ~index.is_market
    while True:
        before = reached.copy()
        reached[buyer[source[supplier]]] = True
        reached |= reached[process]
        source = source | reached
        if np.array_equal(before, reached):
            return reached & ~index.is_market
