"""Whom a supplier serves first: by hand, and what holds for any chain."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from propagate._chains import Alternative, Draft, Flow
from propagate._engines import ENGINES, Run, run
from propagate._strategies import DETERMINISTIC, RATIONING, behaviours, drafts, effects

from chokepoint.errors import UnknownLabelError
from chokepoint.propagate import Behaviour, compile_chain
from chokepoint.propagate._rationing import rationing_classes
from chokepoint.scenario import CapacityEffect, Effects

WEEKS = 25
FEW = settings(DETERMINISTIC, max_examples=8)
BUYERS = ("CHN", "USA", "AUS", "CAN")


def one_mine(**extra) -> Draft:
    """A Chinese mine and buyers of a tenth, two, three and four tenths of its ore."""
    return Draft(
        flows=[
            *(Flow("ore@CHN", f"mill@{c}", 10.0 * (i + 1)) for i, c in enumerate(BUYERS)),
            *(Flow(f"mill@{c}", f"market:mill@{c}", 10.0 * (i + 1)) for i, c in enumerate(BUYERS)),
        ],
        slots={(f"mill@{c}", "ore"): {"stock_weeks": 9.0, "reorder_weeks": 1e9} for c in BUYERS},
        countries=BUYERS,
        **extra,
    )


def fills(engine: str, draft: Draft, left: float, **settings_of) -> dict[str, float]:
    """Return the share of its order that each buyer is sent when `left` of output is left."""
    chain = draft.build()
    mine = list(chain.nodes.index).index("ore@CHN")
    cut = Effects(capacity=(CapacityEffect(np.array([mine]), np.full(1, left)),))
    how = Behaviour(switching=False, ramp=False, **settings_of)
    seen = run(engine, chain, [cut], weeks=1, behaviour=how)
    rows = chain.edges[(chain.edges["supplier"] == "ore@CHN") & ~chain.edges["dormant"]]
    countries = chain.nodes["country"]
    return {
        countries[row.buyer]: seen.made[0, i, 0] / seen.ordered[0, i, 0]
        for i, row in rows.iterrows()
    }


@pytest.mark.parametrize("engine", ENGINES)
class TestByHand:
    def test_proportional(self, engine):
        got = fills(engine, one_mine(), 0.4)
        assert got == pytest.approx(dict.fromkeys(BUYERS, 0.4), abs=1e-15)

    def test_home_is_served_first(self, engine):
        # A tenth goes to China; 0.3 is left for orders of 0.9.
        got = fills(engine, one_mine(), 0.4, rationing="domestic_first")
        assert got == pytest.approx({"CHN": 1, "USA": 1 / 3, "AUS": 1 / 3, "CAN": 1 / 3}, abs=1e-14)

    def test_home_alone_is_not_filled(self, engine):
        got = fills(engine, one_mine(), 0.05, rationing="domestic_first")
        assert got == pytest.approx({"CHN": 0.5, "USA": 0, "AUS": 0, "CAN": 0}, abs=1e-14)

    def test_allies_come_before_the_rest(self, engine):
        # After China (0.1) and its ally Australia (0.3), a tenth is left for 0.6.
        draft = one_mine(blocs={"CHN": "east", "AUS": "east", "USA": "west", "CAN": "west"})
        got = fills(engine, draft, 0.5, rationing="allies_first")
        assert got == pytest.approx({"CHN": 1, "AUS": 1, "USA": 1 / 6, "CAN": 1 / 6}, abs=1e-14)

    def test_only_alliances_that_are_named_count(self, engine):
        draft = one_mine(blocs={"CHN": "east;trade", "AUS": "east", "USA": "trade"})
        got = fills(engine, draft, 0.3, rationing="allies_first", alliances=("trade",))
        assert got == pytest.approx({"CHN": 1, "USA": 1, "AUS": 0, "CAN": 0}, abs=1e-14)

    def test_the_highest_bidder_comes_first(self, engine):
        # A mill that makes more of its ore bids more for it: CAN, AUS, USA, CHN.
        draft = one_mine()
        draft.sites = {f"mill@{c}": {"output_usd_m": 10.0 * (i + 1) ** 2 * 10}
                       for i, c in enumerate(BUYERS)}  # fmt: skip
        got = fills(engine, draft, 0.8, rationing="highest_bidder")
        assert got == pytest.approx({"CAN": 1, "AUS": 1, "USA": 0.5, "CHN": 0}, abs=1e-14)

    def test_equal_bids_are_served_alike(self, engine):
        got = fills(engine, one_mine(), 0.35, rationing="highest_bidder")
        assert got == pytest.approx(dict.fromkeys(BUYERS, 0.35), abs=1e-14)

    def test_equalising_serves_those_who_ask_little_in_full(self, engine):
        # Demand of China and the USA falls to 0.2 and 0.5 of baseline; then a week later the
        # mine loses half. Orders: 0.02 + 0.10 + 0.3 + 0.4 of 0.5: ratio (0.5 - 0.12) / 0.7 for
        # Australia and Canada.
        chain = one_mine().build()
        nodes = list(chain.nodes.index)
        cuts = [
            CapacityEffect(np.array([nodes.index("market:mill@CHN")]), np.full(3, 0.2)),
            CapacityEffect(np.array([nodes.index("market:mill@USA")]), np.full(3, 0.5)),
            CapacityEffect(np.array([nodes.index("ore@CHN")]), np.array([1.0, 1.0, 0.5])),
        ]
        how = Behaviour(switching=False, ramp=False, rationing="equalising")
        seen = run(engine, chain, [Effects(capacity=tuple(cuts))], weeks=3, behaviour=how)
        edges = chain.edges
        rows = edges.index[edges["supplier"] == "ore@CHN"]
        ratio = {edges["buyer"][i][5:]: seen.made[2, i, 0] / seen.chain.sigma[i, 0] for i in rows}
        ask = {edges["buyer"][i][5:]: seen.ordered[2, i, 0] for i in rows}
        assert ask == pytest.approx({"CHN": 0.2, "USA": 0.5, "AUS": 1, "CAN": 1}, abs=1e-8)
        expected = {"CHN": 0.2, "USA": 0.5, "AUS": 0.38 / 0.7, "CAN": 0.38 / 0.7}
        assert ratio == pytest.approx(expected, abs=1e-8)


def test_an_alliance_that_nobody_is_in_is_refused():
    chain = compile_chain(one_mine(blocs={"CHN": "east"}).build())
    with pytest.raises(UnknownLabelError, match="north"):
        rationing_classes(chain, Behaviour(rationing="allies_first", alliances=("north",)))


def test_dormant_suppliers_bid_too():
    draft = Draft(
        flows=[
            Flow("ore@CHN", "mill@CHN", 10.0),
            Flow("ore@CHN", "mill@USA", 20.0),
            Flow("sand@USA", "mill@USA", 1.0, "other"),
            Flow("mill@CHN", "market:mill@CHN", 10.0),
            Flow("mill@USA", "market:mill@USA", 20.0),
        ],
        alternatives=[Alternative("ore@CHN", "mill@USA", 0.5, 4.0, "other")],
    )
    chain = compile_chain(draft.build())
    classes = rationing_classes(chain, Behaviour(rationing="highest_bidder"))
    # A ton of the other input makes twenty times as much as a ton of ore: it bids most of three.
    assert classes[chain.dormant].tolist() == [0]
    mine = chain.edge_supplier[chain.dormant]
    assert classes[(chain.edge_supplier == mine) & ~chain.dormant].tolist() == [1, 1]


def flows_of(seen: Run):
    """Yield (supplier, rows of its flows) of suppliers with orders to fill."""
    chain = seen.chain
    for supplier in np.unique(chain.edge_supplier):
        if not chain.is_pushed[supplier]:
            yield supplier, np.flatnonzero(chain.edge_supplier == supplier)


def nobody_gets_more_than_asked_and_all_output_is_used(seen: Run, rationing: str) -> None:
    chain = seen.chain
    asked = ~chain.is_pushed[chain.edge_supplier]
    assert (seen.made <= seen.ordered + 1e-12)[:, asked].all()
    for supplier, rows in flows_of(seen):
        if chain.dormant[rows].all():
            continue
        sent = (chain.kappa[rows] * seen.made[:, rows]).sum(axis=1)
        np.testing.assert_allclose(sent, 1.0 + seen.output[:, supplier], rtol=0, atol=1e-9)


def nobody_is_served_while_an_earlier_class_waits(seen: Run, rationing: str) -> None:
    rank = rationing_classes(seen.chain, Behaviour(rationing=rationing))
    for _, rows in flows_of(seen):
        for one in rows:
            later = rows[rank[rows] > rank[one]]
            waits = (seen.made < seen.ordered - 1e-9)[:, one, 0]
            assert (seen.made[:, later, 0][waits] <= 1e-12).all()


def the_unfilled_have_one_ratio(seen: Run, rationing: str) -> None:
    """Proportional: of shipment to order; equalising: of shipment to baseline order."""
    chain = seen.chain
    base = np.where(chain.dormant[:, None], chain.reserve, chain.sigma)[:, 0]
    for _, rows in flows_of(seen):
        rows = rows[base[rows] > 0]
        for week in range(WEEKS):
            made, asked = seen.made[week, rows, 0], seen.ordered[week, rows, 0]
            short = made < asked - 1e-9
            if not short.any():
                continue
            ratio = made / (base[rows] if rationing == "equalising" else np.maximum(asked, 1e-300))
            assert np.ptp(ratio[short]) <= 1e-6 * max(1.0, ratio[short].max())
            if rationing == "equalising":
                # Who is served in full asked for no more than that.
                assert (ratio[~short] <= ratio[short].max() + 1e-6).all()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rationing", RATIONING)
@FEW
@given(data=st.data())
def test_rules_hold_on_any_chain(engine, rationing, data):
    chain = data.draw(drafts(rich=True)).build()
    some = data.draw(effects(chain, weeks=WEEKS))
    some = Effects(some.capacity, tuple(e for e in some.flows if e.detour is None))
    how = data.draw(behaviours(rich=True))
    how = Behaviour(**{**vars(how), "rationing": rationing, "alliances": None})
    seen = run(engine, chain, [some], weeks=WEEKS, behaviour=how)
    nobody_gets_more_than_asked_and_all_output_is_used(seen, rationing)
    if rationing in {"proportional", "equalising"}:
        the_unfilled_have_one_ratio(seen, rationing)
    else:
        nobody_is_served_while_an_earlier_class_waits(seen, rationing)
