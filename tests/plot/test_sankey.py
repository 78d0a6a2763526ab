"""The Sankey diagram: what is drawn, what is aggregated, what is cut."""

from __future__ import annotations

import pandas as pd
import pytest
from report.example import small_chain, tables

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.plot import sankey
from chokepoint.plot._sankey import _sankey_data


@pytest.fixture(scope="module")
def chain():
    return small_chain()


def _between_sites(chain):
    kind = chain.nodes["kind"]
    return chain.flows[chain.flows["buyer"].map(kind).eq("site")]


def test_links_hold_the_value_of_all_flows_between_sites(chain):
    links = _sankey_data(chain, threshold=0.0)
    flows = _between_sites(chain)
    assert links["value_usd_m"].sum() == pytest.approx(flows["value_usd_m"].sum())
    assert links["flows"].sum() == len(flows)
    assert links.attrs["cut_flows"] == 0
    row = links.set_index(["source_tier", "source", "target_tier", "target"])
    ore = flows[flows["supplier"].eq("ore@USA") & flows["buyer"].str.endswith("@CHN")]
    assert row.loc[(0, "USA", 1, "CHN"), "value_usd_m"] == pytest.approx(ore["value_usd_m"].sum())


def test_small_countries_of_a_tier_become_others_and_nothing_is_lost(chain):
    links = _sankey_data(chain, threshold=0.03)
    magnets = links[links["source_tier"].eq(2)]
    # Germany makes 5 of 250 magnets: 2 per cent.
    assert set(magnets["source"]) == {"CHN", "JPN", "others"}
    whole = _sankey_data(chain, threshold=0.0)
    assert links["value_usd_m"].sum() == pytest.approx(whole["value_usd_m"].sum())


def test_flows_that_lead_back_are_cut_and_counted():
    given = tables()
    # Scrap of cars goes back to magnet makers.
    given["products"] = pd.concat(
        [
            given["products"],
            pd.DataFrame({"product": ["scrap"], "tier": 4, "stage": "sector", "price_usd": 10.0}),
        ],
        ignore_index=True,
    )
    given["sites"] = pd.concat(
        [
            given["sites"],
            pd.DataFrame({"product": ["scrap"], "country": ["DEU"], "output_qty": [100.0]}),
        ],
        ignore_index=True,
    )
    given["inputs"] = pd.concat(
        [
            given["inputs"],
            pd.DataFrame({"product": ["magnet"], "site": ["magnet@DEU"], "slot": ["scrap"]}).assign(
                input="scrap", quantity=20.0
            ),
        ],
        ignore_index=True,
    )
    given["flows"] = pd.concat(
        [
            given["flows"],
            pd.DataFrame(
                {"supplier": ["scrap@DEU"], "buyer": ["magnet@DEU"], "slot": ["scrap"]}
            ).assign(quantity=100.0, known="reported"),
        ],
        ignore_index=True,
    )
    chain = SupplyChain.from_tables(given, name="loop")
    links = _sankey_data(chain)
    assert links.attrs["cut_flows"] == 1
    assert links.attrs["cut_value_usd_m"] == pytest.approx(100.0 * 10.0 / 1e6)
    assert (links["source_tier"] < links["target_tier"]).all()


def test_a_pure_process_stands_where_its_most_valuable_output_does(chain):
    given = chain.tables
    # Separation is stated upstream of its outputs; the picture has no gap between them.
    given["products"].loc[given["products"]["product"].eq("separation"), "tier"] = 0
    moved = _sankey_data(SupplyChain.from_tables(given, name="moved"))
    pd.testing.assert_frame_equal(moved, _sankey_data(chain))
    assert set(chain.nodes.index[chain.nodes["is_process"]]) == {
        "separation@CHN",
        "separation@AUS",
    }


def test_threshold_must_be_a_share(chain):
    with pytest.raises(OptionError, match=r"\[0, 1\)"):
        _sankey_data(chain, threshold=1.0)


def test_the_figure_has_a_node_for_each_country_of_a_tier(chain):
    drawn = sankey(chain)
    links = _sankey_data(chain)
    ends = {*zip(links["source_tier"], links["source"], strict=True)}
    ends |= {*zip(links["target_tier"], links["target"], strict=True)}
    picture = drawn.data[0]
    assert len(picture.node.label) == len(ends)
    assert len(picture.link.value) == len(links)
    assert all(0.0 <= place <= 1.0 for place in [*picture.node.x, *picture.node.y])
    assert [note.text for note in drawn.layout.annotations] == [
        f"<b>{stage}</b>" for stage in ["mine", "oxide", "magnet", "component", "sector"]
    ]
