"""The joined chain: products shared, value added counted once, shocks that cross from one chain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from compiler.inputs import read_table

import chokepoint as cp

# Only pandas 2 warns: of the types of empty columns, and of an index that is not sorted.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The behavior of DataFrame concatenation:FutureWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.PerformanceWarning"),
]

FOLDER = Path(__file__).parents[2] / "data" / "supply_chains"
JOIN = FOLDER / "all" / "compile" / "inputs"
SECTORS = FOLDER / "rare_earths" / "compile" / "inputs"
EDGE = ["supplier", "buyer", "slot"]
ELECTRONICS = ("smartphone", "pc", "server", "ai_server", "telecom_equipment", "home_electronics")
CARS = ("car_conventional", "car_hybrid", "car_ev")


@pytest.fixture(scope="module")
def chain() -> cp.SupplyChain:
    return cp.load("all")


@pytest.fixture(scope="module")
def parts() -> dict[str, cp.SupplyChain]:
    return {name: cp.load(name) for name in read_table(JOIN / "chains.csv")["chain"]}


@pytest.fixture(scope="module")
def owner(parts) -> pd.Series:
    """The chain that each product belongs to: the first that has it."""
    rows = [(product, name) for name, part in parts.items() for product in part.products["product"]]
    frame = pd.DataFrame(rows, columns=["product", "chain"]).drop_duplicates("product")
    return frame.set_index("product")["chain"]


def value_added(chain: cp.SupplyChain) -> pd.Series:
    sites = chain.nodes[chain.nodes["kind"] == "site"]
    return sites.groupby(["product", "country"])["value_added_usd_m"].sum()


def test_every_product_is_there_once(chain, owner):
    removed = set(read_table(JOIN / "removed.csv")["product"])
    assert set(chain.products["product"]) == set(owner.index) - removed
    assert not chain.sites["site"].duplicated().any()


def test_output_is_that_of_the_owner(chain, parts, owner):
    made = chain.sites.set_index("site")["output_qty"]
    for name, part in parts.items():
        own = part.sites[part.sites["product"].map(owner).eq(name)]
        own = own[own["site"].isin(made.index)]
        assert np.allclose(made[own["site"]], own["output_qty"], rtol=1e-12)


def test_value_added_is_that_of_the_owners_less_what_is_deducted(chain, parts, owner):
    """No country has more value added in the joined chain than in the owners of its products."""
    removed = set(read_table(JOIN / "removed.csv")["product"])
    rows = read_table(JOIN / "deductions.csv")
    sectors = {item for cell in rows["sectors"] for item in cell.split(";")}
    joined = value_added(chain)
    total = 0.0
    for name, part in parts.items():
        own = value_added(part)
        product = own.index.get_level_values("product")
        own = own[(product.map(owner) == name) & ~product.isin(removed)]
        product = own.index.get_level_values("product")
        kept = own[~product.isin(sectors)]
        assert np.allclose(joined[kept.index], kept, rtol=1e-9, atol=1e-9)
        lowered = own[product.isin(sectors)]
        assert (joined[lowered.index] <= lowered * (1 + 1e-9)).all()
        assert (joined[lowered.index] >= 0.59 * lowered).all()
        total += kept.sum() + lowered.sum()
    assert joined.sum() < total


@pytest.mark.parametrize(
    ("sectors", "part_of", "table"),
    [
        (ELECTRONICS, ("audio_haptic", "actuator_hdd"), "consumer_electronics"),
        (("machinery",), "tool_", "machinery"),
        (CARS, ("ecu_auto", "motor_ev", "motor_auto_aux", "catalyst_auto", "battery_nimh"), None),
    ],
)
def test_no_sector_is_larger_than_published(chain, sectors, part_of, table):
    """A sector and its parts made at home are together at most what statistics say of it."""
    added = value_added(chain)
    product = added.index.get_level_values("product")
    if isinstance(part_of, str):
        inside = product.isin(sectors) | product.str.startswith(part_of)
    else:
        inside = product.isin(sectors + part_of)
    ours = added[inside].groupby("country").sum()
    if table is None:
        published = read_table(SECTORS / "vehicles.csv").set_index("country")["value_added_usd_m"]
    else:
        rows = read_table(SECTORS / "sectors.csv").query("product == @table")
        published = rows.set_index("country")["value_added_usd_m"]
    named = published.index.intersection(ours.index).difference(["X_EU", "X_WLD"])
    # At most two fifths of a sector are deducted, so a country of toolmakers may stand above.
    over = ours[named] / published[named]
    above = set(over.index[over > 1.02])
    assert above <= ({"NLD", "SGP", "MYS"} if table == "machinery" else set())


def test_exposed_value_added_is_part_of_the_sector(chain):
    slots, nodes = chain.slots.reset_index(), chain.nodes
    part = slots["use_share"] * slots["criticality"]
    disjoint = part[slots["combine"] == "disjoint"].groupby(slots["buyer"]).sum()
    assert (part <= 1 + 1e-12).all()
    assert (disjoint <= 1 + 1e-9).all()
    assert (nodes["value_added_usd_m"] >= 0).all()


def test_flows_of_a_product_with_the_same_users_are_those_of_its_own_chain(chain, parts):
    joined = chain.flows.set_index(EDGE)["quantity"]
    for name, product in {
        "rare_earths": "oxide_dy",
        "semiconductors": "resist_euv",
        "soybeans": "soybean_export",
        "pharma_api": "amoxicillin_api",
        "strategic_minerals": "antimony_trioxide",
    }.items():
        flows = parts[name].flows
        own = flows[flows["supplier"].str.startswith(f"{product}@")].set_index(EDGE)["quantity"]
        assert np.allclose(joined[own.index], own, rtol=1e-9), product


@pytest.mark.parametrize(
    ("supplier", "buyer"),
    [
        ("magnet_ndfeb_heavy", "tool_litho_euv"),
        ("actuator_hdd", "server"),
        ("audio_haptic", "smartphone"),
        ("gallium", "compound_substrate"),
        ("chip_small_signal", "ecu_auto"),
        ("motor_auto_aux", "car_conventional"),
        ("ecu_auto", "car_conventional"),
        ("solvent_ipa", "electronic_solvent"),
        ("solvent_ipa", "losartan_api"),
        ("soyoil", "phytosterol"),
        ("pork", "pig_mucosa"),
        ("battery_cell", "car_ev"),
        ("battery_cell", "smartphone"),
        ("tungsten", "gas_wf6"),
    ],
)
def test_chains_meet_where_they_do_in_the_world(chain, supplier, buyer):
    edges, product = chain.edges, chain.nodes["product"]
    edges = edges[~edges["dormant"]]
    met = (edges["product"] == supplier) & (edges["buyer"].map(product) == buyer)
    assert edges.loc[met, "quantity"].sum() > 0


def test_needs_of_the_removed_sectors_are_handed_on_whole(chain, parts):
    """The world needs as many speakers, drives and slurries as before."""
    rows = read_table(JOIN / "replaced.csv")
    sites = chain.sites.groupby("product")["output_qty"].sum()
    before = parts["rare_earths"]
    old = before.inputs.query("site == ''").set_index(["product", "input"])["quantity"]
    made = before.sites.groupby("product")["output_qty"].sum()
    recipes = chain.inputs.query("site == ''").set_index(["product", "input"])["quantity"]
    for (product, slot), group in rows.groupby(["product", "slot"]):
        need = sum(recipes.loc[(by, slot)] * sites[by] for by in group["by"])
        assert need == pytest.approx(old.loc[(product, slot)] * made[product], rel=1e-9)


def test_shocks_cross_from_one_chain_to_another(chain):
    """Pig fever reaches heparin, a lack of soya oil sterols, a lack of magnets scanners."""
    shocks = {
        "pigs": (["pork"], "heparin_dose"),
        "soya oil": (["soyoil"], "phytosterol"),
        "magnets": (["magnet_ndfeb_heavy"], "tool_litho_euv"),
    }
    scenarios = [
        cp.Scenario(name, [cp.Outage(products=products, severity=0.9, weeks=78)])
        for name, (products, _) in shocks.items()
    ]
    loss = cp.simulate(chain, scenarios, weeks=78).loss(by="product")
    for name, (_, product) in shocks.items():
        assert loss.loc[name, product] > 0, name
