"""Build shipped chains: ``python data/compiler [--out FOLDER] [NAME ...]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from compiler.build import CHAINS, build


def main() -> None:
    """Build the named chains, or all of them in the order in which they borrow."""
    parser = argparse.ArgumentParser(prog="compiler", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"among {', '.join(CHAINS)}")
    parser.add_argument("--out", type=Path, help="folder to write to; default the chains' own")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(CHAINS))
    if unknown:
        parser.error(f"no chain named {', '.join(unknown)}; expected {', '.join(CHAINS)}")
    for name in [chain for chain in CHAINS if chain in (given.names or CHAINS)]:
        print(build(name, out=given.out), flush=True)


if __name__ == "__main__":
    main()
