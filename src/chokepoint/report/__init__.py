"""The main result as one page and a ledger of figures."""

from __future__ import annotations

from chokepoint.report._claims import CLAIMS, Claim, Ledger, builds, ledger, tariff_relief
from chokepoint.report._files import check_writable
from chokepoint.report._ledger import COLUMNS
from chokepoint.report._report import Report, build_report
from chokepoint.report._study import STUDIES, Study
from chokepoint.report._verdict import RULE, Verdict, decide

__all__ = [
    "CLAIMS",
    "COLUMNS",
    "RULE",
    "STUDIES",
    "Claim",
    "Ledger",
    "Report",
    "Study",
    "Verdict",
    "build_report",
    "builds",
    "check_writable",
    "decide",
    "ledger",
    "tariff_relief",
]
