"""The strongest attack: against brute force, a price instead of a ban, limits on self-harm."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from propagate._chains import Draft, Flow
from resilience._attacks import (
    WEEKS,
    all_choices,
    attacked,
    bans,
    diamond,
    levels,
    planner_losses,
)

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.propagate import simulate
from chokepoint.resilience import attack, recourse
from chokepoint.resilience._attack._answer import Answer
from chokepoint.resilience._attack._instruments import Instruments
from chokepoint.resilience._attack._penalty import penalised
from chokepoint.scenario import (
    Boycott,
    ExportBan,
    Licence,
    Outage,
    Quota,
    Scenario,
    Tariff,
)

SLOW = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow,
                                                           HealthCheck.data_too_large]
)  # fmt: skip

# -------------------------------------------------------------------- a price instead of a ban


def _program_at(parts, chosen):
    """The penalised program with the choice fixed."""
    return replace(parts.program, cost=parts.cost(parts.variables(chosen)))


@pytest.mark.parametrize("period", [1, 4])
@SLOW
@given(case=attacked())
def test_what_costs_its_worth_is_as_good_as_banned(period, case):
    chain, instruments = case
    if not instruments:
        return
    offered = Instruments.of(chain, instruments, weeks=WEEKS)
    answer = Answer(chain, offered.effects, targets=None, weeks=WEEKS, period=period)
    parts = penalised(answer)
    for choice in all_choices(len(instruments)):
        banned = answer.program(frozenset(choice)).solve().objective
        priced = _program_at(parts, levels(choice, len(instruments))).solve().objective
        assert priced == pytest.approx(banned, rel=1e-6, abs=1e-6)


@SLOW
@given(case=attacked(instruments=3, rich=True))
def test_a_price_is_a_ban_with_everything_that_the_weekly_model_knows(case):
    chain, instruments = case
    if not instruments:
        return
    offered = Instruments.of(chain, instruments, weeks=WEEKS)
    try:
        answer = Answer(chain, offered.effects, targets=None, weeks=WEEKS, period=1)
        parts = penalised(answer)
    except OptionError as error:  # detours of two lengths on one flow
        if "leakage_weeks" in str(error) or "sites that add value" in str(error):
            return
        raise
    for choice in [(), (0,), tuple(range(len(instruments)))]:
        banned = answer.program(frozenset(choice)).solve().objective
        chosen = levels(choice, len(instruments))
        priced = _program_at(parts, chosen).solve().objective
        assert priced == pytest.approx(banned, rel=1e-6, abs=1e-6)


@SLOW
@given(case=attacked(instruments=3))
def test_programs_of_one_shape_are_the_recourse_programs(case):
    chain, instruments = case
    if not instruments:
        return
    offered = Instruments.of(chain, instruments, weeks=WEEKS)
    answer = Answer(chain, offered.effects, targets=None, weeks=WEEKS, period=1)
    several = sum(bool(one.licences) for one in offered.effects) > 1
    for choice, loss in planner_losses(chain, instruments).items():
        mine = answer.program(frozenset(choice)).solve().objective
        assert mine <= loss + 1e-7 * max(1.0, loss)
        # A market takes all that comes on licensed flows once one of them needs a licence.
        assert several or mine == pytest.approx(loss, rel=1e-7, abs=1e-7)


# ------------------------------------------------------------------------------- brute force


@SLOW
@given(case=attacked(instruments=3))
def test_the_planner_is_hit_as_hard_as_by_the_worst_of_all_choices(case):
    chain, instruments = case
    if not instruments:
        return
    offered = Instruments.of(chain, instruments, weeks=WEEKS)
    answer = Answer(chain, offered.effects, targets=None, weeks=WEEKS, period=1)
    every = {
        choice: answer.program(frozenset(choice)).solve().objective
        for choice in all_choices(len(instruments))
    }
    for most in (1, len(instruments)):
        worst = max(loss for choice, loss in every.items() if len(choice) <= most)
        found = attack(chain, instruments, response="planner", most=most, weeks=WEEKS, period=1)
        assert found.damage == pytest.approx(worst, rel=1e-5, abs=1e-5)
        assert found.bound >= found.damage
        assert len(found.pulled) <= most


@pytest.mark.slow
@SLOW
@given(case=attacked(instruments=3))
def test_the_weekly_model_is_hit_as_hard_as_by_the_worst_scenario(case):
    chain, instruments = case
    if not instruments:
        return
    found = attack(chain, instruments, targets="JPN" if _has(chain, "JPN") else None,
                   owner="CHN" if _has(chain, "CHN") else None, weeks=WEEKS)  # fmt: skip
    scenarios = [
        Scenario(str(number), [e for k in choice for e in instruments[k].events])
        for number, choice in enumerate(all_choices(len(instruments)))
    ]
    losses = simulate(chain, scenarios, weeks=WEEKS).loss()
    damage = losses.loc[:, losses.columns.isin(found.targets)].sum(axis=1)
    assert found.damage == pytest.approx(damage.max(), rel=1e-12, abs=1e-12)
    again = simulate(chain, found.scenario, weeks=WEEKS).loss()
    assert again.loc[:, again.columns.isin(found.targets)].sum(axis=1).item() == pytest.approx(
        found.damage, rel=1e-12, abs=1e-12
    )


def _has(chain, area):
    return area in set(chain.sites["country"]) and area in chain.areas()


def test_costs_and_budget_limit_the_choice():
    chain, levers = diamond().build(), bans("AUS", "CHN", "USA")
    costs = {"AUS": 1.0, "CHN": 3.0, "USA": 1.0}
    cheap = attack(chain, levers, costs=costs, budget=2.0, weeks=WEEKS)
    dear = attack(chain, levers, costs=costs, budget=3.0, weeks=WEEKS)
    assert cheap.pulled == ("AUS", "USA")
    assert dear.pulled == ("CHN",) or dear.damage >= cheap.damage
    assert dear.damage >= cheap.damage
    for response in ("weekly_model", "planner"):
        found = attack(chain, levers, costs=costs, budget=2.0, weeks=WEEKS, period=1,
                       response=response)  # fmt: skip
        assert found.cost <= 2.0
        assert set(found.pulled) == {"AUS", "USA"}


def test_instruments_that_act_on_one_flow_in_part_multiply():
    chain = diamond().build()
    levers = [
        Scenario("half", ExportBan(by="CHN", severity=0.5)),
        Scenario("fifth", ExportBan(by="CHN", products="ore", severity=0.2)),
        Scenario("quota", Quota(by="AUS", share=0.3)),
        Scenario("rest", ExportBan(by="CHN", against="DEU", severity=0.9)),
    ]
    losses = planner_losses(chain, levers)
    found = attack(chain, levers, response="planner", most=3, weeks=WEEKS, period=1)
    worst = max(loss for choice, loss in losses.items() if len(choice) <= 3)
    assert found.damage == pytest.approx(worst, rel=1e-6)


def test_licences_outages_and_boycotts_are_instruments_too():
    chain = diamond().build()
    levers = [
        Scenario("licence", Licence(by="CHN", products="ore", release=(0.2,), refused=0.3)),
        Scenario("fire", Outage(sites="mill@DEU", severity=0.7, start=2, weeks=6)),
        Scenario("boycott", Boycott(by="DEU", products="ore", severity=1.0)),
        Scenario("leaky", ExportBan(by="AUS", leakage=0.5, leakage_lag=1, leakage_weeks=2)),
    ]
    losses = planner_losses(chain, levers)
    for most in (1, 2, 4):
        found = attack(chain, levers, response="planner", most=most, weeks=WEEKS, period=1)
        worst = max(loss for choice, loss in losses.items() if len(choice) <= most)
        assert found.damage == pytest.approx(worst, rel=1e-6)


# ----------------------------------------------------------------------- published special cases


def grid(rng, width=3, depth=3):
    """Ore crosses layers of mills; a cut is a set of countries whose mills all stop."""
    countries = ["AUS", "CHN", "USA", "DEU", "KOR", "BRA", "CAN", "FRA", "GBR"]
    flows, layers = [], []
    for layer in range(depth):
        layers.append([f"p{layer}@{countries[layer * width + i]}" for i in range(width)])
    for one, other in pairwise(layers):
        for buyer in other:
            for supplier in rng.permutation(one)[: rng.integers(1, width + 1)]:
                flows.append(Flow(str(supplier), buyer, 52.0, growth=9.0))
    flows += [Flow(site, "end@JPN", 52.0, growth=9.0) for site in layers[-1]]
    flows.append(Flow("end@JPN", "market:end@JPN", 52.0))
    return Draft(flows=flows), layers


@pytest.mark.parametrize("seed", range(4))
def test_as_many_bans_as_the_smallest_cut_stop_everything(seed):
    """Wood (1993): with unit costs and a budget of the minimum cut nothing gets through."""
    import networkx as nx

    draft, layers = grid(np.random.default_rng(seed))
    draft.slots = {(f.buyer, f.supplier.partition("@")[0]): {"stock_weeks": 0.0}
                   for f in draft.flows if not f.buyer.startswith("market:")}  # fmt: skip
    chain = draft.build()
    graph = nx.DiGraph()
    for flow in draft.flows:
        if flow.buyer.startswith("market:"):
            continue
        # A ban stops all that a country exports: each site is an arc of capacity 1.
        graph.add_edge(("in", flow.supplier), ("out", flow.supplier), capacity=1.0)
        graph.add_edge(("out", flow.supplier), ("in", flow.buyer))
    for site in layers[0]:
        graph.add_edge("source", ("in", site))
    # Sites that feed nobody are no part of a cut; suppliers upstream must be reached.
    cut = nx.maximum_flow_value(graph, "source", ("in", "end@JPN"))
    owners = [site.partition("@")[2] for layer in layers for site in layer
              if site in {f.supplier for f in draft.flows}]  # fmt: skip
    levers = [Scenario(owner, ExportBan(by=owner)) for owner in owners]
    # Goods that are on their way still arrive: the last week tells what gets through for good.
    weeks = 26
    value = chain.nodes.loc["end@JPN", "value_added_usd_m"] / 52

    def last_week(most):
        found = attack(chain, levers, targets="JPN", response="planner", most=most, weeks=weeks,
                       period=1)  # fmt: skip
        best = recourse(chain, found.scenario, targets="JPN", weeks=weeks)
        assert found.damage == pytest.approx(best.loss_total, rel=1e-6)
        return best.loss_by_week["JPN"].iloc[-1]

    assert last_week(int(cut)) == pytest.approx(value, rel=1e-6)
    if cut > 1:
        assert last_week(int(cut) - 1) < value * (1 - 1e-6)


# ----------------------------------------------------------------------------------- self-harm


def harmful() -> Draft:
    """CHN sells ore to JPN and DEU; a ban costs CHN its own value added there."""
    return diamond(sites={"ore@CHN": {"value_added_share": 0.9}})


def test_a_limit_on_self_harm_by_the_weekly_model_is_held_by_every_choice():
    chain = harmful().build()
    levers = [
        Scenario(f"{product} to {target}", ExportBan(by="CHN", against=target, products=product))
        for target in ("JPN", "DEU") for product in ("ore",)
    ] + bans("AUS")  # fmt: skip
    free = attack(chain, levers, targets=["JPN", "DEU"], owner="CHN", weeks=WEEKS)
    harm = float(free.losses.loc["self_harm", "simulated"])
    assert harm > 0
    held = attack(
        chain, levers, targets=["JPN", "DEU"], owner="CHN", weeks=WEEKS, harm_limit=harm / 2
    )
    assert held.losses.loc["self_harm", "simulated"] <= harm / 2
    assert held.damage <= free.damage
    allowed = held.tried[held.tried["self_harm"] <= harm / 2 + 1e-9]
    assert held.damage == pytest.approx(allowed["damage"].max())
    assert held.frontier["damage"].is_monotonic_increasing


def test_attacks_on_the_planner_are_simulated_and_ruled_out_one_by_one():
    chain = harmful().build()
    levers = [Scenario(f"to {area}", ExportBan(by="CHN", against=area)) for area in ("JPN", "DEU")]
    levers += bans("AUS", "USA")
    how = {"targets": ["JPN", "DEU"], "owner": "CHN", "response": "planner", "weeks": WEEKS,
           "period": 1}  # fmt: skip
    free = attack(chain, levers, **how)
    harm = float(free.losses.loc["self_harm", "simulated"])
    held = attack(chain, levers, harm_limit=0.6 * harm, **how)
    assert held.losses.loc["self_harm", "simulated"] <= 0.6 * harm
    assert held.damage < free.damage
    nothing = attack(chain, levers[:2], harm_limit=0.0, **how)
    assert nothing.pulled == ()
    assert nothing.damage == pytest.approx(0.0, abs=1e-6)


@SLOW
@given(case=attacked(instruments=3))
def test_the_exact_limit_on_self_harm_is_that_of_enumeration(case):
    chain, instruments = case
    owner = chain.sites["country"].iloc[0]
    targets = [area for area in chain.areas() if area != owner]
    makers = chain.sites[~chain.sites["country"].eq(owner)]
    if not instruments or makers.empty:
        return
    options = _answers(chain, instruments, owner, targets)
    limit = float(np.median([harm for _, harm in options]))
    best = max((damage for damage, harm in options if harm <= limit + 1e-9), default=0.0)
    found = attack(
        chain, instruments, targets=targets, owner=owner, response="planner", harm="planner",
        harm_limit=limit, weeks=WEEKS, period=1,
    )  # fmt: skip
    scale = max(1.0, *(damage for damage, _ in options))
    # Answers within epsilon of best are best: the owner may gain a little by that.
    assert found.losses.loc["self_harm", "planner"] <= limit + 1e-4 * scale
    assert found.damage >= best - 1e-4 * scale
    # By enumeration the owner's harm is traded against the target's within best answers.
    assert found.damage <= max(damage for damage, _ in options) + 1e-4 * scale


def _answers(chain, instruments, owner, targets):
    """For every choice: the most that the targets lose in a best answer, and least self-harm."""
    offered = Instruments.of(chain, instruments, weeks=WEEKS)
    answer = Answer(chain, offered.effects, targets=None, weeks=WEEKS, period=1)
    found = []
    for choice in all_choices(len(instruments)):
        program = answer.program(frozenset(choice))
        best = program.solve().objective
        nodes = answer.compiled.nodes["country"]
        loss = answer.built(frozenset(choice)).columns.loss

        def cost_of(areas, loss=loss, nodes=nodes, program=program):
            places = loss[nodes.isin(areas).to_numpy()]
            cost = np.zeros(program.n_columns)
            cost[places[places >= 0]] = program.cost[places[places >= 0]]
            return cost

        optimal = _within(program, best)
        hit = -replace(optimal, cost=-cost_of(targets)).solve().objective
        harm = replace(optimal, cost=cost_of([owner])).solve().objective
        found.append((hit, harm))
    return found


def _within(program, best):
    """The program with one more row: its cost is the least."""
    from scipy import sparse

    at_stake = float(program.cost.sum()) * WEEKS
    return cp.program.LinearProgram(
        name="best answers",
        cost=program.cost,
        matrix=sparse.csr_array(sparse.vstack([program.matrix, program.cost[None, :]])),
        row_lower=np.append(program.row_lower, -np.inf),
        row_upper=np.append(program.row_upper, best + 1e-7 * at_stake),
        column_lower=program.column_lower,
        column_upper=program.column_upper,
    )


# ------------------------------------------------------------------------------------- tariffs


def test_tariffs_are_set_at_the_levels_that_cost_most():
    chain = diamond().build()
    levers = [
        Scenario("on CHN", Tariff(by="JPN", against="CHN", rate=0.5)),
        Scenario("on AUS", Tariff(by="JPN", against="AUS", rate=0.3)),
    ]
    found = attack(
        chain, levers, targets="JPN", response="planner", budget=1.0, weeks=WEEKS, period=1
    )
    assert found.levels.sum() <= 1 + 1e-9
    losses = {}
    for share in np.linspace(0, 1, 11):
        mixed = Scenario("mixed", [
            Tariff(by="JPN", against="CHN", rate=0.5 * share),
            Tariff(by="JPN", against="AUS", rate=0.3 * (1 - share)),
        ])  # fmt: skip
        best = recourse(chain, mixed, targets="JPN", weeks=WEEKS, tariffs="cost")
        losses[share] = best.solution.objective
    assert found.damage >= max(losses.values()) - 1e-6
    assert found.damage == pytest.approx(max(losses.values()), rel=0.02)


# -------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"response": "market"}, "response"),
        ({"harm": "guess"}, "harm"),
        ({"harm_limit": 1.0}, "together with an owner"),
        ({"harm_limit": -1.0, "owner": "CHN"}, "at least 0"),
        ({"most": -1}, "most"),
        ({"budget": -1.0}, "budget"),
        ({"costs": {"AUS": 1.0}}, "cost of at least 0 for each"),
        ({"weeks": 0}, "weeks"),
    ],
)
def test_wrong_options_say_what_was_expected(options, message):
    with pytest.raises(OptionError, match=message):
        attack(diamond().build(), bans("AUS", "CHN"), **options)


def test_names_of_instruments_must_differ_and_too_many_choices_are_refused():
    chain = diamond().build()
    with pytest.raises(OptionError, match="unique names"):
        attack(chain, bans("AUS", "AUS"))
    many = [Scenario(str(i), ExportBan(by="AUS")) for i in range(16)]
    with pytest.raises(OptionError, match="32,768"):
        attack(chain, many)
    assert attack(chain, many, most=1, weeks=4).damage >= 0


def test_an_attack_says_what_it_is():
    found = attack(diamond().build(), bans("AUS", "CHN"), owner="CHN", most=1, weeks=WEEKS)
    assert "CHN" in repr(found)
    assert "self_harm" in found._repr_html_()
    assert isinstance(found.tried, pd.DataFrame)
    assert list(found.tried.columns[:4]) == ["instruments", "damage", "self_harm", "third_party"]
