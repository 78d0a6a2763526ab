"""Write RESULTS.md from a run, with NOTES.md (what was tried, and what it gained) below.

`pytest benchmarks --benchmark-json=run.json && python benchmarks/results.py run.json`
"""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("numpy", "pandas", "scipy", "networkx", "highspy", "PuLP", "numba")
UNITS = {
    "speed": "million flow-weeks-scenarios/s",
    "triad": "triad [bytes/s]",
    "bound": "streaming bound [million/s]",
    "peak_gb": "peak memory of the process [GB]",
}
NOTES = Path(__file__).with_name("NOTES.md")
HEAD = """# Results

Written by `benchmarks/results.py` from one run; its docstring says how to repeat it. Seconds: the
minimum says what the code costs, the median what one sees. Runs on a shared machine differ by up
to a third, so only comparisons on one machine, one after the other, mean anything.
"""


def machine(run: dict[str, Any]) -> str:
    """Return one line on the machine and the versions of what counts."""
    cpu = run["machine_info"].get("cpu", {})
    name = cpu.get("brand_raw", run["machine_info"]["processor"])
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return (
        f"{run['datetime'][:10]}, {name}, {cpu.get('count', '?')} cores, "
        f"{platform.system()}, Python {run['machine_info']['python_version']}, {versions}. "
        f"Load average when the run began: {run['machine_info'].get('load', float('nan')):.1f} "
        "(other work on the machine makes every figure an upper end)."
    )


def table(run: dict[str, Any]) -> str:
    """Return the timings, grouped, with what a benchmark counted beside them."""
    lines = []
    groups: dict[str, list[dict[str, Any]]] = {}
    for entry in run["benchmarks"]:
        groups.setdefault(entry["group"] or "", []).append(entry)
    for group, entries in sorted(groups.items()):
        facts = list(dict.fromkeys(name for entry in entries for name in entry["extra_info"]))
        columns = ["case", "minimum", "median", "rounds", *(UNITS.get(f, f) for f in facts)]
        lines += ["", f"## {group}", "", _row(columns), _row(["---"] * len(columns))]
        for entry in entries:
            stats, extra = entry["stats"], entry["extra_info"]
            cells = [entry["param"] or entry["name"], f"{stats['min']:.4f}"]
            cells += [f"{stats['median']:.4f}", str(stats["rounds"])]
            lines.append(_row(cells + [f"{extra[f]:.4g}" if f in extra else "" for f in facts]))
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main(path: str) -> None:
    """Read a run and write the page."""
    run = json.loads(Path(path).read_text("utf-8"))
    notes = NOTES.read_text("utf-8").partition("\n")[2].strip()
    TARGET.write_text(f"{HEAD}\n{machine(run)}\n{table(run)}\n\n{notes}\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
