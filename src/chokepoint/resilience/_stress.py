"""The stressed case of the weekly model: thin stocks, early throttling, no change of supplier."""

from __future__ import annotations

from chokepoint.chain import SupplyChain
from chokepoint.datasets._what_if import WhatIf, end_of
from chokepoint.propagate import Behaviour

__all__ = ["STRESSED", "with_thin_stocks"]

STRESSED = Behaviour(switching=False)
"""Nobody looks for other suppliers."""


def with_thin_stocks(chain: SupplyChain) -> SupplyChain:
    """Return the chain with stocks at their low and sites that slow down as stock falls.

    ``stock_weeks`` becomes ``stock_weeks_low`` (half the value where no range is stated) and
    ``throttle_weeks`` becomes ``1 + stock_weeks``: the third figure of the band [planner,
    reference, stressed], together with :data:`STRESSED`.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.resilience._stress import with_thin_stocks
    >>> chain = cp.load("rare_earths")
    >>> bool((with_thin_stocks(chain).slots["stock_weeks"] <= chain.slots["stock_weeks"]).all())
    True
    """
    stock = end_of(chain, "stock_weeks", "low")
    return WhatIf(chain).chain_of({"stock_weeks": stock, "throttle_weeks": 1.0 + stock})
