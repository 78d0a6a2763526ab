"""Run what the figures of the ledger need, once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets import Draws, draw
from chokepoint.datasets._draw_columns import NAMES, QUANTITIES
from chokepoint.datasets._what_if import WhatIf
from chokepoint.leverage import Assessment, Runs, planned
from chokepoint.report._claims._ask import Ask, Other, Setting
from chokepoint.report._stages import Stages
from chokepoint.resilience._hardened_draws import hardened
from chokepoint.scenario import Scenario

__all__ = ["Answer", "answers"]

_PERIOD = 4
Key = tuple[int, str, int, bool]
"""Horizon, what losses are by, most draws, and whether outputs and flows are held in draws."""


@dataclass(frozen=True, eq=False)
class Answer:
    """A figure in all cases.

    Attributes
    ----------
    found : Assessment
        The figure.
    truth : Assessment, optional
        1 where the statement is true, 0 where it is not, for a statement that is no threshold.
    """

    found: Assessment
    truth: Assessment | None = None


@dataclass
class _Bench:
    """Chains, their draws and what was run on them."""

    setting: Setting
    stages: Stages
    drawn: dict[str, Draws] = field(default_factory=dict)

    def draws(self, other: Other | None, *, held: bool) -> Draws:
        """Return the draws of the chain, or the same numbers on another one."""
        name = f"{'' if other is None else other.name}{' held' if held else ''}"
        if name not in self.drawn:
            setting = self.setting
            with self.stages.stage(f"draws of the chain {name}".rstrip()):
                if held:
                    chain = setting.chain if other is None else other.chain
                    made = _held(self.draws(None, held=False), chain)
                elif other is None:
                    made = draw(setting.chain, setting.draws, rng=setting.rng)
                else:
                    assert other.measures is not None
                    drawn = self.draws(None, held=False)
                    made = hardened(drawn, other.measures, weeks=other.weeks)
            self.drawn[name] = made
        return self.drawn[name]

    def runs(self, other: Other | None, scenarios: Sequence[Scenario], key: Key) -> Runs:
        """Return the losses of scenarios on the chain, or on another one, in all cases."""
        weeks, by, count, held = key
        chain = self.setting.chain if other is None else other.chain
        where = "" if other is None else f" on the chain {other.name}"
        options: dict[str, Any] = {"owners": _owners(chain)} if other is None else {}
        few = self.draws(other, held=held)[:count]
        with self.stages.stage(f"{len(scenarios)} scenarios, {weeks} weeks, by {by}{where}"):
            return Runs.of(
                chain, scenarios, weeks=(weeks,), draws=few, alone=not self.setting.fast,
                behaviour=self.setting.behaviour, dtype="float32", by=by,  # type: ignore[arg-type]
                **options,
            )  # fmt: skip


def _held(drawn: Draws, chain: SupplyChain) -> Draws:
    """Return draws with the same numbers on a chain whose outputs and flows stay as they are.

    Quantities of two chains that are drawn apart differ by chance, far more than by what is
    compared: where chains are set against each other, all numbers but these are drawn.
    """
    names = [name for name in drawn.columns if name in NAMES and name not in QUANTITIES]
    moves = [{name: drawn.columns[name][k] for name in names} for k in range(len(drawn))]
    made = WhatIf(chain).draws(moves)
    rest = {name: values for name, values in drawn.columns.items() if name not in NAMES}
    return replace(made, columns={**made.columns, **rest})


def answers(
    setting: Setting, asks: Sequence[Ask], stages: Stages
) -> tuple[dict[str, Answer], dict[bool, Draws]]:
    """Return the figures by name, and the draws of the chain by whether outputs are held."""
    bench = _Bench(setting, stages)
    found: dict[str, Answer] = {}
    keys: dict[Key, list[Ask]] = {}
    for ask in asks:
        count = setting.draws if ask.draws is None else min(ask.draws, setting.draws)
        keys.setdefault((ask.weeks, ask.by, count, ask.held), []).append(ask)
    for key, some in sorted(keys.items(), key=lambda item: item[0]):
        runs = {"": bench.runs(None, _scenarios(some), key)}
        others = {other.name: other for ask in some for other in ask.others}
        for name, other in others.items():
            mine = [ask for ask in some if name in {one.name for one in ask.others}]
            runs[name] = bench.runs(other, _scenarios(mine), key)
        with stages.stage("figures"):
            for ask in some:
                found[ask.name] = _answer(
                    setting, ask, [runs[""], *(runs[other.name] for other in ask.others)]
                )
    drawn = {held: bench.drawn[name] for held, name in ((False, ""), (True, " held"))
             if name in bench.drawn}  # fmt: skip
    return found, drawn


def _scenarios(asks: Sequence[Ask]) -> list[Scenario]:
    return list({one.name: one for ask in asks for one in ask.scenarios}.values())


def _answer(setting: Setting, ask: Ask, runs: Sequence[Runs]) -> Answer:
    first, *rest = runs
    one = first.evaluate(ask.formula, *rest)
    extra = {
        label: formula(*(run.reference for run in runs)) for label, formula in ask.extra.items()
    }
    planner = planned(
        setting.chain, ask.bound, {one.name: one for one in ask.scenarios},
        period=0 if setting.fast else _PERIOD, behaviour=setting.behaviour,
    )  # fmt: skip
    truth = None
    if ask.judge is not None:
        truth = first.evaluate(_as_number(ask.judge), *rest)
    return Answer(_with_extra(replace(one, planner=planner / ask.bound_share), extra), truth)


def _as_number(judge: Callable[..., bool]) -> Callable[..., float]:
    return lambda *losses: float(judge(*losses))


def _with_extra(one: Assessment, extra: dict[str, float]) -> Assessment:
    """Return the assessment with assumptions that are not in the chain."""
    if not extra:
        return one
    rows = pd.DataFrame(
        {
            "low": list(extra.values()),
            "high": np.nan,
            "low_setting": list(extra),
            "high_setting": "",
            "swing": [abs(value - one.reference) for value in extra.values()],
        },
        index=pd.Index(list(extra), name="assumption"),
    )
    both = pd.concat([one.assumptions, rows]) if len(one.assumptions) else rows
    order = both.sort_values("swing", ascending=False, kind="stable")
    return replace(one, assumptions=order.rename_axis("assumption"))


def _owners(chain: SupplyChain) -> dict[str, tuple[Sequence[str], Sequence[str]]]:
    """Return the owners whose shares are moved: China, the USA and Taiwan, all their products."""
    sites = chain.sites
    held = {
        area: tuple(sorted(set(sites.loc[sites["country"].eq(area), "product"])))
        for area in ("CHN", "USA", "TWN")
    }
    return {area: ((area,), products) for area, products in held.items() if products}
