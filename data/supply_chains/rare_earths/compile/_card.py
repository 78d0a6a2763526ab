"""The data card: figures computed from the chain, set into `card_template.md`."""

from __future__ import annotations

import pandas as pd
from _common import CHINA
from compiler.card import card as shared_card
from compiler.card import markdown, short

import chokepoint as cp
from chokepoint.chain import FlowEstimate

ELEMENTS = {
    "NdPr": ("oxide_ndpr", "oxide_ndpr_recycled"),
    "Dy": ("oxide_dy", "oxide_dy_recycled"),
    "Tb": ("oxide_tb", "oxide_tb_recycled"),
    "Sm": ("oxide_sm", None),
    "Gd": ("oxide_gd", None),
    "Y": ("oxide_y", None),
    "La, Ce": ("oxide_lace", None),
}
COVER_COUNTRIES = ("USA", "DEU", "JPN", "KOR", "IND")


def card(chain: cp.SupplyChain, free: FlowEstimate, fit: FlowEstimate) -> str:
    """Return the text of README.md; `free` is the fit without trade totals."""
    out = shared_card("rare_earths", chain, free, fit)
    own = {"elements": markdown(element_balance(chain)), "cover": markdown(cover_table(chain))}
    for name, part in own.items():
        out = out.replace("{" + name + "}", part)
    return out


def element_balance(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return what becomes of each element, t of oxide a year.

    New oxide of the mines + oxide recycled from swarf = oxide to metal makers + other uses that the
    chain follows + other_use; the difference is what the identities leave.
    """
    sites, flows = chain.sites.set_index("site"), chain.flows
    made = flows["supplier"].map(sites["product"])
    buyer = flows["buyer"].map(sites["product"])
    rest = flows["buyer"].str.endswith(":other_use")
    rows = []
    for element, (new, recycled) in ELEMENTS.items():
        own = made.isin([new, recycled])
        metal = own & buyer.fillna("").str.startswith("metal_")
        quantity = flows["quantity"]
        supply = sites.loc[sites["product"] == new, "output_qty"].sum()
        again = sites.loc[sites["product"] == recycled, "output_qty"].sum()
        to_metal, to_rest = quantity[metal].sum(), quantity[own & rest].sum()
        to_use = quantity[own & ~metal & ~rest].sum()
        rows.append(
            {
                "element": element,
                "new from mines": short(supply),
                "recycled": short(again),
                "to metal": short(to_metal),
                "to other uses": short(to_use),
                "other_use": short(to_rest),
                "other_use %": f"{100 * to_rest / (supply + again):.0f}",
                "difference": f"{supply + again - to_metal - to_use - to_rest:.0e}",
            }
        )
    return pd.DataFrame(rows)


def cover_table(chain: cp.SupplyChain) -> pd.DataFrame:
    """Return weeks from a stop of Chinese magnets to an empty slot along magnet, motor and car.

    Weeks = lead of the magnet + magnet stock of the motor maker + lead of the motor + motor stock
    of the car plant, for plants that depend on Chinese magnets alone.
    """
    edges, slots = chain.edges, chain.slots
    rows = []
    for country in COVER_COUNTRIES:
        maker = f"motor_auto_aux@{country}"
        magnets = edges[(edges["buyer"] == maker) & (edges["slot"] == "magnet_heavy")]
        lead = magnets.loc[
            magnets["supplier"].str.startswith(f"magnet_ndfeb_heavy@{CHINA}"), "lead_weeks"
        ]
        stock = slots.loc[(maker, "magnet_heavy"), "stock_weeks"]
        plants = chain.sites[
            (chain.sites["product"] == "car_conventional") & (chain.sites["country"] == country)
        ].set_index("site")
        weeks = {
            name.split("#")[1]: lead.min()
            + stock
            + 1
            + slots.loc[(name, "motor_auto_aux"), "stock_weeks"]
            for name in plants.index
        }
        part = plants["output_qty"] / plants["output_qty"].sum()
        mean = sum(part[n] * weeks[n.split("#")[1]] for n in plants.index)
        rows.append(
            {
                "cars of": country,
                "magnet lead": int(lead.min()),
                "stock of motor maker": f"{stock:g}",
                **{cohort: f"{value:.1f}" for cohort, value in sorted(weeks.items())},
                "mean": f"{mean:.1f}",
            }
        )
    return pd.DataFrame(rows)
