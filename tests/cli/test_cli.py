"""The command line: what it prints where, and its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from report.example import small_chain

import chokepoint
from chokepoint import cli
from chokepoint.errors import ConvergenceError

SOURCE = Path(chokepoint.__file__).parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The small chain as a folder named like the shipped chain."""
    place = tmp_path_factory.mktemp("chains") / "rare_earths"
    small_chain().write(place)
    return place


def _run(*arguments, cwd, **environment):
    search = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "chokepoint", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": search, "CHOKEPOINT_FAST": "1", **environment},
    )


def _fails_in_one_line(done, *parts):
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    for part in parts:
        assert part in done.stderr


# --------------------------------------------------------------------------------------- report


def test_report_writes_both_files_and_says_what_it_does(folder, tmp_path):
    done = _run("report", "--chain", folder, "--out", "page.html", "--data", "table.csv",
                cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "table.csv"]
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!doctype html>")
    assert len(pd.read_csv(tmp_path / "table.csv")) > 20
    answer, wrote = done.stdout.splitlines()
    assert answer.startswith("If China stopped all rare earths")
    assert wrote == "wrote page.html and table.csv"
    stages = done.stderr.splitlines()
    assert len(stages) >= 6
    assert all(line.startswith("[") and " s] " in line for line in stages)
    assert stages[-1].endswith("done")


def test_quiet_report_writes_only_the_page(folder, tmp_path):
    done = _run("report", "--chain", folder, "--out", "page.html", "--quiet", "--draws", "0",
                cwd=tmp_path)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--chain", "rare_earht"], ['got "rare_earht"', 'closest: "rare_earths"']),
        (["--out", "absent/page.html"], ["cannot write to the folder absent"]),
        (["--out", "."], [". is a folder"]),
        (["--out", "same.html", "--data", "same.html"], ["name the same file"]),
        (["--data", "absent/ledger.csv"], ["cannot write to the folder absent"]),
        (["--draws", "many"], ["--draws", "whole number", "report --help"]),
        (["--colour"], ["unrecognized arguments: --colour"]),
    ],
)
def test_wrong_input_is_one_line_before_any_work(arguments, parts, tmp_path):
    done = _run("report", *arguments, cwd=tmp_path)
    lines = done.stderr.splitlines()
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    # The unknown chain is found out in the first stage; everything else before it.
    assert len([line for line in lines if not line.startswith("[")]) == 1
    assert len(lines) <= 2
    for part in parts:
        assert part in lines[-1]
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_the_middle_leaves_the_old_files(folder, tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.html"
    page.write_text("old", "utf-8")

    def fail(*_arguments, **_options):
        raise ConvergenceError("the iteration stopped;\n  look at row 3")

    monkeypatch.setattr("chokepoint.report.build_report", fail)
    assert cli.main(["report", "--chain", str(folder), "--out", str(page)]) == 2
    assert capsys.readouterr().err == "chokepoint: the iteration stopped; look at row 3\n"
    assert page.read_text("utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_interruption_has_its_own_exit_code(folder, monkeypatch, capsys, tmp_path):
    def interrupt(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("chokepoint.report.build_report", interrupt)
    assert cli.main(["report", "--chain", str(folder), "--out", str(tmp_path / "p.html")]) == 130
    assert "interrupted" in capsys.readouterr().err


# ------------------------------------------------------------------------------------- validate


def test_a_folder_in_order_is_one_line(folder, tmp_path):
    done = _run("validate", folder, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    chain = small_chain()
    assert f"rare_earths: {len(list(folder.glob('*.csv')))} tables in order" in done.stdout
    assert f"{len(chain.products)} products, {len(chain.sites)} sites" in done.stdout


def test_every_problem_is_reported_at_once(folder, tmp_path):
    broken = tmp_path / "broken"
    small_chain().write(broken)
    sites = pd.read_csv(broken / "sites.csv", dtype=str)
    sites.loc[0, "output_qty"] = "-1"
    sites.loc[1, "country"] = "CHNN"
    sites.to_csv(broken / "sites.csv", index=False)
    done = _run("validate", broken, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "output_qty" in done.stderr
    assert 'closest: "CHN"' in done.stderr


def test_provenance_is_counted_and_listed_on_request(tmp_path):
    bare = tmp_path / "bare"
    small_chain().write(bare)
    sites = pd.read_csv(bare / "sites.csv", dtype=str)
    sites.loc[[0, 1], "source"] = ""
    sites.to_csv(bare / "sites.csv", index=False)
    done = _run("validate", bare, cwd=tmp_path)
    assert done.returncode == 0
    assert "lack a range, a source, a grade or a derivation" in done.stdout
    listed = _run("validate", bare, "--provenance", cwd=tmp_path)
    assert listed.returncode == 2
    assert listed.stdout == ""
    assert "must name a source" in listed.stderr


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["validate", "absent"], ["absent is not a folder"]),
        (["validate"], ["required: FOLDER"]),
        (["validat"], ["invalid choice: 'validat'"]),
        ([], ["required: COMMAND"]),
    ],
)
def test_wrong_commands_are_one_line(arguments, parts, tmp_path):
    _fails_in_one_line(_run(*arguments, cwd=tmp_path), *parts)


def test_a_file_that_is_no_text_is_a_problem_of_its_table(tmp_path):
    (tmp_path / "bytes").mkdir()
    (tmp_path / "bytes" / "products.csv").write_bytes(b"product\n\xff\xfe\n")
    done = _run("validate", "bytes", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "products" in done.stderr
    assert "must be text in UTF-8" in done.stderr


# ------------------------------------------------------------------------------------------ help


def test_version_and_help_are_found():
    for arguments in (["--version"], ["--help"], ["report", "--help"], ["validate", "--help"]):
        with pytest.raises(SystemExit) as stopped:
            cli.main(arguments)
        assert stopped.value.code == 0


def test_help_loads_nothing_heavy(tmp_path):
    code = (
        "import sys; from chokepoint.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pandas', 'numpy', 'plotly', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    search = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": search},
    )
    assert done.returncode == 0, done.stderr
