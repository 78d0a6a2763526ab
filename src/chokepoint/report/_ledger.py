"""The ledger: one row per figure, with its range, its verdict and the call that gives it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.propagate import WEEKS_PER_YEAR
from chokepoint.report._findings import Damage, Findings, ban
from chokepoint.report._verdict import Verdict, decide

__all__ = ["COLUMNS", "grades", "high_tech", "ledger", "value_added"]

COLUMNS = (
    "claim",
    "question",
    "actor",
    "target",
    "bundle",
    "figure",
    "unit",
    "low",
    "high",
    "planner",
    "reference",
    "stressed",
    "horizon_weeks",
    "share_of_gdp_percent",
    "threshold",
    "verdict",
    "decided_by",
    "call",
    "grades",
    "draws",
)

Row = dict[str, Any]
_LOSS = "USD million of value added"


def ledger(findings: Findings) -> pd.DataFrame:
    """Return all rows, in the order of the report."""
    parts = (_damage, _harm, _onset, _high_tech, _saving)
    rows = [row for part in parts for row in part(findings)]
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    table["claim"] = table["claim"].astype(int)
    table["draws"] = table["low"].notna() * findings.settings.draws
    return table


def _damage(findings: Findings) -> list[Row]:
    """Return the rows on what each ban costs each target."""
    actor, floor = findings.study.actor, findings.study.materiality
    rows = []
    for (target, bundle, weeks), found in findings.damages.items():
        threshold = floor * gdp(findings, target) * weeks / WEEKS_PER_YEAR
        verdict = _verdict(findings, target, bundle, weeks, found, threshold)
        rows.append(
            {
                **_common(findings, target, bundle, weeks),
                "question": f"Does a complete stop of {bundle} from {actor} to {target} cost "
                f"{target} at least {100 * floor:g} % of its GDP of {weeks} weeks?",
                "figure": found.reference,
                "unit": _LOSS,
                "low": found.low,
                "high": found.high,
                "planner": found.planner,
                "reference": found.reference,
                "stressed": found.stressed,
                "share_of_gdp_percent": 100.0 * found.share_of_gdp,
                "threshold": threshold,
                "verdict": verdict.word,
                "decided_by": verdict.decided_by,
                "call": _loss_call(findings, target, bundle, weeks, of=target),
            }
        )
    return rows


def _verdict(
    findings: Findings, target: str, bundle: str, weeks: int, found: Damage, threshold: float
) -> Verdict:
    ends: dict[str, float] = {}
    if (bundle, weeks) == findings.main.headline:
        for swing in findings.swings(target):
            ends[f"{swing.assumption}, low end"] = swing.low
            ends[f"{swing.assumption}, high end"] = swing.high
    tests = {
        "band": {"planner": found.planner, "stressed": found.stressed},
        "interval": {"interval, low end": found.low, "interval, high end": found.high},
        "one at a time": ends,
    }
    return decide(found.reference, tests, threshold=threshold)


def _harm(findings: Findings) -> list[Row]:
    """Return the rows on what a ban costs the actor and everyone else."""
    actor, weeks = findings.study.actor, findings.settings.headline
    rows = []
    for bundle in findings.main.bundles:
        for target in findings.targets:
            found = findings.damage(target, bundle, weeks)
            common = _common(findings, target, bundle, weeks)
            rows.append(
                {
                    **common,
                    "question": f"What does a complete stop of {bundle} to {target} cost {actor} "
                    "itself?",
                    "figure": found.self_harm,
                    "reference": found.self_harm,
                    "unit": _LOSS,
                    "call": _loss_call(findings, target, bundle, weeks, of=actor),
                }
            )
            rows.append(
                {
                    **common,
                    "question": f"What does a complete stop of {bundle} from {actor} to {target} "
                    "cost all other countries together?",
                    "figure": found.third_party,
                    "reference": found.third_party,
                    "unit": _LOSS,
                    "call": _others_call(findings, target, bundle, weeks),
                }
            )
    return rows


def _onset(findings: Findings) -> list[Row]:
    """Return the rows on when the first end-sector site stops."""
    longest = findings.settings.weeks[-1]
    rows = []
    for bundle in findings.main.bundles:
        for target in findings.targets:
            found = findings.damage(target, bundle, longest)
            run = _simulated(findings, target, bundle, longest)
            rows.append(
                {
                    **_common(findings, target, bundle, longest),
                    "question": f"How many weeks after {findings.study.actor} stops {bundle} to "
                    f"{target} is the first end-sector site of {target} 5 % below baseline?",
                    "figure": found.onset_weeks,
                    "reference": found.onset_weeks,
                    "unit": "weeks",
                    "call": f"{run}.time_to_impact().filter({_areas(findings, target)})"
                    ".to_numpy().min()",
                }
            )
    return rows


def _high_tech(findings: Findings) -> list[Row]:
    """Return the rows on the sectors that the claim is about."""
    products = high_tech(findings)
    weeks, bundle = findings.settings.headline, findings.study.narrow
    rows = []
    for target, areas in findings.targets.items() if products else ():
        lost, tight = (
            float(table[target].reindex(products).sum())
            for table in (findings.sectors, findings.tight_sectors)
        )
        share = findings.study.sector_materiality
        threshold = share * value_added(findings, target, products) * weeks / WEEKS_PER_YEAR
        tests = {"band": {"stressed": tight}, "interval": {}, "one at a time": {}}
        verdict = decide(lost, tests, threshold=threshold)
        run = _simulated(findings, target, bundle, weeks)
        condition = f"country in {list(areas)} and product in {products}"
        rows.append(
            {
                **_common(findings, target, bundle, weeks),
                "question": f"Does a complete stop of {bundle} cost the high-tech end sectors of "
                f"{target} ({', '.join(products)}) at least {100 * share:g} % of their value "
                f"added of {weeks} weeks?",
                "figure": lost,
                "reference": lost,
                "stressed": tight,
                "threshold": threshold,
                "verdict": verdict.word,
                "decided_by": verdict.decided_by,
                "unit": _LOSS,
                "call": f"{run}.loss(by='site').filter({findings.load_call}.nodes.query("
                f'"{condition}").index).to_numpy().sum()',
            }
        )
    return rows


def _saving(findings: Findings) -> list[Row]:
    """Return the rows on what the plans save."""
    study, weeks = findings.study, findings.settings.headline
    rows = []
    for target, held in findings.plans.items():
        found = findings.damage(target)
        run = f"cp.simulate({{}}, ban, weeks={weeks}).loss()"
        bought = (
            f"cp.plan(chain, ban, budget={study.budget_usd_m:g}, targets={target!r}, weeks={weeks})"
        )
        saved = f"({run.format('chain')} - {run.format(f'{bought}.apply(chain)')})"
        rows.append(
            {
                **_common(findings, target, study.narrow, weeks),
                "question": f"How much of the loss of {target} does a plan of {target} for at most "
                f"USD {study.budget_usd_m:g} million avoid, simulated again?",
                "figure": found.reference - held.reference,
                "reference": found.reference - held.reference,
                "stressed": found.stressed - held.stressed,
                "planner": held.plan.saving,
                "unit": _LOSS,
                "call": f"(lambda chain, ban: {saved}.filter(chain.areas({target!r}))"
                f".to_numpy().sum())({findings.load_call}, {_ban(findings, target, study.narrow)})",
            }
        )
    return rows


def high_tech(findings: Findings) -> list[str]:
    """Return the end products in the groups that the claim is about."""
    products = findings.chain.products
    return list(products.loc[products["group"].isin(findings.study.high_tech), "product"])


def _common(findings: Findings, target: str, bundle: str, weeks: int) -> Row:
    study = findings.study
    products = findings.chain.products_in(findings.bundles[bundle])
    return {
        "claim": study.claim,
        "actor": study.actor,
        "target": target,
        "bundle": bundle,
        "horizon_weeks": weeks,
        "verdict": "not tested",
        "decided_by": "a figure, not a statement",
        "grades": grades(findings.chain, products, findings.targets[target]),
    }


# ---------------------------------------------------------------------------------------- calls


def _ban(findings: Findings, target: str, bundle: str) -> str:
    if not ban(findings.chain, findings.study, target, findings.bundles[bundle]).events:
        return "cp.Scenario('no such trade')"
    event = (
        f"cp.ExportBan(by={findings.study.actor!r}, against={target!r}, "
        f"products={list(findings.bundles[bundle])!r})"
    )
    return f"cp.Scenario('ban', [{event}])"


def _simulated(findings: Findings, target: str, bundle: str, weeks: int) -> str:
    return f"cp.simulate({findings.load_call}, {_ban(findings, target, bundle)}, weeks={weeks})"


def _loss_call(findings: Findings, target: str, bundle: str, weeks: int, *, of: str) -> str:
    run = _simulated(findings, target, bundle, weeks)
    return f"{run}.loss().filter({_areas(findings, of)}).to_numpy().sum()"


def _others_call(findings: Findings, target: str, bundle: str, weeks: int) -> str:
    run = _simulated(findings, target, bundle, weeks)
    parties = f"{findings.load_call}.areas({[findings.study.actor, target]!r})"
    return f"{run}.loss().drop(columns=list({parties}), errors='ignore').to_numpy().sum()"


def _areas(findings: Findings, name: str) -> str:
    return f"{findings.load_call}.areas({name!r})"


# ---------------------------------------------------------------------------------------- facts


def grades(chain: SupplyChain, products: tuple[str, ...], areas: tuple[str, ...]) -> str:
    """Return how many rows that drive a figure have which grade, as ``"A 3, B 10, C 4, D 20"``.

    Counted are the sites that make the banned products, the recipe rows that need them, and the
    sites of the target that need them.
    """
    sites, inputs = chain.sites, chain.inputs
    needed = inputs[inputs["input"].isin(products)]
    users = sites["product"].isin(needed["product"]) & sites["country"].isin(areas)
    rows = [sites.loc[sites["product"].isin(products) | users], needed]
    counts = pd.concat([frame["confidence"] for frame in rows]).value_counts().to_dict()
    return ", ".join(f"{grade} {counts[grade]}" for grade in "ABCD" if counts.get(grade))


def value_added(findings: Findings, target: str, products: list[str]) -> float:
    """Return the yearly value added of a target's sites of some products [USD million]."""
    nodes = findings.chain.nodes
    mine = nodes["country"].isin(findings.targets[target]) & nodes["product"].isin(products)
    return float(nodes.loc[mine, "value_added_usd_m"].sum())


def gdp(findings: Findings, target: str) -> float:
    """Return the yearly GDP of a target [USD million]."""
    countries = findings.chain.countries
    known = dict(zip(countries["area"], countries["gdp_usd_m"], strict=True))
    return float(sum(known[area] for area in findings.targets[target]))
