"""The cheapest plan of China against a stop of chip technology (7)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from chokepoint.report._claims._ask import Ask, Found, Other, Setting
from chokepoint.report._claims._code import scenario_code
from chokepoint.report._claims._formulas import fall_of, loss_of
from chokepoint.report._format import money, per_cent
from chokepoint.resilience import frontier
from chokepoint.scenario import Scenario

__all__ = ["cheapest_plan"]

BUDGETS = (0.0, *(25.0 * 2.0**step for step in range(11)))
"""Budgets that are tried [USD million]: each twice the one before."""
BUDGET = BUDGETS[-2]
PERIOD = 8
NOTICE = 208.0
"""Weeks between the order of a plan and the stop: four years, the rest of the plan."""


def cheapest_plan(setting: Setting, stop: Scenario, weeks: int) -> list[Ask | Found]:
    """Return what China's best plan against the stop avoids, and what is worth its money."""
    if setting.fast:
        return []
    options: dict[str, Any] = {
        "targets": "CHN", "weeks": weeks, "period": PERIOD, "notice": NOTICE,
    }  # fmt: skip
    curve = frontier(setting.chain, stop, budgets=BUDGETS, **options)
    losses = curve.table["expected_loss"].to_numpy(dtype=float)
    table = pd.DataFrame({"loss_usd_m": losses}, index=pd.Index(BUDGETS, name="budget_usd_m"))
    table["avoided_per_dollar"] = -table["loss_usd_m"].diff() / table.index.to_series().diff()
    pays = table.index[table["avoided_per_dollar"].ge(1.0)]
    best = float(pays.max()) if len(pays) else 0.0
    place = BUDGETS.index(best)
    plan = curve.plans[BUDGETS.index(BUDGET)]
    measures = plan.measures
    hardened = Other(name="plan", chain=plan.apply(setting.chain), measures=measures, weeks=weeks)
    spent = float(measures["cost_usd_m"].sum())
    arguments = f"targets='CHN', weeks={weeks}, period={PERIOD}, notice={NOTICE}"
    made = f"cp.plan({setting.code}, {scenario_code(stop)}, budget={BUDGET}, {arguments})"
    both = (
        f"(lambda chain, stop, plan: (lambda before, after: 1 - after / before)(*[cp.simulate(one, "
        f"stop, weeks={weeks}, record='country').loss()['CHN'].iloc[0] for one in (chain, "
        f"plan.apply(chain))]))({setting.code}, {scenario_code(stop)}, {made})"
    )
    shared: dict[str, Any] = {"claim": 7, "weeks": weeks, "areas": ("CHN",)}
    return [
        Ask(
            **shared,
            key="best plan",
            statement=f"The best plan of China for at most USD {money(BUDGET)} takes away at "
            "least half of what the coalition's stop costs China in two years",
            unit="share of the loss of today",
            show=per_cent,
            threshold=0.5,
            code=both,
            scenarios=(stop,),
            formula=fall_of(loss_of(stop, ("CHN",), weeks)),
            others=(hardened,),
            table=measures,
            remark=f"It spends USD {money(spent)} on {_named(measures)}. Measures on offer are "
            "stocks, second sources and capacity whose price the chain knows; new plants for chips "
            "and tools are not among them. Losses are those of the weekly model, simulated again "
            "with the plan in place.",
        ),
        Found(
            **shared,
            key="cheapest plan",
            statement="The cheapest plan of China that is worth its money against this stop: what "
            "is spent until the next dollar spares less than a dollar",
            unit="USD million",
            show=money,
            figure=best,
            low=best,
            high=BUDGETS[min(place + 1, len(BUDGETS) - 1)],
            code="(lambda budgets, losses: max([0.0, *(b for a, b, x, y in zip(budgets, "
            "budgets[1:], losses, losses[1:]) if x - y >= b - a)]))("
            f"{list(BUDGETS)!r}, cp.resilience.frontier({setting.code}, {scenario_code(stop)}, "
            f"budgets={list(BUDGETS)!r}, {arguments}).table['expected_loss'].tolist())",
            table=table,
            remark="By the planner's program, among budgets each twice the one before; it spares "
            f"{money(losses[0] - losses[place])} of {money(losses[0])}. A stop is taken for sure.",
        ),
    ]


def _named(measures: pd.DataFrame) -> str:
    parts = measures.groupby(["kind", "product"])["cost_usd_m"].sum().reset_index()
    top = parts.sort_values("cost_usd_m", ascending=False).head(3)
    return ", ".join(
        f"{row['kind'].replace('_', ' ')} of {row['product']} ({money(row['cost_usd_m'])})"
        for row in top.to_dict("records")
    )
