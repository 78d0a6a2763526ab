"""``chokepoint simulate``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import pandas as pd
import pytest
from cli._small import fails, shape
from report.example import small_chain

import chokepoint as cp
from chokepoint.errors import ConvergenceError

BAN = ["--ban", "CHN:JPN:magnet:weeks=20"]
COLUMNS = [
    "scenario", "country", "reference_usd_m", "stressed_usd_m", "low_usd_m", "high_usd_m",
    "unmet_usd_m", "impact_weeks", "recovery_weeks",
]  # fmt: skip


def test_summary_has_units_and_ranges(command):
    code, out, err = command("simulate", *BAN, "--weeks", 26, "--draws", 4, "--targets", "JPN,USA")
    assert code == 0
    assert shape(out) == [
        "small, # weeks: loss of value added [USD million at baseline prices]",
        "",
        "ban CHN:JPN:magnet:weeks=#: # in all, # stressed",
        "country  reference  stressed  low  high  unmet  impact  recovery",
        "JPN  #  #  #  #  #  #  #",
        "USA  #  #  #  #  #  never  #",
        "",
        "low, high: #th and #th percentile of # draws of the data",
        "stressed: thin stocks, early throttling, no change of supplier",
        "unmet: final demand not served [USD million], never part of the loss",
        "impact, recovery: weeks until an end sector is # % down, and from then to back",
    ]
    assert all(line.startswith("[") for line in err.splitlines())


def test_quiet_says_nothing_on_the_error_stream(command):
    code, out, err = command("simulate", *BAN, "--weeks", 8, "--draws", 0, "--quiet")
    assert (code, err) == (0, "")
    assert "percentile" not in out


def test_files_hold_what_the_library_gives(command, tmp_path):
    table, weekly = tmp_path / "losses.csv", tmp_path / "weekly.csv"
    code, out, _ = command("simulate", *BAN, "--weeks", 26, "--draws", 4, "--out", table,
                           "--weekly", weekly)  # fmt: skip
    assert code == 0
    assert out.splitlines()[-1] == f"wrote {table} and {weekly}"
    found = pd.read_csv(table)
    assert found.columns.tolist() == COLUMNS
    ban = cp.Scenario(
        "ban CHN:JPN:magnet:weeks=20",
        cp.ExportBan(by="CHN", against="JPN", products="magnet", weeks=20),
    )
    chain = small_chain()
    loss = cp.simulate(chain, ban, weeks=26, progress=False).loss()
    by_country = found.set_index("country")["reference_usd_m"]
    pd.testing.assert_series_equal(
        by_country, loss.iloc[0].reindex(by_country.index), check_names=False, rtol=1e-9
    )
    assert by_country["JPN"] > 0
    assert (found["low_usd_m"] <= found["high_usd_m"]).all()
    assert pd.read_csv(weekly).columns.tolist() == [
        "scenario", "week", "country", "loss_usd_m", "unmet_usd_m",
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["losses.csv", "weekly.csv"]


def test_the_same_seed_gives_the_same_interval(command, tmp_path):
    tables = []
    for name in ("one.csv", "two.csv"):
        command("simulate", *BAN, "--weeks", 13, "--draws", 3, "--seed", 5, "--out",
                tmp_path / name)  # fmt: skip
        tables.append((tmp_path / name).read_text("utf-8"))
    assert tables[0] == tables[1]


def test_the_planner_is_a_lower_bound_for_the_targets_together(command, tmp_path):
    code, out, err = command("simulate", *BAN, "--weeks", 26, "--draws", 0, "--targets", "JPN",
                             "--planner", "--out", tmp_path / "t.csv")  # fmt: skip
    assert code == 0, err
    assert "(shortfall of JPN together)" in out
    row = pd.read_csv(tmp_path / "t.csv").iloc[0]
    ban = cp.Scenario("ban", cp.ExportBan(by="CHN", against="JPN", products="magnet", weeks=20))
    best = cp.recourse(small_chain(), ban, targets="JPN", weeks=26, period=4)
    assert row["planner_together_usd_m"] == pytest.approx(best.loss_total, rel=1e-6, abs=1e-6)
    assert row["planner_together_usd_m"] <= row["reference_usd_m"] + 1e-6


@pytest.mark.parametrize("by", ["product", "tier", "site", "total"])
def test_other_breakdowns_add_up_to_the_same(command, tmp_path, by):
    sums = []
    for name in ("country", by):
        code, _, err = command("simulate", *BAN, "--weeks", 13, "--draws", 2, "--by", name,
                               "--out", tmp_path / f"{name}.csv")  # fmt: skip
        assert code == 0, err
        sums.append(pd.read_csv(tmp_path / f"{name}.csv")["reference_usd_m"].sum())
    assert sums[0] == pytest.approx(sums[1])


def test_parquet(command, tmp_path):
    pytest.importorskip("pyarrow")
    for ending in ("csv", "parquet"):
        command("simulate", *BAN, "--weeks", 8, "--draws", 0, "--out", tmp_path / f"t.{ending}")
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "t.parquet"),
        pd.read_csv(tmp_path / "t.csv"),
        check_dtype=False,
    )


def test_options_are_scenarios_of_their_own_unless_together(command, tmp_path):
    shocks = [*BAN, "--outage", "car@USA:weeks=4"]
    for name, more in (("apart", []), ("one", ["--together"])):
        command("simulate", *shocks, *more, "--weeks", 8, "--draws", 0, "--out",
                tmp_path / f"{name}.csv")  # fmt: skip
    apart, one = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("apart", "one"))
    assert apart["scenario"].unique().tolist() == [
        "ban CHN:JPN:magnet:weeks=20", "outage car@USA:weeks=4",
    ]  # fmt: skip
    assert one["scenario"].unique().tolist() == [
        "ban CHN:JPN:magnet:weeks=20 + outage car@USA:weeks=4"
    ]


def test_an_error_in_the_middle_leaves_the_old_file(command, tmp_path, monkeypatch):
    table = tmp_path / "losses.csv"
    table.write_text("old", "utf-8")

    def fail(*_arguments, **_options):
        raise ConvergenceError("the run stopped;\n  look at row 3")

    monkeypatch.setattr("chokepoint.propagate.simulate", fail)
    fails(command("simulate", *BAN, "--out", table), "the run stopped; look at row 3")
    assert table.read_text("utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["losses.csv"]


def test_a_file_is_written_whole_or_not_at_all(command, tmp_path, monkeypatch):
    def fail(*_arguments, **_options):
        raise OSError(28, "No space left on device", "weekly.csv")

    first = tmp_path / "losses.csv"
    first.write_text("old", "utf-8")
    written = pd.DataFrame.to_csv

    def to_csv(self, path, **options):
        return fail() if "weekly" in str(path) else written(self, path, **options)

    monkeypatch.setattr(pd.DataFrame, "to_csv", to_csv)
    done = command("simulate", *BAN, "--weeks", 8, "--draws", 0, "--out", first, "--weekly",
                   tmp_path / "weekly.csv")  # fmt: skip
    fails(done, "No space left on device")
    assert first.read_text("utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["losses.csv"]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([], ["got nothing", "--ban"]),
        (["--ban", "CHN:JPN:magnt"], ['"magnt" is not a product', 'closest: "magnet"']),
        (["--ban", "CHNN:JPN:magnet"], ['"CHNN"', 'closest: "CHN"']),
        (["--ban", ":JPN:magnet"], ["expected OWNER:OTHERS:GOODS"]),
        (["--ban", "FRA:JPN:magnet"], ["at least one flow", "nearest"]),
        ([*BAN, "--out", "table.xls"], ["ends in .csv or .parquet", "table.xls"]),
        ([*BAN, "--out", "absent/t.csv"], ["cannot write to the folder absent"]),
        ([*BAN, "--out", "t.csv", "--weekly", "t.csv"], ["same file t.csv"]),
        ([*BAN, "--weeks", "many"], ["--weeks", "whole number", "simulate --help"]),
        ([*BAN, "--weeks", "0"], ["at least 1"]),
        ([*BAN, "--by", "colour"], ["invalid choice"]),
        ([*BAN, *BAN], ["names of their own"]),
        ([*BAN, "--targets", "XXX"], ['"XXX"']),
    ],
)
def test_wrong_input_is_one_line(command, arguments, parts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fails(command("simulate", *arguments), *parts)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_chain_is_one_line(command):
    fails(command("simulate", *BAN, chain="rare_earht"), 'closest: "rare_earths"')
