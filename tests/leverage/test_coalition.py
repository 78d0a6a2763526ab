"""Coalitions: super-additive on one input, about additive on different ones."""

from __future__ import annotations

import pandas as pd
import pytest

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.leverage import coalitions


def two_sellers(growth: float, *, inputs: int = 1) -> cp.SupplyChain:
    """A and C make 45 % each of what B needs, R the rest, which may grow by a share at once.

    With two inputs A makes 90 % of the one and C 90 % of the other.
    """
    parts = {"input": {"A": 0.45, "C": 0.45, "R": 0.1}}
    if inputs == 2:
        parts = {"one": {"A": 0.9, "R": 0.1}, "two": {"C": 0.9, "R": 0.1}}
    made = [(p, c, 5200.0 * v) for p, held in parts.items() for c, v in held.items()]
    sites = pd.DataFrame([*made, ("good", "B", 5200.0)],
                         columns=["product", "country", "output_qty"])  # fmt: skip
    flows = [(f"{p}@{c}", "good@B", v) for p, c, v in made]
    return cp.SupplyChain.from_tables(
        products=pd.DataFrame({"product": [*parts, "good"], "price_usd": 1e6}),
        sites=sites.assign(value_added_share=0.3),
        inputs=pd.DataFrame(
            {"product": "good", "input": [*parts], "quantity": 1.0, "stock_weeks": 0.0,
             "lead_weeks": 1, "qualification_weeks": 1000.0}
        ),
        flows=pd.DataFrame([*flows, ("good@B", "market:good@B", 5200.0)],
                           columns=["supplier", "buyer", "quantity"]).assign(growth_max=growth),
        markets=pd.DataFrame({"product": ["good"], "country": ["B"], "quantity": [5200.0]}),
        countries=pd.DataFrame({"area": ["A", "B", "C", "R"], "gdp_usd_m": 1e4}),
        projects=pd.DataFrame(
            {"project": [f"{p}{c}" for p, c, _ in made], "site": [f"{p}@{c}" for p, c, _ in made],
             "added_share": 1.0, "online_date": "2020", "probability": 1.0}
        ),
        name="two sellers",
    )  # fmt: skip


def test_sellers_of_one_input_are_worth_more_together() -> None:
    table, value = coalitions(two_sellers(0.0), ["A", "C"], "B", weeks=26)
    # Without growth the loss is the share cut off: 0.45 each, 0.9 together. Nothing is gained.
    assert table.loc["A + C", "ratio"] == pytest.approx(1.0, abs=1e-6)
    assert value.tolist() == pytest.approx([table.loc["A", "gross"], table.loc["C", "gross"]])


def test_with_others_that_can_grow_the_whole_is_more_than_its_parts() -> None:
    chain = two_sellers(1.0)
    # Others grow at most to twice their flow: 0.55 becomes 1.1, 0.1 only 0.2.
    ready = chain.replace(sites=chain.sites.assign(ramp_max=2.0, ramp_weeks=2.0))
    table, value = coalitions(ready, ["A", "C"], "B", weeks=52)
    assert table.loc["A + C", "ratio"] > 1.5
    assert table.loc["A + C", "superadditivity"] > 0.0
    assert value.sum() == pytest.approx(table.loc["A + C", "gross"])


def test_threats_on_different_inputs_are_not_worth_more_together() -> None:
    table, _ = coalitions(two_sellers(0.0, inputs=2), ["A", "C"], "B", weeks=26)
    assert table.loc["A + C", "gross"] >= max(table.loc["A", "gross"], table.loc["C", "gross"])
    assert table.loc["A + C", "ratio"] < 1.0


def test_a_coalition_is_never_worth_less_than_a_part_of_it(magnets) -> None:
    table, value = coalitions(magnets, ["CHN", "JPN"], "USA", weeks=13, levers=["exports"])
    assert table.loc["CHN + JPN", "gross"] >= table.loc[["CHN", "JPN"], "gross"].max()
    assert table["size"].tolist() == [1, 1, 2]
    assert value.sum() == pytest.approx(table.loc["CHN + JPN", "gross"])


def test_wrong_members(magnets) -> None:
    with pytest.raises(OptionError, match="2 to 8 members"):
        coalitions(magnets, ["CHN"], "USA")
    with pytest.raises(OptionError, match="without common areas"):
        coalitions(magnets, {"a": ["CHN", "USA"], "b": ["JPN"]}, "USA")
