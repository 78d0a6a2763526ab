"""The page: results put into the template."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from chokepoint._optional import require
from chokepoint.plot._sankey import _sankey_data
from chokepoint.propagate import WEEKS_PER_YEAR
from chokepoint.report import _answer, _tables
from chokepoint.report._figures import figures, plotly_script
from chokepoint.report._findings import Findings
from chokepoint.report._format import money, per_cent
from chokepoint.report._ledger import high_tech, value_added
from chokepoint.report._verdict import RULE

__all__ = ["render"]

_TEMPLATE = "page.html.jinja"
_PACKAGES = ("numpy", "pandas", "scipy", "networkx", "highspy", "pulp", "plotly")


def render(findings: Findings, rows: pd.DataFrame) -> str:
    """Return the page as text."""
    jinja = require("jinja2", extra="report")
    environment = jinja.Environment(
        loader=jinja.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja.StrictUndefined,
    )
    page: str = environment.get_template(_TEMPLATE).render(_context(findings, rows))
    return page


def _context(findings: Findings, rows: pd.DataFrame) -> dict[str, Any]:
    study, settings = findings.study, findings.settings
    return {
        "study": study,
        "settings": settings,
        "bundles": findings.bundles,
        "actor": _answer.names(findings).get(study.actor, study.actor),
        "costs": _answer.costs(findings),
        "contents": _contents(findings),
        "counts": {
            name: len(findings.chain.products_in(held)) for name, held in findings.bundles.items()
        },
        "parts": _parts(findings),
        "headline": _answer.headline(findings),
        "answers": _answer.answers(findings),
        "ratios": _answer.comparison(findings),
        "figures": figures(findings),
        "plotly": plotly_script(),
        "sankey": _sankey_facts(findings),
        "narrow": _tables.damage_table(findings, study.narrow),
        "wide": _tables.damage_table(findings, study.wide),
        "groups": _tables.group_table(findings),
        "band": _tables.band_table(findings),
        "onset": _tables.onset_table(findings),
        "survival": _tables.survival_table(findings),
        "sectors": _tables.sector_table(findings),
        "high_tech": _high_tech(findings),
        "reach": _tables.reach_table(findings),
        "assumptions": {
            target: _tables.assumption_table(findings, target) for target in findings.targets
        },
        "plan": _tables.plan_table(findings),
        "bought": {target: _tables.bought_table(findings, target) for target in findings.plans},
        "notice": max((held.plan.notice for held in findings.plans.values()), default=0.0),
        "on_offer": _on_offer(findings),
        "thirds": _tables.third_party_table(findings),
        "estimates": _tables.estimate_table(findings),
        "verdicts": _tables.verdict_table(findings, rows),
        "rule": RULE,
        "rows": len(rows),
        "grades": _tables.grade_table(findings),
        "sources": _tables.source_table(findings),
        "chain": _chain_facts(findings),
        "run": _run_facts(findings),
    }


def _contents(findings: Findings) -> dict[str, str]:
    """Return the products of each bundle in words."""
    names = _tables.product_names(findings)
    return {
        bundle: "; ".join(names[product] for product in findings.chain.products_in(held))
        for bundle, held in findings.bundles.items()
    }


def _parts(findings: Findings) -> str:
    """Return the products of the wide bundle that the narrow one does not hold."""
    names, chain = _tables.product_names(findings), findings.chain
    narrow, wide = (
        chain.products_in(findings.bundles[name])
        for name in (findings.study.narrow, findings.study.wide)
    )
    return "; ".join(names[product] for product in wide if product not in narrow)


def _on_offer(findings: Findings) -> str:
    """Return the kinds of measures that plans could choose from."""
    skipped = {"recycling", "substitution"}
    kinds = dict.fromkeys(findings.chain.measures["kind"])
    return ", ".join(kind.replace("_", " ") for kind in kinds if kind not in skipped)


def _sankey_facts(findings: Findings) -> dict[str, str]:
    facts = _sankey_data(findings.chain).attrs
    return {
        "threshold": f"{facts['threshold']:.0%}",
        "cut": f"{facts['cut_flows']:,}",
        "cut_value": money(facts["cut_value_usd_m"]),
    }


def _high_tech(findings: Findings) -> list[str]:
    products = high_tech(findings)
    lines = []
    for target in findings.sectors.columns if products else []:
        lost = float(findings.sectors[target].reindex(products).sum())
        total = float(findings.sectors[target].sum())
        tight = float(findings.tight_sectors[target].reindex(products).sum())
        own = value_added(findings, target, products) * findings.settings.headline / WEEKS_PER_YEAR
        parts = [per_cent(part / whole) if whole else "–" for part, whole in
                 ((lost, total), (lost, own), (tight, own))]  # fmt: skip
        lines.append(
            f"{target} USD {money(lost)}: {parts[0]} of the loss of {target}, {parts[1]} of their "
            f"own value added ({parts[2]} in the stressed case)"
        )
    return lines


def _chain_facts(findings: Findings) -> dict[str, str]:
    chain = findings.chain
    kinds = chain.nodes["kind"].value_counts()
    balance = chain.balance()
    flows = chain.flows["known"].value_counts()
    return {
        "name": chain.name,
        "products": f"{len(chain.products):,}",
        "sites": f"{kinds.get('site', 0):,}",
        "markets": f"{kinds.get('market', 0):,}",
        "areas": f"{len(chain.countries):,}",
        "flows": f"{len(chain.flows):,}",
        "reported": f"{flows.get('reported', 0):,}",
        "residual": f"{balance['relative'].abs().max():.1e}",
    }


def _run_facts(findings: Findings) -> dict[str, Any]:
    return {
        "version": _version("chokepoint"),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
        "behaviour": repr(findings.main.outcome.behaviour),
        "seconds": [(name, f"{value:.1f}") for name, value in findings.seconds.items()],
        "total": f"{sum(findings.seconds.values()):.0f}",
    }


def _version(package: str) -> str:
    if package == "chokepoint":
        from chokepoint import __version__

        return __version__
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
