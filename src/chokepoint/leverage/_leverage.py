"""Gross leverage: what an actor's export bans cost a target, and the actor itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.leverage._lever_sets import checked_sets
from chokepoint.leverage._result import Leverage
from chokepoint.leverage._study import Study
from chokepoint.propagate import Behaviour
from chokepoint.propagate._simulate import Precision

__all__ = ["HORIZONS", "leverage"]

Areas = str | Sequence[str]
Actors = Mapping[str, Areas]
HORIZONS = (4, 13, 26, 52, 104)


def leverage(
    chain: SupplyChain,
    *,
    actors: Actors | Sequence[str],
    targets: Actors | Sequence[str] | None = None,
    weeks: Sequence[int] = HORIZONS,
    bundles: Mapping[str, Areas] | None = None,
    levers: Sequence[str] = (),
    headline: tuple[str, int] | None = None,
    draws: int = 0,
    rng: np.random.Generator | int | None = None,
    planner: Sequence[int] = (),
    band: bool = True,
    behaviour: Behaviour | None = None,
    record: Literal["site", "country"] = "site",
    dtype: Precision = "float64",
    progress: bool | None = None,
) -> Leverage:
    r"""Measure what levers of each actor cost each target, and at what cost to itself.

    For an actor :math:`A`, a target :math:`T` and a bundle of products or a set of levers,

    .. math:: D_T(h) = \sum_{t < h} \sum_{i \in T} -x_i(t)\, va_i

    under a complete and permanent ban (or under all levers of the set) from week 0. The largest
    over the bundles and sets is the gross leverage :math:`\Lambda_{A \to T}(h)`; :math:`D_A`
    under the same levers is the self-harm. :meth:`Leverage.frontier` searches among single levers.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    actors, targets : mapping of name to areas, or sequence of areas and blocs
        Who bans, and against whom; targets default to the actors.
    weeks : sequence of int
        Horizons.
    bundles : mapping of name to products and groups, optional
        Sets of goods that are banned together. The default without `levers` is each group of the
        chain that holds no end product, and ``"all"``: these groups together.
    levers : sequence of {"exports", "imports", "controls", "everything"}
        Sets of levers beside the bundles: a stop of all that is sold to the target, of all that
        is bought there, all instruments of the table `controls`, and all three.
    headline : (str, int), optional
        Bundle or set and horizon of the one-at-a-time table; default the last one and 52
        weeks, or the longest horizon below.
    draws : int
        Number of data draws for the interval; 0 = none.
    rng : numpy.random.Generator, int or None
        Randomness of the draws.
    planner : sequence of int
        Horizons at which the planner's lower bound is solved for the headline bundle.
    band : bool
        Whether the stressed case, the one-at-a-time table and what the bans do not reach are
        computed. Without them a large matrix takes a fraction of the time.
    behaviour : Behaviour, optional
        Settings of the reference run.
    record : {"site", "country"}
        What the outcome of the reference run keeps; "country" for large matrices.
    dtype : {"float64", "float32"}
        Precision of the reference and the stressed run; "float32" is faster, and within 1e-5 of
        the losses of countries.
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
    >>> lev = cp.leverage(
    ...     cp.load("rare_earths"),
    ...     actors=["CHN"],
    ...     targets=["JPN"],
    ...     weeks=[13],
    ...     bundles={"magnets": ["ndfeb_sintered"]},
    ... )
    >>> bool(lev.table["reference"].iloc[0] > 0)
    True
    """
    owners = _named(chain, actors)
    aims = owners if targets is None else _named(chain, targets)
    chosen_levers = checked_sets(levers)
    sets = {} if bundles is None and chosen_levers else _bundles(chain, bundles)
    names = [*chosen_levers, *sets]
    horizons = sorted(set(weeks))
    chosen = headline or (names[-1], max([h for h in horizons if h <= 52] or horizons[:1]))
    _check(horizons, chosen, names)
    study = Study(
        chain, owners, aims, sets, horizons, behaviour or Behaviour(), progress,
        levers=chosen_levers, dtype=dtype,
    )  # fmt: skip
    if not study.pairs():
        raise OptionError(
            f"Expected a target that is not the actor itself, got actors {list(owners)} and "
            f"targets {list(aims)}. Name targets, or two actors."
        )
    reference = study.reference(record=record)
    table = study.table(reference, study.stressed() if band else None)
    if planner:
        table["planner"] = study.planner(chosen[0], planner).reindex(table.index)
    if draws:
        interval = study.interval(chosen[0], draws=draws, rng=rng).reindex(table.index)
        table[["low", "high"]] = interval[["low", "high"]]
    return Leverage(
        table=table,
        assumptions=study.assumptions(*chosen) if band else pd.DataFrame(),
        not_reached=study.not_reached(chosen[0]) if band else pd.DataFrame(),
        actors=owners,
        targets=aims,
        bundles=sets,
        headline=chosen,
        draws=draws,
        outcome=reference,
        study=study,
    )


def _named(chain: SupplyChain, given: Actors | Sequence[str]) -> dict[str, tuple[str, ...]]:
    if isinstance(given, str):
        given = [given]
    named = given if isinstance(given, Mapping) else {name: name for name in given}
    return {name: chain.areas(areas) for name, areas in named.items()}


def _bundles(chain: SupplyChain, given: Mapping[str, Areas] | None) -> dict[str, tuple[str, ...]]:
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


def _check(horizons: Sequence[int], headline: tuple[str, int], names: Sequence[str]) -> None:
    if not horizons or horizons[0] < 1:
        raise OptionError(f"weeks must hold horizons of at least 1 week, got {list(horizons)}.")
    if headline[0] not in names or headline[1] not in horizons:
        raise OptionError(
            f"headline must name one of the bundles {list(names)} and one of the horizons "
            f"{list(horizons)}, got {headline}."
        )
