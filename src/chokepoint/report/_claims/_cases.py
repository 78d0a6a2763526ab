"""Run what the figures of the ledger need, once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets import Draws, draw
from chokepoint.errors import ConvergenceError
from chokepoint.leverage import Assessment, Runs, planned
from chokepoint.report._claims._ask import Ask, Other, Setting
from chokepoint.report._stages import Stages
from chokepoint.resilience._hardened_draws import hardened
from chokepoint.scenario import Scenario

__all__ = ["Answer", "answers"]

_PERIOD = 4
Key = tuple[int, str, int]


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

    def draws(self, other: Other | None) -> Draws:
        """Return the draws of the chain, or of another one."""
        name = "" if other is None else other.name
        if name not in self.drawn:
            setting = self.setting
            with self.stages.stage(f"draws of the chain {name}".rstrip()):
                if other is None:
                    made = draw(setting.chain, setting.draws, rng=setting.rng)
                elif other.measures is not None:
                    made = hardened(self.draws(None), other.measures, weeks=other.weeks)
                else:
                    made = _most(other.chain, setting.draws, setting.rng)
            self.drawn[name] = made
        return self.drawn[name]

    def runs(self, other: Other | None, scenarios: Sequence[Scenario], key: Key) -> Runs:
        """Return the losses of scenarios on the chain, or on another one, in all cases."""
        weeks, by, count = key
        chain = self.setting.chain if other is None else other.chain
        where = "" if other is None else f" on the chain {other.name}"
        options: dict[str, Any] = {"owners": _owners(chain)} if other is None else {}
        few = self.draws(other)[:count]
        with self.stages.stage(f"{len(scenarios)} scenarios, {weeks} weeks, by {by}{where}"):
            return Runs.of(
                chain, scenarios, weeks=(weeks,), draws=few, alone=not self.setting.fast,
                behaviour=self.setting.behaviour, dtype="float32", by=by,  # type: ignore[arg-type]
                **options,
            )  # fmt: skip


def _most(chain: SupplyChain, count: int, seed: int) -> Draws:
    """Return as many draws as can be balanced: in a chain that was fitted anew one may fail.

    Half as many are tried then; the rows say how many they have.
    """
    while True:
        try:
            return draw(chain, count, rng=seed)
        except ConvergenceError:
            if count <= 1:
                raise
            count //= 2


def answers(
    setting: Setting, asks: Sequence[Ask], stages: Stages
) -> tuple[dict[str, Answer], Draws | None]:
    """Return the figures by name, and the draws of the chain; those of a kind run together."""
    bench = _Bench(setting, stages)
    found: dict[str, Answer] = {}
    keys: dict[Key, list[Ask]] = {}
    for ask in asks:
        count = setting.draws if ask.draws is None else min(ask.draws, setting.draws)
        keys.setdefault((ask.weeks, ask.by, count), []).append(ask)
    for key, some in sorted(keys.items(), key=lambda item: item[0]):
        runs = {"": bench.runs(None, _scenarios(some), key)}
        others = {other.name: other for ask in some for other in ask.others}
        for name, other in others.items():
            mine = [ask for ask in some if name in {one.name for one in ask.others}]
            runs[name] = bench.runs(other, _scenarios(mine), key)
        with stages.stage("figures"):
            for ask in some:
                held = _same_draws([runs[""], *(runs[other.name] for other in ask.others)])
                found[ask.name] = _answer(setting, ask, held)
    return found, bench.drawn.get("")


def _same_draws(runs: Sequence[Runs]) -> list[Runs]:
    """Return the runs with the draws that all of them have."""
    count = min(len(run.drawn) for run in runs)
    return [replace(run, drawn=run.drawn[:count]) for run in runs]


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
