"""Claims on time: the truce buys it (6), and what it costs (14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from chokepoint.leverage import Losses
from chokepoint.leverage._lever_sets import LeverSet, lever_events
from chokepoint.report._claims._ask import Ask, Found, Setting
from chokepoint.report._claims._builds import after_truce, builds, delayed, later_chain
from chokepoint.report._claims._code import loss_code, ramps_code, scenario_code
from chokepoint.report._claims._formulas import Formula, fall_of, loss_of
from chokepoint.report._claims._goods import RARE_EARTHS
from chokepoint.report._claims._rows_materials import suspended_rules
from chokepoint.report._format import money, per_cent
from chokepoint.scenario import ExportBan, Scenario

__all__ = ["build_out", "price_of_truce"]

USA = ("USA",)
TRUCE = 104
"""Weeks of the truce: shorter than the lag of most builds, it would change nothing."""
CHI = 0.5
"""Chance that the crisis is resumed after the truce."""
PAIR = (("CHN", "USA"), ("USA", "CHN"))


def build_out(setting: Setting) -> list[Ask | Found]:
    """Return by how much builds wear down what a stop of rare earths costs the USA."""
    goods = setting.goods(RARE_EARTHS)
    ban = ExportBan(by="CHN", against="USA", products=goods) if goods else None
    if ban is None or not setting.has("CHN", "USA") or not ban.matches(setting.chain):
        return []
    scenario, weeks = Scenario("6 rare earths", [ban]), setting.weeks
    now = loss_code(setting.code, scenario, USA, weeks)
    later, code = later_chain(setting)
    return [
        Ask(
            claim=6,
            key="build-out",
            statement="Builds that are announced and assumed take away at least half of what a "
            f"stop of Chinese rare earths can cost the USA, by {setting.later[:4]}",
            unit="share of the loss of today",
            show=per_cent,
            threshold=0.5,
            weeks=weeks,
            code=f"1 - ({loss_code(code, scenario, USA, weeks)}) / ({now})",
            goods=goods,
            areas=USA,
            scenarios=(scenario,),
            formula=fall_of(loss_of(scenario, USA, weeks)),
            others=(later,),
            remark="Projects count with their probability; ramps beyond them are assumptions "
            "(grade D). A minus means that the loss grows.",
        )
    ]


def price_of_truce(setting: Setting) -> list[Ask | Found]:
    """Return what a truce is worth to both sides, and what each concedes."""
    fight = suspended_rules(setting, "14 suspended rules")
    if not fight.events or not setting.has("CHN", "USA"):
        return []
    pulled = {
        (mine, name): Scenario(f"14 {mine} {name}", events)
        for mine, aimed in PAIR
        for name in get_args(LeverSet)
        if (events := lever_events(setting.chain, name, [mine], [aimed]))
    }
    others = after_truce(setting, TRUCE)
    shared: dict[str, Any] = {
        "claim": 14, "weeks": TRUCE, "goods": setting.goods(RARE_EARTHS), "others": others,
        "scenarios": (fight, *pulled.values()),
    }  # fmt: skip
    rows: list[Ask | Found] = []
    for mine, aimed in PAIR:
        avoided = loss_of(fight, (mine,), TRUCE)
        change = _changes(pulled, mine, aimed)
        gained, conceded = change
        rows += [
            Ask(
                **shared,
                key=f"value to {mine}",
                statement=f"A truce of two years is worth more to {mine} than it concedes",
                unit="USD million of value added",
                show=money,
                threshold=_least(setting, mine),
                areas=(mine,),
                formula=_value(avoided, gained, conceded, CHI),
                extra={
                    f"chance that the crisis is resumed {chi:g}": _value(
                        avoided, gained, conceded, chi
                    )
                    for chi in (0.0, 1.0)
                },
                code=_truce_code(setting, fight) + f".table.loc[{mine!r}, 'value']",
                published=("iea_3tn",),
                remark="Damage avoided, plus own net leverage kept, less net leverage that the "
                "other side gains, each with a chance of one half that the crisis is resumed; the "
                "cost of builds is not known and left out. Without the truce China's suspended "
                "rules hold, and the assumed builds of both sides come a year later for want of "
                "each other's equipment (grade D).",
            ),
            Ask(
                **shared,
                key=f"conceded by {mine}",
                statement=f"Net leverage over {mine} that {aimed} gains through the truce, at its "
                "end",
                unit="USD million of net leverage",
                show=money,
                areas=(mine,),
                formula=conceded,
                code=f"-{_truce_code(setting, fight)}.table.loc[{mine!r}, 'conceded'] / {CHI}",
                remark="Net leverage is what the other side can cost, less what that costs itself, "
                "with its best set of levers. A minus means that it falls.",
            ),
        ]
    return rows


def _least(setting: Setting, side: str) -> float:
    """Return the value from which a truce counts as worth something: 0.001 % of GDP."""
    return 1e-5 * setting.gdp(side, TRUCE)


def _net(pulled: dict[tuple[str, str], Scenario], mine: str, aimed: str) -> Formula:
    """Return the formula of the net leverage of one side: the best set of levers, or none."""
    scenarios = [one for (side, _), one in pulled.items() if side == mine]

    def net(losses: Losses) -> float:
        values = [
            losses.loss(one.name, (aimed,), TRUCE) - losses.loss(one.name, (mine,), TRUCE)
            for one in scenarios
        ]
        return max([0.0, *values])

    return net


def _changes(
    pulled: dict[tuple[str, str], Scenario], mine: str, aimed: str
) -> tuple[Formula, Formula]:
    """Return what the truce adds to one's own net leverage, and to that of the other side."""
    own, theirs = _net(pulled, mine, aimed), _net(pulled, aimed, mine)
    return (
        lambda _, truce, fight: own(truce) - own(fight),
        lambda _, truce, fight: theirs(truce) - theirs(fight),
    )


def _value(avoided: Formula, gained: Formula, conceded: Formula, chi: float) -> Formula:
    return lambda *losses: avoided(losses[0]) + chi * gained(*losses) - chi * conceded(*losses)


def _truce_code(setting: Setting, fight: Scenario) -> str:
    west, china = builds(setting.chain)

    def branch(sides: Sequence[Any]) -> str:
        return "(" + ", ".join(ramps_code(one) for one in sides) + ")"

    return (
        f"cp.leverage.truce({setting.code}, 'CHN', 'USA', weeks={TRUCE}, today={setting.today!r}, "
        f"fight={scenario_code(fight)}, with_truce={branch((china, west))}, "
        f"without={branch((delayed(china), delayed(west)))}, horizon={TRUCE}, chi={CHI})"
    )
