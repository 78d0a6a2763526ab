"""Claims on rare earths: the swap of Busan (1), and high technology (11)."""

from __future__ import annotations

from typing import Any

from chokepoint.datasets import macro
from chokepoint.errors import OptionError
from chokepoint.leverage import instruments
from chokepoint.report._claims._ask import Ask, Found, Setting
from chokepoint.report._claims._code import loss_code, sites_code
from chokepoint.report._claims._formulas import loss_of, over
from chokepoint.report._claims._goods import HIGH_TECH, MINERALS, RARE_EARTHS
from chokepoint.report._format import digits, money, per_cent
from chokepoint.scenario import ExportBan, Scenario

__all__ = ["high_technology", "suspended_rules", "swap", "tariff_relief"]

USA = ("USA",)
MATERIAL = 0.001
"""Share of GDP from which a loss counts as material."""

# What ten points of duty are worth to the side that sells: assumptions, each with its range.
POINTS = 0.10
SELLER_PAYS = (0.0, 0.2, 0.5)
"""Share of a duty that sellers bear through lower prices (grade C): most estimates of 2018 and 2019
found that buyers bore nearly all of it at first."""
ELASTICITY = (0.4, 0.76, 1.5)
"""Fall of imports per point of price in the first year (grade B for the middle: Boehm, Levchenko,
Pandalai-Nayar 2023; grade C for the ends)."""
ADDED = (0.55, 0.7, 0.8)
"""Domestic value added in a dollar of Chinese exports to the USA (grade C, recalled)."""


SEEN_FROM = "2026-06-30"
"""A day within the suspension of Busan."""


def suspended_rules(
    setting: Setting, name: str = "1 suspended rules", *, all_goods: bool = False
) -> Scenario:
    """Return the rules that China suspended in November 2025, aimed at the USA.

    They are the rules on rare earths, or with `all_goods` those on other goods as well.
    """
    chain, goods = setting.chain, setting.goods(RARE_EARTHS)
    named = set(chain.products_in(goods)) if goods else set()
    areas = set(chain.countries["area"])
    owned = chain.controls["owner"].eq("CHN").any() and {"CHN", "USA"} <= areas
    rules = instruments(chain, owners="CHN", on=SEEN_FROM) if owned else []
    events = [
        event
        for one in rules
        if one.state == "suspended" and (all_goods or named & set(chain.products_in(one.products)))
        for event in one.events(chain, against="USA")
    ]
    return Scenario(name, events)


def tariff_relief(imports_usd_m: float, seller: float, elasticity: float, added: float) -> float:
    r"""Return what the fall of a duty by ten points is worth to the seller in a year [USD million].

    .. math:: \pi\, \Delta\tau\, M + v\, \epsilon\, \frac{(1 - \pi)\Delta\tau}{1 + \tau}\, M

    Parameters
    ----------
    imports_usd_m : float
        Imports M of a year [USD million].
    seller : float
        Share :math:`\pi` of a duty that sellers bear through lower prices.
    elasticity : float
        Elasticity :math:`\epsilon` of imports, a positive number.
    added : float
        Value added v of the seller's country in a dollar of exports.

    Returns
    -------
    float
        With :math:`\Delta\tau` = 0.1 and :math:`\tau` = 0.47, the duty that was left.

    Raises
    ------
    OptionError
        If a share is outside [0, 1], or imports or the elasticity are below 0.

    Examples
    --------
    >>> from chokepoint.report import tariff_relief
    >>> round(tariff_relief(300_000.0, seller=0.2, elasticity=0.76, added=0.7))
    14686
    """
    shares_fit = 0.0 <= seller <= 1.0 and 0.0 <= added <= 1.0
    if not (shares_fit and imports_usd_m >= 0.0 and elasticity >= 0.0):
        raise OptionError(
            "tariff_relief: expected shares in [0, 1] and imports and elasticity of at least 0, "
            f"got imports {imports_usd_m}, seller {seller}, elasticity {elasticity}, added {added}."
        )
    price = seller * POINTS * imports_usd_m
    cheaper = (1.0 - seller) * POINTS / 1.47
    return price + added * elasticity * cheaper * imports_usd_m


def _imports() -> tuple[float, float, float]:
    """Return US imports from China of the latest year: low, value, high [USD million]."""
    trade = macro("us_china_goods_trade")
    mine = trade[trade["exporter"].eq("CHN") & trade["basis"].eq("us_census")]
    row = mine.sort_values("year").iloc[-1]
    return float(row["low"]), float(row["value_usd_m"]), float(row["high"])


def _worth() -> tuple[float, dict[str, float], str]:
    """Return what ten points are worth, at other assumptions, and the code that gives it."""
    low, middle, high = _imports()
    usual = (SELLER_PAYS[1], ELASTICITY[1], ADDED[1])
    ends = {
        "sellers bear nothing": (middle, SELLER_PAYS[0], ELASTICITY[1], ADDED[1]),
        "sellers bear half": (middle, SELLER_PAYS[2], ELASTICITY[1], ADDED[1]),
        "low elasticity": (middle, SELLER_PAYS[1], ELASTICITY[0], ADDED[1]),
        "high elasticity": (middle, SELLER_PAYS[1], ELASTICITY[2], ADDED[1]),
        "little value added": (middle, SELLER_PAYS[1], ELASTICITY[1], ADDED[0]),
        "much value added": (middle, SELLER_PAYS[1], ELASTICITY[1], ADDED[2]),
        "imports at their low": (low, *usual),
        "imports at their high": (high, *usual),
    }
    code = f"cp.report.tariff_relief({middle!r}, {SELLER_PAYS[1]}, {ELASTICITY[1]}, {ADDED[1]})"
    worth = tariff_relief(middle, *usual)
    return worth, {label: tariff_relief(*given) for label, given in ends.items()}, code


def swap(setting: Setting) -> list[Ask | Found]:
    """Return what both sides gave: rules suspended by China, ten points of duty by the USA."""
    scenario = suspended_rules(setting)
    if not scenario.events:
        return []
    wide = suspended_rules(setting, "1 all suspended rules", all_goods=True)
    worth, ends, worth_code = _worth()
    weeks, middle = setting.weeks, _imports()[1]
    spared = loss_of(scenario, USA, weeks)
    code = loss_code(setting.code, scenario, USA, weeks)
    shared: dict[str, Any] = {"claim": 1, "weeks": weeks, "areas": USA}
    loss: dict[str, Any] = {
        "unit": "USD million of value added", "show": money,
        "threshold": MATERIAL * setting.gdp("USA", weeks),
    }  # fmt: skip
    goods = setting.goods(RARE_EARTHS)
    rows: list[Ask | Found] = [
        Ask(
            **shared,
            **loss,
            key="to the USA",
            statement="The Chinese rules on rare earths that were suspended at Busan would cost "
            "the USA at least 0.1 % of its GDP in a year",
            code=code,
            goods=goods,
            scenarios=(scenario,),
            formula=spared,
            bound=(scenario.name, USA, weeks),
            published=("iea_3tn", "gs_10pct"),
            remark="Rules on technology and know-how reach no flow and count for nothing here; the "
            "extraterritorial rule counts only flows into the USA. The licences of April 2025, "
            "which stayed in force, are not in it.",
        ),
        Found(
            **shared,
            key="to China",
            statement="What ten points less of duty are worth to Chinese makers in a year",
            unit="USD million of value added",
            show=money,
            figure=worth,
            cases=ends,
            low=min(ends.values()),
            high=max(ends.values()),
            code=worth_code,
            grades="B 3, C 2",
            remark=f"The duty itself, {money(POINTS * middle)} a year, is paid by US importers and "
            "goes to the US treasury: what sellers bear of it and what they sell less is a "
            "judgement (grade C), so this is a range of assumptions, not of data. The duty was cut "
            "on 10 November 2025 and fell away for other reasons on 24 February 2026, so that the "
            "cut itself held for 15 weeks.",
        ),
        Ask(
            **shared,
            key="ratio",
            statement="The swap was worth at least as much to the USA as to China",
            unit="ratio",
            show=digits,
            threshold=1.0,
            code=f"({code}) / {worth_code}",
            goods=goods,
            scenarios=(scenario,),
            formula=over(spared, worth),
            extra={label: over(spared, value) for label, value in ends.items()},
        ),
    ]
    if len(wide.events) > len(scenario.events):
        rows.append(
            Ask(
                **shared,
                **loss,
                key="to the USA, all goods",
                statement="All Chinese rules suspended in November 2025, with those on gallium, "
                "germanium, antimony, graphite and batteries, would cost the USA at least 0.1 % of "
                "its GDP in a year",
                code=loss_code(setting.code, wide, USA, weeks),
                goods=setting.goods((*RARE_EARTHS, *MINERALS)),
                scenarios=(wide,),
                formula=loss_of(wide, USA, weeks),
                bound=(wide.name, USA, weeks),
                published=("usgs_gallium_germanium",),
            )
        )
    return rows


def high_technology(setting: Setting) -> list[Ask | Found]:
    """Return what a stop of rare earths would cost the USA and its high technology."""
    goods = setting.goods(RARE_EARTHS)
    ban = ExportBan(by="CHN", against="USA", products=goods) if goods else None
    if ban is None or not ban.matches(setting.chain):
        return []
    scenario, weeks = Scenario("11 rare earths", [ban]), setting.weeks
    rows: list[Ask | Found] = [
        Ask(
            claim=11,
            key="all sectors",
            statement="A complete stop of Chinese rare-earth materials and magnets costs the USA "
            "at least 0.1 % of its GDP in a year",
            unit="USD million of value added",
            show=money,
            threshold=MATERIAL * setting.gdp("USA", weeks),
            weeks=weeks,
            code=loss_code(setting.code, scenario, USA, weeks),
            goods=goods,
            areas=USA,
            scenarios=(scenario,),
            formula=loss_of(scenario, USA, weeks),
            bound=(scenario.name, USA, weeks),
            published=("usgs_2025_worst", "gs_10pct", "iea_3tn"),
            remark="What is inside imported parts is not stopped.",
        )
    ]
    return rows + _sectors(setting, scenario, goods)


def _sectors(setting: Setting, scenario: Scenario, goods: tuple[str, ...]) -> list[Ask | Found]:
    """Return the loss of high-technology end sectors beside their own value added."""
    names, weeks = setting.goods(HIGH_TECH), setting.weeks
    sites = setting.nodes("site", "USA", names)
    whole = float(setting.chain.nodes.loc[list(sites), "value_added_usd_m"].sum()) * weeks / 52
    if not whole > 0:
        return []
    products = setting.chain.products_in(names)
    return [
        Ask(
            claim=11,
            key="high-technology sectors",
            statement="A complete stop of Chinese rare-earth materials and magnets costs the high-"
            "technology end sectors of the USA at least 1 % of their own value added in a year",
            unit="share of their value added",
            show=per_cent,
            threshold=0.01,
            weeks=weeks,
            code=f"{sites_code(setting.code, scenario, 'USA', products, weeks, 'loss')} / "
            f"{whole!r}",
            goods=goods,
            areas=USA,
            scenarios=(scenario,),
            formula=over(loss_of(scenario, sites, weeks), whole),
            by="site",
            remark=f"Groups: {', '.join(names)}; together USD {money(whole)} of value added.",
        )
    ]
