"""Reading the small input tables of a chain, with what their format promises filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

__all__ = [
    "CHAINS_FOLDER",
    "NAN",
    "PROVENANCE",
    "SPREAD",
    "Inputs",
    "read_table",
    "stacked",
    "text",
]

CHAINS_FOLDER = Path(__file__).resolve().parents[1] / "supply_chains"
NAN = float("nan")
PROVENANCE = ["low", "high", "source", "confidence", "derivation"]
SPREAD = {"A": 0.05, "B": 0.10, "C": 0.25, "D": 0.50}
"""Half-width of the range of a quantity, relative, where its row states none."""
RECALLED = "recalled, not verified in a document"

# Columns of the tables of compile/inputs; blank where a chain leaves them out.
COLUMNS = {
    "products": "product name tier stage group unit price_usd hs6 storable critical_weight",
    "outputs": "product basis value year",
    "places": "product country firm basis value va_share va_low va_high ramp_max ramp_weeks",
    "recipes": "product country firm slot input share quantity "
    "use_share use_share_low use_share_high combine criticality criticality_low criticality_high "
    "stock_weeks stock_weeks_low stock_weeks_high throttle_weeks_high reorder_weeks "
    "qualification_weeks qualification_weeks_low qualification_weeks_high "
    "decay_weekly repair_weeks thrift_weekly thrift_floor",
    "joint": "process product yield wanted va_share va_low va_high",
    "demand": "product country sector basis value critical_weight stock_weeks "
    "qualification_weeks lead_weeks backlog_share",
    "borrow": "product chain",
    "preferences": "supplier_country buyer_country product factor",
    "leads": "product home region far growth_max",
    "dormant": "product max_share",
    "settings": "setting value",
}
NUMBERS = set(
    "tier price_usd critical_weight value year va_share va_low va_high ramp_max ramp_weeks share "
    "quantity use_share use_share_low use_share_high criticality criticality_low criticality_high "
    "stock_weeks stock_weeks_low stock_weeks_high throttle_weeks_high reorder_weeks "
    "qualification_weeks qualification_weeks_low qualification_weeks_high decay_weekly "
    "repair_weeks thrift_weekly thrift_floor yield lead_weeks backlog_share factor "
    "growth_max max_share low high".split()
)
WITHOUT_PROVENANCE = ("borrow", "settings", "leads")


def read_table(file: Path) -> pd.DataFrame:
    """Return a table; text columns have "" for blank cells, notes "as above" are written out."""
    frame = pd.read_csv(file, keep_default_na=False, na_values=[""])
    for column in frame.columns:
        if column in NUMBERS and file.stem != "settings":
            frame[column] = pd.to_numeric(frame[column])
        elif not pd.api.types.is_numeric_dtype(frame[column]):
            frame[column] = frame[column].astype(object).where(frame[column].notna(), "")
        elif frame[column].isna().all():
            frame[column] = ""
    if "derivation" in frame and "confidence" in frame:
        frame["derivation"] = _explained(frame)
    return frame


def _explained(frame: pd.DataFrame) -> list[str]:
    """Write "as above" out, since tables are sorted later; say of recalled numbers that they are."""
    out: list[str] = []
    for note, grade in zip(frame["derivation"], frame["confidence"], strict=True):
        said = out[-1] if note == "as above" else text(note)
        out.append(said or (RECALLED if grade in ("C", "D") else ""))
    return out


def stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all frames; empty ones take no part in the types of columns."""
    kept = [frame for frame in frames if len(frame)] or frames[:1]
    return pd.concat(kept, ignore_index=True)


def text(cell: object) -> str:
    """Return a cell of a text column that pandas may have read as NaN."""
    return "" if cell is None or cell != cell else str(cell)


@dataclass(frozen=True)
class Inputs:
    """The input tables of one chain.

    Attributes
    ----------
    name : str
        Name of the chain.
    tables : mapping of DataFrame
        Tables by name; those that the chain leaves out are empty with their columns.
    """

    name: str
    tables: Mapping[str, pd.DataFrame]

    @classmethod
    def read(cls, name: str) -> Inputs:
        """Read `compile/inputs` of a chain."""
        folder = CHAINS_FOLDER / name / "compile" / "inputs"
        found = {file.stem: read_table(file) for file in sorted(folder.glob("*.csv"))}
        for table, columns in COLUMNS.items():
            wanted = columns.split()
            if table not in WITHOUT_PROVENANCE:
                wanted += PROVENANCE
            found[table] = _completed(found.get(table), wanted)
        return cls(name, found)

    def __getitem__(self, table: str) -> pd.DataFrame:
        """Return a table; an empty one without columns where the chain has none."""
        return self.tables.get(table, pd.DataFrame())

    def setting(self, name: str, default: str) -> str:
        """Return a setting of the chain as text."""
        rows = self["settings"]
        chosen = rows.loc[rows["setting"] == name, "value"]
        return str(chosen.iloc[0]) if len(chosen) else default


def _completed(frame: pd.DataFrame | None, columns: list[str]) -> pd.DataFrame:
    if frame is None:
        frame = pd.DataFrame({column: pd.Series(dtype=object) for column in columns})
    for column in columns:
        if column not in frame:
            frame[column] = NAN if column in NUMBERS else ""
    for column in NUMBERS & set(frame.columns):
        if column in columns and columns[0] != "setting":
            frame[column] = pd.to_numeric(frame[column])
    return frame
