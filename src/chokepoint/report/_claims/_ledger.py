"""The ledger of claims: every figure with its range, what decides it, and a plain sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.datasets import Draws
from chokepoint.errors import OptionError
from chokepoint.leverage import drivers_of_draws
from chokepoint.report._claims._ask import Ask, Found, Setting
from chokepoint.report._claims._cases import Answer, answers
from chokepoint.report._claims._claims import CLAIMS
from chokepoint.report._claims._lines import (
    LINE_COLUMNS,
    line_of_ask,
    line_of_found,
    no_line,
)
from chokepoint.report._load import load_chain
from chokepoint.report._stages import Stages
from chokepoint.report._verdict import RULE

__all__ = ["Ledger", "ledger"]

TODAY = "2026-11-29"
LATER = "2030-12-31"
DRAWS = 200
_FAST_DRAWS = 10


@dataclass(frozen=True, eq=False)
class Ledger:
    """Answers to the claims.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a figure: claim, key, statement, figure, unit, low, high (5th and 95th percentile
        over draws, or the range of assumptions; widened to the figure where it lies outside),
        median (over draws), planner, reference, stressed (the band), horizon_weeks, threshold,
        verdict (supports, contradicts, cannot decide, not tested), decided_by, sentence, remark,
        published (estimates of others beside it), drivers (the drawn numbers that it follows most,
        with grades), grades (of the rows behind it), call (the Python expression that gives it
        again) and draws. A claim that is not covered has one row without a figure.
    assumptions : dict of DataFrame
        By (claim, key): one assumption at a time, the widest swing first.
    tables : dict of DataFrame
        By (claim, key): what else stands behind a figure.
    setting : Setting
        What all rows share: the chain, dates, draws, seed.
    seconds : dict
        Time by stage.
    """

    table: pd.DataFrame
    assumptions: dict[tuple[int, str], pd.DataFrame]
    tables: dict[tuple[int, str], pd.DataFrame]
    setting: Setting = field(repr=False)
    seconds: dict[str, float] = field(repr=False)

    def again(self, claim: int, key: str) -> float:
        """Return a figure once more, from nothing but the expression in its column `call`.

        Raises
        ------
        OptionError
            If there is no such figure.
        """
        import chokepoint

        table = self.table
        row = table[table["claim"].eq(claim) & table["key"].eq(key) & table["call"].notna()]
        if len(row) != 1:
            raise OptionError(f"Expected claim and key of a figure, got {(claim, key)}.")
        names = {"cp": chokepoint, "chain": self.setting.chain}
        return float(eval(str(row["call"].iloc[0]), names))  # noqa: S307  (written by this package)

    @property
    def sentences(self) -> pd.Series:
        """One plain sentence for each figure, by claim and key."""
        return self.table.set_index(["claim", "key"])["sentence"]

    def __repr__(self) -> str:
        counts = self.table["verdict"].value_counts()
        words = ", ".join(f"{word} {count}" for word, count in counts.items())
        claims = self.table["claim"].nunique()
        return f"<Ledger: {len(self.table)} figures on {claims} claims; {words}>"

    def _repr_html_(self) -> str:
        columns = ["claim", "statement", "figure", "unit", "low", "high", "verdict", "sentence"]
        return f"<p>{escape(repr(self))}</p>{self.table[columns].to_html(index=False)}"


def ledger(
    chain: str | SupplyChain = "all",
    *,
    claims: Iterable[int] | None = None,
    draws: int | None = None,
    rng: int = 1,
    today: str = TODAY,
    later: str = LATER,
    fast: bool = False,
    progress: bool = False,
) -> Ledger:
    """Answer the claims of the ledger from a chain.

    Every figure is reckoned in the reference case, in the stressed case, over draws of the data
    and with one assumption at a time; where the figure is the loss of one side, the planner's
    program gives the lower end of the band. The library measures and takes no side.

    Parameters
    ----------
    chain : str or SupplyChain
        A shipped chain, a folder of tables or a chain. Claims whose goods it does not have are
        listed as not covered.
    claims : iterable of int, optional
        Numbers of claims; None = all.
    draws : int, optional
        Draws of the data; None = 200, or 10 with `fast`.
    rng : int
        Seed of the draws.
    today, later : str
        The day that is looked from, and the day at which builds are looked at again.
    fast : bool
        Few draws, no planner, no assumptions one at a time, a coarse search: for trying out.
    progress : bool
        Write a line to the error stream as each stage starts.

    Returns
    -------
    Ledger

    Raises
    ------
    OptionError
        If there is no such chain or claim, or draws are fewer than 0.

    Examples
    --------
    >>> found = cp.ledger("rare_earths", claims=[4, 11], fast=True, draws=2)
    >>> found.table.loc[found.table["claim"].eq(4), "verdict"].tolist()
    ['not tested']
    """
    wanted = sorted(CLAIMS) if claims is None else sorted(set(claims))
    unknown = [number for number in wanted if number not in CLAIMS]
    if unknown:
        raise OptionError(f"Expected numbers of claims from 1 to 15, got {unknown}.")
    if draws is not None and draws < 0:
        raise OptionError(f"Expected draws of at least 0, got {draws}.")
    stages = Stages(show=progress)
    with stages.stage("chain"):
        loaded, code = load_chain(chain)
    count = (_FAST_DRAWS if fast else DRAWS) if draws is None else draws
    setting = Setting(
        chain=loaded, code=code, today=today, later=later, fast=fast, draws=count, rng=rng
    )
    rows: dict[int, list[Ask | Found]] = {}
    for number in wanted:
        answer = CLAIMS[number].rows
        with stages.stage(f"claim {number}"):
            rows[number] = [] if answer is None else answer(setting)
    return _answered(setting, rows, stages)


def _answered(
    setting: Setting, rows: Mapping[int, Sequence[Ask | Found]], stages: Stages
) -> Ledger:
    asks = [row for part in rows.values() for row in part if isinstance(row, Ask)]
    found, drawn = answers(setting, asks, stages)
    with stages.stage("numbers that figures follow"):
        drivers = _drivers(asks, found, drawn)
    lines: list[dict[str, Any]] = []
    assumptions, tables = {}, {}
    for number, part in rows.items():
        if not part:
            lines.append(_no_line(setting, number))
        for row in part:
            key = (row.claim, row.key)
            if isinstance(row, Ask):
                answer = found[row.name]
                lines.append(line_of_ask(setting, row, answer, drivers.get(row.name)))
                if len(answer.found.assumptions):
                    assumptions[key] = answer.found.assumptions
            else:
                lines.append(line_of_found(setting, row))
                assumptions[key] = _cases_table(row)
            if row.table is not None:
                tables[key] = row.table
    table = pd.DataFrame(lines).reindex(columns=list(LINE_COLUMNS))
    table.attrs["rule"] = RULE
    return Ledger(table, assumptions, tables, setting, stages.seconds)


def _drivers(
    asks: Sequence[Ask], found: Mapping[str, Answer], drawn: Mapping[bool, Draws]
) -> dict[str, pd.DataFrame]:
    """Return the numbers that each figure follows, from as many draws as it has."""
    groups: dict[tuple[bool, int], dict[str, NDArray[np.float64]]] = {}
    for ask in asks:
        values = found[ask.name].found.drawn
        if len(values) and np.isfinite(values).all():
            groups.setdefault((ask.held, len(values)), {})[ask.name] = values
    made: dict[str, pd.DataFrame] = {}
    for (held, count), figures in groups.items():
        made |= drivers_of_draws(drawn[held][:count], figures)
    return made


def _cases_table(row: Found) -> pd.DataFrame:
    """Return the cases of a figure in the form of the other tables."""
    values = pd.Series(dict(row.cases), dtype=float)
    table = pd.DataFrame({"low": values, "high": np.nan, "low_setting": values.index,
                          "high_setting": "", "swing": (values - row.figure).abs()})  # fmt: skip
    return table.sort_values("swing", ascending=False, kind="stable").rename_axis("assumption")


def _no_line(setting: Setting, number: int) -> dict[str, Any]:
    claim, name = CLAIMS[number], setting.chain.name
    if claim.rows is None:
        words, why = "not covered", "Not covered yet: no chain with these goods is shipped."
    else:
        words = "no such goods in the chain"
        why = f"Not covered by the chain {name!r}: it lacks the goods, countries or rules."
    return no_line(number, claim.text, words, why)
