"""Chains from input-output tables."""

import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import chokepoint as cp
from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, TableError

REGIONS, SECTORS = ["NOR", "DEU", "ROW"], ["energy", "goods; metal", "services"]


def industries():
    return pd.MultiIndex.from_product([REGIONS, SECTORS], names=["region", "sector"])


@pytest.fixture
def flows():
    rng = np.random.default_rng(4)
    values = rng.uniform(1.0, 2.0, (9, 9)) * (rng.random((9, 9)) < 0.7)
    return pd.DataFrame(values, industries(), industries())


@pytest.fixture
def final():
    rng = np.random.default_rng(5)
    columns = pd.MultiIndex.from_product([["NOR", "DEU", "JPN"], ["households", "government"]])
    values = rng.uniform(1.0, 4.0, (9, 6)) * (rng.random((9, 6)) < 0.8)
    return pd.DataFrame(values, industries(), columns)


@pytest.fixture
def chain(flows, final):
    return SupplyChain.from_io_table(
        flows,
        final,
        inventories={"energy": None, "goods; metal": 3.0, "services": 0.5},
        throttle=0.8,
        ramp_max=pd.Series(1.2, index=SECTORS),
    )


def problems(flows, final=None, **options):
    with pytest.raises(TableError) as caught:
        SupplyChain.from_io_table(flows, final, **options)
    return str(caught.value)


# ----------------------------------------------------------------------- what it stands for


def test_sites_are_industries(chain, flows, final):
    sites = chain.sites
    assert sites["site"][1] == "goods_ metal@NOR"
    assert list(chain.products["name"]) == SECTORS
    output = flows.sum(axis=1) + final.sum(axis=1)
    np.testing.assert_allclose(sites["output_qty"], output, rtol=1e-14)
    added = sites["value_added_share"] * sites["output_usd_m"]
    np.testing.assert_allclose(added, output - flows.sum(axis=0), rtol=1e-12)
    assert (sites["ramp_max"] == 1.2).all()


def test_inputs_are_summed_over_regions(chain, flows, final):
    rows = chain.inputs.query("site == 'energy@DEU'").set_index("input")["quantity"]
    bought = flows["DEU", "energy"].groupby(level="sector").sum()
    output = flows.loc["DEU", "energy"].sum() + final.loc["DEU", "energy"].sum()
    assert rows["services"] == pytest.approx(bought["services"] / output, rel=1e-14)
    assert len(rows) == (bought > 0).sum()


def test_markets_are_sectors_in_consuming_regions(chain, final):
    market = chain.markets.set_index("market")["quantity"]["market:services@JPN"]
    wanted = final["JPN"].sum(axis=1).groupby(level="sector").sum()["services"]
    assert market == pytest.approx(wanted, rel=1e-14)
    assert not (chain.markets["country"] == "ROW").any()


def test_areas_that_are_no_countries(chain, flows, final):
    kinds = chain.countries.set_index("area")["kind"]
    assert kinds.to_dict() == {
        "NOR": "country", "DEU": "country", "ROW": "residual", "JPN": "country",
    }  # fmt: skip
    renamed = SupplyChain.from_io_table(flows, final, areas={"DEU": "DE1"}, residual=["DE1"])
    assert renamed.countries.set_index("area")["kind"]["DE1"] == "residual"
    assert "energy@DE1" in set(renamed.sites["site"])


def test_identities_hold(chain):
    assert chain.balance()["relative"].abs().max() < 1e-14


def test_slots_hold_the_options(chain):
    slots = chain.slots.loc["services@NOR"]
    metal, energy = slots.loc["goods_ metal"], slots.loc["energy"]
    assert (metal["stock_weeks"], metal["criticality"]) == (3.0, 1.0)
    assert metal["throttle_weeks"] == pytest.approx(0.8 * 4.0)
    # Never less than what a week uses.
    assert slots.loc["services", "throttle_weeks"] == pytest.approx(0.8 * 1.5)
    # An endless stock never binds.
    assert (energy["criticality"], energy["throttle_weeks"]) == (0.0, 1.0)
    assert energy["stock_weeks"] >= 1e4


def test_an_endless_input_never_binds_and_is_ordered_as_it_is_used(chain):
    outage = cp.Outage(products="energy", severity=1.0, weeks=20)
    settings = cp.Behaviour(switching=False, ramp=False)
    run = cp.simulate(chain, cp.Scenario("out", [outage]), weeks=30, behaviour=settings)
    makers = (chain.nodes["kind"] == "site") & (chain.nodes["product"] != "energy")
    # Others sell less to the energy industries, but none lacks energy.
    assert run.activity[0, :20, makers.to_numpy()].min() > 0.2
    stop = SupplyChain.from_io_table(*_frames(chain), inventories=3.0)
    without = cp.simulate(stop, cp.Scenario("out", [outage]), weeks=30, behaviour=settings)
    assert without.activity[0, :20, makers.to_numpy()].min() == 0.0


def _frames(chain):
    table = chain.industries
    labels = pd.MultiIndex.from_arrays(
        [np.array(table.areas)[table.area], np.array(table.sectors)[table.sector]]
    )
    consumers = [table.areas[area] for area in table.market_area]
    return (
        pd.DataFrame(table.flows, labels, labels),
        pd.DataFrame(table.final, labels, consumers),
    )


def test_a_currency_factor_scales_money_and_nothing_else(flows, final):
    one = SupplyChain.from_io_table(flows, final)
    other = SupplyChain.from_io_table(flows, final, usd_million=1.5)
    np.testing.assert_allclose(other.sites["output_usd_m"], 1.5 * one.sites["output_usd_m"])
    np.testing.assert_allclose(other.inputs["quantity"], one.inputs["quantity"], rtol=1e-14)


def test_rows_are_aligned_by_label(flows, final):
    shuffled = flows.sample(frac=1, axis=1, random_state=1)
    mixed = SupplyChain.from_io_table(shuffled, final.sample(frac=1, random_state=2))
    plain = SupplyChain.from_io_table(flows, final)
    assert mixed == plain


def test_a_system_alone(flows, final):
    output = (flows.sum(axis=1) + final.sum(axis=1)).to_frame("indout")
    system = SimpleNamespace(Z=flows, Y=final, x=output)
    assert SupplyChain.from_io_table(system) == SupplyChain.from_io_table(flows, final)
    bare = SimpleNamespace(Z=None, Y=None, x=None)
    with pytest.raises(OptionError, match="calc_all"):
        SupplyChain.from_io_table(bare)
    with pytest.raises(OptionError, match="got both"):
        SupplyChain.from_io_table(system, final)


def test_an_industry_that_neither_buys_nor_sells_stays_without_flows(flows, final):
    gone = ("NOR", "services")
    flows.loc[gone, :], flows.loc[:, gone], final.loc[gone, :] = 0.0, 0.0, 0.0
    chain = SupplyChain.from_io_table(flows, final)
    assert chain.sites.set_index("site")["output_qty"]["services@NOR"] == 0.0
    outage = cp.Outage(sites="services@NOR", weeks=5)
    run = cp.simulate(chain, cp.Scenario("out", [outage]), weeks=10)
    assert float(run.loss(by="total").to_numpy().sum()) == 0.0


# ------------------------------------------------------------------ a chain like any other


def test_tables_make_the_same_chain(chain):
    again = SupplyChain.from_tables(chain.tables)
    assert again == chain
    assert hash(again) == hash(chain)
    for view in ("nodes", "slots", "edges"):
        pd.testing.assert_frame_equal(getattr(again, view), getattr(chain, view))
    pd.testing.assert_frame_equal(again.balance(), chain.balance())


def test_links_say_what_edges_say(chain):
    again = SupplyChain.from_tables(chain.tables)
    for one, other in ((chain, again), (again, chain)):
        links, edges = one.links, other.edges
        nodes = one.nodes.index
        assert list(nodes[links.supplier]) == list(edges["supplier"])
        assert list(nodes[links.buyer]) == list(edges["buyer"])
        assert list(one.slots.index[links.slot].get_level_values("slot")) == list(edges["slot"])
        assert list(one.products["product"].iloc[links.product]) == list(edges["product"])
        for name in ("quantity", "recipe", "growth_max", "lead_weeks", "qualification_weeks"):
            np.testing.assert_array_equal(getattr(links, name), edges[name])
        with pytest.raises(ValueError, match="read-only"):
            links.quantity[0] = 1.0


def test_files_graphs_pickles(chain, tmp_path):
    chain.write(tmp_path / "table")
    assert SupplyChain.read(tmp_path / "table") == chain
    assert SupplyChain.from_networkx(chain.to_networkx()) == chain
    copy = pickle.loads(pickle.dumps(chain))
    assert copy == chain
    assert copy.industries is not None


def test_another_number_makes_another_chain(flows, final, chain):
    flows.iloc[0, 1] += 1.0
    other = SupplyChain.from_io_table(flows, final)
    assert other != chain
    assert hash(other) != hash(chain)


def test_a_changed_table(chain):
    sites = chain.sites.assign(ramp_weeks=13.0)
    changed = chain.replace(sites=sites)
    assert (changed.nodes["ramp_weeks"][changed.nodes["kind"] == "site"] == 13.0).all()
    assert changed.industries is None


def test_text_in_few_lines(chain):
    shown = repr(chain)
    assert "9 sites" in shown
    assert "reported" in shown


def test_very_many_flows_stay_arrays(chain, monkeypatch, tmp_path):
    monkeypatch.setattr("chokepoint.chain._table_store.MANY_FLOWS", 10)
    with pytest.raises(OptionError, match="at most 10 flows to write it"):
        chain.write(tmp_path / "table")
    with pytest.raises(OptionError, match="make a graph"):
        chain.to_networkx()
    with pytest.raises(OptionError, match="change its tables"):
        chain.replace(projects=None)
    assert len(chain.flows) == len(chain.links.supplier)


# ------------------------------------------------------------------------------ bad input


def test_labels_that_differ(flows, final):
    text = problems(flows.rename({"energy": "enrgy"}, level=1), final)
    assert 'is not an industry of the rows of Z; closest: "NOR, enrgy"' in text
    assert "missing here" in text
    assert "two levels" in problems(flows.droplevel(0), final)
    assert "must not repeat" in problems(pd.concat([flows, flows.iloc[:1]]), final)
    deep = final.copy()
    deep.columns = pd.MultiIndex.from_product([["NOR", "DEU"], ["a"], ["x", "y", "z"]])
    assert "3 levels" in problems(flows, deep)


def test_numbers(flows, final):
    flows.iloc[0, 1], flows.iloc[2, 3], flows.iloc[2, 4] = -1.0, np.nan, np.inf
    final.iloc[5, 2] = -2.0
    text = problems(flows, final)
    assert "must not be negative; 1 is not, at NOR, goods; metal" in text
    assert "must be finite numbers; 2 are not, the first at DEU, energy" in text
    assert "Y: 1 problem" in text
    words = flows.astype(object)
    words.iloc[0, 0] = "much"
    assert "must be numbers" in problems(words, final)


def test_balance(flows, final):
    output = flows.sum(axis=1) + final.sum(axis=1)
    wrong = output * np.where(np.arange(9) == 3, 1.1, 1.0)
    text = problems(flows, final, output=wrong)
    assert "DEU, energy" in text
    assert "do not add up to its output" in text
    assert SupplyChain.from_io_table(flows, final, output=wrong, tolerance=0.2) is not None
    flows["NOR", "energy"] *= 50.0
    assert "its value added is negative" in problems(flows, final)


def test_an_industry_that_buys_and_sells_nothing(flows, final):
    flows.iloc[4], final.iloc[4] = 0.0, 0.0
    assert "sells nothing and buys" in problems(flows, final)
    assert "at least one industry" in problems(flows * 0.0, final * 0.0)


def test_options(flows, final):
    text = problems(
        flows, final, inventories={"energy": 3, "godos": 2}, throttle=2.0, ramp_max=0.5,
        criticality=1.5, reorder_weeks=0.5, usd_million=0.0, areas={"FRA": "FR"},
    )  # fmt: skip
    for part in (
        'inventories = "godos"',
        "must be stated for",
        "throttle = 2",
        "ramp_max = 0.5",
        "criticality = 1.5",
        "reorder_weeks = 0.5",
        "usd_million = 0.0",
        "is not a region of the table",
    ):
        assert part in text
    assert "inventories" in problems(flows, final, inventories=np.nan)
    assert "inventories" in problems(flows, final, inventories=-1.0)


def test_names_that_become_the_same_label(flows, final):
    def rename(frame):
        return frame.rename({"services": "goods: metal"}, level=1)

    text = problems(rename(rename(flows).T).T, rename(final))
    assert 'has the same label "goods_ metal"' in text


def test_frames_are_asked_for(flows):
    with pytest.raises(OptionError, match="expected Y as a DataFrame"):
        SupplyChain.from_io_table(flows)
    with pytest.raises(OptionError, match="expected output as a Series"):
        SupplyChain.from_io_table(flows, flows, output=3.0)


def test_options_by_sector_and_industry(flows, final):
    by_sector = pd.DataFrame(1.0, SECTORS, SECTORS)
    by_sector.loc["energy", "services"] = 0.25
    chain = SupplyChain.from_io_table(flows, final, criticality=by_sector)
    assert chain.slots.loc[("services@DEU", "energy"), "criticality"] == 0.25
    by_industry = pd.DataFrame(2.0, SECTORS, industries())
    by_industry.loc["energy", ("DEU", "services")] = np.inf
    chain = SupplyChain.from_io_table(flows, final, inventories=by_industry)
    assert chain.slots.loc[("services@DEU", "energy"), "criticality"] == 0.0
    assert chain.slots.loc[("services@NOR", "energy"), "stock_weeks"] == 2.0
    pace = pd.Series(np.arange(1.0, 10.0), index=industries())
    chain = SupplyChain.from_io_table(flows, final, ramp_weeks=pace)
    assert list(chain.sites["ramp_weeks"]) == list(range(1, 10))
