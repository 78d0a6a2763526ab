"""How much of a loss falls on sectors and firms that earn in the other country."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets import macro
from chokepoint.errors import OptionError
from chokepoint.propagate import Behaviour, simulate
from chokepoint.propagate._simulate import Precision
from chokepoint.scenario import Scenario

__all__ = ["US_SECTORS_IN_CHINA", "CorporateExposure", "corporate_exposure"]

Labels = str | Sequence[str]

US_SECTORS_IN_CHINA: Mapping[str, tuple[str, ...]] = {
    "Semiconductors and equipment": (
        "advanced_logic", "mature_logic", "specialty_wafer", "memory_wafer", "ai_chip",
        "processor", "memory_chip", "legacy_chip", "specialty_chip", "small_signal_chip", "hbm",
        "advanced_packaging", "assembly_test", "small_signal_assembly", "lithography",
        "lithography_part", "deposition", "etch_clean", "implant_cmp", "process_control", "track",
        "process_part", "backend_tool", "mask", "mask_tool", "wafer", "crystal_compound",
    ),
    "Technology hardware": ("electronics", "electronic_part"),
    "Automobiles and components": ("vehicle", "motor", "auto_module", "battery_cell", "battery"),
    "Materials": (
        "ore", "concentrate", "process", "oxide_light", "oxide_heavy", "metal", "alloy",
        "ndfeb_sintered", "smco", "bonded", "gallium_items", "germanium_items", "antimony_items",
        "graphite_items", "tungsten_items", "wet_chemical", "resist", "process_gas", "raw_gas",
        "raw_mineral", "ceramic", "glass", "plastic", "catalyst",
    ),
    "Software and services": ("design_tool",),
    "Household and personal products": ("food", "food_oil", "meat", "milk", "egg", "fish"),
}  # fmt: skip
"""Groups of the shipped chains that belong to each sector of the macro table `sector_exposure`.

A classification, not a fact: groups that are missing in a chain count nowhere, products of no
sector have an exposure that is not known.
"""


@dataclass(frozen=True, eq=False)
class CorporateExposure:
    r"""A side's loss by sector and firm, beside their revenue in the other country.

    Attributes
    ----------
    side : tuple of str
        Areas whose loss is looked at.
    weeks : int
        Horizon.
    sectors : pandas.DataFrame
        Index sector, and "" for products of none: loss [USD million], share (of the side's loss),
        exposure (share of the sector's revenue that arises in the other country; blank = not
        known), low, high, source and confidence.
    firms : pandas.DataFrame
        The same for firms that have sites of their own in the chain, by their latest row.
    share_exposed : float
        Share of the side's loss on sectors with an exposure of at least `threshold`.
    lobbying_weight : float
        Loss-weighted exposure, :math:`\sum_s l_s e_s / \sum_s l_s` over sectors with a known
        exposure: the share of their revenue that those who lose earn in the other country. It is an
        index of its own, from 0 to 1, and changes no other figure. Those who lose and earn there
        have two reasons to ask for relief; how much they are heard is not measured.
    known : float
        Share of the side's loss on sectors with a known exposure.
    threshold : float
        Limit of `share_exposed`.
    """

    side: tuple[str, ...]
    weeks: int
    sectors: pd.DataFrame
    firms: pd.DataFrame
    share_exposed: float
    lobbying_weight: float
    known: float
    threshold: float

    def __repr__(self) -> str:
        return (
            f"<CorporateExposure: {'+'.join(self.side)}, {100 * self.share_exposed:.0f} % of the "
            f"loss on exposed sectors, lobbying weight {self.lobbying_weight:.3f}>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.sectors.to_html()}"


def corporate_exposure(
    chain: SupplyChain,
    scenario: Scenario,
    side: Labels,
    *,
    weeks: int = 52,
    sectors: Mapping[str, Sequence[str]] | None = None,
    exposure: pd.DataFrame | None = None,
    threshold: float = 0.05,
    behaviour: Behaviour | None = None,
    dtype: Precision = "float64",
    progress: bool | None = None,
) -> CorporateExposure:
    """Return how much of a side's loss falls on sectors and firms that earn in the other country.

    The shipped tables know revenue of US sectors and firms in China
    (:func:`chokepoint.datasets.macro`); for another pair give `sectors` and `exposure`.

    Parameters
    ----------
    chain : SupplyChain
        The chain.
    scenario : Scenario
        What happens: the side's own levers (its self-harm) or those of the other (its damage).
    side : str or sequence of str
        Areas or blocs whose loss is split up.
    weeks : int
        Horizon.
    sectors : mapping of sector to products and groups, optional
        Which products belong to a sector; None = :data:`US_SECTORS_IN_CHINA`.
    exposure : pandas.DataFrame, optional
        Columns sector, value, low, high, source, confidence; None = shares of revenue of the macro
        table `sector_exposure`.
    threshold : float
        Exposure from which a sector counts as exposed.
    behaviour : Behaviour, optional
        Settings of the run.
    dtype : {"float64", "float32"}
        Precision of the run.
    progress : bool, optional
        Show progress bars.

    Returns
    -------
    CorporateExposure

    Raises
    ------
    OptionError
        If a product belongs to two sectors.

    Examples
    --------
    >>> chain = cp.load("rare_earths")
    >>> ban = cp.Scenario("ban", [cp.ExportBan(by="CHN", against="USA")])
    >>> found = corporate_exposure(chain, ban, "USA", weeks=26)
    >>> bool(0.0 < found.lobbying_weight < 1.0)
    True
    """
    areas = chain.areas(side)
    outcome = simulate(
        chain, scenario, weeks=weeks, behaviour=behaviour, dtype=dtype, progress=progress
    )
    loss = outcome.loss(by="site").iloc[0]
    facts = chain.sites.set_index("site").reindex(loss.index)
    mine = facts["country"].isin(list(areas))
    loss, facts = loss[mine], facts[mine]
    sectors_of = sector_of(chain, US_SECTORS_IN_CHINA if sectors is None else sectors)
    known = macro_sectors() if exposure is None else exposure
    table = _joined(
        loss.groupby(facts["product"].map(sectors_of).fillna("")).sum(), known, "sector"
    )
    total = float(loss.sum())
    table["share"] = table["loss"] / total if total else np.nan
    has = table["exposure"].notna()
    heard = table[has]
    weight = float(heard["loss"].sum())
    return CorporateExposure(
        side=areas,
        weeks=weeks,
        sectors=table,
        firms=_firms(loss, facts, total),
        share_exposed=float(table.loc[table["exposure"] >= threshold, "share"].sum()),
        lobbying_weight=float((heard["loss"] * heard["exposure"]).sum() / weight)
        if weight
        else float("nan"),
        known=float(table.loc[has, "share"].sum()),
        threshold=threshold,
    )


def macro_sectors() -> pd.DataFrame:
    """Return the shares of revenue by sector of the macro tables."""
    table = macro("sector_exposure")
    return table[table["measure"].eq("share_of_revenue")].reset_index(drop=True)


def sector_of(chain: SupplyChain, sectors: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the sector of each product; groups that the chain does not have are passed over."""
    products = chain.products
    known = {*products["product"], *products["group"]}
    found: dict[str, str] = {}
    for sector, names in sectors.items():
        held = [name for name in names if name in known]
        for product in chain.products_in(held) if held else ():
            if found.setdefault(product, sector) != sector:
                raise OptionError(
                    f"Expected every product in one sector, got {product} in {found[product]!r} "
                    f"and {sector!r}."
                )
    return found


def _joined(loss: pd.Series, known: pd.DataFrame, name: str) -> pd.DataFrame:
    facts = known.set_index(name)[["value", "low", "high", "source", "confidence"]]
    facts = facts.rename(columns={"value": "exposure"}).reindex(loss.index)
    table = pd.concat([loss.rename("loss"), facts], axis=1).rename_axis(name)
    return table.sort_values("loss", ascending=False, kind="stable")


def _firms(loss: pd.Series, facts: pd.DataFrame, total: float) -> pd.DataFrame:
    known = macro("corporate_exposure").drop_duplicates("company")
    known = known.rename(columns={"company": "firm", "china_share": "value"})
    lost = loss.groupby(facts["firm"]).sum()
    table = _joined(lost[lost.index.isin(known["firm"])], known, "firm")
    table["share"] = table["loss"] / total if total else np.nan
    return table
