"""``chokepoint plan`` and ``compare``: what they print and write, and what they refuse."""

from __future__ import annotations

import pandas as pd
import pytest
from cli._small import fails, shape
from report.example import small_chain

import chokepoint as cp

THREATS = ["--ban", "CHN:JPN:magnet", "--ban", "CHN:JPN:oxide_light"]
AIM = ["--targets", "JPN", "--weeks", "26"]
MEASURES = [
    "measure", "kind", "product", "where", "quantity", "unit", "cost_usd_m", "share",
    "delay_weeks", "order_year", "site", "slot", "supplier",
]  # fmt: skip


def threats():
    return [
        cp.Scenario(f"ban CHN:JPN:{product}", cp.ExportBan(by="CHN", against="JPN",
                                                           products=product))
        for product in ("magnet", "oxide_light")
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------ plan


def test_plan_says_what_is_bought_what_it_does_and_what_more_is_worth(command):
    code, out, err = command("plan", *THREATS, *AIM, "--budget", 3)
    assert code == 0, err
    lines = shape(out)
    assert lines[0] == "small: # of # USD million spent, losses of JPN over # weeks"
    assert lines[2] == "kind  where  quantity  unit  USD million"
    begin = lines.index("expected loss of value added [USD million], without and with the plan:")
    assert lines[begin + 1 : begin + 5] == [
        "case  before  after  saving",
        "planner  #  #  #",
        "reference  #  #  #",
        "stressed  #  #  #",
    ]
    worth = lines.index("loss that the planner avoids by one more USD:")
    assert lines[worth + 1 : worth + 3] == ["kind  where  USD per USD", "budget  total  #"]


def test_plan_writes_what_the_library_gives(command, tmp_path):
    code, out, err = command("plan", *THREATS, *AIM, "--budget", 3, "--out", tmp_path / "p.csv",
                             "--values", tmp_path / "v.csv")  # fmt: skip
    assert code == 0, err
    assert out.splitlines()[-1] == f"wrote {tmp_path / 'p.csv'} and {tmp_path / 'v.csv'}"
    expected = cp.plan(small_chain("small"), threats(), budget=3, targets="JPN", weeks=26)
    bought, values = pd.read_csv(tmp_path / "p.csv"), pd.read_csv(tmp_path / "v.csv")
    assert set(bought.columns) == set(expected.measures.columns)
    assert bought["cost_usd_m"].sum() == pytest.approx(expected.spent)
    assert bought["cost_usd_m"].sum() <= 3 * (1 + 1e-6)
    assert values.columns.tolist() == expected.values.columns.tolist()


def test_plan_passes_risk_pool_service_and_probabilities_on(command):
    code, out, err = command("plan", *THREATS, *AIM, "--budget", 3, "--risk", "0.5:1",
                             "--pool", "JPN,KOR", "--probabilities", "0.2,0.3", "--kinds",
                             "stock,second_source", "--period", 2, "--notice", 104)  # fmt: skip
    assert code == 0, err
    assert "worst 50 % of threats" in out


def test_probabilities_come_from_a_file_too(command, tmp_path):
    (tmp_path / "list.toml").write_text(
        '[[scenario]]\nname = "ban"\nprobability = 0.1\n'
        '[[scenario.event]]\nkind = "ExportBan"\nby = "CHN"\nagainst = "JPN"\n'
        'products = "magnet"\n',
        "utf-8",
    )
    done = {}
    for name, shocks in (
        ("file", ["--scenarios", tmp_path / "list.toml"]),
        ("option", ["--ban", "CHN:JPN:magnet", "--probabilities", "0.1"]),
    ):
        done[name] = command("plan", *shocks, *AIM, "--budget", 3)
    assert done["file"][0] == 0, done["file"][2]
    assert done["file"][1] == done["option"][1]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (THREATS, ["required: --budget"]),
        (["--budget", "3"], ["got nothing"]),
        ([*THREATS, "--budget", "-1"], ["at least 0"]),
        ([*THREATS, "--budget", "lots"], ["--budget", "a number"]),
        ([*THREATS, "--budget", "3", "--kinds", "stok"], ["stok"]),
        ([*THREATS, "--budget", "3", "--risk", "most"], ["LEVEL:WEIGHT"]),
        ([*THREATS, "--budget", "3", "--risk", "1.5:1"], ["1.5"]),
        ([*THREATS, "--budget", "3", "--probabilities", "0.5"], ["expected 2, one for each"]),
        ([*THREATS, "--budget", "3", "--probabilities", "0.9,0.9"], ["at most 1"]),
        ([*THREATS, "--budget", "3", "--period", "0"], ["--period"]),
        ([*THREATS, "--budget", "3", "--out", "p.xlsx"], ["ends in .csv or .parquet"]),
    ],
)
def test_a_wrong_plan_is_one_line(command, arguments, parts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fails(command("plan", *arguments), *parts)
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------------------- compare

RULES = ["--strategies", "none,uniform,lp", "--budgets", "1,3"]


def test_compare_shows_strategies_at_each_budget_best_first(command):
    code, out, err = command("compare", *THREATS, *AIM, *RULES)
    assert code == 0, err
    lines = shape(out)
    assert lines[0] == ("small: losses of JPN over # weeks [USD million of value added, expected]")
    assert lines[1] == "without any plan: # in the reference case"
    heads = "strategy  spent  left  saved  stressed  promised  regret  seconds  verdict"
    begins = [place for place, line in enumerate(lines) if line == "with # USD million:"]
    assert len(begins) == 2
    for begin in begins:
        assert lines[begin + 1] == heads
        names = {line.split()[0] for line in lines[begin + 2 : begin + 5]}
        assert names == {"none", "uniform", "lp"}
    for line in out.splitlines()[5:7]:
        assert float(line.split()[2]) >= 0


def test_compare_writes_what_the_library_gives(command, tmp_path):
    code, out, err = command("compare", *THREATS, *AIM, *RULES, "--draws", 2, "--out",
                             tmp_path / "c.csv", "--losses", tmp_path / "l.csv")  # fmt: skip
    assert code == 0, err
    assert "5th and 95th percentile of 2 draws" in out
    expected = cp.compare(
        small_chain("small"), threats(), strategies=["none", "uniform", "lp"], budgets=[1, 3],
        targets="JPN", weeks=26, draws=2, rng=1, progress=False,
    ).table.reset_index()  # fmt: skip
    found = pd.read_csv(tmp_path / "c.csv")
    assert found.columns.tolist() == expected.columns.tolist()
    for column in ("spent", "residual", "saving_low", "promise", "regret"):
        pd.testing.assert_series_equal(found[column], expected[column], rtol=1e-6, atol=1e-6)
    assert len(pd.read_csv(tmp_path / "l.csv")) == 3 * 2 * 2


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (THREATS, ["required: --budgets"]),
        ([*THREATS, "--budgets", "3,3"], ["different budgets"]),
        ([*THREATS, "--budgets", "3", "--strategies", "greedi"], ['closest: "greedy"']),
        ([*THREATS, "--budgets", "3", "--out", "c"], ["ends in .csv or .parquet"]),
    ],
)
def test_a_wrong_comparison_is_one_line(command, arguments, parts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fails(command("compare", *arguments), *parts)
    assert list(tmp_path.iterdir()) == []
