"""The claims, in words that take no side, and the functions that answer them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chokepoint.report._claims._ask import Ask, Found, Setting
from chokepoint.report._claims._rows_chips import accelerators, chip_controls, five_year_plan
from chokepoint.report._claims._rows_firms import firms
from chokepoint.report._claims._rows_materials import high_technology, swap
from chokepoint.report._claims._rows_parity import interdependence, strategic_parity
from chokepoint.report._claims._rows_taiwan import dependence, silicon_shield
from chokepoint.report._claims._rows_third import forced_to_align
from chokepoint.report._claims._rows_time import build_out, price_of_truce
from chokepoint.report._claims._rows_world import trade_war

__all__ = ["CLAIMS", "Claim"]

Rows = Callable[[Setting], list[Ask | Found]]


@dataclass(frozen=True)
class Claim:
    """A claim as it is made in public, and who answers it.

    Attributes
    ----------
    text : str
        The claim.
    rows : callable, optional
        From the setting to figures; None = not covered.
    """

    text: str
    rows: Rows | None


CLAIMS: Mapping[int, Claim] = {
    1: Claim("At Busan ten points of duty were traded for suspended rare-earth rules.", swap),
    2: Claim("China and the USA have reached strategic parity.", strategic_parity),
    3: Claim("Chip controls hold China back, by their reach beyond borders.", chip_controls),
    4: Claim("The USA depends on chips from Taiwan.", dependence),
    5: Claim("Its chips shield Taiwan.", silicon_shield),
    6: Claim("The truce buys the USA time to build.", build_out),
    7: Claim("The five-year plan ends China's bottleneck in chips by 2030.", five_year_plan),
    8: Claim("The supply of accelerators for AI hangs on few places.", accelerators),
    9: Claim("Networks (5G, submarine cables, clouds) are chokepoints as well.", None),
    10: Claim("Interdependence is a weapon of both sides.", interdependence),
    11: Claim("US high technology hangs on Chinese rare earths.", high_technology),
    12: Claim("A total trade war costs both sides dearly, down to medicines and soy.", trade_war),
    13: Claim("Firms that earn in the other country moderate the conflict.", firms),
    14: Claim("The truce trades relief now for leverage later.", price_of_truce),
    15: Claim("Third countries are forced to choose between the two.", forced_to_align),
}
"""All claims by number."""
