"""Print the counts and tables of the page *How well does it do?*, or write them into it.

python tests/validation/history/record.py [DRAWS [PAGE]]

With a PAGE, the tables between its markers are replaced; the prose is for a reader to check.
"""

from __future__ import annotations

import sys
from pathlib import Path

import chokepoint as cp

WORDS = {True: "met", False: "**missed**"}
MARKS = ("<!-- tables: begin -->", "<!-- tables: end -->")
HEADS = (
    "| | episode | chain | role | met | draws that meet all | |",
    "| episode | what | observable, unit | observed | model | 5 to 95 % | draws that meet it | |",
)


def number(value: float) -> str:
    """Three significant digits, "never" where there is no such week, 0 for what is rounding."""
    if value == float("inf"):
        return "never"
    if abs(value) < 5e-5:
        return "0"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def rows(score: cp.history.Score) -> list[str]:
    """One line of a table for each observation."""
    lines = []
    for row in score.observations.to_dict("records"):
        interval = "|"
        if "model_low" in row:
            interval = f"{number(row['model_low'])} to {number(row['model_high'])}"
            interval += f" | {100 * row['pass_share']:.0f} %"
        bound = "at most " if row["bound"] == "at_most" else ""
        cells = [
            f"`{row['episode']}`",
            row["observation"].replace("_", " "),
            f"{row['observable'].replace('_', ' ')}, {row['unit']}",
            f"{bound}{number(row['observed'])}",
            number(row["model"]),
            interval,
            WORDS[row["passed"]],
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def heads(score: cp.history.Score) -> list[str]:
    """One line of a table for each episode."""
    lines = []
    for row in score.episodes.to_dict("records"):
        share = f"{100 * row['pass_share']:.0f} %" if "pass_share" in row else ""
        cells = [
            row["title"],
            f"`{row['episode']}`",
            row["chain"],
            row["role"],
            f"{row['met']} of {row['observations']}",
            share,
            WORDS[row["passed"]],
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def tables(score: cp.history.Score) -> str:
    """Both tables, as they stand between the markers of the page."""
    parts = []
    for head, lines in zip(HEADS, (heads(score), rows(score)), strict=True):
        parts += ["", head, "|" + "---|" * (head.count("|") - 1), *lines]
    return "\n".join([*parts, "", ""])


def summary(result: cp.history.Score) -> list[str]:
    """Everything that the page and the tests state, in lines."""
    pooled = cp.history.score(pooled=True)
    keys = ["episode", "observation"]
    both = result.observations.merge(pooled.observations, on=keys, suffixes=("", "_pooled"))
    moved = both[both["passed"] != both["passed_pooled"]]
    return [
        repr(result),
        f"episodes: calibration {result.passed('calibration')}, test {result.passed('test')}",
        result.episodes.groupby(["role", "kind"])["passed"].agg(["sum", "size"]).to_string(),
        result.observations.groupby("observable")["passed"].agg(["sum", "size"]).to_string(),
        tables(result),
        f"pooled: {pooled!r}",
        moved[[*keys, "observed", "model_pooled", "model"]].to_string(),
        "",
    ]


def write(page: Path, score: cp.history.Score) -> None:
    """Replace the tables of the page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not end:
        raise SystemExit(f"expected the lines {MARKS[0]} and {MARKS[1]} in {page}, found not both")
    page.write_text(f"{before}{MARKS[0]}\n{tables(score)}{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    given = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    found = cp.history.score(draws=given, rng=1)
    sys.stdout.write("\n".join(summary(found)))
    if len(sys.argv) > 2:
        write(Path(sys.argv[2]), found)
