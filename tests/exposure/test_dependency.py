"""Indicators of dependence by hand, at face value and looked through."""

from __future__ import annotations

import numpy as np
import pytest
from propagate._chains import Draft, Flow

import chokepoint as cp
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.exposure import core_dependency, geodep


@pytest.fixture
def parts() -> cp.SupplyChain:
    """Parts of UNION (DEU, FRA): 60 from CHN, 20 from USA, 10 of Germany's to France; 40 sold."""
    return Draft(
        flows=[
            Flow("part@CHN", "car@DEU", 45.0),
            Flow("part@CHN", "car@FRA", 15.0),
            Flow("part@USA", "car@DEU", 20.0),
            Flow("part@DEU", "car@FRA", 10.0),
            Flow("part@DEU", "car@DEU", 5.0),
            Flow("part@DEU", "car@USA", 30.0),
            Flow("part@CHN", "car@USA", 10.0),
            Flow("ore@CHN", "part@DEU", 30.0),
            Flow("car@DEU", "market:car@DEU", 100.0),
            Flow("car@FRA", "market:car@FRA", 40.0),
            Flow("car@USA", "market:car@USA", 50.0),
        ],
        countries=["CHN", "USA", "DEU", "FRA"],
        blocs={"DEU": "UNION", "FRA": "UNION"},
        products={"ore": {"group": "metal"}, "part": {"group": "metal"}},
        sites={"ore@CHN": {"value_added_share": 1.0}, "part@DEU": {"value_added_share": 1 / 3},
               "part@CHN": {"value_added_share": 1.0}},
    ).build()  # fmt: skip


def test_of_a_bloc_at_face_value(parts) -> None:
    row = core_dependency(parts, "UNION").loc["part"]
    assert row["imports"] == pytest.approx(80)
    assert row["imports_inside"] == pytest.approx(10)
    assert row["exports"] == pytest.approx(40)
    assert row["use"] == pytest.approx(95)
    assert row["cdi1"] == pytest.approx(0.75**2 + 0.25**2)
    assert row["cdi2"] == pytest.approx(80 / 90)
    assert row["cdi3"] == pytest.approx(80 / 40)
    assert row["dependent"]
    assert (row["origin"], row["origin_share"]) == ("CHN", pytest.approx(0.75))
    assert row["import_reliance"] == pytest.approx(80 / 95)
    assert row["net_import_reliance"] == pytest.approx((80 - 30) / 95)


def test_thresholds_have_to_be_exceeded(parts) -> None:
    for name, value in (("concentration", 0.625), ("scarcity", 80 / 90), ("substitution", 2.0)):
        assert not core_dependency(parts, "UNION", **{name: value + 1e-12}).loc["part", "dependent"]
        assert core_dependency(parts, "UNION", **{name: value - 1e-9}).loc["part", "dependent"]
    extra = core_dependency(parts, "UNION", exports="extra").loc["part"]
    assert extra["cdi3"] == pytest.approx(80 / 30)


def test_of_a_single_area(parts) -> None:
    row = core_dependency(parts, "FRA").loc["part"]
    assert row["cdi1"] == pytest.approx(0.6**2 + 0.4**2)
    assert row["cdi2"] == 1.0
    assert row["cdi3"] == np.inf
    assert row["net_import_reliance"] == pytest.approx(1.0)


def test_looked_through_by_hand(parts) -> None:
    # A German part is worth 45 to 30 of Chinese ore and 15 added: two thirds Chinese.
    row = core_dependency(parts, "UNION", look_through=True).loc["part"]
    assert row["imports"] == pytest.approx(80 + 10 * 2 / 3)
    assert row["imports_inside"] == pytest.approx(10 / 3)
    china = 60 + 10 * 2 / 3
    assert row["cdi1"] == pytest.approx((china**2 + 20**2) / (china + 20) ** 2)
    assert row["cdi2"] == pytest.approx((china + 20) / 90)
    assert row["cdi3"] == pytest.approx((china + 20) / (40 / 3))
    assert row["net_import_reliance"] == pytest.approx((china + 20 - 10) / 95)


def test_groups_and_slots(parts) -> None:
    row = core_dependency(parts, "UNION", by="group").loc["metal"]
    assert row["imports"] == pytest.approx(80 + 30)
    slots = core_dependency(parts, "UNION", by="slot")
    assert slots.loc["part", "imports"] == pytest.approx(80)
    assert slots.index.name == "slot"


def test_geodep_by_hand(parts) -> None:
    row = geodep(parts, "UNION").loc["part"]
    assert row["hhi_imports"] == pytest.approx(0.75**2 + 0.25**2)
    # World exports: CHN 60 + 10, USA 20, UNION 30; trade inside the bloc is left out.
    assert row["hhi_world"] == pytest.approx((70**2 + 20**2 + 30**2) / 120**2)
    assert row["imports_to_exports"] == pytest.approx(80 / 30)
    assert row["dependent"]
    ore = geodep(parts, "DEU").loc["ore"]
    assert (ore["hhi_world"], ore["imports_to_exports"]) == (1.0, np.inf)
    assert not geodep(parts, "UNION", world_concentration=0.5).loc["part", "dependent"]


def test_what_is_not_imported_has_no_row(parts) -> None:
    assert "ore" not in core_dependency(parts, "FRA").index
    assert core_dependency(parts, "CHN").empty
    assert geodep(parts, "CHN").empty


def test_look_through_finds_what_partners_pass_on() -> None:
    chain = cp.load("rare_earths")
    face, embedded = (core_dependency(chain, "EU27", look_through=flag) for flag in (False, True))
    both = face.index.intersection(embedded.index)
    assert (embedded.loc[both, "cdi1"].between(0, 1 + 1e-9)).all()
    assert set(face.index) <= set(embedded.index)
    # Magnets from Japan are partly Chinese.
    magnet = "magnet_ndfeb"
    assert embedded.loc[magnet, "origin"] == "CHN"


def test_bad_arguments_are_refused(parts) -> None:
    with pytest.raises(OptionError, match=r"by must be.*scarcity must be"):
        core_dependency(parts, "DEU", by="firm", scarcity=-1)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="exports must be"):
        core_dependency(parts, "DEU", exports="none")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="world_concentration"):
        geodep(parts, "DEU", world_concentration=float("nan"))
    with pytest.raises(UnknownLabelError, match="UNION"):
        geodep(parts, "UNIO")
    flows = [Flow("a@CHN", "b@USA", 50.0), Flow("b@USA", "a@CHN", 50.0)]
    with pytest.raises(OptionError, match="no bound"):
        core_dependency(Draft(flows).build(), "USA", look_through=True)
