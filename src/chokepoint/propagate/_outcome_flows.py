"""Tables of an outcome about single flows: shipments, stocks, tariffs, leakage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.propagate._compile import CompiledChain
from chokepoint.propagate._flow_recorder import Leak
from chokepoint.propagate._outcome_base import Array, Labelled

__all__ = ["FlowTables"]

TARIFF_UNIT = "USD million, baseline prices"
LEAKAGE_UNIT = "USD million at baseline prices; shares of the banned flow"


@dataclass(frozen=True, eq=False)
class FlowTables(Labelled):
    """The part of an outcome that is about single flows and slots."""

    @property
    def shipments(self) -> Array:
        """Goods that left the exporter, shape (scenario, week, flow); read-only.

        In units of the supplier's product per week, on detours as well; flows as in
        ``chain.edges``. Needs a run with ``record="all"``.
        """
        return self._recorded("shipments", '"all"')

    @property
    def stock(self) -> Array:
        """Stock at the end of the week, shape (scenario, week, slot); read-only.

        In weeks of baseline use; slots as in ``chain.slots``. Needs a run with
        ``record="all"``.
        """
        return self._recorded("stock", '"all"')

    @property
    def asked(self) -> Array:
        """Orders of a slot over baseline, shape (scenario, week, slot); read-only.

        What the buyer wants to order, before caps and growth limits cut it; slots as in
        ``chain.slots``. Needs a run with ``record="all"``.
        """
        return self._recorded("asked", '"all"')

    def flow(self, scenario: Any) -> pd.DataFrame:
        """Return the shipments of one scenario [units of the supplier's product per week].

        Parameters
        ----------
        scenario : str or tuple
            A row of ``scenarios``.

        Returns
        -------
        pandas.DataFrame
            Rows are weeks, columns (supplier, buyer, slot).

        Raises
        ------
        OptionError
            If the run did not keep flows.
        UnknownLabelError
            If there is no such scenario.
        """
        shipped = self.shipments[_lane_of(self.scenarios, scenario)]
        return _weekly(
            shipped, _flow_labels(self._chain), "units of the supplier's product per week"
        )

    def slot(self, scenario: Any) -> pd.DataFrame:
        """Return the stocks of one scenario [weeks of baseline use] by (buyer, slot).

        Parameters and errors as for :meth:`flow`.
        """
        stock = self.stock[_lane_of(self.scenarios, scenario)]
        return _weekly(stock, _slot_labels(self._chain), "weeks of baseline use")

    def tariffs(
        self,
        *,
        by: Literal["country", "scenario"] = "country",
        over: Literal["week"] | None = None,
        weeks: int | None = None,
    ) -> pd.DataFrame:
        """Return the tariffs paid [USD million, baseline prices].

        The rate of each tariff times the value of the goods that leave the supplier in the
        week; goods that go through third countries pay nothing.

        Parameters
        ----------
        by : {"country", "scenario"}
            Columns of the result: countries of the importers, or one column ``total``.
        over, weeks
            As for :meth:`loss`.
        """
        if by not in ("country", "scenario"):
            raise OptionError(f"by must be one of country, scenario; got {by!r}.")
        horizon = self._horizon(weeks)
        paid = self._kept.tariffs
        if paid is None:
            paid = np.zeros((1, 1, 1))
            shape = (len(self.scenarios), self.weeks, len(self.countries))
            paid = np.broadcast_to(paid, shape)
        values, columns = paid[:, :horizon], self.countries
        if by == "scenario":
            values, columns = values.sum(axis=2, keepdims=True), pd.Index(["total"])
        return self._summed(values, columns, over=over, horizon=horizon, unit=TARIFF_UNIT)

    def leakage(self) -> pd.DataFrame:
        r"""Return how much reaches the target of each cap in spite of it.

        .. math:: \text{leak} = 1 - \frac{\text{drop of arrivals}}{\text{banned flow}}

        The target of a cap are the areas of the buyers of the capped flows. Goods of the
        capped products that enter it from outside count in the week in which they leave for
        it, in weeks in which the cap is in force, at baseline prices. What leaks is the sum of
        what was not enforced (passed on the capped flows), was trans-shipped through third
        countries and was diverted: came on other flows beyond their baseline. Diversion is
        negative where the target buys less elsewhere too.

        Returns
        -------
        pandas.DataFrame
            Rows are (scenario, event), columns banned_usd_m, drop_usd_m [USD million], leak,
            not_enforced, transshipped, diverted (shares of the banned flow; NaN where nothing
            flows at baseline).

        Raises
        ------
        OptionError
            If the run kept only countries.
        """
        if self._kept.leaks is None:
            self._recorded("deviation", '"site"')
        return _leakage_table(self._kept.leaks or (), self.scenarios)

    @property
    def unmatched(self) -> pd.DataFrame:
        """What events ask for and do not find, while they find something else; a copy.

        Columns scenario, event and unmatched.
        """
        return _unmatched_table(self._unmatched)


def _lane_of(scenarios: pd.Index, scenario: Any) -> int:
    """Return the row of a scenario, or of a (draw, scenario) pair.

    Raises
    ------
    UnknownLabelError
        If there is no such row, or the name alone does not tell which draw.
    """
    key = tuple(scenario) if isinstance(scenario, list) else scenario
    if key not in scenarios or (scenarios.nlevels > 1 and not isinstance(key, tuple)):
        known = [str(name) for name in scenarios]
        raise UnknownLabelError(key, "scenario of the run, which are rows such as "
                                f"{known[0]}, and not a name", known)  # fmt: skip
    return int(np.flatnonzero([one == key for one in scenarios])[0])


def _flow_labels(chain: CompiledChain) -> pd.Index:
    """Return (supplier, buyer, slot) of every flow; numbers where the chain has no labels."""
    edges = chain.edges
    if not {"supplier", "buyer", "slot"} <= set(edges):
        return pd.RangeIndex(chain.n_edges, name="flow")
    return pd.MultiIndex.from_frame(edges[["supplier", "buyer", "slot"]])


def _slot_labels(chain: CompiledChain) -> pd.Index:
    """Return (buyer, slot) of every slot; numbers where the chain has no labels."""
    if len(chain.groups) != chain.n_groups:
        return pd.RangeIndex(chain.n_groups, name="slot")
    return chain.groups


def _weekly(values: NDArray[np.floating], columns: pd.Index, unit: str) -> pd.DataFrame:
    """Return a frame of one scenario: a row for each week; a copy."""
    rows = pd.RangeIndex(len(values), name="week")
    table = pd.DataFrame(values.copy(), index=rows, columns=columns)
    table.attrs["unit"] = unit
    return table


def _leakage_table(leaks: Sequence[Leak], scenarios: pd.Index) -> pd.DataFrame:
    """Return one row per scenario and cap; see :meth:`Outcome.leakage`."""
    names = [*scenarios.names, "event"]
    keys = [(*_key(scenarios[leak.lane]), leak.label) for leak in leaks]
    banned = np.array([leak.banned for leak in leaks])
    parts = {
        "not_enforced": np.array([leak.passed for leak in leaks]),
        "transshipped": np.array([leak.detoured for leak in leaks]),
        "diverted": np.array([leak.diverted for leak in leaks]),
    }
    leaked = np.zeros(len(leaks))
    for part in parts.values():
        leaked += part
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = {
            "leak": leaked / banned,
            **{name: part / banned for name, part in parts.items()},
        }
    table = pd.DataFrame(
        {"banned_usd_m": banned, "drop_usd_m": banned - leaked, **shares},
        index=pd.MultiIndex.from_tuples(keys, names=names) if keys else _no_rows(names),
    )
    table.attrs["unit"] = LEAKAGE_UNIT
    return table


def _unmatched_table(rows: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
    """Return what events ask for and do not find; see :attr:`Outcome.unmatched`."""
    return pd.DataFrame(list(rows), columns=["scenario", "event", "unmatched"], dtype=object)


def _key(label: Any) -> tuple[Any, ...]:
    return label if isinstance(label, tuple) else (label,)


def _no_rows(names: Sequence[Any]) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([[] for _ in names], names=list(names))
