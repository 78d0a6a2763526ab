"""The README's two commands are what the script and the reader find."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from house.quick_start import ROOT, quick_start

README = (ROOT / "README.md").read_text("utf-8")


def test_quick_start_opens_with_exactly_two_bash_blocks_of_one_line():
    blocks = quick_start(README)
    assert len(blocks) == 2
    assert all(block.count("\n") == 1 and block.strip() for block in blocks)
    # Nowhere else in the README is there a bash block to be mistaken for one of the two.
    assert README.count("```bash") == 2
    opening = README.split("## Quick start\n")[1]
    assert opening.index("```bash") < opening.index("\n## ")


def test_first_command_runs_the_main_job():
    first, _ = quick_start(README)
    job = "chokepoint report --chain rare_earths --out report.html --data ledger.csv"
    assert first.strip().endswith(job)


def test_second_command_upgrades_pip_before_it_uses_groups_and_ends_with_the_tests():
    _, second = quick_start(README)
    assert 0 <= second.index("--upgrade") < second.index("--group test")
    assert "-m pytest" in second.split("&&")[-1]


def test_command_line_of_the_parser_prints_the_same_line():
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/house/quick_start.py"), "2"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == quick_start(README)[1]


def test_parser_sees_only_the_section():
    text = "# x\n## Other\n```bash\na\n```\n## Quick start\nt\n```bash\nb\n```\n```python\nc\n```\n"
    assert quick_start(text) == ["b\n"]
    with pytest.raises(ValueError, match="found 0"):
        quick_start("# x\n")


def _pages():
    return [path.relative_to(ROOT) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]]


@pytest.mark.parametrize("page", _pages(), ids=str)
def test_links_to_files_of_the_project_lead_somewhere(page):
    if "generated" in page.parts:
        return
    text = (ROOT / page).read_text("utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    missing = [
        target
        for target in targets
        if "://" not in target and not ((ROOT / page).parent / target).exists()
    ]
    assert not missing
