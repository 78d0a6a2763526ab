"""A chain of three products and folders of episodes about it, small enough to work out by hand."""

from __future__ import annotations

import pandas as pd

import chokepoint as cp

PROVENANCE = {"low": "", "high": "", "source": "x", "confidence": "A", "derivation": ""}
EVENT = {
    "episode": "stop", "kind": "Outage", "start": "2020-01-01", "end": "2020-02-12", "by": "",
    "against": "", "products": "ore", "country": "CHN", "sites": "", "severity": "1",
    "release": "", "ranged": "", **PROVENANCE,
}  # fmt: skip
OBSERVATION = {
    "episode": "stop", "observation": "first", "observable": "onset", "series": "thinnest",
    "products": "car", "areas": "USA", "sites": "", "origins": "", "start": "", "end": "",
    "average_weeks": "1", "bound": "", "value": "3", "tolerance": "2", "unit": "weeks",
    **PROVENANCE, "low": "3", "high": "3",
}  # fmt: skip
EPISODE = {
    "episode": "stop", "title": "Stop", "chain": "small", "start": "2020-01-01", "weeks": "20",
    "role": "calibration", "kind": "crisis",
}  # fmt: skip
EMPTY = {
    "covers": ["episode", "table", "product", "area", "slot", "column", "value", *PROVENANCE],
    "cohorts": ["episode", "buyer", "slot", "suppliers", "share", *PROVENANCE],
    "left_out": ["episode", "observation", "reason"],
}


def small_chain(*, china=100.0, stock=2.0, qualification=26.0, reorder=1.0):
    """Cars of the USA from ore of China and Australia, one week under way."""
    ore = pd.DataFrame(
        {
            "product": "ore",
            "country": ["CHN", "AUS"],
            "output_qty": [china, 100.0 - china],
            "ramp_max": [1.0, 3.0],
            "ramp_weeks": [1.0, 1.0],
        }
    )
    car = pd.DataFrame({"product": ["car"], "country": ["USA"], "output_qty": [100.0]})
    return cp.SupplyChain.from_tables(
        products=pd.DataFrame({"product": ["ore", "car"], "price_usd": [1.0, 10.0]}),
        sites=pd.concat([ore[ore["output_qty"] > 0.01], car], ignore_index=True),
        inputs=pd.DataFrame(
            {
                "product": ["car"],
                "input": ["ore"],
                "quantity": [1.0],
                "stock_weeks": [stock],
                "reorder_weeks": [reorder],
                "qualification_weeks": [qualification],
            }
        ),
        markets=pd.DataFrame({"product": ["car"], "country": ["USA"], "quantity": [100.0]}),
        name="small",
    )


def write(folder, **rows):
    """Write a folder of episodes; each table is a list of dicts, or left as it is by default."""
    tables = {
        "episodes": [EPISODE],
        "events": [EVENT],
        "observations": [OBSERVATION],
        "sources": [{"source": "x", "title": "X", "publisher": "P", "year": 2020, "url": ""}],
        **rows,
    }
    folder.mkdir(exist_ok=True)
    for name, columns in EMPTY.items():
        tables.setdefault(name, pd.DataFrame(columns=columns).to_dict("records"))
        if not tables[name]:
            pd.DataFrame(columns=columns).to_csv(folder / f"{name}.csv", index=False)
    for name, content in tables.items():
        if content:
            pd.DataFrame(content).to_csv(folder / f"{name}.csv", index=False)
    return folder


def observation(name, observable, value, **changes):
    """Return a row of observations.csv with the tolerance of its observable."""
    from chokepoint.history._observables import JUDGED

    stated = {"observation": name, "observable": observable, "value": value}
    stated |= {"low": value, "high": value, "tolerance": JUDGED[observable]}
    return OBSERVATION | stated | changes
