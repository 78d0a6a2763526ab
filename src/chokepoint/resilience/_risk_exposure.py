"""The risk-exposure index of every site of a chain: loss until recovery, and time to survive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.program import LinearProgram, ProgramBuilder
from chokepoint.propagate import CompiledChain, compile_chain, simulate
from chokepoint.resilience._extent import Extent, find_extent
from chokepoint.resilience._model import counted_sites
from chokepoint.resilience._outages import Outages
from chokepoint.resilience._shortfall import shortfall
from chokepoint.scenario import Outage, Scenario

__all__ = ["risk_exposure"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_LONGEST = 1e4  # weeks; whoever lasts longer is not missed


def risk_exposure(
    chain: SupplyChain,
    *,
    targets: str | Iterable[str] | None = None,
    recovery: float | Mapping[str, float] = 26.0,
    sites: Sequence[str] | None = None,
    simulated: bool = False,
) -> pd.DataFrame:
    r"""Return the loss of the targets until each site is back, and how long nothing is lost.

    The program of Simchi-Levi et al. (2015) on all tiers of a chain, with one variable for the
    whole time :math:`t` that a site is gone:

    .. math::
        \min \sum_i va_i (t - x_i)^+ \quad\text{s.t.}\quad
        \sum_{e\ \text{out of}\ i} \kappa_e q_e \le x_i \le \bar a_i t, \qquad
        q_e \le (1 + g_e) \sigma_e t, \qquad
        u_g \le n_g + \sum_{e \in g} (L_e \sigma_e + q_e)

    with stocks :math:`n` and goods on their way :math:`L \sigma`; the output of the missing site
    is zero. The time to survive is the largest :math:`t` at which no other site
    loses. Times add up: what is made late counts as if it were there in time, capacity is at its
    ramped-up level at once, and nobody new is qualified. So a loss is what remains for a planner
    who may shift output over the whole time; :func:`recourse` follows it week by week.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    targets : str or iterable of str, optional
        Areas or blocs whose losses count; None = all.
    recovery : float or mapping of str to float
        Weeks until a site is back: one number, or by site (26 where none is given).
    sites : sequence of str, optional
        Sites to be looked at; None = all.
    simulated : bool
        Whether the loss of the weekly model to an outage of that length stands beside.

    Returns
    -------
    DataFrame
        Index site, the largest loss first; columns product, country, recovery (weeks), loss
        (USD million), own (its part at the site itself and, of a process, at its outputs),
        exposure (share of the largest loss), survive (weeks until others lose; infinite if the
        site is never missed), at_risk (whether recovery takes longer than that), and simulated
        where asked for.

    Raises
    ------
    OptionError
        If a recovery is not positive, or the targets have no site that adds value.
    UnknownLabelError
        If a site is not known.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.resilience import risk_exposure
    >>> chain = cp.load("rare_earths")
    >>> some = ["metal_dy@CHN", "metal_dy@JPN"]
    >>> table = risk_exposure(chain, targets="JPN", sites=some)
    >>> bool(table["exposure"].between(0, 1).all())
    True
    """
    compiled = compile_chain(chain)
    counted = counted_sites(chain, compiled, targets)
    # Nobody new is qualified; by-products need no order.
    extent = find_extent(
        compiled, counted, ~compiled.dormant | compiled.is_pushed[compiled.edge_supplier]
    )
    if not extent.counted.any():
        raise OptionError(
            f"Expected targets with sites that add value, got {targets!r}, which has none."
        )
    static = _static_program(compiled, extent)
    outages = Outages(
        static.program, duration=static.duration, losses=static.losses, longest=_LONGEST
    )
    nodes = compiled.nodes
    chosen = _chosen(compiled, sites)
    weeks = _recoveries(nodes.index[chosen], recovery)
    rows = []
    for site, time in zip(chosen.tolist(), weeks.tolist(), strict=True):
        column = static.output[site]
        if column < 0:
            # Nothing that the targets need comes from here.
            rows.append((0.0, 0.0, np.inf))
            continue
        # A process takes its outputs along.
        family = (static.counted == site) | (compiled.process[static.counted] == site)
        gone, spared = np.array([column]), static.losses[family]
        own = float(compiled.value_added[static.counted[family], 0].sum()) * time
        loss = outages.cost(gone, time).objective
        rows.append((loss, own, outages.survive(gone, spared=spared)))
    table = pd.DataFrame(rows, columns=["loss", "own", "survive"], index=nodes.index[chosen])
    table.insert(0, "product", nodes["product"].to_numpy()[chosen])
    table.insert(1, "country", nodes["country"].to_numpy()[chosen])
    table.insert(2, "recovery", weeks)
    largest = float(table["loss"].max())
    table.insert(5, "exposure", table["loss"] / largest if largest > 0 else 0.0)
    table["at_risk"] = table["recovery"] > table["survive"]
    if simulated:
        table["simulated"] = _simulated(chain, table["recovery"], targets)
    table.index.name = "site"
    table.attrs["unit"] = "loss, simulated: USD million of value added; recovery, survive: weeks"
    return table.sort_values(["loss", "survive"], ascending=[False, True], kind="stable")


def _chosen(compiled: CompiledChain, sites: Sequence[str] | None) -> IntArray:
    makers = np.flatnonzero(~compiled.is_market & (compiled.output[:, 0] > 0))
    if sites is None:
        return makers
    places = compiled.nodes.index.get_indexer(pd.Index(list(sites)))
    for site, place in zip(sites, places.tolist(), strict=True):
        if place < 0 or compiled.is_market[place]:
            raise UnknownLabelError(site, "site", compiled.nodes.index[makers])
    return np.asarray(places, dtype=np.intp)


def _recoveries(sites: pd.Index, recovery: float | Mapping[str, float]) -> FloatArray:
    if isinstance(recovery, Mapping):
        unknown = sorted(set(recovery) - set(sites))
        if unknown:
            raise UnknownLabelError(unknown[0], "site", sites)
        weeks = np.array([float(recovery.get(site, 26.0)) for site in sites])
    else:
        weeks = np.full(len(sites), float(recovery))
    if not (weeks > 0).all():
        raise OptionError(f"Expected a recovery of more than 0 weeks, got {recovery}.")
    return weeks


def _simulated(
    chain: SupplyChain, recovery: pd.Series, targets: str | Iterable[str] | None
) -> pd.Series:
    """Return the shortfall of the weekly model to the outage of each site."""
    weeks = np.maximum(np.ceil(recovery.to_numpy()), 1).astype(int)
    scenarios = [
        Scenario(str(site), Outage(sites=str(site), weeks=int(length)))
        for site, length in zip(recovery.index, weeks, strict=True)
    ]
    outcome = simulate(chain, scenarios, weeks=int(weeks.max()), progress=False)
    return shortfall(outcome, chain, targets=targets).reindex(recovery.index)


@dataclass(frozen=True, eq=False)
class _Static:
    """The program over one stretch of time.

    Columns of output by site (-1 for none), and of losses of the sites in `counted`.
    """

    program: LinearProgram
    duration: int
    output: IntArray
    losses: IntArray
    counted: IntArray


def _static_program(chain: CompiledChain, extent: Extent) -> _Static:
    builder = ProgramBuilder("risk exposure")
    nodes = chain.nodes.index
    sites = np.flatnonzero(extent.sites & ~chain.is_market)
    edges = np.flatnonzero(extent.edges)
    groups = np.flatnonzero(extent.groups)
    counted = np.flatnonzero(extent.counted)
    weeks = "weeks of baseline output"
    duration = int(builder.columns("duration", unit="week"))
    output = np.full(chain.n_nodes, -1, dtype=np.intp)
    output[sites] = builder.columns("output", [nodes[sites]], unit=weeks)
    flow = np.full(chain.n_edges, -1, dtype=np.intp)
    flow[edges] = builder.columns("flow", [pd.Index(edges)], unit="weeks of the whole slot")
    use = builder.columns("use", [chain.groups[groups]], unit="weeks of baseline use")
    losses = builder.columns("loss", [nodes[counted]], unit=weeks,
                             cost=chain.value_added[counted, 0])  # fmt: skip
    # A joint output is limited by its process alone.
    own = sites[~chain.is_child[sites]]
    most = builder.rows("capacity", [nodes[own]], unit=weeks, upper=0.0)
    builder.add(most, output[own], 1.0)
    builder.add(most, duration, -np.maximum(chain.ramp_max[own, 0], 1.0))
    short = builder.rows("short", [nodes[counted]], unit=weeks, lower=0.0)
    builder.add(short, losses, 1.0)
    builder.add(short, output[counted], 1.0)
    builder.add(short, duration, -1.0)
    _add_flows(builder, chain, sites, edges, output, flow, duration)
    _add_slots(builder, chain, groups, edges, output, flow, use, duration)
    children = sites[chain.is_child[sites]]
    joint = builder.rows("joint", [nodes[children]], unit=weeks, upper=0.0)
    builder.add(joint, output[children], 1.0)
    builder.add(joint, output[chain.process[children]], -1.0)
    return _Static(builder.build(), duration, output, losses, counted)


def _add_flows(
    builder: ProgramBuilder,
    chain: CompiledChain,
    sites: IntArray,
    edges: IntArray,
    output: IntArray,
    flow: IntArray,
    duration: int,
) -> None:
    """What leaves a site it has made, and no flow grows further than it can unqualified."""
    out = np.full(chain.n_nodes, -1, dtype=np.intp)
    out[sites] = builder.rows("out", [chain.nodes.index[sites]], unit="weeks", upper=0.0)
    supplier = chain.edge_supplier[edges]
    builder.add(out[supplier], flow[edges], chain.kappa[edges, 0])
    builder.add(out[sites], output[sites], -1.0)
    # By-products go along with their process, not with orders.
    ordered = edges[~chain.is_pushed[supplier]]
    limit = builder.rows("growth", [pd.Index(ordered)], unit="weeks of the whole slot", upper=0.0)
    builder.add(limit, flow[ordered], 1.0)
    most = (1.0 + chain.growth[ordered, 0]) * chain.sigma[ordered, 0]
    builder.add(limit, duration, -most)


def _add_slots(
    builder: ProgramBuilder,
    chain: CompiledChain,
    groups: IntArray,
    edges: IntArray,
    output: IntArray,
    flow: IntArray,
    use: IntArray,
    duration: int,
) -> None:
    """What is used comes from stock, from what is on its way, and from what is sent."""
    transit = np.bincount(
        chain.edge_group, chain.sigma[:, 0] * chain.lead, minlength=chain.n_groups
    )
    there = transit + np.where(chain.storable, chain.stock[:, 0], 0.0)
    place = np.full(chain.n_groups, -1, dtype=np.intp)
    place[groups] = np.arange(len(groups))
    labels = [chain.groups[groups]]
    slot = builder.rows("slot", labels, unit="weeks of baseline use", upper=there[groups])
    builder.add(slot, use, 1.0)
    builder.add(slot[place[chain.edge_group[edges]]], flow[edges], -1.0)
    buyer = chain.group_buyer[groups]
    eps, phi = chain.eps[groups, 0], chain.phi[groups, 0]
    nested = np.flatnonzero(eps > 0)
    need = builder.rows("need", [chain.groups[groups[nested]]], unit="weeks", upper=0.0)
    # Part of the output goes on without the slot, at the scale of the ramped-up plants.
    scale = np.maximum(chain.ramp_max[:, 0], 1.0)
    builder.add(need, output[buyer[nested]], 1.0)
    builder.add(need, use[nested], -eps[nested])
    builder.add(need, duration, -(1.0 - eps[nested]) * scale[buyer[nested]])
    apart = np.flatnonzero(phi > 0)
    buyers = np.unique(buyer[apart])
    parts = builder.rows("parts", [chain.nodes.index[buyers]], unit="weeks", upper=0.0)
    served = np.bincount(buyer[apart], phi[apart], minlength=chain.n_nodes)
    builder.add(parts, output[buyers], 1.0)
    builder.add(parts, duration, -(1.0 - served[buyers]) * scale[buyers])
    line = np.searchsorted(buyers, buyer[apart])
    builder.add(parts[line], use[apart], -phi[apart])
    part = builder.rows("part", [chain.groups[groups[apart]]], unit="weeks", upper=0.0)
    builder.add(part, use[apart], 1.0)
    builder.add(part, duration, -scale[buyer[apart]])
