"""What a truce is worth to each of two sides, term by term."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.leverage._bench import Bench, gdp_of
from chokepoint.leverage._lever_sets import LEVER_SETS, LeverSet, lever_events
from chokepoint.leverage._ramps import Ramp, chain_at, ramp_cost
from chokepoint.leverage._status import day
from chokepoint.propagate import Behaviour
from chokepoint.propagate._simulate import Precision
from chokepoint.scenario import Effects, Scenario

__all__ = ["Truce", "truce"]

Labels = str | Sequence[str]
Branch = Iterable[Ramp]
Nets = dict[str, float]


@dataclass(frozen=True, eq=False)
class Truce:
    r"""Value of a truce of S weeks for each side c against the other o.

    .. math::
        TV_c = \sum_{t \le S} l_c(t\,|\,\text{no truce})
            + \chi\, \Delta Net_{c \to o}(S) - \chi\, \Delta Net_{o \to c}(S)
            - \Delta\text{build cost}_c,

    :math:`\Delta` being the branch with the truce less the branch without.

    Attributes
    ----------
    weeks : int
        S.
    chi : float
        Probability that the crisis is resumed at the end.
    table : pandas.DataFrame
        Index side. Columns avoided (damage that the truce spares), kept (own net leverage gained,
        times chi), conceded (net leverage that the other gains, times chi, with a minus), build
        (cost of building in the truce less without it, with a minus), value (the sum), all in USD
        million, and value_share (of the side's GDP of S weeks).
    nets : pandas.DataFrame
        Net leverage of each side over the other at the end [USD million]: columns truce and
        no_truce, and today before both.
    """

    weeks: int
    chi: float
    table: pd.DataFrame
    nets: pd.DataFrame

    def __repr__(self) -> str:
        values = ", ".join(f"{side} {value:,.0f}" for side, value in self.table["value"].items())
        return f"<Truce of {self.weeks} weeks: {values} USD million>"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.table.to_html()}"


def truce(
    chain: SupplyChain,
    first: Labels,
    second: Labels,
    *,
    weeks: int = 52,
    today: str | dt.date,
    fight: Scenario | LeverSet = "controls",
    with_truce: tuple[Branch, Branch] = ((), ()),
    without: tuple[Branch, Branch] = ((), ()),
    horizon: int = 52,
    levers: Sequence[LeverSet] = LEVER_SETS,
    theta: float = 1.0,
    chi: float = 0.5,
    behaviour: Behaviour | None = None,
    dtype: Precision = "float64",
    progress: bool | None = None,
) -> Truce:
    """Compare two branches: a truce of some weeks, and a fight of the same length.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    first, second : str or sequence of str
        Areas or blocs of the two sides.
    weeks : int
        Length S of the truce.
    today : str or datetime.date
        First day; ramps count from it.
    fight : Scenario or {"exports", "imports", "controls", "everything"}
        What both do in the branch without a truce: a scenario, or a set of levers that both sides
        pull at once, jointly simulated.
    with_truce, without : pair of iterables of Ramp
        What the first and the second side build in each branch. Projects of the chain come in both.
    horizon : int
        Weeks over which net leverage counts.
    levers : sequence of str
        Sets of levers among which each side takes the one with the largest net leverage; doing
        nothing is always possible.
    theta : float
        What a dollar of own loss counts against a dollar of the other's.
    chi : float
        Probability, in [0, 1], that the crisis is resumed at the end of the truce.
    behaviour : Behaviour, optional
        Settings of the runs.
    dtype : {"float64", "float32"}
        Precision of the runs.
    progress : bool, optional
        Show progress bars.

    Returns
    -------
    Truce

    Raises
    ------
    OptionError
        If the sides overlap or `chi` is no probability.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> made = truce(chain, "CHN", "USA", weeks=13, today="2026-11-29", horizon=13)
    >>> made.table.columns.tolist()[:4]
    ['avoided', 'kept', 'conceded', 'build']
    """
    own, other = chain.areas(first), chain.areas(second)
    if set(own) & set(other):
        raise OptionError(f"Expected two sides without common areas, got {first} and {second}.")
    if not 0.0 <= chi <= 1.0:
        raise OptionError(f"chi must be a probability in [0, 1], got {chi}.")
    sides = {_name(first): own, _name(second): other}
    if isinstance(fight, str):
        events = [
            *lever_events(chain, fight, own, other),
            *lever_events(chain, fight, other, own),
        ]
        fight = Scenario("no truce", events)
    settings = behaviour or Behaviour()
    clash = Bench(chain, (weeks,), settings, dtype, progress).costs([fight.effects(chain, weeks)])
    begin = day(today, last=False)
    end = begin + dt.timedelta(weeks=weeks)
    branches = {"truce": with_truce, "no_truce": without}
    builds = {name: tuple(tuple(side) for side in pair) for name, pair in branches.items()}
    chains = {"today": chain_at(chain, begin, projects=True)} | {
        name: chain_at(chain, end, ramps=[*pair[0], *pair[1]], since=begin)
        for name, pair in builds.items()
    }
    nets = {
        name: _nets(Bench(one, (horizon,), settings, dtype, progress), sides, levers, theta)
        for name, one in chains.items()
    }
    years = weeks / 52.0
    rows = {}
    for place, (name, areas) in enumerate(sides.items()):
        rival = next(side for side in sides if side != name)
        gain = {side: nets["truce"][side] - nets["no_truce"][side] for side in sides}
        cost = {key: ramp_cost(pair[place], years) for key, pair in builds.items()}
        terms = {
            "avoided": float(clash.of(areas)[0, 0]),
            "kept": chi * gain[name],
            "conceded": -chi * gain[rival],
            "build": cost["no_truce"] - cost["truce"],
        }
        value = sum(terms.values())
        rows[name] = {**terms, "value": value, "value_share": value / gdp_of(chain, areas, weeks)}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("side")
    table.attrs["unit"] = "USD million; value_share: share of GDP of the weeks of the truce"
    return Truce(weeks, chi, table, pd.DataFrame(nets).rename_axis("side"))


def _name(side: Labels) -> str:
    return side if isinstance(side, str) else "+".join(side)


def _nets(
    bench: Bench,
    sides: dict[str, tuple[str, ...]],
    levers: Sequence[LeverSet],
    theta: float,
) -> Nets:
    """Return the net leverage of each side over the other, the largest over sets of levers."""
    (first, own), (second, other) = sides.items()
    found = {}
    for name, mine, aimed in ((first, own, other), (second, other, own)):
        effects = [Effects()] + [
            Scenario(one, lever_events(bench.chain, one, mine, aimed)).effects(
                bench.chain, bench.horizons[-1]
            )
            for one in levers
        ]
        costs = bench.costs(effects)
        found[name] = float((costs.of(aimed) - theta * costs.of(mine)).max())
    return found
