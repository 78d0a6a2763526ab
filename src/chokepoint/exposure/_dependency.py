"""Indicators of dependence that authorities use: three of the Commission, three of GeoDep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain, cost_shares
from chokepoint.errors import OptionError

__all__ = ["core_dependency", "geodep"]

By = Literal["product", "group", "slot"]
FloatArray = NDArray[np.float64]

_GROUPS = ("product", "group", "slot")


def core_dependency(
    chain: SupplyChain,
    area: str | Sequence[str],
    *,
    by: By = "product",
    look_through: bool = False,
    concentration: float = 0.4,
    scarcity: float = 0.5,
    substitution: float = 1.0,
    exports: Literal["total", "extra"] = "total",
) -> pd.DataFrame:
    r"""Return the three core dependency indicators of the European Commission for any area.

    With :math:`M_o` the imports of a product from origin o outside the area, :math:`M_{in}` what
    members of the area buy from one another, and X the exports of members,

    .. math::
        CDI_1 = \sum_o \Bigl(\frac{M_o}{\sum_q M_q}\Bigr)^2, \qquad
        CDI_2 = \frac{\sum_o M_o}{\sum_o M_o + M_{in}}, \qquad
        CDI_3 = \frac{\sum_o M_o}{X} .

    A product is dependent if all three exceed their thresholds: imports from outside are
    concentrated, they are most of all imports, and they exceed exports.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    area : str or sequence of str
        Importing area, or a bloc whose members trade with one another. For a single area
        :math:`M_{in} = 0`, so the second indicator is 1 wherever it imports.
    by : {"product", "group", "slot"}
        Rows: products, sets of products that a control usually covers together, or slots, in
        which products that can stand in for one another count together. Markets count under
        their product.
    look_through : bool
        Count value by where it was added, directly and indirectly, in the place of the country
        that ships: an import from a partner counts for its embedded foreign part. What is not
        traced is split like what is. Exports count for the part that was added in the area.
    concentration, scarcity, substitution : float
        Thresholds of the three indicators, which have to be exceeded.
    exports : {"total", "extra"}
        All exports of members, or only those that leave the area.

    Returns
    -------
    DataFrame
        Index product, group or slot, of what is imported at all; columns imports (from outside),
        imports_inside, exports [USD million per year], use (all that the area takes, from its own
        sites too), cdi1, cdi2, cdi3 (inf where there are no exports), dependent, origin (largest
        outside), origin_share, import_reliance (imports over use), net_import_reliance (imports
        less exports to the outside, over use; negative for net exporters).

    Raises
    ------
    OptionError
        If an option is unknown, a threshold is negative, or contents have no bound.
    UnknownLabelError
        If the chain has no such area or bloc.

    Notes
    -----
    Official figures are by six-digit product in customs statistics; a chain has broader products
    and only the trade that it follows. The Commission counted 137 dependent products of 5,200 in
    2021, and 204 by its enhanced method in 2023, which found 70 per cent of the 137 again.

    The thresholds 0.4, 0.5 and 1, and all exports in the third indicator, are those that those who
    apply the method state (grade C; 0.4 and 1 also stand at CEPII, which follows it). The paper
    itself (CELEX 52021SC0352) was at hand only up to its summary, which has no thresholds; compare
    its annex before a figure is published. One dependent product in five is not dependent a year
    later (Vicard and Wibaux 2023): use averages of years, or draws.

    References
    ----------
    European Commission (2021), "Strategic dependencies and capacities", SWD(2021) 352. Arjona,
    Connell, Herghelegiu (2023), "An enhanced methodology to monitor the EU's strategic
    dependencies and vulnerabilities", Single Market Economics Papers WP2023/14,
    doi:10.2873/768035. Vicard, Wibaux
    (2023), "EU Strategic Dependencies: A Long View", CEPII Policy Brief 2023-41.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import core_dependency
    >>> table = core_dependency(cp.load("rare_earths"), "EU27")
    >>> table.loc["magnet_ndfeb", "origin"], bool(table.loc["magnet_ndfeb", "dependent"])
    ('CHN', True)
    """
    _check(by, {"concentration": concentration, "scarcity": scarcity, "substitution": substitution})
    if exports not in ("total", "extra"):
        raise OptionError(f'Dependency: exports must be "total" or "extra", got {exports!r}.')
    trade = _trade(chain, area, by)
    from_, inside = trade.imports, trade.inside
    sold, taken = (trade.left + trade.within if exports == "total" else trade.left), trade.taken
    leaving = trade.left
    if look_through:
        from_, inside, sold, leaving, taken = _embedded(chain, trade, exports)
    imports = from_.sum(axis=1)
    arrives = (imports > 0).to_numpy()
    table = pd.DataFrame(
        {"imports": imports, "imports_inside": inside, "exports": sold, "use": taken}
    )[arrives]
    from_, leaving = from_[arrives], leaving[arrives]
    share = from_.div(table["imports"], axis=0)
    table["cdi1"] = (share**2).sum(axis=1)
    table["cdi2"] = table["imports"] / (table["imports"] + table["imports_inside"])
    table["cdi3"] = _over(table["imports"], table["exports"])
    table["dependent"] = (
        table["cdi1"].gt(concentration)
        & table["cdi2"].gt(scarcity)
        & table["cdi3"].gt(substitution)
    )
    table["origin"] = share.idxmax(axis=1)
    table["origin_share"] = share.max(axis=1)
    table["import_reliance"] = table["imports"] / table["use"]
    table["net_import_reliance"] = (table["imports"] - leaving) / table["use"]
    return table


def geodep(
    chain: SupplyChain,
    area: str | Sequence[str],
    *,
    by: By = "product",
    concentration: float = 0.4,
    world_concentration: float = 0.4,
    substitution: float = 1.0,
) -> pd.DataFrame:
    r"""Return the criteria of CEPII's GeoDep for one importing area.

    With :math:`M_o` the area's imports of a product from origin o, :math:`E_c` the exports of c to
    the world and X those of the area,

    .. math::
        \sum_o \Bigl(\frac{M_o}{\sum_q M_q}\Bigr)^2 > 0.4, \qquad
        \sum_c \Bigl(\frac{E_c}{\sum_d E_d}\Bigr)^2 > 0.4, \qquad
        \frac{\sum_o M_o}{X} > 1 .

    A product is dependent if all hold. The data base asks in addition that they hold in two years
    out of three, which a chain of one year cannot tell.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    area : str or sequence of str
        Importing area; members of a bloc count as one, trade inside it is left out.
    by : {"product", "group", "slot"}
        Rows, see `core_dependency`.
    concentration, world_concentration, substitution : float
        Thresholds, which have to be exceeded; the defaults are those that CEPII states.

    Returns
    -------
    DataFrame
        Index product, group or slot, of what is imported at all; columns imports, exports
        [USD million per year], hhi_imports, hhi_world, imports_to_exports (inf where there are no
        exports; the data base writes 9999), dependent, origin, origin_share.

    Raises
    ------
    OptionError
        If an option is unknown or a threshold is negative.
    UnknownLabelError
        If the chain has no such area or bloc.

    References
    ----------
    Lefebvre, Wibaux (2024), "Import dependencies: where does the EU stand?", CEPII Policy Brief
    47, and the description of the data base GeoDep (read).

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.exposure import geodep
    >>> bool(geodep(cp.load("rare_earths"), "JPN").loc["magnet_ndfeb", "hhi_world"] > 0.4)
    True
    """
    _check(
        by,
        {
            "concentration": concentration,
            "world_concentration": world_concentration,
            "substitution": substitution,
        },
    )
    trade = _trade(chain, area, by)
    imports = trade.imports.sum(axis=1)
    table = pd.DataFrame({"imports": imports, "exports": trade.left})[imports > 0]
    share = trade.imports.loc[table.index].div(table["imports"], axis=0)
    table["hhi_imports"] = (share**2).sum(axis=1)
    table["hhi_world"] = trade.world.reindex(table.index)
    table["imports_to_exports"] = _over(table["imports"], table["exports"])
    table["dependent"] = (
        table["hhi_imports"].gt(concentration)
        & table["hhi_world"].gt(world_concentration)
        & table["imports_to_exports"].gt(substitution)
    )
    table["origin"] = share.idxmax(axis=1)
    table["origin_share"] = share.max(axis=1)
    return table


@dataclass(frozen=True)
class _Trade:
    """Flows of each product, group or slot over the border of an area and inside it [USD million].

    Attributes
    ----------
    flows : DataFrame
        Flows that are worth something: key, value, supplier (position), seller, buyer (areas),
        sold, bought (whether the ends lie in the area).
    imports : DataFrame
        By key and origin outside the area.
    inside : Series
        Between different members.
    within : Series
        The same, as exports.
    left : Series
        Exports to the outside.
    taken : Series
        All that members take.
    world : Series
        Herfindahl-Hirschman index of exports over exporters, the area being one.
    """

    flows: pd.DataFrame
    members: tuple[str, ...]
    imports: pd.DataFrame
    inside: pd.Series
    within: pd.Series
    left: pd.Series
    taken: pd.Series
    world: pd.Series


def _trade(chain: SupplyChain, area: str | Sequence[str], by: str) -> _Trade:
    members = chain.areas(area)
    flows = _flows(chain, members, by)
    keys = pd.Index(sorted(flows["key"].unique()), name=by)
    arriving = flows[~flows["sold"] & flows["bought"]]
    imports = arriving.pivot_table(
        index="key", columns="seller", values="value", aggfunc="sum", fill_value=0.0
    ).reindex(keys, fill_value=0.0)
    crossing = flows[flows["seller"].ne(flows["buyer"])]
    inside = _sum(crossing[crossing["sold"] & crossing["bought"]], keys)
    abroad = crossing[~(crossing["sold"] & crossing["bought"])]
    exporter = abroad["seller"].mask(abroad["sold"], "the area")
    amount = abroad["value"].groupby([abroad["key"], exporter]).sum()
    world = (amount / amount.groupby(level=0).transform("sum")) ** 2
    return _Trade(
        flows=flows,
        members=members,
        imports=imports.rename_axis(columns=None),
        inside=inside,
        within=inside,
        left=_sum(flows[flows["sold"] & ~flows["bought"]], keys),
        taken=_sum(flows[flows["bought"]], keys),
        world=world.groupby(level=0).sum().reindex(keys),
    )


def _flows(chain: SupplyChain, members: tuple[str, ...], by: str) -> pd.DataFrame:
    """Return flows that are worth something, with the key they count under."""
    nodes, links, money = chain.nodes, chain.links, cost_shares(chain)
    output = nodes["output_qty"].to_numpy(dtype=float)
    price = np.divide(money.value, output, out=np.zeros(len(output)), where=output > 0)
    value = np.where(links.dormant, 0.0, price[links.supplier] * links.quantity)
    live = np.flatnonzero(value > 0)
    products = chain.products
    product = products["product"].to_numpy()[links.product[live]]
    key = product
    if by == "group":
        group = products["group"].to_numpy()[links.product[live]]
        key = np.where(group == "", product, group)
    elif by == "slot":
        market = nodes["kind"].eq("market").to_numpy()[links.buyer[live]]
        slot = chain.slots.index.get_level_values("slot").to_numpy()[links.slot[live]]
        key = np.where(market, product, slot)
    country = nodes["country"].to_numpy()
    frame = pd.DataFrame(
        {
            "key": key,
            "value": value[live],
            "supplier": links.supplier[live],
            "seller": country[links.supplier[live]],
            "buyer": country[links.buyer[live]],
        }
    )
    return frame.assign(sold=frame["seller"].isin(members), bought=frame["buyer"].isin(members))


def _embedded(
    chain: SupplyChain, trade: _Trade, exports: str
) -> tuple[pd.DataFrame, pd.Series, pd.Series, pd.Series, pd.Series]:
    """Return imports by origin of value, inside, exports, exports to the outside, and use."""
    flows, keys = trade.flows, trade.imports.index
    names = list(chain.areas())
    content = _origins(chain, names)
    crossing = flows["seller"].ne(flows["buyer"]) & flows["bought"]
    arriving = flows[crossing]
    parts = pd.DataFrame(
        content[arriving["supplier"]] * arriving[["value"]].to_numpy(), columns=pd.Index(names)
    )
    by_origin = parts.groupby(arriving["key"].to_numpy()).sum().reindex(keys, fill_value=0.0)
    home = list(trade.members)
    outside = by_origin.drop(columns=home)
    at_home = content[:, [names.index(name) for name in home]].sum(axis=1)
    own = flows.assign(value=flows["value"] * at_home[flows["supplier"]])
    leaving = _sum(own[own["sold"] & ~own["bought"]], keys)
    between = own["sold"] & own["bought"] & own["seller"].ne(own["buyer"])
    sold = leaving + _sum(own[between], keys) if exports == "total" else leaving
    return outside, by_origin[home].sum(axis=1), sold, leaving, trade.taken


def _origins(chain: SupplyChain, names: list[str]) -> FloatArray:
    """Return where the traced value of each node's output was added; rows add up to 1."""
    money = cost_shares(chain)
    country = chain.nodes["country"].to_numpy()
    member = (country[:, None] == np.array(names)[None, :]).astype(np.float64)
    content = money.solve(member * money.value_added[:, None])
    if content is None:
        raise OptionError(
            "Dependency: the inputs on some cycle of the chain cost all that its outputs are "
            "worth, so content has no bound. Check prices and quantities, or look_through=False."
        )
    total = content.sum(axis=1, keepdims=True)
    # What is made of nothing that is traced counts for the country that ships it.
    share = np.divide(content, total, out=member.copy(), where=total > 0)
    return np.asarray(share, dtype=np.float64)


def _sum(flows: pd.DataFrame, keys: pd.Index) -> pd.Series:
    return flows.groupby("key")["value"].sum().reindex(keys, fill_value=0.0)


def _over(upper: pd.Series, lower: pd.Series) -> pd.Series:
    return (upper / lower.where(lower > 0)).fillna(np.inf)


def _check(by: str, thresholds: dict[str, float]) -> None:
    problems = []
    if by not in _GROUPS:
        problems.append(f"by must be one of {', '.join(_GROUPS)}; got {by!r}")
    problems += [f"{name} must be >= 0, got {limit}" for name, limit in thresholds.items()
                 if not limit >= 0]  # fmt: skip
    if problems:
        raise OptionError("Dependency: " + "; ".join(problems) + ".")
