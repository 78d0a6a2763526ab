"""From tables to the shares and limits that the engine works on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from propagate._chains import Alternative, Draft, Flow, line
from propagate._strategies import DETERMINISTIC, drafts

from chokepoint.propagate import WEEKS_PER_YEAR, compile_chain


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
