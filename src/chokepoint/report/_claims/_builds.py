"""What each side builds: stated assumptions, and the chains that they lead to."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from chokepoint.chain import SupplyChain
from chokepoint.leverage import Ramp, chain_at
from chokepoint.report._claims._ask import Other, Setting
from chokepoint.report._claims._code import ramps_code

__all__ = ["after_truce", "builds", "delayed", "later_chain"]

# What each side adds beyond the projects of the chain once its ramps have run out, as a share of
# its own need, the first addition after some years, and the time constant: assumptions of our own
# (grade D). No official number stands behind them.
_BUILDS = (
    ("US and allied magnets", "ndfeb_sintered", ("USA", "JPN", "EU27"), 0.5, 1.0, 3.0),
    ("US antibiotics and other ingredients", "api_antibiotic", ("USA",), 0.2, 1.5, 4.0),
    ("US leading logic", "advanced_logic", ("USA",), 0.3, 1.0, 4.0),
    ("Chinese deposition", "deposition", ("CHN",), 0.3, 0.5, 3.0),
    ("Chinese etch and clean", "etch_clean", ("CHN",), 0.3, 0.5, 3.0),
    ("Chinese leading logic", "advanced_logic", ("CHN",), 0.3, 1.0, 4.0),
)
DELAY = 1.0
"""Years by which builds come later without a truce."""

Sides = tuple[tuple[Ramp, ...], tuple[Ramp, ...]]


def builds(chain: SupplyChain) -> Sides:
    """Return the assumed builds of the USA and its allies, and those of China, in a chain.

    They are assumptions of grade D; builds of goods that the chain does not have, or that the
    builder does not make yet, are left out.

    Parameters
    ----------
    chain : SupplyChain
        The chain.

    Returns
    -------
    pair of tuples of Ramp
        Of the USA and its allies, and of China.

    Examples
    --------
    >>> from chokepoint.report import builds
    >>> west, china = builds(cp.load("rare_earths"))
    >>> [one.name for one in west], china
    (['US and allied magnets'], ())
    """
    sites, products, areas = chain.sites, chain.products, chain.countries
    known = {*areas["area"], *areas["blocs"].str.split(";").explode().str.strip()}
    sides: dict[bool, list[Ramp]] = {True: [], False: []}
    for name, group, country, need, lag, time in _BUILDS:
        held = [one for one in country if one in known]
        if not held or group not in set(products["group"]):
            continue
        made = sites["product"].isin(chain.products_in(group))
        if (made & sites["country"].isin(chain.areas(held)) & sites["output_qty"].gt(0)).any():
            sides[country == ("CHN",)].append(
                Ramp(name=name, products=group, country=held, of_need=need, lag_years=lag,
                     time_years=time)
            )  # fmt: skip
    return tuple(sides[False]), tuple(sides[True])


def delayed(ramps: tuple[Ramp, ...]) -> tuple[Ramp, ...]:
    """Return ramps that come later."""
    return tuple(replace(one, lag_years=one.lag_years + DELAY) for one in ramps)


def later_chain(setting: Setting) -> tuple[Other, str]:
    """Return the chain at the later date with the builds of both sides, and its code."""
    west, china = builds(setting.chain)
    ramps = (*west, *china)
    made = setting.other(
        "later",
        lambda: chain_at(setting.chain, setting.later, ramps=ramps, since=setting.today),
    )
    code = (
        f"cp.leverage.chain_at({setting.code}, {setting.later!r}, since={setting.today!r}, "
        f"ramps={ramps_code(ramps)})"
    )
    return made, code


def after_truce(setting: Setting, weeks: int) -> tuple[Other, Other]:
    """Return the chains after some weeks with a truce, and with a fight that delays builds."""
    west, china = builds(setting.chain)
    end = dt.date.fromisoformat(setting.today) + dt.timedelta(weeks=weeks)
    branches = {"truce": (*west, *china), "no truce": (*delayed(west), *delayed(china))}

    def made(name: str) -> Other:
        return setting.other(
            name,
            lambda: chain_at(setting.chain, end, ramps=branches[name], since=setting.today),
        )

    return made("truce"), made("no truce")
