"""Compute the main result of a chain and write it as one page and one table."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from chokepoint import datasets
from chokepoint._optional import require
from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.report import _answer
from chokepoint.report._claims import Ledger
from chokepoint.report._claims import ledger as claims_ledger
from chokepoint.report._claims_page import claims_headline, render_claims
from chokepoint.report._files import check_writable, write_all
from chokepoint.report._findings import Findings, compute
from chokepoint.report._ledger import ledger
from chokepoint.report._load import load_chain
from chokepoint.report._page import render
from chokepoint.report._settings import settings_of
from chokepoint.report._stages import Stages
from chokepoint.report._study import STUDIES, Study

__all__ = ["Report", "build_report"]


@dataclass(frozen=True)
class Report:
    """A report: the page, the ledger and the findings behind them.

    Attributes
    ----------
    headline : str
        The answer in one line.
    html : str
        The page; it loads nothing from elsewhere.
    ledger : pandas.DataFrame
        One row per figure: claim, question or statement, figure, unit, low, high, planner,
        reference, stressed, horizon_weeks, verdict, call, grades and more.
    findings : Findings or Ledger
        Results in full.
    """

    headline: str
    html: str = field(repr=False)
    ledger: pd.DataFrame = field(repr=False)
    findings: Findings | Ledger = field(repr=False)

    def write(self, html_path: str | Path, ledger_path: str | Path | None = None) -> None:
        """Write the page, and the ledger as CSV, whole or not at all.

        Raises
        ------
        OptionError
            If a file cannot be written there.
        """
        contents = {check_writable(html_path): self.html}
        if ledger_path is not None:
            contents[check_writable(ledger_path)] = self.ledger.to_csv(
                index=False, float_format="%.6g", lineterminator="\n"
            )
        write_all(contents)

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.headline)}</p>{self.ledger.to_html(max_rows=20)}"


def build_report(
    chain: str | SupplyChain = "rare_earths",
    *,
    draws: int | None = None,
    rng: np.random.Generator | int | None = 1,
    weeks: tuple[int, ...] | None = None,
    study: Study | None = None,
    fast: bool = False,
    progress: bool = False,
) -> Report:
    """Compute what bans on a chain's goods cost whom, how surely, and what reduces it.

    A shipped chain without a study of its own, such as ``"all"``, gets the ledger of claims
    (:func:`chokepoint.ledger`) as a page.

    Parameters
    ----------
    chain : str or SupplyChain
        A chain, the name of a shipped chain, or a folder of tables.
    draws : int, optional
        Draws of the data behind each interval; None = a number that fits into a minute.
    rng : numpy.random.Generator, int or None
        Randomness of the draws.
    weeks : tuple of int, optional
        Horizons; default 4, 13, 26, 52 and 104.
    study : Study, optional
        What is asked; None = the study that belongs to the chain's name.
    fast : bool
        Few draws and short horizons, for trying things out.
    progress : bool
        Write a line to the error stream as each stage starts.

    Returns
    -------
    Report

    Raises
    ------
    OptionError
        If no chain of that name is shipped, there is no study for it, or a setting is out of
        range.
    MissingDependencyError
        If jinja2 or plotly is not installed.

    Examples
    --------
    >>> from chokepoint.report import build_report
    >>> report = build_report("rare_earths", fast=True, draws=2)  # doctest: +SKIP
    >>> report.write("report.html", "ledger.csv")  # doctest: +SKIP
    """
    for package in ("jinja2", "plotly"):
        require(package, extra="report")
    settings = settings_of(draws=draws, rng=rng, weeks=weeks, fast=fast)
    stages = Stages(show=progress)
    with stages.stage("chain"):
        loaded, load_call = load_chain(chain)
    if study is None and loaded.name not in STUDIES and loaded.name in datasets.names():
        if weeks is not None:
            raise OptionError(
                f"The ledger of claims on {loaded.name!r} has horizons of its own; got "
                f"weeks={weeks}. Leave weeks out."
            )
        return _of_claims(chain, settings.rng, draws, fast=fast, progress=progress)
    asked = study or _study(loaded)
    findings = compute(loaded, load_call, asked, settings, stages)
    with stages.stage("page"):
        rows = ledger(findings)
        html = render(findings, rows)
    stages.say("done")
    return Report(_answer.headline(findings), html, rows, findings)


def _of_claims(
    chain: str | SupplyChain,
    rng: np.random.Generator | int,
    draws: int | None,
    *,
    fast: bool,
    progress: bool,
) -> Report:
    """Return the ledger of claims as a report."""
    seed = rng if isinstance(rng, int) else int(rng.integers(2**31))
    found = claims_ledger(chain, draws=draws, rng=seed, fast=fast, progress=progress)
    return Report(claims_headline(found), render_claims(found), found.table, found)


def _study(chain: SupplyChain) -> Study:
    if chain.name not in STUDIES:
        raise OptionError(
            f"Expected a chain that a study belongs to ({', '.join(STUDIES)}), got "
            f"{chain.name!r}. Pass study=Study(...) that names its actor, targets and stages."
        )
    return STUDIES[chain.name]
