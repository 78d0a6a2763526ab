"""What a report on one chain asks: who bans, against whom, which goods, and what is claimed.

The code that computes and writes a report knows no country and no product; it reads them here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError

__all__ = ["STUDIES", "Study", "bundles_of"]


@dataclass(frozen=True, kw_only=True)
class Study:
    """The questions of a report on one chain.

    Parameters
    ----------
    title : str
        Heading of the report.
    subject : str
        The goods in words, as they stand in sentences.
    actor : str
        Area or bloc that bans.
    targets : tuple of str
        Areas or blocs that the ban is aimed at, one ban each.
    claim : int
        Number of the claim that the report answers.
    claim_text : str
        The claim in words.
    last_material_stage : str
        Stage of the last product that counts as material; everything upstream of it does too.
    part_stage : str
        Stage of the parts that hold the materials.
    narrow, wide : str
        Names of the bundles of all materials, and of materials and parts.
    high_tech : tuple of str
        Groups of end products that the claim is about.
    materiality : float
        Share of GDP from which a loss counts as material.
    sector_materiality : float
        Share of their own value added from which a loss of those groups counts as material.
    budget_usd_m : float
        Budget of each target's plan [USD million].
    places : dict
        Names in words of targets that are no single country.
    same_shock : tuple of str
        Published estimates (table `estimates`) of the same shock as the narrow bundle's ban.
    same_onset : tuple of str
        Published observations of the first stop of a plant [days].
    """

    title: str
    subject: str
    actor: str
    targets: tuple[str, ...]
    claim: int
    claim_text: str
    last_material_stage: str
    part_stage: str
    narrow: str
    wide: str
    high_tech: tuple[str, ...] = ()
    materiality: float = 0.001
    sector_materiality: float = 0.01
    budget_usd_m: float = 100.0
    places: Mapping[str, str] = field(default_factory=dict)
    same_shock: tuple[str, ...] = ()
    same_onset: tuple[str, ...] = ()


STUDIES: dict[str, Study] = {
    "rare_earths": Study(
        title="What a Chinese stop of rare-earth exports would do",
        subject="rare earths",
        actor="CHN",
        targets=("USA", "JPN", "KOR", "DEU", "EU27"),
        claim=11,
        claim_text="Rare earths and US high tech: that China, by withholding rare earths, can do "
        "material damage to the economy of the United States and to its high-tech sectors.",
        last_material_stage="magnet",
        part_stage="component",
        narrow="all rare earths",
        wide="rare earths and parts",
        high_tech=("electronics", "defence", "aerospace", "medical"),
        places={"EU27": "European Union"},
        same_shock=("nri_3m", "nri_12m", "mizuho_12m", "daiwa_re_12m"),
        same_onset=("first_stop",),
    ),
}


def bundles_of(chain: SupplyChain, study: Study) -> dict[str, list[str]]:
    """Return the bundles of goods: each group of materials that is traded, all, and with parts.

    Groups are taken whole, from the columns `stage`, `tier` and `group` of the products. A group
    that the actor does not sell to any target is left out on its own, and stays in the sums.

    Raises
    ------
    OptionError
        If the chain lacks the stages that the study names.
    """
    products = chain.products
    stages = set(products["stage"])
    for stage in (study.last_material_stage, study.part_stage):
        if stage not in stages:
            raise OptionError(
                f"Expected a chain with products of stage {stage!r}, got stages "
                f"{sorted(stages - {''})}. Pass another study."
            )
    last = products.loc[products["stage"].eq(study.last_material_stage), "tier"].max()
    material = products["tier"].le(last)
    names = products["group"].where(products["group"].ne(""), products["product"])
    groups = list(dict.fromkeys(names[material]))
    parts = list(dict.fromkeys(names[products["stage"].eq(study.part_stage)]))
    sold = _sold(chain, study)
    goods = {group for group in groups if set(chain.products_in(group)) & sold}
    traded = [group for group in groups if set(chain.products_in(group)) & _flowing(chain)]
    found = {group: [group] for group in groups if group in goods}
    return {**found, study.narrow: traded, study.wide: [*traded, *parts]}


def _sold(chain: SupplyChain, study: Study) -> set[str]:
    """Return the products that the actor sells to any of the targets."""
    edges, country = chain.edges, chain.nodes["country"]
    mine = edges["supplier"].map(country).isin(chain.areas(study.actor))
    theirs = edges["buyer"].map(country).isin(chain.areas(study.targets))
    return set(edges.loc[mine & theirs & (edges["quantity"] > 0), "product"])


def _flowing(chain: SupplyChain) -> set[str]:
    edges = chain.edges
    return set(edges.loc[edges["quantity"] > 0, "product"])
