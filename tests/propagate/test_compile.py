"""From tables to the shares and limits that the engine works on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from propagate._chains import Alternative, Draft, Flow, line
from propagate._engines import run
from propagate._strategies import DETERMINISTIC, drafts

from chokepoint.chain import SupplyChain
from chokepoint.propagate import WEEKS_PER_YEAR, compile_chain
from chokepoint.scenario import ExportBan


def recycled() -> Draft:
    """Magnets of new and of recycled oxide; a ton of the latter fills half as much."""
    return Draft(
        flows=[
            Flow("oxide@AUS", "magnet@JPN", 30.0, "oxide", lead=3),
            Flow("renewed@USA", "magnet@JPN", 20.0, "oxide", lead=1),
            Flow("oxide@AUS", "market:oxide@AUS:other_use", 70.0),
            Flow("magnet@JPN", "market:magnet@JPN", 52.0),
        ],
        alternatives=[Alternative("oxide@CAN", "magnet@JPN", 0.3, 7.0, "oxide", lead=2)],
        slots={("magnet@JPN", "oxide"): {"worth": {"oxide": 1.0, "renewed": 0.5}}},
    )


def test_shares_and_sizes_in_numbers():
    compiled = compile_chain(recycled().build())
    rows = {(e.supplier, e.buyer): i for i, e in compiled.edges.iterrows()}
    new = rows["oxide@AUS", "magnet@JPN"]
    renewed = rows["renewed@USA", "magnet@JPN"]
    dormant = rows["oxide@CAN", "magnet@JPN"]
    # 30 + 20/2 = 40 units of oxide fill the slot.
    assert compiled.sigma[[new, renewed, dormant], 0] == pytest.approx([0.75, 0.25, 0.0])
    # The whole slot is 40 of 100 made in Australia, or 80 of 20 renewed in the USA.
    assert compiled.kappa[[new, renewed], 0] == pytest.approx([0.4, 4.0])
    assert compiled.lead[[new, renewed, dormant]].tolist() == [3, 1, 2]
    assert compiled.dormant[[new, renewed, dormant]].tolist() == [False, False, True]
    assert compiled.qualification[dormant, 0] == 7.0


def test_money_and_quantities_are_per_week():
    draft = line("ore@AUS", "mill@JPN", "market:mill@JPN")
    draft.sites = {"mill@JPN": {"value_added_share": 0.25}}
    compiled = compile_chain(draft.build())
    mill = list(compiled.nodes.index).index("mill@JPN")
    assert WEEKS_PER_YEAR == 52
    assert compiled.output[mill, 0] == 1.0
    assert compiled.value_added[mill, 0] == 0.25
    assert compiled.final_value[:, 0].tolist() == [0.0, 0.0, 1.0]


def test_essentiality_of_nested_and_disjoint_slots():
    flows = [Flow("a@AUS", "car@JPN"), Flow("b@AUS", "car@JPN"), Flow("car@JPN", "market:car@JPN")]
    slots = {
        ("car@JPN", "a"): {"use_share": 0.5, "criticality": 0.4},
        ("car@JPN", "b"): {"use_share": 0.5, "criticality": 0.4, "combine": "disjoint"},
    }
    compiled = compile_chain(Draft(flows, slots=slots).build())
    assert compiled.eps[:, 0].tolist() == [0.2, 0.0, 1.0]
    assert compiled.phi[:, 0].tolist() == [0.0, 0.2, 0.0]


def test_an_end_sector_sells_to_final_demand_and_to_nobody_else():
    flows = [
        Flow("ore@AUS", "mill@JPN"),
        Flow("mill@JPN", "car@JPN"),
        Flow("mill@JPN", "market:mill@JPN"),
        Flow("car@JPN", "market:car@JPN"),
        Flow("slag@JPN", "market:slag@JPN:other_use"),
    ]
    compiled = compile_chain(Draft(flows).build())
    assert list(compiled.nodes.index[compiled.end_sector]) == ["car@JPN"]


def test_a_dormant_supplier_that_makes_nothing_has_no_reserve():
    draft = recycled()
    idle = compile_chain(draft.build())
    draft.flows = [*draft.flows, Flow("oxide@CAN", "market:oxide@CAN:other_use", 5.0)]
    awake = compile_chain(draft.build())
    assert idle.reserve.max() == 0.0
    assert awake.reserve.max() == 0.3


def test_services_have_no_stock():
    draft = line("power@JPN", "mill@JPN", "market:mill@JPN", stock=3.0)
    draft.services = ("power",)
    compiled = compile_chain(draft.build())
    assert compiled.stock.tolist() == [[0.0], [0.0]]
    assert compiled.throttle.tolist() == [[1.0], [1.0]]


def test_a_market_with_goods_is_a_slot_that_keeps_stock():
    draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", stock=3.0, reorder_weeks=2.0)
    draft.markets = {
        "market:mill@JPN": {"stock_weeks": 1.5, "reorder_weeks": 2.0, "backlog_share": 0.25}
    }
    compiled = compile_chain(draft.build())
    assert compiled.storable.tolist() == [True, True]
    assert compiled.stock[:, 0].tolist() == [3.0, 1.5]
    assert compiled.throttle[:, 0].tolist() == [1.0, 1.0]
    assert compiled.reorder[:, 0].tolist() == [2.0, 2.0]
    assert compiled.backlog[:, 0].tolist() == [0.0, 0.0, 0.25]
    draft.services = ("mill",)
    # That the market holds goods is what its table says, whatever the product.
    assert compile_chain(draft.build()).stock[:, 0].tolist() == [3.0, 1.5]


def test_a_market_without_goods_keeps_nothing():
    compiled = compile_chain(line("ore@AUS", "mill@JPN", "market:mill@JPN").build())
    assert compiled.storable.tolist() == [True, False]
    assert compiled.backlog.max() == 0.0


@pytest.mark.parametrize(
    ("columns", "weeks"),
    [
        ({}, 5.0),  # 2 in stock and 3 under way
        ({"reorder_weeks": 4.0}, 4.0),
        ({"use_share": 0.1, "combine": "disjoint"}, 5.0),
        ({"criticality": 0.0}, 99.0),
        ({"decay_weekly": 0.1}, 99.0),
        ({"stock_weeks": 0.0}, 3.0),
    ],
)
def test_what_can_stop_a_buyer_is_reordered_within_the_weeks_of_its_position(columns, weeks):
    columns = {"reorder_weeks": 99.0} | columns
    draft = line("ore@AUS", "mill@JPN", "market:mill@JPN", lead=3, **columns)
    if "stock_weeks" in columns:
        draft.slots["mill@JPN", "ore"]["stock_weeks"] = columns["stock_weeks"]
    assert compile_chain(draft.build()).reorder[0, 0] == weeks


def test_thrift_and_decay_of_slots():
    columns = {"thrift_weekly": 0.2, "thrift_floor": 0.7, "decay_weekly": 0.1, "repair_weeks": 9.0}
    compiled = compile_chain(line("ore@AUS", "mill@JPN", "market:mill@JPN", **columns).build())
    assert compiled.thrift[:, 0].tolist() == [0.2, 0.0]
    assert compiled.thrift_floor[:, 0].tolist() == [0.7, 1.0]
    assert compiled.decay[:, 0].tolist() == [0.1, 0.0]
    assert compiled.repair[0, 0] == 9.0


def test_a_bid_is_the_value_of_what_a_unit_enables():
    draft = Draft(
        [
            Flow("ore@AUS", "split@CHN", 26.0, slot="feed"),
            Flow("ore@AUS", "market:ore@AUS", 4.0),
            Flow("nd@CHN", "market:nd@CHN", 10.0),
            Flow("dy@CHN", "market:dy@CHN", 3.0),
        ],
        outputs_of={"split@CHN": ["nd@CHN", "dy@CHN"]},
        price=2e6,
    )
    compiled = compile_chain(draft.build())
    bid = {row.buyer: compiled.bid[i, 0] for i, row in compiled.edges.iterrows()}
    # USD 2 million a unit: final demand bids its price. The split makes nothing that is sold by
    # itself; 26 units of ore make 13 of its outputs.
    assert bid["market:ore@AUS"] == pytest.approx(2e6)
    assert bid["split@CHN"] == pytest.approx(1e6)


def test_blocs_of_areas():
    tables = line("ore@AUS", "mill@JPN", "market:mill@JPN").tables()
    tables["countries"] = pd.DataFrame({"area": ["AUS", "JPN"], "blocs": ["QUAD; ANZ", "QUAD"]})
    compiled = compile_chain(SupplyChain.from_tables(tables))
    assert compiled.allies == {"AUS": {"QUAD", "ANZ"}, "JPN": {"QUAD"}}


def test_indices_may_be_of_any_integer_type_and_labels_may_be_missing():
    chain = recycled().build()
    compiled = compile_chain(chain)
    ban = ExportBan(by="AUS", severity=0.5).effects(chain, 6)
    small = {
        name: getattr(compiled, name).astype(np.int32)
        for name in ("process", "group_buyer", "edge_supplier", "edge_group", "lead")
    }
    bare = replace(compiled, nodes=pd.DataFrame(), edges=pd.DataFrame(), **small)
    first, second = (run("numpy", one, [ban], weeks=6).seen for one in (compiled, bare))
    assert first["output"].min() < -0.1
    assert all((first[name] == second[name]).all() for name in first)


@settings(DETERMINISTIC, max_examples=15)
@given(draft=drafts())
def test_shares_of_a_slot_and_sales_of_a_site_add_up_to_one(draft):
    compiled = compile_chain(draft.build())
    filled = np.bincount(compiled.edge_group, compiled.sigma[:, 0])
    assert filled == pytest.approx(1.0, abs=1e-9)
    sold = np.bincount(
        compiled.edge_supplier,
        (compiled.kappa * compiled.sigma)[:, 0],
        minlength=compiled.n_nodes,
    )
    sells = (compiled.output[:, 0] > 0) & ~compiled.is_market & ~compiled.is_process
    assert sold[sells] == pytest.approx(1.0, abs=1e-9)
    assert (np.diff(compiled.edge_group) >= 0).all()
    assert (np.diff(compiled.group_buyer) >= 0).all()
