"""The commands of the README's Quick start.

`python tests/house/quick_start.py 2` prints the second.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def quick_start(text: str) -> list[str]:
    """Return the contents of the bash blocks in the section Quick start, in order."""
    sections = re.split(r"^## ", text, flags=re.MULTILINE)
    chosen = [part for part in sections if part.startswith("Quick start\n")]
    if len(chosen) != 1:
        message = f"expected one section 'Quick start' in the README, found {len(chosen)}"
        raise ValueError(message)
    return _BLOCK.findall(chosen[0])


if __name__ == "__main__":
    print(quick_start((ROOT / "README.md").read_text("utf-8"))[int(sys.argv[1]) - 1].strip())
