"""Gross leverage: what an actor's export bans cost a target, and the actor itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets import draw
from chokepoint.errors import OptionError
from chokepoint.leverage._reach import reach
from chokepoint.leverage._variants import stressed, variants
from chokepoint.propagate import WEEKS_PER_YEAR, Behaviour, Outcome, simulate
from chokepoint.scenario import ExportBan, Scenario

__all__ = ["Leverage", "leverage"]

Areas = str | Sequence[str]
Actors = Mapping[str, Areas]
HORIZONS = (4, 13, 26, 52, 104)
KEYS = ["actor", "target", "bundle", "weeks"]


@dataclass(frozen=True)
class Leverage:
    """Gross leverage, self-harm and what stands behind them.

    Every figure is a fall of value added at baseline prices [USD million], counted over the
    first `weeks` weeks of a permanent export ban. Only sites of the chain count.

    Attributes
    ----------
    table : pandas.DataFrame
        Index (actor, target, bundle, weeks). Columns: ``planner`` (best coordinated
        response, a lower bound; blank where not asked for), ``reference``, ``stressed``
        (stocks at their low, sites slow down at once, no switching), ``low`` and ``high``
        (5th and 95th percentile of data draws of the reference case), ``share_of_gdp``
        (reference over the target's GDP of the same weeks), ``share_of_annual_gdp``,
        ``self_harm``, ``third_party``, and ``onset_weeks`` (first week in which an
        end-sector site of the target is 5 % below baseline).
    assumptions : pandas.DataFrame
        One assumption at a time at its low and high end, for the bundle and horizon of
        :attr:`headline`.
    not_reached : pandas.DataFrame
        How the banned goods enter the target besides the direct flows that the ban stops.
    actors, targets : dict
        Names and their areas.
    bundles : dict
        Names and the products they hold.
    headline : tuple
        (bundle, weeks) that the assumptions table is about.
    draws : int
        Number of data draws behind ``low`` and ``high``.
    """

    table: pd.DataFrame
    assumptions: pd.DataFrame
    not_reached: pd.DataFrame
    actors: dict[str, tuple[str, ...]]
    targets: dict[str, tuple[str, ...]]
    bundles: dict[str, tuple[str, ...]]
    headline: tuple[str, int]
    draws: int
    outcome: Outcome = field(repr=False)

    @property
    def matrix(self) -> pd.DataFrame:
        """Largest reference damage over the bundles, actor x (target, weeks) [USD million]."""
        largest = self.table["reference"].groupby(["actor", "target", "weeks"]).max()
        return _with_unit(largest.unstack(["target", "weeks"]), "USD million")

    @property
    def self_harm(self) -> pd.DataFrame:
        """The actor's own loss under the bundle that hurts most [USD million]."""
        index = self.table["reference"].groupby(["actor", "target", "weeks"]).idxmax()
        worst = self.table.loc[index.to_numpy(), "self_harm"].droplevel("bundle")
        return _with_unit(worst.unstack(["target", "weeks"]), "USD million")

    @property
    def asymmetry(self) -> pd.DataFrame:
        r"""Asymmetry index of actors that are each other's targets.

        .. math:: AI = \frac{\Lambda_{A\to T} - \Lambda_{T\to A}}
            {\Lambda_{A\to T} + \Lambda_{T\to A}}

        with both as shares of the target's GDP (theory 2.3); in [-1, 1], 0 = parity.
        """
        share = self.table["share_of_gdp"].groupby(["actor", "target", "weeks"]).max()
        rows = {}
        for (actor, target, weeks), there in share.items():  # type: ignore[misc]
            back = share.get((target, actor, weeks))
            if back is not None and there + back > 0:
                rows[actor, target, weeks] = (there - back) / (there + back)
        index = pd.MultiIndex.from_tuples(list(rows), names=["actor", "target", "weeks"])
        return pd.DataFrame({"asymmetry": list(rows.values())}, index=index, dtype=float)

    def __repr__(self) -> str:
        return (
            f"<Leverage: {len(self.actors)} actors on {len(self.targets)} targets, "
            f"{len(self.bundles)} bundles, {self.draws} draws>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.table.to_html(max_rows=60)}"


def leverage(
    chain: SupplyChain,
    *,
    actors: Actors | Sequence[str],
    targets: Actors | Sequence[str] | None = None,
    weeks: Sequence[int] = HORIZONS,
    bundles: Mapping[str, Areas] | None = None,
    headline: tuple[str, int] | None = None,
    draws: int = 0,
    rng: np.random.Generator | int | None = None,
    planner: Iterable[int] = (),
    behaviour: Behaviour | None = None,
    progress: bool | None = None,
) -> Leverage:
    r"""Measure what export bans of each actor cost each target, and at what cost to itself.

    For an actor :math:`A`, a target :math:`T` and a bundle of products,

    .. math:: D_T(h) = \sum_{t < h} \sum_{i \in T} -x_i(t)\, va_i

    under a complete and permanent ban from week 0 (theory 2.2). The largest over the
    bundles is the gross leverage :math:`\Lambda_{A \to T}(h)`; :math:`D_A` under the same ban
    is the self-harm.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    actors, targets : mapping of name to areas, or sequence of areas and blocs
        Who bans, and against whom; targets default to the actors.
    weeks : sequence of int
        Horizons.
    bundles : mapping of name to products and groups, optional
        Sets of goods that are banned together. The default is each group of the chain that
        holds no end product, and ``"all"``: these groups together.
    headline : (str, int), optional
        Bundle and horizon of the one-at-a-time table; default the last bundle and 52
        weeks, or the longest horizon below.
    draws : int
        Number of data draws for the interval; 0 = none.
    rng : numpy.random.Generator, int or None
        Randomness of the draws.
    planner : iterable of int
        Horizons at which the planner's lower bound is solved for the headline bundle.
    behaviour : Behaviour, optional
        Settings of the reference run.
    progress : bool, optional
        Show progress bars.

    Returns
    -------
    Leverage

    Raises
    ------
    OptionError
        If a horizon is below 1 or the headline names no bundle or horizon.
    UnknownLabelError
        If an area, bloc, product or group is not in the chain.

    Examples
    --------
    >>> import chokepoint as cp
    >>> lev = cp.leverage(cp.load("rare_earths"), actors=["CHN"], targets=["JPN"], weeks=[13],
    ...                   bundles={"magnets": ["ndfeb_sintered"]})
    >>> bool(lev.table["reference"].iloc[0] > 0)
    True
    """
    settings = behaviour or Behaviour()
    owners, aims = _named(chain, actors), _named(chain, targets if targets is not None else actors)
    sets = _bundles(chain, bundles)
    horizons = sorted(set(weeks))
    chosen = headline or (list(sets)[-1], max([h for h in horizons if h <= 52] or horizons[:1]))
    _check(horizons, chosen, sets)
    pairs = [(a, t) for a in owners for t in aims if not set(owners[a]) & set(aims[t])]
    scenarios = {(a, t, b): _ban(chain, owners[a], aims[t], sets[b], f"{a}|{t}|{b}")
                 for a, t in pairs for b in sets}  # fmt: skip
    listed, longest = list(scenarios.values()), horizons[-1]

    reference = simulate(chain, listed, weeks=longest, behaviour=settings, progress=progress)
    tight = simulate(
        stressed(chain),
        listed,
        weeks=longest,
        behaviour=Behaviour(switching=False),
        record="country",
        progress=progress,
    )
    table = _table(chain, scenarios, owners, aims, horizons, reference, tight)
    _add_planner(table, chain, scenarios, aims, chosen[0], planner)
    headliners = {key: one for key, one in scenarios.items() if key[2] == chosen[0]}
    if draws:
        _add_interval(table, chain, headliners, aims, horizons, draws, rng, settings, progress)
    return Leverage(
        table=table,
        assumptions=_assumptions(chain, headliners, owners, aims, chosen[1], settings, progress),
        not_reached=_not_reached(chain, pairs, owners, aims, sets[chosen[0]]),
        actors=owners,
        targets=aims,
        bundles=sets,
        headline=chosen,
        draws=draws,
        outcome=reference,
    )


def _named(chain: SupplyChain, given: Actors | Sequence[str]) -> dict[str, tuple[str, ...]]:
    if isinstance(given, str):
        given = [given]
    named = given if isinstance(given, Mapping) else {name: name for name in given}
    return {name: chain.areas(areas) for name, areas in named.items()}


def _bundles(
    chain: SupplyChain, given: Mapping[str, Areas] | None
) -> dict[str, tuple[str, ...]]:
    if given is not None:
        return {name: chain.products_in(products) for name, products in given.items()}
    products, edges, nodes = chain.products, chain.edges, chain.nodes
    into_sites = edges["buyer"].map(nodes["kind"]).eq("site")
    inputs = set(edges.loc[into_sites, "product"])
    groups = products[products["group"].ne("")].groupby("group")["product"].agg(tuple)
    found = {str(name): held for name, held in groups.items() if set(held) <= inputs}
    if not found:
        found = {product: (product,) for product in sorted(inputs)}
    return {**found, "all": tuple(sorted({p for held in found.values() for p in held}))}


def _check(
    horizons: Sequence[int], headline: tuple[str, int], bundles: Mapping[str, object]
) -> None:
    if not horizons or horizons[0] < 1:
        raise OptionError(f"weeks must hold horizons of at least 1 week, got {list(horizons)}.")
    if headline[0] not in bundles or headline[1] not in horizons:
        raise OptionError(
            f"headline must name one of the bundles {list(bundles)} and one of the horizons "
            f"{list(horizons)}, got {headline}."
        )


def _ban(
    chain: SupplyChain,
    owner: tuple[str, ...],
    target: tuple[str, ...],
    products: tuple[str, ...],
    name: str,
) -> Scenario:
    return Scenario(name, [ExportBan(by=owner, against=target, products=products)])


def _table(
    chain: SupplyChain,
    scenarios: Mapping[tuple[str, str, str], Scenario],
    owners: Mapping[str, tuple[str, ...]],
    targets: Mapping[str, tuple[str, ...]],
    horizons: Sequence[int],
    reference: Outcome,
    tight: Outcome,
) -> pd.DataFrame:
    gdp = chain.countries.set_index("area")["gdp_usd_m"]
    onset = reference.time_to_impact()
    rows = {}
    for horizon in horizons:
        loss, worse = reference.loss(weeks=horizon), tight.loss(weeks=horizon)
        for (actor, target, bundle), scenario in scenarios.items():
            hit = _present(targets[target], loss.columns)
            mine = _present(owners[actor], loss.columns)
            row = loss.loc[scenario.name]
            damage, harm = float(row[hit].sum()), float(row[mine].sum())
            income = float(gdp.reindex(targets[target]).sum(skipna=False))
            rows[actor, target, bundle, horizon] = {
                "planner": np.nan,
                "reference": damage,
                "stressed": float(worse.loc[scenario.name, hit].sum()),
                "low": np.nan,
                "high": np.nan,
                "share_of_gdp": damage / (income * horizon / WEEKS_PER_YEAR),
                "share_of_annual_gdp": damage / income,
                "self_harm": harm,
                "third_party": float(row.sum()) - damage - harm,
                "onset_weeks": float(onset.loc[scenario.name, hit].min()),
            }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(table.index, names=KEYS)
    return _with_unit(table, "USD million of value added; shares of GDP; weeks")


def _present(areas: Sequence[str], columns: pd.Index) -> list[str]:
    """Return the areas that have sites in the chain; the others have nothing to lose here."""
    return [area for area in areas if area in columns]


def _add_planner(
    table: pd.DataFrame,
    chain: SupplyChain,
    scenarios: Mapping[tuple[str, str, str], Scenario],
    targets: Mapping[str, tuple[str, ...]],
    bundle: str,
    horizons: Iterable[int],
) -> None:
    from chokepoint.resilience import recourse

    for horizon in horizons:
        for (actor, target, name), scenario in scenarios.items():
            if name != bundle:
                continue
            best = recourse(
                chain, scenario, targets=targets[target], weeks=horizon, period=4
            )
            table.loc[(actor, target, bundle, horizon), "planner"] = best.loss_total


def _add_interval(
    table: pd.DataFrame,
    chain: SupplyChain,
    scenarios: Mapping[tuple[str, str, str], Scenario],
    targets: Mapping[str, tuple[str, ...]],
    horizons: Sequence[int],
    draws: int,
    rng: np.random.Generator | int | None,
    behaviour: Behaviour,
    progress: bool | None,
) -> None:
    """Fill ``low`` and ``high``: 5th and 95th percentile over draws of the data."""
    outcome = simulate(
        draw(chain, draws, rng=rng),
        list(scenarios.values()),
        weeks=horizons[-1],
        behaviour=behaviour,
        record="country",
        progress=progress,
    )
    for horizon in horizons:
        loss = outcome.loss(weeks=horizon)
        for (actor, target, bundle), scenario in scenarios.items():
            mine = loss.xs(scenario.name, level="scenario")
            damage = mine[_present(targets[target], mine.columns)].sum(axis=1)
            key = (actor, target, bundle, horizon)
            table.loc[key, ["low", "high"]] = np.percentile(damage, [5.0, 95.0])


def _assumptions(
    chain: SupplyChain,
    scenarios: Mapping[tuple[str, str, str], Scenario],
    owners: Mapping[str, tuple[str, ...]],
    targets: Mapping[str, tuple[str, ...]],
    horizon: int,
    behaviour: Behaviour,
    progress: bool | None,
) -> pd.DataFrame:
    """Return the damage with one assumption at a time moved to the ends of its range."""
    rows: dict[tuple[str, str, str], dict[str, float | str]] = {}
    for actor in owners:
        mine = {key: one for key, one in scenarios.items() if key[0] == actor}
        if not mine:
            continue
        for variant in variants(chain, behaviour, owner=owners[actor]):
            outcome = simulate(
                variant.chain,
                list(mine.values()),
                weeks=horizon,
                behaviour=variant.behaviour,
                record="country",
                progress=progress,
            )
            loss = outcome.loss()
            for (_, target, _), scenario in mine.items():
                hit = _present(targets[target], loss.columns)
                row = rows.setdefault((actor, target, variant.assumption), {})
                row[variant.end] = float(loss.loc[scenario.name, hit].sum())
                row[f"{variant.end}_setting"] = variant.setting
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(table.index, names=["actor", "target", "assumption"])
    return _with_unit(table, "USD million of value added")


def _not_reached(
    chain: SupplyChain,
    pairs: Sequence[tuple[str, str]],
    owners: Mapping[str, tuple[str, ...]],
    targets: Mapping[str, tuple[str, ...]],
    products: tuple[str, ...],
) -> pd.DataFrame:
    tables = {
        (actor, target): reach(
            chain, by=owners[actor], against=targets[target], products=products
        )
        for actor, target in pairs
    }
    return pd.concat(tables, names=["actor", "target"])


def _with_unit(table: pd.DataFrame, unit: str) -> pd.DataFrame:
    table.attrs["unit"] = unit
    return table
