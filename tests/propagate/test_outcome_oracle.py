"""Losses, unmet demand, tariffs and leakage against sums over the slow model, label by label."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings
from propagate._engines import ENGINES, engine_class
from propagate._strategies import DETERMINISTIC, behaviours, drafts, effects
from propagate.oracle import play

from chokepoint.propagate import compile_chain, run
from chokepoint.scenario import Effects, TariffEffect

WEEKS = 20
FEW = settings(DETERMINISTIC, max_examples=25)


@st.composite
def tariffs(draw, size: int) -> Effects:
    """Return up to two tariffs on some of `size` flows."""
    some = [
        TariffEffect(
            np.array(sorted(draw(st.sets(st.integers(0, size - 1), min_size=1)))),
            np.array(
                draw(st.lists(st.sampled_from([0.0, 0.1, 0.5]), min_size=WEEKS, max_size=WEEKS))
            ),
        )
        for _ in range(draw(st.integers(0, 2)))
    ]
    return Effects(tariffs=tuple(some))


@pytest.mark.parametrize("engine", ENGINES)
@FEW
@given(data=st.data())
def test_tables_are_sums_over_the_slow_model(engine, data):
    engine_class(engine)
    chain = data.draw(drafts(rich=True)).build()
    what = data.draw(effects(chain, weeks=WEEKS)) + data.draw(tariffs(len(chain.edges)))
    behaviour = data.draw(behaviours(rich=True))
    history = play(chain, what, weeks=WEEKS, behaviour=behaviour)
    weeks = history.clear
    assume(weeks > 0)
    options = {"weeks": WEEKS, "behaviour": behaviour, "engine": engine}
    outcome = run(compile_chain(chain), what, labels=["x"], **options)
    nodes, edges = chain.nodes, chain.edges
    close = {"rtol": 1e-9, "atol": 1e-9}

    loss = outcome.loss(by="site", over="week").iloc[:weeks]
    for site in loss:
        added = nodes.loc[site, "value_added_usd_m"] / 52.0
        expected = [-x[site] * added for x in history.output[:weeks]]
        np.testing.assert_allclose(loss[site], expected, **close)

    unmet = outcome.unmet(by="site", over="week").iloc[:weeks]
    for market in unmet:
        followed = nodes.loc[market, "sector"] != "other_use"
        value = nodes.loc[market, "value_usd_m"] / 52.0 * followed
        wanted = [week["demand"][market] - week["backlog"][market] for week in history.weeks]
        expected = [(wanted[t] - history.output[t][market]) * value for t in range(weeks)]
        np.testing.assert_allclose(unmet[market], expected, **close)

    # Shares of a slot, valued at the supplier's price.
    keys = list(edges[["supplier", "buyer", "slot"]].itertuples(index=False, name=None))
    price = nodes["value_usd_m"] / nodes["output_qty"].where(nodes["output_qty"] > 0)
    need = nodes["output_qty"].loc[edges["buyer"]].to_numpy() * edges["recipe"].to_numpy()
    worth = price.loc[edges["supplier"]].fillna(0.0).to_numpy() * need / 52.0
    country = nodes["country"].to_dict()

    paid = dict.fromkeys(outcome.countries, 0.0)
    for tariff in what.tariffs:
        for e in tariff.edges.tolist():
            for week in range(weeks):
                goods = history.of("shipped")[week][keys[e]] * worth[e]
                paid[country[keys[e][1]]] += tariff.rate[week] * goods
    table = outcome.tariffs(weeks=weeks)
    np.testing.assert_allclose(table.iloc[0], [paid[c] for c in table], **close)

    if weeks < WEEKS:
        return
    caps = [cap for cap in what.flows if len(cap.edges) and (cap.allowed < 1.0).any()]
    rows = outcome.leakage()
    assert len(rows) == len(caps)
    for row, cap in zip(rows.itertuples(), caps, strict=True):
        capped = set(cap.edges.tolist())
        target = {country[keys[e][1]] for e in capped}
        goods = {nodes.loc[keys[e][0], "product"] for e in capped}
        drop = banned = 0.0
        for e, (supplier, buyer, _) in enumerate(keys):
            inside = country[supplier] in target
            same = nodes.loc[supplier, "product"] in goods and country[buyer] in target
            if e not in capped and (inside or not same):
                continue
            base = edges["quantity"].iloc[e] * price.get(supplier) / 52.0
            for week in np.flatnonzero(cap.allowed < 1.0).tolist():
                moved = history.of("shipped")[week][keys[e]] + history.of("detoured")[week].get(
                    keys[e], 0.0
                )
                drop += np.nan_to_num(base) - moved * worth[e]
                banned += np.nan_to_num(base) * (e in capped)
        assert row.banned_usd_m == pytest.approx(banned, **_approx(close))
        assert row.drop_usd_m == pytest.approx(drop, **_approx(close))
        if banned > 0:
            assert row.leak == pytest.approx(1.0 - drop / banned, rel=1e-7, abs=1e-7)
            parts = row.not_enforced + row.transshipped + row.diverted
            assert parts == pytest.approx(row.leak, rel=1e-9, abs=1e-9)


def _approx(close):
    return {"rel": close["rtol"], "abs": 10 * close["atol"]}
