"""Joint processes, their surplus, and by-products that are pushed."""

from __future__ import annotations

import pytest
from propagate._chains import Draft, Flow
from propagate._play import STIFF, activity, watch

from chokepoint.errors import ShapeError
from chokepoint.propagate import Behaviour, compile_chain
from chokepoint.scenario import DemandShift, ExportBan, Outage, Scenario


def separation(**sites: object) -> Draft:
    """One plant that yields neodymium and dysprosium from ore, each sold to its own market."""
    return Draft(
        flows=[
            Flow("ore@AUS", "split@CHN", 100.0),
            Flow("nd@CHN", "market:nd@JPN", 52.0),
            Flow("dy@CHN", "market:dy@USA", 5.2),
        ],
        outputs_of={"split@CHN": ["nd@CHN", "dy@CHN"]},
        slots={("split@CHN", "ore"): {"stock_weeks": 1.0}},
        sites=sites,
    )


def swarf(**slot: object) -> Draft:
    """Magnets shed swarf, which is pushed to a recycler."""
    return Draft(
        flows=[
            Flow("nd@CHN", "magnet@JPN", 100.0),
            Flow("magnet@JPN", "market:magnet@JPN", 80.0),
            Flow("swarf@JPN", "renewed@JPN", 20.0),
            Flow("renewed@JPN", "market:renewed@JPN", 10.0),
        ],
        byproducts_of={"magnet@JPN": ["swarf@JPN"]},
        slots={
            key: slot or {"stock_weeks": 0.0}
            for key in [("magnet@JPN", "nd"), ("renewed@JPN", "swarf")]
        },
    )


def test_the_process_follows_the_output_that_is_called_for_most():
    fall = DemandShift(products="nd", change=-0.4)
    table = activity(separation(), fall, weeks=6, behaviour=STIFF)
    # Dysprosium is still wanted in full, so the plant runs on.
    assert (table["split@CHN"] == 1.0).all()
    assert table["nd@CHN"].tolist() == [1.0, 0.6, 0.6, 0.6, 0.6, 0.6]
    assert (table["dy@CHN"] == 1.0).all()


def test_surplus_piles_up_to_its_limit_and_is_sold_before_more_is_made():
    draft = separation(**{"nd@CHN": {"surplus_weeks": 1.0}})
    fall = DemandShift(products="nd", change=-0.5, weeks=4)
    later = Outage(products="split", start=6)
    compiled, seen = watch(draft.build(), [Scenario("x", [fall, later])], weeks=9, behaviour=STIFF)
    nd = list(compiled.nodes.index).index("nd@CHN")
    # Half a week is left in each of weeks 1 to 4; from the third on it is dumped.
    assert seen["surplus"][:, nd, 0].tolist() == [0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    # When the plant burns, one more week of neodymium is sold from the pile, no dysprosium.
    table = activity(draft, fall, later, weeks=9, behaviour=STIFF)
    assert table["nd@CHN"].tolist() == [1.0, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 0.0, 0.0]
    assert table["dy@CHN"].tolist() == [1.0] * 6 + [0.0] * 3


def test_surplus_of_every_output_stops_the_process():
    draft = separation(**{"nd@CHN": {"surplus_weeks": 4.0}})
    falls = [
        DemandShift(products="nd", change=-1.0, weeks=2),
        DemandShift(products="dy", change=-1.0, start=3, weeks=3),
    ]
    table = activity(draft, *falls, weeks=7, behaviour=STIFF)
    # Two weeks of neodymium are in stock when dysprosium is not wanted any more (week 4).
    assert table["split@CHN"].tolist() == [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0]
    assert table["nd@CHN"].tolist() == [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]


def test_all_outputs_fall_when_the_feed_does():
    table = activity(separation(), ExportBan(by="AUS"), weeks=4, behaviour=STIFF)
    for name in ("split@CHN", "nd@CHN", "dy@CHN"):
        assert table[name].tolist() == [1.0, 1.0, 0.0, 0.0]


def test_an_outage_of_one_output_leaves_the_other():
    table = activity(separation(), Outage(products="dy"), weeks=4, behaviour=STIFF)
    assert (table["dy@CHN"] == 0.0).all()
    assert (table["nd@CHN"] == 1.0).all()


def test_an_output_that_cannot_be_taken_out_calls_for_nothing():
    # The mill runs down its stock of dysprosium and orders ever more of it. The line is out; the
    # plant does not run faster for it.
    draft = Draft(
        flows=[
            Flow("nd@CHN", "market:nd@CHN", 52.0),
            Flow("dy@CHN", "magnet@JPN", 5.2, growth=1.0),
            Flow("magnet@JPN", "market:magnet@JPN", 52.0),
        ],
        outputs_of={"split@CHN": ["nd@CHN", "dy@CHN"]},
        slots={("magnet@JPN", "dy"): {"stock_weeks": 9.0, "reorder_weeks": 1.0}},
        sites={
            "split@CHN": {"ramp_max": 2.0, "ramp_weeks": 1.0},
            "dy@CHN": {"surplus_weeks": 0.0},
        },
    )
    line_out = Outage(products="dy", weeks=6)
    table = activity(draft, line_out, weeks=6, behaviour=Behaviour(switching=False))
    assert (table["split@CHN"] == 1.0).all()


def test_byproducts_go_along_with_the_process_and_are_never_ordered():
    stop = Outage(products="magnet", severity=0.75)
    table = activity(swarf(), stop, weeks=4, behaviour=STIFF)
    assert (table["swarf@JPN"] == 0.25).all()
    assert table["renewed@JPN"].tolist() == [1.0, 0.25, 0.25, 0.25]
    # More renewed metal is wanted: no more swarf comes for that.
    more = DemandShift(products="renewed", change=1.0)
    table = activity(swarf(), more, weeks=8, behaviour=Behaviour(switching=False))
    assert (table["swarf@JPN"] == 1.0).all()


def test_a_ban_on_a_byproduct_does_not_stop_the_process():
    draft = swarf()
    draft.flows = [
        Flow(f.supplier, f.buyer.replace("renewed@JPN", "renewed@KOR"), f.quantity)
        if f.supplier == "swarf@JPN"
        else Flow(f.supplier.replace("renewed@JPN", "renewed@KOR"), f.buyer, f.quantity)
        for f in draft.flows
    ]
    draft.slots = {
        key: {"stock_weeks": 0.0} for key in [("magnet@JPN", "nd"), ("renewed@KOR", "swarf")]
    }
    table = activity(draft, ExportBan(by="JPN", products="swarf"), weeks=3, behaviour=STIFF)
    assert (table["magnet@JPN"] == 1.0).all()
    assert (table["swarf@JPN"] == 1.0).all()
    assert table["renewed@KOR"].tolist() == [1.0, 0.0, 0.0]


def test_a_slot_takes_pushed_goods_or_ordered_goods():
    draft = swarf()
    draft.flows = [*draft.flows, Flow("scrap@USA", "renewed@JPN", 20.0, slot="swarf")]
    with pytest.raises(ShapeError, match=r"renewed@JPN.*slot of its own"):
        compile_chain(draft.build())
