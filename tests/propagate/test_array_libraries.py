"""The NumPy engine on another array library: only the array API standard, and the same numbers."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
from propagate._chains import Alternative, Draft, Flow
from propagate._engines import FLOWS, LICENSED, NODES, SLOTS

from chokepoint.propagate import Behaviour, ShockPlan, compile_chain
from chokepoint.propagate._engine_numpy import NumpyEngine
from chokepoint.propagate._segments import Segments
from chokepoint.propagate._steps._arrays import NumpyArrays, PortableArrays, PortableSegments
from chokepoint.scenario import (
    Boycott,
    CapacityEffect,
    DemandShift,
    Effects,
    ExportBan,
    FlowEffect,
    Licence,
    Outage,
    RebuildEffect,
    Scenario,
)

WEEKS = 20


@pytest.fixture(scope="module")
def chain():
    """A chain with everything in it: joint outputs, a by-product, services, several suppliers."""
    flows = [
        Flow("ore@AUS", "split@CHN", 60.0, slot="feed"),
        Flow("scrap@USA", "split@CHN", 20.0, slot="feed", lead=2),
        Flow("power@CHN", "split@CHN"),
        Flow("nd@CHN", "magnet@JPN", 30.0, lead=3),
        Flow("nd@CHN", "magnet@USA", 20.0, lead=2),
        Flow("dy@CHN", "magnet@JPN", 7.0),
        Flow("dy@CHN", "magnet@USA", 3.0),
        Flow("magnet@JPN", "car@JPN", 30.0),
        Flow("magnet@USA", "car@JPN", 6.0, lead=2),
        Flow("magnet@USA", "market:magnet@USA", 14.0),
        Flow("swarf@JPN", "renewed@USA", 5.0),
        Flow("renewed@USA", "market:renewed@USA", 5.0),
        Flow("power@CHN", "car@JPN", 10.0, slot="cooling"),
        Flow("car@JPN", "market:car@USA", 40.0, lead=2),
        Flow("car@JPN", "market:car@JPN", 12.0),
        Flow("ore@USA", "market:ore@USA", 5.0),
    ]
    draft = Draft(
        flows,
        alternatives=[Alternative("ore@USA", "split@CHN", 0.5, 4.0, slot="feed")],
        slots={
            ("split@CHN", "feed"): {"stock_weeks": 1.0, "reorder_weeks": 2.0},
            ("split@CHN", "power"): {"decay_weekly": 0.1, "repair_weeks": 4.0, "criticality": 0.0},
            ("magnet@JPN", "dy"): {"thrift_weekly": 0.3, "thrift_floor": 0.5},
            ("magnet@USA", "dy"): {"use_share": 0.4, "combine": "disjoint"},
            ("magnet@USA", "nd"): {"use_share": 0.5, "combine": "disjoint"},
            ("car@JPN", "cooling"): {"criticality": 0.6},
        },
        markets={
            "market:car@USA": {"stock_weeks": 1.5, "reorder_weeks": 2.0},
            "market:car@JPN": {"backlog_share": 0.7},
        },
        outputs_of={"split@CHN": ["nd@CHN", "dy@CHN"]},
        byproducts_of={"magnet@JPN": ["swarf@JPN"]},
        services=("power",),
    )
    return draft.build()


def effects(chain):
    """A scenario set that touches every step, one lane each."""
    words = [
        Scenario("nothing"),
        Scenario("ban", ExportBan(by="CHN", against="JPN", severity=0.7, start=1, weeks=12)),
        Scenario("licence", [Licence(by="CHN", review_weeks=3, refused=0.2, start=2)]),
        Scenario("boycott", Boycott(by="JPN", against="USA", start=3)),
        Scenario("outage", [Outage(country="AUS", weeks=6, recovery_weeks=3, severity=0.8)]),
        Scenario("demand", [DemandShift(change=0.4, start=2, weeks=9), Outage(products="power",
                            weeks=2, severity=1.0, start=4)]),
    ]  # fmt: skip
    found = [one.effects(chain, WEEKS) for one in words]
    links = chain.edges
    swarf = np.flatnonzero((links["supplier"] == "swarf@JPN").to_numpy())
    from_china = np.flatnonzero(links["supplier"].str.endswith("@CHN").to_numpy())
    edges = np.union1d(swarf, from_china)
    round_about = FlowEffect(
        edges,
        np.where(np.arange(WEEKS) < 2, 1.0, 0.1),
        detour=np.where(np.arange(WEEKS) < 4, 0.0, 0.3),
        detour_weeks=2,
    )
    nodes = list(chain.nodes.index)
    car, market = nodes.index("car@JPN"), nodes.index("market:car@JPN")
    quake = RebuildEffect(
        np.array([car]), 0.5, 3, 6.0, 4.0, np.array([market]), np.array([1.0]), label="quake"
    )
    hit = CapacityEffect(np.array([car]), np.where(np.arange(WEEKS) < 3, 0.5, 1.0))
    return [*found, Effects(flows=(round_about,)), Effects(capacity=(hit,), rebuilds=(quake,))]


def weeks_of(chain, behaviour, *, dtype, xp=np):
    """Return all that the engine shows, by name."""
    compiled = compile_chain(chain)
    shocks = ShockPlan(
        effects(chain), n_nodes=compiled.n_nodes, n_edges=compiled.n_edges, weeks=WEEKS
    )
    every, kept = np.arange(compiled.n_edges), {}

    def record(week, state):
        for name in (*NODES, *SLOTS, *FLOWS, *LICENSED):
            value = getattr(state, name)
            value = value(every) if name in FLOWS else value
            assert type(value) is np.ndarray
            assert value.dtype == dtype
            kept.setdefault(name, []).append(value.copy())

    NumpyEngine(compiled, shocks, behaviour, np.dtype(dtype), xp=xp).run(record)
    return {name: np.stack(weeks) for name, weeks in kept.items()}


BEHAVIOURS = {
    "reference": Behaviour(),
    "classes": Behaviour(rationing="domestic_first", order_rule="desired", exponent=2.0),
    "equalising": Behaviour(rationing="equalising", order_rule="realised", switching=False),
    "capacity": Behaviour(switching=False, order_shares="capacity", scarcity="last_output"),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS)
def test_any_library_of_the_array_api_standard_gives_the_same_numbers(chain, behaviour, dtype):
    ours = weeks_of(chain, behaviour, dtype=dtype)
    theirs = weeks_of(chain, behaviour, dtype=dtype, xp=array_api_strict)
    moved = ours["output"].min(axis=(0, 1))
    assert moved[0] == 0.0
    assert (moved[1:] < -0.05).all()
    for name in ("detoured", "queue", "goods", "surplus"):
        assert ours[name].max() > 0.01
    for name, values in ours.items():
        np.testing.assert_allclose(
            theirs[name], values, rtol=0, atol=1e-12 if dtype == "float64" else 1e-5, err_msg=name
        )


def test_nothing_but_a_portable_array_is_taken():
    arrays = PortableArrays(array_api_strict, np.dtype("float64"), 2)
    with pytest.raises(TypeError):
        arrays.full(3, 0.0) + np.zeros((3, 2))


class TestSegments:
    owner = np.array([2, 0, 2, 4, 0, 2])
    values = np.array([[1.0, -1.0], [2.0, 5.0], [4.0, 0.5], [-8.0, 3.0], [0.25, 7.0], [16.0, 2.0]])

    @pytest.mark.parametrize("reduce", ["add", "minimum", "maximum"])
    def test_portable_and_fast_ones_agree(self, reduce):
        fast = getattr(Segments(self.owner, 5), reduce)(self.values)
        portable = getattr(PortableSegments(np, self.owner, 5), reduce)(self.values)
        assert (fast == portable).all()

    def test_by_hand(self):
        segments = PortableSegments(np, self.owner, 5)
        assert segments.add(self.values)[:, 0].tolist() == [2.25, 0.0, 21.0, 0.0, -8.0]
        assert segments.minimum(self.values)[:, 1].tolist() == [5.0, np.inf, -1.0, np.inf, 3.0]

    def test_without_rows(self):
        empty = PortableSegments(np, np.empty(0, dtype=np.intp), 2)
        assert empty.add(np.empty((0, 3))).tolist() == [[0.0] * 3] * 2


def test_rows_are_put_where_they_belong():
    values, new = np.arange(8.0).reshape(4, 2), np.array([[-1.0, -2.0], [-3.0, -4.0]])
    expected = [[0.0, 1.0], [-3.0, -4.0], [4.0, 5.0], [-1.0, -2.0]]
    index = np.array([3, 1])
    portable = PortableArrays(np, np.dtype("float64"), 2).put(values, index, new)
    assert portable.tolist() == expected
    assert NumpyArrays(np.dtype("float64"), 2).put(values, index, new).tolist() == expected
