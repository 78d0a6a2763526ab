r"""The first stage of a plan: what is bought, who pays, and in which year.

.. math::
    \textstyle\sum_k y_k \le B, \qquad \sum_{k \in \tau} y_k \le B_\tau, \qquad
    \sum_c \pi_{kc} = y_k,\ \sum_k \pi_{kc} \le B_c, \qquad y_k = \bar y_k U_k,\ U_k \in \{0, 1\}

with :math:`y` money for each measure at each place, :math:`\pi` the part of it that a country
pays, and :math:`U` the choice of what is bought whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.errors import OptionError
from chokepoint.program import LinearProgram, ProgramBuilder
from chokepoint.resilience._budget import Budget
from chokepoint.resilience._measures import Candidates

__all__ = ["FirstStage", "build_first_stage", "spend_labels"]

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]

_USD = 1e6
# Of two plans with the same losses take the cheaper one: a USD must avoid a hundredth of a cent.
# Without such a cost a budget that does not bind leaves many plans, and the solver among them.
_THRIFT = 1e-4


@dataclass(frozen=True, eq=False)
class FirstStage:
    """A first stage and where its parts are.

    Attributes
    ----------
    program : LinearProgram
        Columns ``spend`` come first, in the order of the candidates [USD million].
    budget : int
        Row of the total.
    years, countries : array of int
        Rows of the budgets by year and by country.
    payments : array of int (payments, 3)
        Column, candidate and country of each payment; no rows where there is one purse.
    payers : tuple of str
        Countries with a purse.
    """

    program: LinearProgram
    budget: int
    years: IntArray
    countries: IntArray
    payments: IntArray
    payers: tuple[str, ...]

    def limits(self) -> pd.DataFrame:
        """Return the rows that limit money: what, where, row."""
        rows = [("budget", "total", self.budget)]
        rows += [("budget of a year", str(year), int(row)) for year, row in enumerate(self.years)]
        purses = zip(self.payers, self.countries, strict=True)
        rows += [("budget of a country", payer, int(row)) for payer, row in purses]
        return pd.DataFrame(rows, columns=["what", "where", "row"])


def spend_labels(candidates: Candidates) -> pd.MultiIndex:
    """Return the labels of the columns of money."""
    table = candidates.table
    names = ["measure", "where"]
    if table["order_year"].gt(0).any():
        names.append("order_year")
    kind = table["kind"].where(table["kind"].eq("pooled_stock"), "")
    labels = table[names].assign(measure=table["measure"] + kind.where(kind.eq(""), " (pooled)"))
    return pd.MultiIndex.from_frame(labels)


def build_first_stage(
    candidates: Candidates,
    budget: Budget,
    *,
    purses: Mapping[str, frozenset[str]],
    whole: Sequence[str] = (),
    members: frozenset[str] = frozenset(),
) -> FirstStage:
    """Return the first stage.

    Parameters
    ----------
    candidates : Candidates
        What can be bought.
    budget : Budget
        Money.
    purses : mapping of str to frozenset
        Areas of each country, or bloc, with a purse.
    whole : sequence of str
        Kinds that are bought whole or not at all.
    members : frozenset of str
        Countries that pay for each other's measures.
    """
    builder = ProgramBuilder("plan")
    table = candidates.table
    top = table["top"].to_numpy(dtype=float)
    spend = builder.columns(
        "spend", [spend_labels(candidates)], unit="USD million", upper=top, cost=_THRIFT
    )
    row = builder.rows("budget", unit="USD million", upper=budget.total)
    builder.add(row, spend, 1.0)
    _add_most(builder, candidates, spend)
    years = _add_years(builder, candidates, spend, budget)
    payments, countries = _add_payers(builder, candidates, spend, budget, purses, members)
    _add_whole(builder, candidates, spend, whole)
    return FirstStage(
        builder.build(), int(row), years, countries, payments, tuple(budget.by_country)
    )


def _add_most(builder: ProgramBuilder, candidates: Candidates, spend: IntArray) -> None:
    """Largest quantity of a measure over all places, as a share of it."""
    limited = candidates.most[np.isfinite(candidates.most) & (candidates.most > 0)]
    rows = builder.rows("most", [limited.index], unit="share of the largest quantity", upper=1.0)
    place = limited.index.get_indexer(candidates.table["measure"])
    inside = place >= 0
    quantity = _USD / candidates.table["unit_cost"].to_numpy(dtype=float)[inside]
    share = quantity / limited.to_numpy()[place[inside]]
    builder.add(rows[place[inside]], spend[inside], share)


def _add_years(
    builder: ProgramBuilder, candidates: Candidates, spend: IntArray, budget: Budget
) -> IntArray:
    """Money of each year; with carrying over, of all years so far."""
    years = len(budget.by_year)
    upper = np.cumsum(budget.by_year) if budget.carry else np.array(budget.by_year)
    rows = builder.rows("budget of a year", [range(years)], unit="USD million", upper=upper)
    ordered = candidates.table["order_year"].to_numpy(dtype=np.intp)
    for year in range(years):
        chosen = ordered <= year if budget.carry else ordered == year
        builder.add(rows[year], spend[chosen], 1.0)
    return rows


def _add_payers(
    builder: ProgramBuilder,
    candidates: Candidates,
    spend: IntArray,
    budget: Budget,
    purses: Mapping[str, frozenset[str]],
    members: frozenset[str],
) -> tuple[IntArray, IntArray]:
    """Columns of who pays for what, and the budgets of countries."""
    payers = list(budget.by_country)
    rows = builder.rows(
        "budget of a country", [payers], unit="USD million",
        upper=np.array([budget.by_country[payer] for payer in payers], dtype=float),
    )  # fmt: skip
    if not payers:
        return np.empty((0, 3), dtype=np.intp), rows
    own = candidates.table["payer"].to_numpy()
    pairs = [
        (number, place)
        for number, country in enumerate(own)
        for place, payer in enumerate(payers)
        if country == ""
        or country in purses[payer]
        or (country in members and purses[payer] & members)
    ]
    number, place = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    labels = spend_labels(candidates)
    who = [(*labels[k], payers[c]) for k, c in pairs]
    paid = builder.columns("paid", [pd.Index(who, tupleize_cols=False)], unit="USD million")
    shared = builder.rows("paid for", [labels], unit="USD million", lower=0.0, upper=0.0)
    builder.add(shared[number], paid, 1.0)
    builder.add(shared, spend, -1.0)
    builder.add(rows[place], paid, 1.0)
    return np.column_stack([paid, number, place]), rows


def _add_whole(
    builder: ProgramBuilder,
    candidates: Candidates,
    spend: IntArray,
    whole: Sequence[str],
) -> None:
    """Choices of what is bought whole or not at all: up to what is of use, or is on offer."""
    table = candidates.table
    unknown = sorted(set(whole) - set(table["kind"]))
    if unknown:
        raise OptionError(
            f"Expected whole to name kinds on offer ({', '.join(sorted(set(table['kind'])))}), "
            f"got {', '.join(unknown)}."
        )
    chosen = np.flatnonzero(table["kind"].isin(whole))
    if not len(chosen):
        return
    limit = table["measure"].map(candidates.most).to_numpy(dtype=float)
    limit = limit * table["unit_cost"].to_numpy(dtype=float) / _USD
    size = np.minimum(table["top"].to_numpy(dtype=float), limit)[chosen]
    if not np.isfinite(size).all():
        number = int(chosen[~np.isfinite(size)][0])
        raise OptionError(
            f"{table['measure'].iloc[number]} cannot be bought whole: nothing says how much that "
            "is. Give the measure a max."
        )
    labels = spend_labels(candidates)[chosen]
    yes = builder.columns("bought", [labels], unit="1", upper=1.0, integer=True)
    rows = builder.rows("whole", [labels], unit="USD million", lower=0.0, upper=0.0)
    builder.add(rows, spend[chosen], 1.0)
    builder.add(rows, yes, -size)
