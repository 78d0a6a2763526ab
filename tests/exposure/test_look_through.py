"""Reliance and extraction where the Leontief inverse is known, and against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import Draft, Flow

import chokepoint as cp
from chokepoint.chain import cost_shares
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.exposure import flow_betweenness, hypothetical_extraction, look_through


def line(**added: float) -> cp.SupplyChain:
    """Ore worth 40 goes into metal worth 50, that into cars worth 100."""
    shares = {"ore": 0.5, "metal": 0.5, "car": 0.5, **added}
    labels = {"ore": "ore@CHN", "metal": "metal@CHN", "car": "car@USA"}
    return Draft(
        flows=[
            Flow("ore@CHN", "metal@CHN", 40.0),
            Flow("metal@CHN", "car@USA", 50.0),
            Flow("car@USA", "market:car@USA", 75.0),
            Flow("car@USA", "market:car@JPN", 25.0),
        ],
        sites={labels[one]: {"value_added_share": share} for one, share in shares.items()},
        countries=["CHN", "USA", "JPN"],
        blocs={"USA": "WEST", "JPN": "WEST"},
    ).build()


def circle() -> cp.SupplyChain:
    """A sells 50 of 50 to B, which sells 10 of 100 back: L = [[1, 0.5], [0.2, 1]] / 0.9."""
    flows = [
        Flow("a@CHN", "b@USA", 50.0),
        Flow("b@USA", "a@CHN", 10.0),
        Flow("b@USA", "market:b@USA", 90.0),
    ]
    return Draft(flows).build()


def test_inputs_along_a_line() -> None:
    table = look_through(line())
    car = table.loc["car@USA"]
    assert car.loc["CHN"].tolist() == pytest.approx([0.5, 0.5 + 0.5 * 0.8, 0.5 * (0.5 + 0.4)])
    assert car.loc["USA"].tolist() == pytest.approx([0, 0, 0.5])
    assert table.loc[("metal@CHN", "CHN")].tolist() == pytest.approx([0.8, 0.8, 0.5 + 0.4])
    assert list(table.columns) == ["face_value", "look_through", "value_added"]
    assert table.index.names == ["site", "area"]


def test_sales_along_a_line() -> None:
    table = look_through(line(), side="sales")
    ore = table.loc["ore@CHN"]
    assert ore.loc["CHN"].tolist() == pytest.approx([1, 1, 0])
    # Not sold to the car industry directly, but all of it ends there.
    assert ore.loc["USA"].tolist() == pytest.approx([0, 1, 0.75])
    assert ore.loc["JPN"].tolist() == pytest.approx([0, 0, 0.25])
    assert table.loc["car@USA", "look_through"].tolist() == [0, 0, 0]


def test_round_a_circle() -> None:
    inputs, sales = look_through(circle()), look_through(circle(), side="sales")
    assert inputs["look_through"].to_dict() == pytest.approx(
        {("a@CHN", "CHN"): 1 / 0.9 - 1, ("a@CHN", "USA"): 0.2 / 0.9,
         ("b@USA", "CHN"): 0.5 / 0.9, ("b@USA", "USA"): 1 / 0.9 - 1}
    )  # fmt: skip
    # Shares of sales: all of a's output, a tenth of b's.
    assert sales["look_through"].to_dict() == pytest.approx(
        {("a@CHN", "CHN"): 1 / 0.9 - 1, ("a@CHN", "USA"): 1 / 0.9,
         ("b@USA", "CHN"): 0.1 / 0.9, ("b@USA", "USA"): 1 / 0.9 - 1}
    )  # fmt: skip


def test_groups_are_weighted_by_the_value_of_output() -> None:
    by_country = look_through(line(), by="country", areas=["CHN"])
    assert by_country.loc[("CHN", "CHN"), "face_value"] == pytest.approx(50 * 0.8 / (40 + 50))
    assert by_country.loc[("USA", "CHN"), "look_through"] == pytest.approx(0.9)
    by_product = look_through(line(), by="product", areas=["CHN", "WEST"])
    assert by_product.loc[("car", "WEST"), "value_added"] == pytest.approx(0.5)


def test_look_through_can_exceed_one_where_value_added_cannot() -> None:
    stages = [Flow(f"p{k}@CHN", f"p{k + 1}@CHN", 90.0 + k) for k in range(4)]
    ends = [Flow("p4@CHN", "car@USA", 95.0), Flow("car@USA", "market:car@USA", 100.0)]
    added = {f"p{k}@CHN": {"value_added_share": 0.0 if k else 1.0} for k in range(5)}
    added["car@USA"] = {"value_added_share": 0.05}
    table = look_through(Draft([*stages, *ends], sites=added).build())
    row = table.loc[("car@USA", "CHN")]
    assert row["look_through"] > 4
    assert row["value_added"] == pytest.approx(90.0 / 100.0)


def test_value_added_adds_up_where_costs_cover_the_output() -> None:
    # Metal pays 0.8 for ore, a car 0.5 for metal; the rest is value added.
    table = look_through(line(ore=1.0, metal=0.2, car=0.5))
    assert table["value_added"].groupby("site").sum().tolist() == pytest.approx([1, 1, 1])
    final = look_through(cp.load("rare_earths"), side="sales")["final_demand"]
    assert final.groupby("site").sum().to_numpy() == pytest.approx(1.0)


def test_value_added_is_the_content_that_rules_of_origin_use() -> None:
    from chokepoint.scenario import embedded_content

    chain = cp.load("rare_earths")
    table = look_through(chain, areas=["CHN"])["value_added"].droplevel("area")
    content = embedded_content(chain, "CHN")
    np.testing.assert_allclose(table, content[table.index], atol=1e-12)


def test_extraction_by_hand() -> None:
    table = hypothetical_extraction(line(), ["CHN", "USA"])
    # Nobody outside sells to China; half of the cost of a car is Chinese metal.
    assert table.loc["CHN"].tolist() == pytest.approx([0, 0, 0.5, 0.5])
    # All ore and metal is made for American cars.
    assert table.loc["USA"].tolist() == pytest.approx([1, 1, 0, 0])
    assert flow_betweenness(line(), ["CHN", "USA", "JPN"]).tolist() == pytest.approx(
        [90 / 190, 90 / 190, 0]
    )


def test_extraction_round_a_circle() -> None:
    table = hypothetical_extraction(circle(), ["CHN"])
    assert table.loc["CHN", "output_as_buyer"] == pytest.approx(0.1)
    assert table.loc["CHN", "output_as_supplier"] == pytest.approx(0.5)
    assert flow_betweenness(circle(), ["CHN"])["CHN"] == pytest.approx(60 / 150)


@pytest.mark.parametrize("area", ["CHN", "JPN", "EU27"])
def test_extraction_is_what_its_definition_says(area: str) -> None:
    chain = cp.load("rare_earths")
    money = cost_shares(chain)
    live = money.value > 0
    matrix = money.shares.toarray()[np.ix_(live, live)].T
    value, final, share = money.value[live], money.final[live], money.value_added[live]
    inside = chain.nodes["country"].isin(chain.areas(area)).to_numpy()[live]
    out = ~inside
    one = np.eye(int(out.sum()))
    bought = np.linalg.solve(one - matrix[np.ix_(out, out)], final[out])
    sales = matrix * value[None, :] / value[:, None]
    primary = value - (value[:, None] * sales).sum(axis=0)
    supplied = np.linalg.solve((one - sales[np.ix_(out, out)]).T, primary[out])
    world, added = value[out].sum(), (value * share)[out].sum()
    expected = [1 - bought.sum() / world, 1 - share[out] @ bought / added,
                1 - supplied.sum() / world, 1 - share[out] @ supplied / added]  # fmt: skip
    found = hypothetical_extraction(chain, [area]).loc[area]
    assert found.tolist() == pytest.approx(expected, abs=1e-9)
    assert found.max() > 1e-6
    cut = matrix.copy()
    cut[inside], cut[:, inside] = 0.0, 0.0
    left = np.linalg.solve(np.eye(len(value)) - cut, final)
    assert flow_betweenness(chain, [area])[area] == pytest.approx(1 - left.sum() / value.sum())


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(OptionError, match="by must be"):
        look_through(line(), by="firm")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="side must be"):
        look_through(line(), side="both")  # type: ignore[arg-type]
    with pytest.raises(UnknownLabelError, match="CHM"):
        hypothetical_extraction(line(), ["CHM"])
    flows = [Flow("a@CHN", "b@USA", 50.0), Flow("b@USA", "a@CHN", 50.0)]
    for function in (look_through, hypothetical_extraction, flow_betweenness):
        with pytest.raises(OptionError, match="no bound"):
            function(Draft(flows).build())
