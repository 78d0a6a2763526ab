"""What coalitions can do that their members cannot do alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.leverage._leverage import leverage
from chokepoint.propagate import Behaviour
from chokepoint.propagate._simulate import Precision

__all__ = ["coalitions"]

Areas = str | Sequence[str]
_MOST = 8


def coalitions(
    chain: SupplyChain,
    members: Mapping[str, Areas] | Sequence[str],
    target: Areas,
    *,
    weeks: int = 52,
    levers: Sequence[str] = ("exports",),
    products: Areas | None = None,
    behaviour: Behaviour | None = None,
    dtype: Precision = "float64",
    progress: bool | None = None,
) -> tuple[pd.DataFrame, pd.Series]:
    r"""Measure the gross leverage of every coalition of some members over a target.

    Members that jointly control one input are worth more together than apart; threats on different
    inputs about add up, or less. A coalition may leave the acting to a part of it, so

    .. math:: \Lambda_S = \max_{R \subseteq S} \Lambda(R), \qquad
        \text{super-additivity} = \Lambda_S - \sum_{i \in S} \Lambda_{\{i\}} .

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    members : mapping of name to areas, or sequence of areas and blocs
        At most 8 members.
    target : str or sequence of str
        Areas or blocs.
    weeks : int
        Horizon.
    levers : sequence of {"exports", "imports", "controls", "everything"}
        What a coalition may do, as in :func:`leverage`.
    products : str or sequence of str, optional
        Ban these products instead of using sets of levers.
    behaviour, dtype, progress
        As for :func:`leverage`.

    Returns
    -------
    pandas.DataFrame
        Index coalition (names joined by " + "). Columns size, gross [USD million], apart (sum over
        its members alone), superadditivity (gross less apart), ratio (gross over apart).
    pandas.Series
        Shapley value of each member: its mean contribution over all orders of joining
        [USD million]; they add up to the gross leverage of all.

    Raises
    ------
    OptionError
        If there are fewer than 2 or more than 8 members, or they share areas with each other or
        with the target.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> table, value = coalitions(chain, ["JPN", "DEU"], "USA", weeks=26, products="ndfeb_sintered")
    >>> table.index.tolist()
    ['JPN', 'DEU', 'JPN + DEU']
    """
    named = dict(members) if isinstance(members, Mapping) else {name: name for name in members}
    held = {name: chain.areas(areas) for name, areas in named.items()}
    _check(held, chain.areas(target))
    subsets = [
        some for size in range(1, len(held) + 1) for some in itertools.combinations(held, size)
    ]
    made = leverage(
        chain,
        actors={_joined(some): [area for name in some for area in held[name]] for some in subsets},
        targets={"target": target},
        weeks=[weeks],
        bundles=None if products is None else {"products": products},
        levers=levers if products is None else (),
        band=False,
        behaviour=behaviour,
        record="country",
        dtype=dtype,
        progress=progress,
    )
    damage = made.table["reference"].groupby("actor").max().clip(lower=0.0)
    worth: dict[frozenset[str], float] = {frozenset(): 0.0}
    for some in subsets:
        parts = [frozenset(some) - {name} for name in some]
        worth[frozenset(some)] = max(float(damage[_joined(some)]), *(worth[one] for one in parts))
    rows = {}
    for some in subsets:
        gross = worth[frozenset(some)]
        apart = sum(worth[frozenset({name})] for name in some)
        rows[_joined(some)] = {
            "size": len(some),
            "gross": gross,
            "apart": apart,
            "superadditivity": gross - apart,
            "ratio": gross / apart if apart > 0 else np.nan,
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("coalition")
    table["size"] = table["size"].astype(int)
    table.attrs["unit"] = "USD million of value added"
    return table, _shapley(worth, list(held))


def _joined(names: Sequence[str]) -> str:
    return " + ".join(names)


def _shapley(worth: Mapping[frozenset[str], float], names: Sequence[str]) -> pd.Series:
    total = len(names)
    values = {}
    for name in names:
        rest = [one for one in names if one != name]
        values[name] = sum(
            (worth[frozenset({*some, name})] - worth[frozenset(some)])
            / (total * math.comb(total - 1, size))
            for size in range(total)
            for some in itertools.combinations(rest, size)
        )
    return pd.Series(values, name="shapley_usd_m", dtype=float)


def _check(held: Mapping[str, Sequence[str]], target: Sequence[str]) -> None:
    if not 2 <= len(held) <= _MOST:
        raise OptionError(f"Expected 2 to {_MOST} members, got {len(held)}.")
    every = [area for areas in (*held.values(), target) for area in areas]
    shared = sorted({area for area in every if every.count(area) > 1})
    if shared:
        raise OptionError(
            f"Expected members and a target without common areas, got {shared} twice."
        )
