"""Tables of a plan: what is bought, what it is worth, who pays, who gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.resilience._measures import Candidates
from chokepoint.resilience._plan_program import Answer, PlanProgram, Task
from chokepoint.resilience._solve_plan import Solved

__all__ = [
    "benefit_table",
    "bought_table",
    "losses_by_country",
    "payment_table",
    "release_table",
    "service_table",
    "terminal_losses",
    "value_tables",
]

FloatArray = NDArray[np.float64]

# Money below this share of the budget is solver noise.
_NOISE = 1e-7


def losses_by_country(answer: Answer, values: FloatArray) -> pd.Series:
    """Return the planner's loss by country within the horizon [USD million]."""
    model = answer.model
    counted = np.flatnonzero(model.extent.counted)
    lost = values[answer.columns.loss[counted, : model.periods.counted]].sum(axis=1)
    worth = lost * model.chain.value_added[counted, 0]
    country = model.chain.nodes["country"].to_numpy()[counted]
    return pd.Series(worth, index=country, dtype=float).groupby(level=0).sum()


def terminal_losses(answers: Sequence[Answer], values: Sequence[FloatArray]) -> list[float]:
    """Return what stocks that are missing at the end cost, and losses after the horizon."""
    found = []
    for answer, value in zip(answers, values, strict=True):
        model, cost = answer.model, answer.part.program.cost
        counted = np.flatnonzero(model.extent.counted)
        after = answer.columns.loss[counted, model.periods.counted :].ravel()
        places = np.append(after, answer.missing)
        found.append(float(cost[places] @ value[places]))
    return found


def bought_table(candidates: Candidates, spend: FloatArray, most: float) -> pd.DataFrame:
    """Return the measures that are bought, the dearest first."""
    table = candidates.table.assign(cost_usd_m=spend)
    table["quantity"] = spend * 1e6 / table["unit_cost"].to_numpy(dtype=float)
    table["share"] = spend * table["effect"].to_numpy(dtype=float)
    table = table.rename(columns={"delay": "delay_weeks"})
    columns = [
        "measure", "kind", "product", "where", "quantity", "unit", "cost_usd_m", "share",
        "delay_weeks", "order_year", "site", "slot", "supplier",
    ]  # fmt: skip
    kept = table.loc[spend > _NOISE * most, columns]
    kept = kept.sort_values("cost_usd_m", ascending=False, kind="stable").reset_index(drop=True)
    kept.attrs["unit"] = (
        "share: weeks of cover (stock), of baseline output (capacity), of the slot (others)"
    )
    return kept


def value_tables(
    task: Task, program: PlanProgram, solved: Solved, most: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what one more USD avoids, for each candidate, and for all with limits of money."""
    worth = np.maximum(solved.worth, 0.0)
    spend = solved.x[: len(worth)]
    table = task.candidates.table[["measure", "kind", "where", "unit", "unit_cost"]].copy()
    table["usd_per_usd"] = worth
    table["usd_per_unit"] = worth * table.pop("unit_cost").to_numpy(dtype=float)
    table["bought"] = spend > _NOISE * most
    ranked = table.sort_values("usd_per_usd", ascending=False, kind="stable")
    ranked = ranked.reset_index(drop=True)
    unit = "USD of expected loss avoided per USD, and per unit"
    ranked.attrs["unit"] = unit
    limits = program.first.limits()
    price = np.maximum(-solved.prices[limits["row"].to_numpy()], 0.0)
    money = pd.DataFrame(
        {
            "measure": limits["what"], "kind": "budget", "where": limits["where"],
            "unit": "USD million", "usd_per_usd": price, "usd_per_unit": price * 1e6,
            "bought": price > 0,
        }
    )  # fmt: skip
    whole = pd.concat([money, ranked], ignore_index=True)
    whole = whole.sort_values("usd_per_usd", ascending=False, kind="stable", ignore_index=True)
    whole.attrs["unit"] = unit
    return ranked, whole


def benefit_table(
    task: Task,
    before: Sequence[pd.Series],
    after: Sequence[pd.Series],
    probabilities: pd.Series,
) -> pd.DataFrame:
    """Return expected losses by country before and after, what is avoided, and GDP."""
    weights = probabilities.to_numpy(dtype=float)
    sums = {}
    for name, some in (("before", before), ("after", after)):
        lost = pd.concat(some, axis=1).fillna(0.0)
        sums[name] = pd.Series(lost.to_numpy(dtype=float) @ weights, index=lost.index)
    table = pd.DataFrame(sums).fillna(0.0)
    table["benefit"] = table["before"] - table["after"]
    gdp = task.chain.countries.set_index("area")["gdp_usd_m"]
    table["gdp_usd_m"] = gdp.reindex(table.index).to_numpy(dtype=float)
    table.index.name = "country"
    table.attrs["unit"] = "USD million of value added, expected; planner's shortfall"
    return table.sort_values("benefit", ascending=False, kind="stable")


def payment_table(
    program: PlanProgram,
    solved: Solved,
    benefits: pd.DataFrame,
    purses: Mapping[str, frozenset[str]],
) -> pd.DataFrame:
    """Return what each country with a purse pays and gains; empty for one purse."""
    payments, payers = program.first.payments, program.first.payers
    paid = np.bincount(payments[:, 2], solved.x[payments[:, 0]], minlength=len(payers))
    table = pd.DataFrame({"paid": paid}, index=pd.Index(payers, name="country"), dtype=float)
    gained = [
        float(benefits["benefit"].reindex(list(purses[payer])).fillna(0.0).sum())
        for payer in payers
    ]
    table["benefit"] = np.array(gained, dtype=float)
    table["net"] = table["benefit"] - table["paid"]
    table.attrs["unit"] = "USD million; benefit: expected loss avoided"
    return table


def service_table(
    task: Task, answers: Sequence[Answer], values: Sequence[FloatArray], names: pd.Index
) -> pd.DataFrame:
    """Return what markets must get and what they get by the planner, by threat and market."""
    rows = []
    markets = task.service.index.to_numpy(dtype=np.intp)
    for name, answer, value in zip(names, answers, values, strict=True):
        model = answer.model
        span = slice(0, model.periods.counted)
        wanted = model.limits.capacity[markets, span].sum(axis=1)
        given = value[answer.columns.output[markets, span]].sum(axis=1)
        for place, market in enumerate(model.chain.nodes.index[markets]):
            least = float(task.service.iloc[place])
            rows.append((name, market, least, float(given[place] / wanted[place])))
    table = pd.DataFrame(rows, columns=["threat", "market", "least", "served"])
    table.attrs["unit"] = "share of demand from the first week of the threat to the horizon"
    return table.set_index(["threat", "market"])


def release_table(
    task: Task, answers: Sequence[Answer], solved: Solved, names: pd.Index
) -> pd.DataFrame:
    """Return what pooled stocks give to each slot, by threat [weeks of cover].

    Columns threat, number (of the candidate), measure, site, slot, cover, share (of the slot in
    the joint use of the members), bought (weeks of joint use).
    """
    table, rows = task.candidates.table, []
    for name, answer, value in zip(names, answers, solved.values, strict=True):
        released = answer.releases
        cover = value[released.columns].sum(axis=1) if len(released.number) else np.empty(0)
        given = dict(zip(zip(released.number, released.group, strict=True), cover, strict=True))
        for number in task.candidates.rows("pooled_stock").tolist():
            one = table.iloc[number]
            bought = float(solved.x[number] * one["effect"])
            for group, share in zip(one["groups"], one["shares"], strict=True):
                site, slot = task.compiled.groups[group]
                weeks = float(given.get((number, group), 0.0))
                rows.append((name, number, one["measure"], site, slot, weeks, share, bought))
    columns = ["threat", "number", "measure", "site", "slot", "cover", "share", "bought"]
    found = pd.DataFrame(rows, columns=columns)
    found.attrs["unit"] = "weeks of cover; share of joint use; weeks of joint use"
    return found[found["bought"].gt(0)].reset_index(drop=True)
