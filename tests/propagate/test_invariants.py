"""What holds whatever the chain, the events and the behaviour."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from propagate._chains import Draft
from propagate._play import watch
from propagate._strategies import DETERMINISTIC, behaviours, drafts, scenarios

from chokepoint.chain import SupplyChain
from chokepoint.propagate import Behaviour, compile_chain, simulate
from chokepoint.propagate import _simulate as simulate_module
from chokepoint.scenario import DemandShift, Licence, Outage, Scenario

WEEKS = 24
FEW = settings(DETERMINISTIC, max_examples=25)
FROZEN = Behaviour(switching=False, ramp=False, frozen_orders=True)
BASELINE = Scenario("baseline")


@FEW
@given(data=st.data())
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_no_shock_no_loss_to_the_last_bit(dtype, data):
    draft = data.draw(drafts())
    shock = data.draw(scenarios(draft, weeks=WEEKS))
    # Beside a shock the engine steps through every week; alone it would skip them.
    outcome = simulate(
        draft.build(),
        [BASELINE, shock],
        weeks=WEEKS,
        behaviour=data.draw(behaviours()),
        dtype=dtype,
    )
    assert (outcome.activity[0] == 1.0).all()
    for table in (outcome.loss(), outcome.unmet(), outcome.loss(by="site")):
        assert (table.loc["baseline"] == 0.0).all()


@FEW
@given(data=st.data())
def test_stocks_shipments_and_output_stay_in_bounds_and_add_up(data):
    draft = data.draw(drafts())
    scenario = data.draw(scenarios(draft, weeks=WEEKS))
    chain, seen = watch(draft.build(), [scenario], weeks=WEEKS, behaviour=data.draw(behaviours()))
    if "output" not in seen:  # nothing happened in any week
        return
    stock, output, demand = seen["stock"], seen["output"], seen["demand"]
    assert stock.min() >= 0.0
    assert seen["shipped"].min() >= -1e-12
    assert output.min() >= -1.0
    # A pushed by-product is not ordered: it follows its process, whatever is wanted.
    assert (output - demand)[:, ~chain.is_pushed].max() <= 1e-12
    assert seen["surplus"].min() >= 0.0

    kept = chain.storable
    change = (seen["arrived"] - seen["used"])[:, kept]
    np.testing.assert_allclose(np.diff(stock, axis=0)[:, kept], change, atol=1e-9)

    if not any(isinstance(event, Licence) for event in scenario.events):
        made = np.zeros_like(output)
        weighted = chain.kappa * seen["shipped"]
        for edge, supplier in enumerate(chain.edge_supplier):
            made[:, supplier] += weighted[:, edge]
        sells = np.bincount(chain.edge_supplier, minlength=chain.n_nodes) > 0
        sells &= ~chain.is_pushed
        np.testing.assert_allclose(made[:, sells], 1.0 + output[:, sells], atol=1e-9)

    sent = np.zeros_like(seen["arrived"])
    for edge, group in enumerate(chain.edge_group):
        sent[:, group] += seen["shipped"][:, edge] - chain.sigma[edge]
    under_way = np.cumsum(sent - seen["arrived"], axis=0)
    np.testing.assert_allclose(seen["pipeline"][1:].sum(axis=1), under_way, atol=1e-9)


def batch(draw, size: int = 4) -> tuple[SupplyChain, list[Scenario], Behaviour]:
    """Return a chain, some scenarios and a behaviour."""
    draft = draw(drafts())
    some = [draw(scenarios(draft, weeks=WEEKS, name=f"s{i}")) for i in range(size)]
    return draft.build(), some, draw(behaviours())


@FEW
@given(data=st.data())
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_batch_is_a_loop_of_singles_to_the_last_bit(dtype, data):
    chain, some, behaviour = batch(data.draw)
    options = {"weeks": WEEKS, "behaviour": behaviour, "dtype": dtype}
    together = simulate(chain, some, **options)
    for row, scenario in enumerate(some):
        alone = simulate(chain, scenario, **options)
        assert np.array_equal(together.activity[row], alone.activity[0])
        assert together.loss().iloc[row].equals(alone.loss().iloc[0])


@FEW
@given(data=st.data())
def test_chunks_and_the_order_of_scenarios_do_not_matter(data):
    chain, some, behaviour = batch(data.draw, size=10)
    options = {"weeks": WEEKS, "behaviour": behaviour}
    whole = simulate(chain, some, **options)
    order = data.draw(st.permutations(some))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate_module, "_LANES_PER_CHUNK", 3)
        cut = simulate(chain, order, **options)
    assert cut.loss().loc[whole.scenarios].equals(whole.loss())
    by_site = cut.loss(by="site").loc[whole.scenarios]
    assert by_site.equals(whole.loss(by="site"))


@FEW
@given(data=st.data())
def test_chains_stacked_in_one_batch_are_separate_runs(data):
    draft = data.draw(drafts())
    some = [data.draw(scenarios(draft, weeks=WEEKS, name=f"s{i}")) for i in range(2)]
    chains = [draft.build(), _other_numbers(draft).build()]
    options = {"weeks": WEEKS, "behaviour": data.draw(behaviours())}
    together = simulate(chains, some, **options)
    assert list(together.scenarios) == [(0, "s0"), (0, "s1"), (1, "s0"), (1, "s1")]
    for draw, chain in enumerate(chains):
        alone = simulate(chain, some, **options)
        assert np.array_equal(together.activity[2 * draw : 2 * draw + 2], alone.activity)
        assert together.loss().loc[draw].equals(alone.loss())
        assert together.loss(by="site").loc[draw].equals(alone.loss(by="site"))


def _other_numbers(draft: Draft) -> Draft:
    """Return the draft with other flows, stocks and prices, and the same structure."""
    flows = [
        type(flow)(
            flow.supplier, flow.buyer, flow.quantity * (1 + i % 3), flow.slot, flow.lead, 0.5
        )
        for i, flow in enumerate(draft.flows)
    ]
    slots = {
        key: {**row, "stock_weeks": row["stock_weeks"] + 1} for key, row in draft.slots.items()
    }
    other = Draft(**{**vars(draft), "flows": flows, "slots": slots})
    other.price = 3e6
    return other


@FEW
@given(data=st.data())
def test_labels_and_the_order_of_rows_do_not_matter(data):
    draft = data.draw(drafts())
    scenario = data.draw(scenarios(draft, weeks=WEEKS))
    options = {"weeks": WEEKS, "behaviour": data.draw(behaviours())}
    tables = draft.tables()
    seed = data.draw(st.integers(0, 99))
    mixed = {name: frame.sample(frac=1.0, random_state=seed) for name, frame in tables.items()}
    first = simulate(SupplyChain.from_tables(tables), scenario, **options)
    second = simulate(SupplyChain.from_tables(mixed), scenario, **options)
    for by in ("site", "country", "product"):
        here, there = first.loss(by=by), second.loss(by=by)
        pd.testing.assert_frame_equal(here, there[here.columns], rtol=1e-9, atol=1e-9)


@FEW
@given(data=st.data())
def test_losses_scale_with_the_currency(data):
    draft = data.draw(drafts())
    scenario = data.draw(scenarios(draft, weeks=WEEKS))
    options = {"weeks": WEEKS, "behaviour": data.draw(behaviours())}
    one = simulate(draft.build(), scenario, **options)
    draft.price *= 7.0
    seven = simulate(draft.build(), scenario, **options)
    for what in ("loss", "unmet"):
        ours, theirs = getattr(one, what)(), getattr(seven, what)()
        np.testing.assert_allclose(theirs, 7.0 * ours, rtol=1e-12, atol=1e-12)
    assert np.array_equal(one.activity, seven.activity)


@FEW
@given(data=st.data())
def test_cumulative_loss_grows_with_severity_where_orders_are_frozen(data):
    """Theory 3.3: essential slots or none, no joint outputs, shocks on capacity and demand."""
    draft = data.draw(drafts(plain=True))
    sites = sorted({flow.supplier for flow in draft.flows})
    hit = data.draw(st.lists(st.sampled_from(sites), min_size=1, max_size=3, unique=True))
    start, length = data.draw(st.integers(0, 5)), data.draw(st.integers(1, 15))
    shift = data.draw(st.sampled_from([0.0, -0.3]))
    some = [
        Scenario(
            f"{severity}",
            [
                Outage(sites=hit, severity=severity, start=start, weeks=length, recovery_weeks=2),
                DemandShift(change=shift * severity, start=start),
            ],
        )
        for severity in np.linspace(0.0, 1.0, 11)
    ]
    outcome = simulate(draft.build(), some, weeks=WEEKS, behaviour=FROZEN)
    lost = np.cumsum(1.0 - outcome.activity, axis=1)
    assert np.diff(lost, axis=0).min() >= -1e-9


@FEW
@given(data=st.data())
def test_total_unmet_demand_grows_with_severity_in_any_mode(data):
    """Site by site this is no theorem; in total and with tolerance it is expected."""
    draft = data.draw(drafts(plain=True))
    sites = sorted({flow.supplier for flow in draft.flows})
    hit = data.draw(st.sampled_from(sites))
    some = [Scenario(f"{s}", Outage(sites=hit, severity=s, weeks=8)) for s in (0.0, 0.25, 0.5, 1.0)]
    outcome = simulate(draft.build(), some, weeks=52)
    unmet = outcome.unmet(by="total")["total"].to_numpy()
    baseline = outcome.nodes["value_usd_m"][outcome.nodes["kind"] == "market"].sum()
    assert np.diff(unmet).min() >= -0.01 * baseline


@FEW
@given(data=st.data())
def test_single_precision_finds_the_same_losses_of_countries(data):
    draft = data.draw(drafts())
    scenario = data.draw(scenarios(draft, weeks=WEEKS))
    options = {"weeks": WEEKS, "behaviour": data.draw(behaviours())}
    chain = draft.build()
    double = simulate(chain, scenario, **options).loss()
    single = simulate(chain, scenario, dtype="float32", **options).loss()
    scale = compile_chain(chain).value_added.sum() * WEEKS
    np.testing.assert_allclose(single, double, rtol=1e-5, atol=1e-6 * scale)
