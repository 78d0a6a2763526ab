"""What an outcome sums up, counted again from the oracle: losses, unmet demand, tariffs, leaks."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from propagate._engines import ENGINES, engine_class
from propagate._strategies import DETERMINISTIC, behaviours, drafts, scenarios
from propagate.oracle import EventCalendar, History, play

from chokepoint.chain import SupplyChain
from chokepoint.propagate import simulate
from chokepoint.scenario import Scenario

WEEKS = 20
SOME = settings(DETERMINISTIC, max_examples=30)


@pytest.fixture(params=ENGINES, scope="module")
def engine(request) -> str:
    """Return the name of each engine in turn."""
    engine_class(request.param)
    return request.param


class Books:
    """Sums over the history of a scenario, in USD million at baseline prices."""

    def __init__(self, chain: SupplyChain, scenario: Scenario, history: History) -> None:
        self.scenario, self.history = scenario, history
        self.node = chain.nodes.to_dict("index")
        self.calendar = EventCalendar(chain, scenario.events, WEEKS)
        self.edge = self.calendar.edge
        self.effects = scenario.effects(chain, WEEKS)
        self.edges = list(self.edge)

    def loss(self, country: str, weeks: int) -> float:
        return -sum(
            x[name] * row["value_added_usd_m"] / 52.0
            for x in self.history.output[:weeks]
            for name, row in self.node.items()
            if row["kind"] == "site" and row["country"] == country
        )

    def unmet(self, country: str, weeks: int) -> float:
        """What was wanted anew and not served: what waited was counted when it was missing."""
        total = 0.0
        for x, week in zip(self.history.output[:weeks], self.history.weeks, strict=False):
            for name, row in self.node.items():
                counts = row["kind"] == "market" and row["sector"] != "other_use"
                if counts and row["country"] == country:
                    missing = week["demand"][name] - week["backlog"][name] - x[name]
                    total += missing * row["value_usd_m"] / 52.0
        return total

    def price(self, e) -> float:
        seller = self.node[e[0]]
        return seller["value_usd_m"] / seller["output_qty"] if seller["output_qty"] else 0.0

    def sent(self, e, share: float) -> float:
        """Return the value of a share of a slot as goods of the supplier, per week."""
        need = self.edge[e]["recipe"] * self.node[e[1]]["output_qty"]
        return self.price(e) * share * need / 52.0

    def tariffs(self, country: str, weeks: int) -> float:
        return sum(
            self.calendar.tariff(e, t) * self.sent(e, self.history.weeks[t]["shipped"][e])
            for t in range(weeks)
            for e in self.edges
            if self.node[e[1]]["country"] == country
        )

    def leaks(self) -> list[tuple[float, float]]:
        """Return what each cap bans and how much less enters its target."""
        found = []
        for effect in self.effects.flows:
            weeks = [t for t in range(WEEKS) if effect.allowed[t] < 1.0]
            if not weeks:
                continue
            capped = [self.edges[i] for i in effect.edges]
            target = {self.node[e[1]]["country"] for e in capped}
            goods = {self.node[e[0]]["product"] for e in capped}
            entering = [
                e
                for e in self.edges
                if self.node[e[1]]["country"] in target
                and self.node[e[0]]["country"] not in target
                and self.node[e[0]]["product"] in goods
            ]
            base = {e: self.edge[e]["quantity"] * self.price(e) / 52.0 for e in self.edges}
            banned = sum(base[e] for e in capped) * len(weeks)
            came = 0.0
            for t in weeks:
                week = self.history.weeks[t]
                came += sum(
                    self.sent(e, week["shipped"][e] + week["detoured"][e]) for e in entering
                )
            found.append((banned, sum(base[e] for e in entering) * len(weeks) - came))
        return found


@SOME
@given(data=st.data())
def test_tables_add_up_what_the_oracle_plays(engine, data):
    draft = data.draw(drafts(rich=True))
    chain = draft.build()
    scenario = data.draw(scenarios(draft, weeks=WEEKS, rich=True))
    how = data.draw(behaviours(rich=True))
    history = play(chain, scenario.events, weeks=WEEKS, behaviour=how)
    books, clear = Books(chain, scenario, history), history.clear
    outcome = simulate(chain, scenario, weeks=WEEKS, behaviour=how, engine=engine)
    scale = max(1.0, float(chain.nodes["value_usd_m"].sum()))
    for what in ("loss", "unmet", "tariffs"):
        table = getattr(outcome, what)(weeks=clear) if clear else None
        for country in [] if table is None else table.columns:
            expected = getattr(books, what)(country, clear)
            assert table[country].iloc[0] == pytest.approx(expected, abs=1e-11 * scale), what
    if clear == WEEKS:
        table = outcome.leakage()
        got = table[["banned_usd_m", "drop_usd_m"]].to_numpy()
        np.testing.assert_allclose(
            got, np.array(books.leaks()).reshape(-1, 2), rtol=0, atol=1e-10 * scale
        )
        leak = table[["not_enforced", "transshipped", "diverted"]].sum(axis=1)
        flows = table["banned_usd_m"] > 0
        np.testing.assert_allclose(leak[flows], table["leak"][flows], rtol=0, atol=1e-9)
