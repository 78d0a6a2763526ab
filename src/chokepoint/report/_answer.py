"""The answer in sentences: each with a figure, a unit, a range and a horizon."""

from __future__ import annotations

import math

from chokepoint.report._compare import ratios
from chokepoint.report._findings import Findings
from chokepoint.report._format import digits, money, per_cent, span, weeks

__all__ = ["answers", "comparison", "costs", "headline", "names"]


def headline(findings: Findings) -> str:
    """Return the answer in one line of plain text."""
    parts = []
    for target in findings.targets:
        found = findings.damage(target)
        parts.append(
            f"{target} USD {money(found.reference)} ({per_cent(found.share_of_gdp)} of GDP)"
        )
    actor = findings.study.actor
    return (
        f"If {names(findings).get(actor, actor)} stopped {findings.study.narrow}, loss of value "
        f"added over {findings.settings.headline} weeks, each target on its own: "
        + "; ".join(parts)
    )


def answers(findings: Findings) -> list[tuple[str, str]]:
    """Return for each target the figure and its ranges, the largest share of GDP first."""
    order = sorted(findings.targets, key=lambda target: -findings.damage(target).share_of_gdp)
    return [(_figure(findings, target), _ranges(findings, target)) for target in order]


def _figure(findings: Findings, target: str) -> str:
    found = findings.damage(target)
    name = names(findings).get(target, target)
    return (
        f"{name}: USD {money(found.reference)}, {per_cent(found.share_of_gdp)} of its GDP "
        f"of {findings.settings.headline} weeks."
    )


def _ranges(findings: Findings, target: str) -> str:
    found = findings.damage(target)
    parts = []
    if not math.isnan(found.low):
        parts.append(f"{span(found.low, found.high)} over draws of the data")
    ends = [
        f"{money(value)} {words}"
        for value, words in (
            (found.planner, "with a perfectly coordinated response"),
            (found.stressed, "with thin stocks and no change of supplier"),
        )
        if not math.isnan(value)
    ]
    parts += [", ".join(ends)] if ends else []
    text = f"USD {'; '.join(parts)}. " if parts else ""
    onset = findings.damage(target, weeks=findings.settings.weeks[-1]).onset_weeks
    if math.isinf(onset):
        return text + "No end-sector plant falls 5 % below baseline within the run."
    return text + f"First end-sector plant 5 % below baseline after {weeks(onset)} weeks."


def costs(findings: Findings) -> str:
    """Return the sentence on what the bans cost the actor and everyone else."""
    found = [findings.damage(target) for target in findings.targets]
    own, others = [one.self_harm for one in found], [one.third_party for one in found]
    actor = names(findings).get(findings.study.actor, findings.study.actor)
    return (
        f"Over {findings.settings.headline} weeks {actor} itself would lose "
        f"USD {span(min(own), max(own))} and all other countries together "
        f"USD {span(min(others), max(others))}, by target; minus is a gain."
    )


def comparison(findings: Findings) -> list[str]:
    """Return the sentences on the ratio of a quarter to a year."""
    return [
        f"Loss of {row.target} after 13 weeks over its loss after 52 weeks: "
        f"{digits(row.published)} published by {row.publisher}; {digits(row.reference)} here, "
        f"{digits(row.stressed)} in the stressed case. Many settings reach the level after a "
        "year; this ratio tells more about a model."
        for row in ratios(findings)
    ]


def names(findings: Findings) -> dict[str, str]:
    """Return the targets and areas in words."""
    countries = findings.chain.countries
    known = zip(countries["area"], countries["name"], strict=True)
    return {**findings.study.places, **{area: name for area, name in known if name}}
