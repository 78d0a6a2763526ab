"""Claims on trade at large: a total trade war, medicines and soybeans (12)."""

from __future__ import annotations

import numpy as np

from chokepoint.leverage import Losses
from chokepoint.leverage._lever_sets import lever_events
from chokepoint.report._claims._ask import Ask, Found, Setting
from chokepoint.report._claims._code import loss_code, scenario_code
from chokepoint.report._claims._formulas import Formula, loss_of, over
from chokepoint.report._claims._goods import MEDICINES, SOY
from chokepoint.report._format import money, per_cent
from chokepoint.scenario import Boycott, Event, ExportBan, Scenario

__all__ = ["trade_war"]

FLOOR = 0.0025
USA, CHINA = ("USA",), ("CHN",)
LEVERS = ("exports", "imports")


def _both_sides(setting: Setting) -> list[Event]:
    """Return the stop of all trade of the chain's goods between the USA and China."""
    return [
        event
        for mine, aimed in ((CHINA, USA), (USA, CHINA))
        for name in LEVERS
        for event in lever_events(setting.chain, name, mine, aimed)
    ]


def trade_war(setting: Setting) -> list[Ask | Found]:
    """Return the joint cost of a stop of all trade, and of medicines and soybeans alone."""
    if not setting.has("CHN", "USA"):
        return []
    rows: list[Ask | Found] = []
    weeks = setting.weeks
    events = _both_sides(setting)
    if events:
        war = Scenario("12 all trade", events)
        for area in ("USA", "CHN"):
            income = setting.gdp(area, weeks)
            rows.append(
                Ask(
                    claim=12,
                    key=f"all trade, cost to {area}",
                    statement="A year without any trade of the chain's goods between the USA and "
                    f"China costs {area} at least 0.25 % of its GDP",
                    unit="share of GDP",
                    show=per_cent,
                    threshold=FLOOR,
                    weeks=weeks,
                    code=f"({loss_code(setting.code, war, (area,), weeks)}) / {income!r}",
                    areas=(area,),
                    scenarios=(war,),
                    formula=over(loss_of(war, (area,), weeks), income),
                    bound=(war.name, (area,), weeks),
                    bound_share=income,
                    remark="Run jointly, nothing is added up. Other goods do not count.",
                )
            )
    return [*rows, *_medicines(setting), *_soy(setting)]


def _medicines(setting: Setting) -> list[Ask | Found]:
    goods, weeks = setting.goods(MEDICINES), setting.weeks
    if not goods:
        return []
    aims = [one for one in ("USA", "IND") if setting.has(one)]
    stop = Scenario("12 medicines", [ExportBan(by="CHN", against=aims, products=goods)])
    if not stop.events[0].matches(setting.chain):
        return []
    rows: list[Ask | Found] = [
        Ask(
            claim=12,
            key="medicines, value added",
            statement="A stop of Chinese starting materials, ingredients and doses to the USA and "
            "India costs the USA at least 0.1 % of its GDP in a year",
            unit="USD million of value added",
            show=money,
            threshold=0.001 * setting.gdp("USA", weeks),
            weeks=weeks,
            code=loss_code(setting.code, stop, USA, weeks),
            goods=goods,
            areas=USA,
            scenarios=(stop,),
            formula=loss_of(stop, USA, weeks),
            bound=(stop.name, USA, weeks),
            remark="Money misses the point of medicines; the next figure counts them.",
        )
    ]
    missing = _missed(setting, stop, setting.chain.products_in(goods), weeks)
    if missing is not None:
        rows.append(
            Ask(
                claim=12,
                key="medicines, unmet need",
                statement="The same stop leaves at least 10 % of the need for critical medicines "
                "of the USA unmet over the year, each medicine by its weight",
                unit="share of need",
                show=per_cent,
                threshold=0.1,
                weeks=weeks,
                code="(lambda chain: (lambda table: cp.leverage.critical_index(table[table.index."
                f"isin(chain.products_in({list(goods)!r}))]))(cp.leverage.critical(chain, "
                f"cp.simulate(chain, {scenario_code(stop)}, weeks={weeks}), 'USA')))"
                f"({setting.code})",
                goods=goods,
                areas=USA,
                scenarios=(stop,),
                formula=missing,
                by="site",
                published=(
                    "usp_china_last_step", "usp_china_sole_ksm", "brookings_low",
                    "brookings_high", "hill_upper",
                ),
                remark="Shares that are exposed, as published, are no shortages: stocks, other "
                "makers and time stand between.",
            )
        )  # fmt: skip
    return rows


def _missed(
    setting: Setting, stop: Scenario, products: tuple[str, ...], weeks: int
) -> Formula | None:
    """Return the formula of the weighted share of critical medicines that is missed."""
    nodes = setting.chain.nodes
    mine = nodes["kind"].eq("market") & nodes["country"].eq("USA") & nodes["value_usd_m"].gt(0)
    mine &= nodes["critical_weight"].gt(0) & nodes["product"].isin(products)
    need = nodes[mine]
    if need.empty:
        return None
    demand = need["value_usd_m"].groupby(need["product"]).sum()
    weight = (need["value_usd_m"] * need["critical_weight"]).groupby(need["product"]).sum() / demand
    markets = {name: tuple(part) for name, part in need.groupby("product").groups.items()}

    def missed(losses: Losses) -> float:
        share = np.array(
            [losses.unmet(stop.name, markets[one], weeks) / demand[one] for one in demand.index]
        )
        share = np.clip(share * 52.0 / weeks, 0.0, 1.0)
        held = weight.to_numpy(dtype=float)
        return float(held @ share / held.sum())

    return missed


def _soy(setting: Setting) -> list[Ask | Found]:
    goods, weeks = setting.goods(SOY), setting.weeks
    stop = Boycott(by="CHN", against="USA", products=goods) if goods else None
    if stop is None or not stop.matches(setting.chain):
        return []
    scenario = Scenario("12 soybeans", [stop])
    return [
        Ask(
            claim=12,
            key="soybeans",
            statement="A Chinese boycott of US soybeans costs the USA at least 0.01 % of its GDP "
            "in a year",
            unit="USD million of value added",
            show=money,
            threshold=0.0001 * setting.gdp("USA", weeks),
            weeks=weeks,
            code=loss_code(setting.code, scenario, USA, weeks),
            goods=goods,
            areas=USA,
            scenarios=(scenario,),
            formula=loss_of(scenario, USA, weeks),
            bound=(scenario.name, USA, weeks),
            published=("us_damage_2018_20", "us_aid_soy_2018_20", "us_bridge_aid_2025"),
            remark="Beans that nobody ships are value added not made here; in fact much is sold "
            "later, elsewhere or cheaper, as the planner's figure assumes, and farmers lose on the "
            "price.",
        )
    ]
