"""The supply chain: validated tables, flow estimation, files and graphs."""

from __future__ import annotations

from chokepoint.chain._chain import SupplyChain
from chokepoint.chain._files import read_tables
from chokepoint.chain._fit import GRADE_SPREAD, FlowEstimate, estimate_flows
from chokepoint.chain._industries import IndustryTable
from chokepoint.chain._links import Links
from chokepoint.chain._preferences import BLOC_PREFERENCE, HOME_PREFERENCE
from chokepoint.chain._provenance import Provenance
from chokepoint.chain._recipes import DEMAND
from chokepoint.chain._summary import concentration
from chokepoint.chain._value import CostShares, cost_shares

__all__ = [
    "BLOC_PREFERENCE",
    "DEMAND",
    "GRADE_SPREAD",
    "HOME_PREFERENCE",
    "CostShares",
    "FlowEstimate",
    "IndustryTable",
    "Links",
    "Provenance",
    "SupplyChain",
    "concentration",
    "cost_shares",
    "estimate_flows",
    "read_tables",
]
