"""What an actor can do to a target at a given cost to itself: the coercion frontier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.leverage._bench import Bench, Levers, gdp_of
from chokepoint.leverage._generic import generic_instruments
from chokepoint.leverage._instruments import Instrument, instruments
from chokepoint.leverage._search import Search, Tried
from chokepoint.propagate import Behaviour
from chokepoint.propagate._simulate import Precision
from chokepoint.scenario import Scenario

__all__ = ["CAPS", "Frontier", "frontier", "levers_of"]

Labels = str | Sequence[str]

CAPS = tuple(float(cap) for cap in np.logspace(-5, -2, 13))
"""Caps on self-harm as shares of the actor's GDP: 0.001 % to 1 %, evenly spaced in logarithms."""

UNIT = "USD million of value added; shares of the GDP of the same weeks"


@dataclass(frozen=True, eq=False)
class Frontier:
    r"""Largest damage to a target at each cap on the actor's own loss.

    .. math:: F_{A \to T}(H, h) = \max_y \{ D_T(h; y) : D_A(h; y) \le H \}

    Attributes
    ----------
    actor, target : tuple of str
        Areas of both.
    weeks : int
        Horizon h.
    table : pandas.DataFrame
        Index cap_share (H as a share of the actor's GDP of the same weeks; the last row, infinite,
        is the gross leverage). Columns cap_usd_m, damage, self_harm, third_party [USD million],
        damage_share, self_harm_share [share of GDP], target_unmet and self_unmet (final demand
        that is not met, which is no part of the loss), damage_both (the optimum where the cap
        holds for the actor's unmet final demand as well: a boycott of finished goods costs its
        owner no value added, and its consumers the goods), cost_ratio (damage gained over
        self-harm added since the last smaller cap with another optimum), binding (whether more
        damage could be done at more self-harm), levers (names), level (intensity).
    interaction : pandas.DataFrame
        Pairs of levers: what they do beyond the sum of both.
    exhaustive : bool
        Whether all sets of levers were run. If not, F is a lower bound: the best of the sets on
        the way from nothing to everything and back, of pairs and of their neighbours.
    """

    actor: tuple[str, ...]
    target: tuple[str, ...]
    weeks: int
    table: pd.DataFrame
    interaction: pd.DataFrame
    exhaustive: bool
    gdp_actor: float
    gdp_target: float
    _levers: Levers = field(repr=False)
    _tried: Tried = field(repr=False)

    @property
    def gross(self) -> float:
        """Gross leverage: the largest damage at any cost to the actor [USD million]."""
        return float(self.table["damage"].iloc[-1])

    @property
    def tried(self) -> pd.DataFrame:
        """Every set of levers that was run: damage, harm, unmet demand, level, levers."""
        tried = self._tried
        names = self._levers.names
        table = pd.DataFrame(
            {
                "damage": tried.damage,
                "self_harm": tried.harm,
                "third_party": tried.others,
                "target_unmet": tried.unmet,
                "self_unmet": tried.own_unmet,
                "level": tried.level,
                "levers": [tuple(names[i] for i in sorted(some)) for some in tried.sets],
            }
        )
        table.attrs["unit"] = UNIT
        return table

    def at(self, cap_share: float) -> float:
        """Return the largest damage at a self-harm of at most a share of the actor's GDP.

        Any cap may be asked about, not only those of the table [USD million].
        """
        if not cap_share >= 0.0:
            raise OptionError(f"cap_share must be a share of GDP >= 0, got {cap_share}.")
        row = self._tried.best(cap=cap_share * self.gdp_actor)
        return float(self._tried.damage[row])

    def net(self, *, theta: float = 1.0, tau: float = 0.0) -> pd.Series:
        r"""Return net leverage, with the levers that give it.

        .. math:: \max_y\, [D_T - \theta D_A - \tau \sum_{r} D_r]

        Parameters
        ----------
        theta, tau : float
            What a dollar of the actor's own loss, and of others' losses, counts.

        Returns
        -------
        pandas.Series
            net, damage, self_harm, third_party [USD million], levers, level.
        """
        tried = self._tried
        row = tried.best_net(theta=theta, tau=tau)
        value = tried.damage[row] - theta * tried.harm[row] - tau * tried.others[row]
        return pd.Series({"net": float(value), **self._row(row)})

    def net_share(self, *, theta: float = 1.0) -> float:
        r"""Return net leverage in shares of GDP, :math:`\max_y [d_T - \theta d_A]`."""
        tried = self._tried
        value = tried.damage / self.gdp_target - theta * tried.harm / self.gdp_actor
        return float(np.max(value))

    def scenario(self, cap_share: float = np.inf) -> Scenario:
        """Return the optimum at a cap as a scenario, to run it again or elsewhere."""
        row = self._tried.best(cap=cap_share * self.gdp_actor)
        return self._levers.scenario(
            sorted(self._tried.sets[row]),
            float(self._tried.level[row]),
            name=f"{'+'.join(self.actor)} > {'+'.join(self.target)}: cap {100 * cap_share:g} %",
        )

    def _row(self, row: int) -> dict[str, Any]:
        tried = self._tried
        return {
            "damage": float(tried.damage[row]),
            "self_harm": float(tried.harm[row]),
            "third_party": float(tried.others[row]),
            "target_unmet": float(tried.unmet[row]),
            "self_unmet": float(tried.own_unmet[row]),
            "levers": tuple(self._levers.names[i] for i in sorted(tried.sets[row])),
            "level": float(tried.level[row]),
        }

    def __repr__(self) -> str:
        return (
            f"<Frontier: {'+'.join(self.actor)} > {'+'.join(self.target)}, {self.weeks} weeks, "
            f"{len(self._levers)} levers, gross USD {self.gross:,.0f} million>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.table.to_html()}"


def frontier(
    chain: SupplyChain,
    actor: Labels,
    target: Labels,
    *,
    weeks: int = 52,
    levers: str | Sequence[Instrument] = "all",
    caps: Sequence[float] = CAPS,
    exhaustive: int = 10,
    most: int = 20,
    behaviour: Behaviour | None = None,
    dtype: Precision = "float64",
    progress: bool | None = None,
) -> Frontier:
    r"""Search for the levers that cost a target most at each cap on the actor's own loss.

    Up to `exhaustive` levers all sets are run, each at full intensity. With more, the sets that
    are run are: each lever alone, all but one, all pairs of the ten strongest, a walk that adds one
    lever at a time (the one that brings most damage per self-harm) and one that takes one away at
    a time, and from the best set at each cap all neighbours with one lever more, fewer or
    exchanged. Then the best sets run at lower intensities (0.2 to 0.8). What is reported was always
    run as it stands: losses of single levers are never added.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    actor, target : str or sequence of str
        Areas or blocs of the coalition and of its target.
    weeks : int
        Horizon.
    levers : {"all", "controls", "generic"} or sequence of Instrument
        The table `controls` (:func:`instruments`), bans and boycotts of each product group
        (:func:`generic_instruments`), both, or levers of one's own.
    caps : sequence of float
        Caps on self-harm as shares of the actor's GDP over the horizon.
    exhaustive : int
        Largest number of levers of which all sets are run.
    most : int
        With more levers than `exhaustive`: how many are chosen one by one, the weaker ones
        together.
    behaviour : Behaviour, optional
        Settings of the runs.
    dtype : {"float64", "float32"}
        Precision of the runs; "float32" is about twice as fast and within 1e-5 of country losses.
    progress : bool, optional
        Show progress bars.

    Returns
    -------
    Frontier

    Raises
    ------
    OptionError
        If actor and target overlap, or a cap is negative.
    UnknownLabelError
        If the chain has no such area or bloc.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> curve = frontier(chain, "CHN", "JPN", weeks=13, levers="controls")
    >>> bool(curve.table["damage"].is_monotonic_increasing)
    True
    """
    own, hit = chain.areas(actor), chain.areas(target)
    common = sorted(set(own) & set(hit))
    if common:
        raise OptionError(f"Expected an actor and a target without common areas, got {common}.")
    if any(not cap >= 0.0 for cap in caps):
        raise OptionError(f"caps must be shares of GDP >= 0, got {list(caps)}.")
    bench = Bench(chain, (weeks,), behaviour or Behaviour(), dtype, progress)
    held = Levers.of(chain, levers_of(chain, own, hit, levers), against=hit, weeks=weeks)
    income, aim_income = gdp_of(chain, own, weeks), gdp_of(chain, hit, weeks)
    search = Search(held, bench, own, hit, exhaustive=exhaustive, most=most)
    tried = search.run(sorted(cap * income for cap in caps))
    return Frontier(
        actor=own,
        target=hit,
        weeks=weeks,
        table=_table(tried, held, sorted(set(caps)), income, aim_income),
        interaction=search.interaction(),
        exhaustive=search.is_exhaustive,
        gdp_actor=income,
        gdp_target=aim_income,
        _levers=held,
        _tried=tried,
    )


def levers_of(
    chain: SupplyChain, actor: Labels, target: Labels, levers: str | Sequence[Instrument]
) -> list[Instrument]:
    """Return the instruments of an actor against a target that a word or a list stands for.

    Raises
    ------
    OptionError
        If the word is none of "all", "controls", "generic".
    """
    if not isinstance(levers, str):
        return list(levers)
    if levers not in ("all", "controls", "generic"):
        raise OptionError(
            f'levers must be "all", "controls", "generic" or instruments, got {levers!r}.'
        )
    found: list[Instrument] = []
    if levers != "generic":
        found += instruments(chain, owners=actor)
    if levers != "controls":
        found += generic_instruments(chain, actor=actor, target=target)
    return found


def _table(
    tried: Tried, levers: Levers, caps: Sequence[float], income: float, aim_income: float
) -> pd.DataFrame:
    rows, before = [], 0
    top = tried.damage[tried.best()]
    for cap in [*caps, np.inf]:
        limit = cap * income if cap else 0.0
        row, both = tried.best(cap=limit), tried.best(cap=limit, demand_cap=limit)
        gained, added = (values[row] - values[before] for values in (tried.damage, tried.harm))
        rows.append(
            {
                "cap_share": cap,
                "cap_usd_m": limit,
                "damage": tried.damage[row],
                "damage_share": tried.damage[row] / aim_income,
                "self_harm": tried.harm[row],
                "self_harm_share": tried.harm[row] / income,
                "third_party": tried.others[row],
                "target_unmet": tried.unmet[row],
                "self_unmet": tried.own_unmet[row],
                "damage_both": tried.damage[both],
                "cost_ratio": gained / added if row != before and added > 0 else np.nan,
                "binding": bool(tried.damage[row] < top),
                "levers": tuple(levers.names[i] for i in sorted(tried.sets[row])),
                "level": tried.level[row],
            }
        )
        before = row
    table = pd.DataFrame(rows).set_index("cap_share")
    table.attrs["unit"] = UNIT
    return table
