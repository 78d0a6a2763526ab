"""Write RESULTS.md from a run.

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
    """Return the timings, grouped."""
    lines = []
    groups = sorted({entry["group"] or "" for entry in run["benchmarks"]})
    for group in groups:
        lines += [
            "",
            f"## {group}",
            "",
            "| case | minimum | median | rounds |",
            "|---|---|---|---|",
        ]
        for entry in run["benchmarks"]:
            if (entry["group"] or "") == group:
                stats = entry["stats"]
                lines.append(
                    f"| {entry['param'] or entry['name']} | {stats['min']:.4f} "
                    f"| {stats['median']:.4f} | {stats['rounds']} |"
                )
    return "\n".join(lines)


def main(path: str) -> None:
    """Read a run and write the page."""
    run = json.loads(Path(path).read_text("utf-8"))
    TARGET.write_text(f"{HEAD}\n{machine(run)}\n{table(run)}\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
