"""The ledger of claims: which figures answer what is said in public, and how surely."""

from __future__ import annotations

from chokepoint.report._claims._builds import builds
from chokepoint.report._claims._claims import CLAIMS, Claim
from chokepoint.report._claims._ledger import Ledger, ledger
from chokepoint.report._claims._rows_materials import tariff_relief

__all__ = ["CLAIMS", "Claim", "Ledger", "builds", "ledger", "tariff_relief"]
