"""Finding and reading the shipped chains."""

from __future__ import annotations

import pytest

import chokepoint as cp
from chokepoint.datasets import _load
from chokepoint.errors import UnknownLabelError


@pytest.fixture
def places(tmp_path, monkeypatch, full):
    """Two folders of chains in place of the shipped ones: a wheel's and a checkout's."""
    wheel, checkout = tmp_path / "wheel", tmp_path / "checkout"
    full.write(wheel / "small")
    full.replace(alternatives=None).write(checkout / "small")
    full.write(checkout / "other")
    (checkout / "notes").mkdir()
    monkeypatch.setattr(_load, "_PLACES", (wheel, checkout, tmp_path / "nowhere"))
    _load._read.cache_clear()
    yield
    _load._read.cache_clear()


@pytest.mark.usefixtures("places")
def test_names_are_the_folders_with_tables():
    assert cp.datasets.names() == ("other", "small")


@pytest.mark.usefixtures("places")
def test_the_wheel_comes_before_the_checkout(full):
    assert cp.load("small") == full
    assert cp.load("other") == full


@pytest.mark.usefixtures("places")
def test_a_chain_is_read_once():
    assert cp.load("small") is cp.load("small")


@pytest.mark.usefixtures("places")
def test_unknown_names_offer_the_nearest():
    with pytest.raises(UnknownLabelError, match=r'"smal" is not a shipped chain.*"small"'):
        cp.load("smal")


def test_places_are_the_package_data_and_the_checkout():
    wheel, checkout = _load._PLACES
    assert wheel.parts[-3:] == ("chokepoint", "_data", "supply_chains")
    assert checkout.parts[-2:] == ("data", "supply_chains")


@pytest.mark.parametrize("name", cp.datasets.names())
def test_every_shipped_chain_loads_and_balances(name):
    chain = cp.load(name)
    assert chain.balance()["relative"].abs().max() <= 1e-9
