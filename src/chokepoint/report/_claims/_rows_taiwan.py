"""Claims on Taiwan: what the USA depends on (4), and its chips as a shield (5)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from chokepoint.chain import SupplyChain
from chokepoint.leverage._shield import built
from chokepoint.report._claims._ask import Ask, Found, Setting
from chokepoint.report._claims._code import loss_code
from chokepoint.report._claims._formulas import Formula, loss_of, over, ratio_of
from chokepoint.report._claims._goods import CHIPS
from chokepoint.report._format import digits, money, per_cent
from chokepoint.scenario import Outage, Scenario

__all__ = ["dependence", "silicon_shield"]

FLOOR = 0.0025
BUILDERS = ("USA", "JPN", "DEU")
USA, CHINA = ("USA",), ("CHN",)
STEP = 0.05
"""Share of the world's output that is moved to measure a derivative."""


def _outage(setting: Setting, name: str) -> Scenario | None:
    goods = setting.goods(CHIPS)
    out = Outage(products=goods, country="TWN") if goods and setting.has("TWN") else None
    return Scenario(name, [out]) if out is not None and out.matches(setting.chain) else None


def dependence(setting: Setting) -> list[Ask | Found]:
    """Return what the USA loses when nothing comes out of Taiwan's chip plants for a year."""
    scenario, weeks = _outage(setting, "4 Taiwan"), setting.weeks
    if scenario is None:
        return []
    return [
        Ask(
            claim=4,
            key="chips of Taiwan",
            statement="A year without Taiwan's chip plants costs the USA at least 1 % of its GDP",
            unit="USD million of value added",
            show=money,
            threshold=0.01 * setting.gdp("USA", weeks),
            weeks=weeks,
            code=loss_code(setting.code, scenario, USA, weeks),
            goods=setting.goods(CHIPS),
            areas=USA,
            scenarios=(scenario,),
            formula=loss_of(scenario, USA, weeks),
            bound=(scenario.name, USA, weeks),
            published=(
                "bloomberg_war_usa", "bloomberg_blockade_usa", "mckinsey_usa_pct", "iep_blockade",
            ),
            remark="Published figures count war, finance, trade and everything that uses chips; "
            "here only value added at sites of the chain counts, which are "
            f"{per_cent(_covered(setting, 'USA'))} of US GDP, so the figure is a lower part of "
            "theirs.",
        )
    ]  # fmt: skip


def _covered(setting: Setting, area: str) -> float:
    nodes = setting.chain.nodes
    inside = nodes["country"].eq(area)
    return float(nodes.loc[inside, "value_added_usd_m"].sum()) / setting.gdp(area)


def silicon_shield(setting: Setting) -> list[Ask | Found]:
    """Return deterrence and assurance, and what builds abroad do to them."""
    scenario, weeks = _outage(setting, "5 Taiwan"), setting.weeks
    if scenario is None:
        return []
    goods = setting.goods(CHIPS)
    shared: dict[str, Any] = {
        "claim": 5, "weeks": weeks, "goods": goods, "scenarios": (scenario,),
    }  # fmt: skip
    code = {area: loss_code(setting.code, scenario, (area,), weeks) for area in ("USA", "CHN")}
    gdp = {area: setting.gdp(area, weeks) for area in ("USA", "CHN")}
    china, usa = (over(loss_of(scenario, (one,), weeks), gdp[one]) for one in ("CHN", "USA"))
    rows: list[Ask | Found] = [
        Ask(
            **shared,
            key="deterrence",
            statement="A year without Taiwan's chip plants costs China at least 0.25 % of its GDP",
            unit="share of GDP",
            show=per_cent,
            threshold=FLOOR,
            areas=CHINA,
            code=f"({code['CHN']}) / {gdp['CHN']!r}",
            formula=china,
            published=("bloomberg_war_chn", "bloomberg_blockade_chn", "mckinsey_chn_pct"),
        ),
        Ask(
            **shared,
            key="deterrence over assurance",
            statement="It costs China at least as much as the USA, both as shares of GDP",
            unit="ratio",
            show=digits,
            threshold=1.0,
            areas=("CHN", "USA"),
            code=f"({code['CHN']}) / ({code['USA']}) * {gdp['USA'] / gdp['CHN']!r}",
            formula=ratio_of(china, usa),
        ),
    ]
    return rows + _derivatives(setting)


def _derivatives(setting: Setting) -> list[Ask | Found]:
    """Return how the US loss changes with capacity for leading logic elsewhere."""
    chain, products = setting.chain, setting.goods(("advanced_logic",))
    if not products:
        return []
    event = Outage(products=chain.products_in(products), country=chain.areas("TWN"))
    scenario, weeks = Scenario("5 leading logic", [event]), setting.weeks
    sites = chain.sites
    made = sites["product"].isin(chain.products_in(products)) & sites["output_qty"].gt(0)
    here = set(sites.loc[made & sites["country"].eq("TWN"), "product"])
    makers = set(sites.loc[made & sites["product"].isin(here), "country"])
    rows: list[Ask | Found] = []
    for builder in [one for one in BUILDERS if one in makers and event.matches(chain)]:
        other = setting.other(f"capacity in {builder}", partial(_moved, chain, builder, products))
        rows.append(
            Ask(
                claim=5,
                key=f"capacity in {builder}",
                statement="Change of the US loss without leading logic of Taiwan for each "
                f"percentage point of the world's capacity that moves to {builder}",
                unit="USD million of value added",
                show=money,
                weeks=weeks,
                scenarios=(scenario,),
                others=(other,),
                formula=_change(loss_of(scenario, USA, weeks)),
                code=f"cp.leverage.shield({setting.code}, 'TWN', {products!r}, deterred='CHN', "
                f"assured=['USA'], builders=[{builder!r}], weeks={weeks}, step={STEP})"
                f".derivative.loc[{builder!r}, 'USA']",
                goods=products,
                areas=USA,
                remark="Measured at a move of five points; a minus means that the loss falls.",
            )
        )
    return rows


def _moved(chain: SupplyChain, builder: str, products: Sequence[str]) -> SupplyChain:
    return built(chain, builder, chain.products_in(tuple(products)), chain.areas("TWN"), STEP)


def _change(formula: Formula) -> Formula:
    return lambda now, then: (formula(then) - formula(now)) / (100.0 * STEP)
