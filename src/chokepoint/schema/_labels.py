"""Labels of sites and markets, made from their parts in one place."""

from __future__ import annotations

__all__ = ["FORBIDDEN", "OTHER_USE", "WORLD", "market_label", "site_label", "split_list"]

FORBIDDEN = "@:#;|"
"""Characters that separate the parts of a label and so cannot stand inside one."""

OTHER_USE = "other_use"
"""Sector of the markets that take supply the chain does not follow."""

WORLD = "WLD"
"""All areas of a chain, where an area or bloc is asked for."""


def site_label(product: str, country: str, firm: str = "", cohort: str = "") -> str:
    """Return the label ``PRODUCT@COUNTRY[:FIRM][#COHORT]`` of a site.

    Examples
    --------
    >>> site_label("tool_litho_euv", "NLD", "ASML")
    'tool_litho_euv@NLD:ASML'
    >>> site_label("car", "JPN", cohort="thin")
    'car@JPN#thin'
    """
    label = f"{product}@{country}"
    label += f":{firm}" if firm else ""
    return label + (f"#{cohort}" if cohort else "")


def market_label(product: str, country: str, sector: str = "") -> str:
    """Return the label ``market:PRODUCT@COUNTRY[:SECTOR]`` of a market.

    Examples
    --------
    >>> market_label("car", "USA")
    'market:car@USA'
    """
    return f"market:{product}@{country}" + (f":{sector}" if sector else "")


def split_list(text: str) -> tuple[str, ...]:
    """Return the items of a cell that holds several labels separated by semicolons.

    Examples
    --------
    >>> split_list("EU27; G7;")
    ('EU27', 'G7')
    """
    return tuple(item.strip() for item in text.split(";") if item.strip())
