"""Claims on chips: controls on China (3), the five-year plan (7), accelerators (8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chokepoint.report._claims._ask import Ask, Found, Setting
from chokepoint.report._claims._builds import later_chain
from chokepoint.report._claims._code import loss_code, sites_code
from chokepoint.report._claims._formulas import fall_of, loss_of, over, ratio_of, unmet_of
from chokepoint.report._claims._goods import ACCELERATORS, CHIP_TOOLS, CHIP_USERS
from chokepoint.report._claims._rows_plan import cheapest_plan
from chokepoint.report._format import digits, money, per_cent
from chokepoint.scenario import ExportBan, Extraterritorial, Outage, Scenario

__all__ = ["ALLIES", "accelerators", "chip_controls", "chip_stop", "five_year_plan"]

ALLIES = ("USA", "NLD", "JPN", "KOR", "TWN", "DEU")
"""Makers of equipment, memory and leading logic outside China."""
MATERIAL = 0.001
LONG = 104
CHINA, USA = ("CHN",), ("USA",)


def chip_stop(setting: Setting, owners: Sequence[str], name: str) -> Scenario:
    """Return a stop of tools, design software and accelerators from some owners to China."""
    held = [one for one in owners if setting.has(one)]
    ban = ExportBan(by=held, against="CHN", products=_goods(setting))
    return Scenario(name, [ban] if held and ban.matches(setting.chain) else [])


def _goods(setting: Setting) -> tuple[str, ...]:
    return setting.goods((*CHIP_TOOLS, *ACCELERATORS))


def chip_controls(setting: Setting) -> list[Ask | Found]:
    """Return what a complete stop of chip technology costs China, by its reach."""
    goods, tools = _goods(setting), setting.goods(CHIP_TOOLS)
    if not tools or not setting.has("USA", "CHN"):
        return []
    rule = Extraterritorial(
        by="USA", against="CHN", products=goods, content=0.001, technology=tools
    )
    alone, allied = chip_stop(setting, USA, "3 USA alone"), chip_stop(setting, ALLIES, "3 allies")
    reach = Scenario("3 extraterritorial", [rule])
    cost = {one.name: loss_of(one, CHINA, LONG) for one in (alone, reach, allied)}
    code = {one.name: loss_code(setting.code, one, CHINA, LONG) for one in (alone, reach, allied)}
    shared: dict[str, Any] = {
        "claim": 3, "weeks": LONG, "goods": goods, "areas": CHINA, "unit": "ratio", "show": digits,
    }  # fmt: skip
    return [
        Ask(
            **shared | {"unit": "USD million of value added", "show": money},
            key="cost to China",
            statement="A complete stop of chip tools, design software and accelerators with "
            "extraterritorial reach costs China at least 0.1 % of its GDP in two years",
            threshold=MATERIAL * setting.gdp("CHN", LONG),
            code=code[reach.name],
            scenarios=(reach,),
            formula=cost[reach.name],
            bound=(reach.name, CHINA, LONG),
            remark="The baseline is 2024, with the controls of that time in it: this is what more "
            "control would add. Growth that China misses because it cannot add capacity is no loss "
            "against the baseline.",
        ),
        Ask(
            **shared,
            key="reach",
            statement="Extraterritorial reach at least doubles what the USA can do alone",
            threshold=2.0,
            code=f"({code[reach.name]}) / ({code[alone.name]})",
            scenarios=(alone, reach),
            formula=ratio_of(cost[reach.name], cost[alone.name]),
        ),
        Ask(
            **shared,
            key="coalition",
            statement="With allies that join, the stop costs China at least twice what the USA "
            "alone can",
            threshold=2.0,
            code=f"({code[allied.name]}) / ({code[alone.name]})",
            scenarios=(alone, allied),
            formula=ratio_of(cost[allied.name], cost[alone.name]),
        ),
        Ask(
            **shared | {"areas": ("CHN", "USA")},
            key="self-harm",
            statement="The stop costs China at least as much as it costs the USA",
            threshold=1.0,
            code=f"({code[reach.name]}) / ({loss_code(setting.code, reach, USA, LONG)})",
            scenarios=(reach,),
            formula=ratio_of(cost[reach.name], loss_of(reach, USA, LONG)),
            published=("nvidia_h20_charge", "nvidia_h20_sales"),
        ),
    ]


def five_year_plan(setting: Setting) -> list[Ask | Found]:
    """Return by how much China's builds wear down the leverage of chip technology."""
    stop = chip_stop(setting, ALLIES, "7 coalition") if setting.goods(CHIP_TOOLS) else None
    if stop is None or not stop.events or not setting.has("CHN"):
        return []
    later, later_code = later_chain(setting)
    shared: dict[str, Any] = {
        "claim": 7, "weeks": LONG, "goods": _goods(setting), "areas": CHINA, "scenarios": (stop,),
        "others": (later,), "unit": "share of the loss of today", "show": per_cent,
        "threshold": 0.5,
    }  # fmt: skip
    now = loss_code(setting.code, stop, CHINA, LONG)
    rows: list[Ask | Found] = [
        Ask(
            **shared,
            key="end of the bottleneck",
            statement="Builds that are announced and assumed take away at least half of what the "
            f"coalition's chip technology can cost China, by {setting.later[:4]}",
            code=f"1 - ({loss_code(later_code, stop, CHINA, LONG)}) / ({now})",
            formula=fall_of(loss_of(stop, CHINA, LONG)),
            remark="The build-up of tools and chips is an assumption (grade D): no number of the "
            "plan is official. A minus means that the loss grows: makers of accelerators, logic "
            "and tools that grow in China still need foreign memory, parts and tools, so that more "
            "of China's own output hangs on them.",
        )
    ]
    users = setting.goods(CHIP_USERS)
    sites = setting.nodes("site", "CHN", users)
    if sites:
        products = setting.chain.products_in(users)
        after, before = (
            sites_code(load, stop, "CHN", products, LONG, "loss")
            for load in (later_code, setting.code)
        )
        rows.append(
            Ask(
                **shared,
                key="users of chips",
                statement="The same builds take away at least half of what Chinese makers of goods "
                f"with chips can lose, by {setting.later[:4]}",
                code=f"1 - ({after}) / ({before})",
                formula=fall_of(loss_of(stop, sites, LONG)),
                by="site",
                remark=f"Groups: {', '.join(users)}. The makers of chips and tools themselves are "
                "left out.",
            )
        )
    return rows + cheapest_plan(setting, stop, LONG)


def accelerators(setting: Setting) -> list[Ask | Found]:
    """Return how much of the demand for AI servers hangs on packaging in Taiwan."""
    goods = setting.goods(ACCELERATORS)
    if not {"ai_chip", "advanced_packaging"} <= set(goods) or not setting.has("TWN", "USA"):
        return []
    weeks = setting.weeks
    scenario = Scenario("8 packaging", [Outage(products="advanced_packaging", country="TWN")])
    if not scenario.events[0].matches(setting.chain):
        return []
    markets = setting.nodes("market", "USA", ("ai_server",) if setting.goods(["ai_server"]) else ())
    demand = float(setting.chain.nodes.loc[list(markets), "value_usd_m"].sum()) * weeks / 52
    shared: dict[str, Any] = {
        "claim": 8, "weeks": weeks, "goods": goods, "areas": USA, "scenarios": (scenario,),
    }  # fmt: skip
    rows: list[Ask | Found] = [
        Ask(
            **shared,
            key="cost to the USA",
            statement="A year without advanced packaging in Taiwan costs the USA at least 0.1 % of "
            "its GDP",
            unit="USD million of value added",
            show=money,
            threshold=MATERIAL * setting.gdp("USA", weeks),
            code=loss_code(setting.code, scenario, USA, weeks),
            formula=loss_of(scenario, USA, weeks),
            bound=(scenario.name, USA, weeks),
        )
    ]
    if demand > 0:
        code = sites_code(setting.code, scenario, "USA", ["ai_server"], weeks, "unmet")
        rows.append(
            Ask(
                **shared,
                key="AI servers",
                statement="A year without advanced packaging in Taiwan leaves at least half of the "
                "US demand for AI servers unmet",
                unit="share of the demand for AI servers",
                show=per_cent,
                threshold=0.5,
                code=f"({code}) / {demand!r}",
                formula=over(unmet_of(scenario, markets, weeks), demand),
                by="site",
            )
        )
    return rows
