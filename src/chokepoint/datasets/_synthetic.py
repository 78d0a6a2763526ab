"""Made-up chains of any size, for tests of speed and for trying things out."""

from __future__ import annotations

import numpy as np

from chokepoint.chain import SupplyChain
from chokepoint.chain._views import node_view
from chokepoint.datasets._synthetic_frames import links_of_network, network_tables, slot_frame
from chokepoint.datasets._synthetic_network import made_network
from chokepoint.datasets._synthetic_recipes import Settings
from chokepoint.errors import OptionError

__all__ = ["synthetic"]


def synthetic(
    n_sites: int,
    *,
    tiers: int = 6,
    products: int | None = None,
    countries: int = 36,
    inputs: float = 2.5,
    suppliers: float = 2.5,
    tail: float = 1.3,
    feedback: float = 0.05,
    home: float = 0.4,
    rng: np.random.Generator | int | None = None,
) -> SupplyChain:
    r"""Return a made-up chain with tiers, hubs and cycles whose accounts balance.

    Products stand in tiers; each beyond the first is made of 1 + Poisson(`inputs` - 1) others, most
    of the tier before. Sites carry an attractiveness :math:`a_i` from a Pareto distribution,
    :math:`P(a > z) = z^{-\text{tail}}`, :math:`z \ge 1`. Each slot of a site draws
    :math:`1 + \text{Poisson}((\text{suppliers} - 1)\, c_i)` suppliers, :math:`c_i` growing with
    the root of the buyer's attractiveness, each in proportion to :math:`a`, so that

    * the number of customers of a site has a tail of exponent `tail` up to the size of a product's
      market: a few hubs serve a large part of all buyers;
    * the number of suppliers of a site grows with its size, with a much lighter tail;
    * outputs have a heavy tail, since they are what the markets and all buyers take,
      :math:`x = f + A x`.

    Popularity of products as inputs has the same tail. Recipes, shares, stock covers (0.5 to 8
    weeks), criticality (six in ten inputs stop all output), leads (1 to 4 weeks) and qualification
    times (8 to 52 weeks) are random; inputs are worth 30 to 60 per cent of the output.

    Parameters
    ----------
    n_sites : int
        Number of sites, at least four times `tiers`. A million take less than a minute.
    tiers : int
        Number of tiers, at least 2.
    products : int, optional
        Number of products; None = the root of the number of sites, at least twice the tiers.
    countries : int
        Number of countries ``C00``, ``C01``, ...; their sizes differ like 1, 1/2, 1/3, ...
    inputs, suppliers : float
        Mean number of inputs of a product and of suppliers drawn for a slot, at least 1.
    tail : float
        Exponent of the Pareto distributions, above 1; smaller = larger hubs.
    feedback : float
        Share of inputs that come from the same or a later tier, in [0, 1): where it is above 0
        there is at least one cycle of products.
    home : float
        Share of suppliers that are looked for at home first, in [0, 1].
    rng : Generator, int or None
        Randomness; the same seed gives the same chain.

    Returns
    -------
    SupplyChain
        All flows are marked "reported", all numbers graded D. Flows stay in arrays
        (:attr:`SupplyChain.links`); the table with a row for each is made when asked for, and above
        a million flows it cannot be written, edited table by table or made a graph.

    Raises
    ------
    OptionError
        If an option is out of range.

    Examples
    --------
    >>> chain = cp.datasets.synthetic(1000, rng=1)
    >>> len(chain.sites), bool(chain.balance()["relative"].abs().max() < 1e-12)
    (1000, True)
    """
    count = max(2 * tiers, round(n_sites**0.5)) if products is None else products
    settings = Settings(
        n_sites, tiers, count, countries, float(inputs), float(suppliers), float(tail),
        float(feedback), float(home),
    )  # fmt: skip
    _check(settings)
    network = made_network(settings, np.random.default_rng(rng))
    tables = network_tables(network, countries)
    nodes = node_view(tables)
    cache = {"nodes": nodes, "slots": slot_frame(network, nodes.index, tables)}
    chain = SupplyChain._from_trusted(tables, name=f"synthetic {n_sites:,}", cache=cache)
    chain._cache["links"] = links_of_network(network, tables)
    return chain


def _check(settings: Settings) -> None:
    asked = (
        f"tiers <= products <= sites, given {settings.tiers} tiers, {settings.products} products "
        f"and {settings.sites} sites"
    )
    wrong = [
        (settings.tiers >= 2, f"tiers >= 2, given {settings.tiers}"),
        (settings.countries >= 1, f"countries >= 1, given {settings.countries}"),
        (settings.tiers <= settings.products <= settings.sites, asked),
        (settings.inputs >= 1, f"inputs >= 1, given {settings.inputs}"),
        (settings.suppliers >= 1, f"suppliers >= 1, given {settings.suppliers}"),
        (settings.tail > 1, f"tail > 1, given {settings.tail}"),
        (0 <= settings.feedback < 1, f"feedback in [0, 1), given {settings.feedback}"),
        (0 <= settings.home <= 1, f"home in [0, 1], given {settings.home}"),
    ]
    problems = [text for right, text in wrong if not right]
    if problems:
        raise OptionError("expected " + "; ".join(problems))
