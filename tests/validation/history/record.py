"""Print the counts and tables of the page *How well does it do?*: run as a script.

python tests/validation/history/record.py [DRAWS]
"""

from __future__ import annotations

import sys

import chokepoint as cp

WORDS = {True: "met", False: "**missed**"}


def number(value: float) -> str:
    """Three significant digits, "never" where there is no such week."""
    return "never" if value == float("inf") else f"{value:.3g}"


def rows(score: cp.history.Score) -> list[str]:
    """One line of a table for each observation."""
    lines = []
    for row in score.observations.to_dict("records"):
        interval = ""
        if "model_low" in row:
            interval = f"{number(row['model_low'])} to {number(row['model_high'])}"
            interval += f" | {100 * row['pass_share']:.0f}"
        bound = "at most " if row["bound"] == "at_most" else ""
        cells = [
            row["episode"],
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
        share = f"{100 * row['pass_share']:.0f}" if "pass_share" in row else ""
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


def summary(draws: int) -> list[str]:
    """Everything that the page and the tests state, in lines."""
    result = cp.history.score(draws=draws, rng=1)
    pooled = cp.history.score(pooled=True)
    keys = ["episode", "observation"]
    both = result.observations.merge(pooled.observations, on=keys, suffixes=("", "_pooled"))
    moved = both[both["passed"] != both["passed_pooled"]]
    return [
        repr(result),
        f"episodes: calibration {result.passed('calibration')}, test {result.passed('test')}",
        result.episodes.groupby(["role", "kind"])["passed"].agg(["sum", "size"]).to_string(),
        result.observations.groupby("observable")["passed"].agg(["sum", "size"]).to_string(),
        "",
        *heads(result),
        "",
        *rows(result),
        "",
        f"pooled: {pooled!r}",
        moved[[*keys, "observed", "model_pooled", "model"]].to_string(),
        "",
    ]


if __name__ == "__main__":
    given = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    sys.stdout.write("\n".join(summary(given)))
