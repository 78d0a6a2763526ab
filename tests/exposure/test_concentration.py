from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chokepoint import SupplyChain
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.exposure import concentration, dependence, hhi, hirschman


@pytest.fixture
def metals() -> SupplyChain:
    """60 of 100 t of ore are Chinese; Japan takes 30 t from China, 10 at home, 10 from AUS."""
    return SupplyChain.from_tables(
        products=pd.DataFrame({"product": ["ore", "metal"], "tier": [0, 1]}),
        countries=pd.DataFrame(
            {"area": ["CHN", "JPN", "AUS"], "blocs": ["", "PACIFIC", "PACIFIC"]}
        ),
        sites=pd.DataFrame(
            [("ore", "CHN", 60.0), ("ore", "JPN", 10.0), ("ore", "AUS", 30.0),
             ("metal", "CHN", 50.0), ("metal", "JPN", 50.0)],
            columns=["product", "country", "output_qty"],
        ),
        inputs=pd.DataFrame({"product": ["metal"], "input": ["ore"], "quantity": [1.0]}),
        markets=pd.DataFrame(
            {"product": ["metal"] * 2, "country": ["CHN", "JPN"], "quantity": [50.0, 50.0]}
        ),
        flows=pd.DataFrame(
            [("ore@CHN", "metal@CHN", 30.0), ("ore@CHN", "metal@JPN", 30.0),
             ("ore@JPN", "metal@JPN", 10.0), ("ore@AUS", "metal@JPN", 10.0),
             ("ore@AUS", "metal@CHN", 20.0), ("metal@CHN", "market:metal@CHN", 50.0),
             ("metal@JPN", "market:metal@JPN", 50.0)],
            columns=["supplier", "buyer", "quantity"],
        ),
    )  # fmt: skip


def test_makers_of_ore(metals) -> None:
    row = concentration(metals).loc["ore"]
    assert row["leader"] == "CHN"
    assert row["leader_share"] == pytest.approx(0.6)
    assert row["hhi"] == pytest.approx(0.6**2 + 0.1**2 + 0.3**2)
    assert row["hirschman"] == pytest.approx(np.sqrt(row["hhi"]))
    assert row["countries"] == 3


def test_the_most_concentrated_product_comes_first(metals) -> None:
    assert list(concentration(metals).index) == ["metal", "ore"]


def test_dependence_at_face_value(metals) -> None:
    row = dependence(metals, "JPN").loc["ore"]
    assert row["taken"] == 50.0
    assert row["import_share"] == pytest.approx(0.8)
    assert (row["origin"], row["origin_share"]) == ("CHN", pytest.approx(0.6))


def test_a_bloc_is_one_home(metals) -> None:
    row = dependence(metals, "PACIFIC").loc["ore"]
    assert row["import_share"] == pytest.approx(0.6)
    assert row["hhi"] == pytest.approx(0.6**2 + 0.4**2)


def test_what_is_made_at_home_depends_on_nobody(metals) -> None:
    row = dependence(metals, "JPN").loc["metal"]
    assert (row["import_share"], row["origin"]) == (0.0, "")


def test_unknown_country(metals) -> None:
    with pytest.raises(UnknownLabelError, match="JPN"):
        dependence(metals, "JPNN")


@pytest.mark.parametrize("shares", [[0.5, 0.4], [1.2, -0.2], [0.5, np.nan]])
def test_shares_must_be_shares(shares) -> None:
    with pytest.raises(OptionError, match="add up to 1"):
        hhi(shares)


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=30))
def test_index_lies_between_even_and_single(weights) -> None:
    shares = np.array(weights) / sum(weights)
    assert 1 / len(weights) - 1e-9 <= hhi(shares) <= 1 + 1e-9
    assert hirschman(shares) ** 2 == pytest.approx(hhi(shares))
