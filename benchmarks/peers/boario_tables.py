"""Speed on an input-output table beside BoARIO 0.7.2, on the same machine, one after the other.

Each run has a process of its own with one BLAS thread. Needs the extra ``peers``::

    pip install --editable ".[peers]"
    python benchmarks/peers/boario_tables.py
    python benchmarks/peers/boario_tables.py --regions 10 --sectors 20 --days 100 --scenarios 20

The table is drawn: flows between all industries, more at home, log-normal. A twentieth of the
industries lose half of their capacity for thirty days and win it back in as many. Printed are
seconds for the days alone and for building the model, ratios, and the largest difference in the
output of any industry on any day.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

START, LENGTH, LOST = 5, 30, 0.5


def table(regions: int, sectors: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return flows and final demand per year; every industry has value added."""
    rng = np.random.default_rng(seed)
    places = [f"r{i:02d}" for i in range(regions)]
    industries = pd.MultiIndex.from_product(
        [places, [f"s{i:02d}" for i in range(sectors)]], names=["region", "sector"]
    )
    size = len(industries)
    flows = rng.lognormal(0.0, 1.5, (size, size)) * 1e3
    region = np.repeat(np.arange(regions), sectors)
    flows[region[:, None] == region[None, :]] *= 4.0 * regions / 8.0 + 1.0
    shares = rng.dirichlet(np.ones(regions), size)
    bought, sold = flows.sum(axis=0), flows.sum(axis=1)
    total = bought * rng.uniform(0.7, 1.3, size) + np.maximum(1.5 * bought - sold, 0.0)
    consumers = pd.MultiIndex.from_product([places, ["final"]], names=["region", "category"])
    return (
        pd.DataFrame(flows, industries, industries),
        pd.DataFrame(shares * total[:, None], industries, consumers),
    )


def hit(size: int, scenario: int) -> np.ndarray:
    """Return the industries that a scenario hits."""
    rng = np.random.default_rng(scenario)
    return np.sort(rng.choice(size, max(1, size // 20), replace=False))


# ------------------------------------------------------------------------------ BoARIO


def run_boario(options: argparse.Namespace) -> dict[str, object]:
    """Run one scenario with BoARIO and return seconds and output."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    import pymrio
    from boario import event
    from boario.extended_models import ARIOPsiModel
    from boario.simulation import Simulation

    flows, final = table(options.regions, options.sectors)
    system = pymrio.IOSystem(Z=flows, Y=final)
    system.calc_all()
    began = time.perf_counter()
    model = ARIOPsiModel(
        system,
        order_type="alt" if options.order == "capacity" else "noalt",
        productive_capital_to_VA_dict=dict.fromkeys(system.get_sectors(), 4.0),
    )
    run = Simulation(model, n_temporal_units_to_sim=options.days)
    lost = pd.Series(LOST, index=flows.index[hit(len(flows), 0)])
    run.add_event(
        event.from_series(
            lost, event_type="arbitrary", occurrence=START, duration=LENGTH, recovery_tau=LENGTH
        )
    )
    built = time.perf_counter()
    run.loop()
    ended = time.perf_counter()
    made = run.production_realised
    activity = (made / made.iloc[0])[flows.index].to_numpy()
    np.save(options.output, activity)
    return {"build": built - began, "run": ended - built}


# -------------------------------------------------------------------------------- ours


def run_ours(options: argparse.Namespace) -> dict[str, object]:
    """Run one scenario, then a batch, and return seconds and output of the first."""
    import chokepoint as cp

    flows, final = table(options.regions, options.sectors)
    began = time.perf_counter()
    chain = cp.SupplyChain.from_io_table(
        flows,
        final,
        inventories=89.0,
        throttle=0.8,
        reorder_weeks=60.0,
        ramp_max=1.25,
        ramp_weeks=365.0,
    )
    assert len(chain.links.supplier)
    built = time.perf_counter()
    behaviour = cp.Behaviour(switching=False, order_shares=options.order, scarcity="last_output")
    sites = chain.sites["site"].to_numpy()
    scenarios = [_scenario(cp, sites, number) for number in range(options.scenarios)]

    def simulate(some, days, record):
        return cp.simulate(
            chain, some, weeks=days, behaviour=behaviour, record=record, threads=options.threads,
            dtype=options.dtype, progress=False,
        )  # fmt: skip

    first = time.perf_counter()
    simulate(scenarios[0], START + 5, "site")
    simulate(scenarios[:5], START + 5, "country")
    ready = time.perf_counter()
    singles = []
    for _ in range(3):
        begin = time.perf_counter()
        outcome = simulate(scenarios[0], options.days, "site")
        singles.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    simulate(scenarios, options.days, "country")
    batch = time.perf_counter() - begin
    np.save(options.output, outcome.activity[0][:, : len(flows)])
    return {"build": built - began, "compile": ready - first, "run": min(singles), "batch": batch}


def _scenario(cp, sites, number):
    """Return the shock as BoARIO times it: a day late, six decimals of recovery."""
    from chokepoint.scenario import CapacityEffect, Effects

    @dataclass(frozen=True, kw_only=True)
    class Shock(cp.Outage):
        def effects(self, chain, horizon):
            elapsed = np.arange(horizon) - 2 - START - LENGTH
            left = np.round(LOST * (1.0 - np.clip(elapsed, 0, LENGTH) / LENGTH), 6)
            factor = np.where(np.arange(horizon) > START, 1.0 - left, 1.0)
            return Effects(capacity=(CapacityEffect(self._matched(chain), factor),))

    where = tuple(sites[hit(len(sites), number)].tolist())
    return cp.Scenario(f"scenario {number}", [Shock(sites=where)])


# ---------------------------------------------------------------------------- the pair


def child(which: str, options: argparse.Namespace, order: str, folder: Path) -> dict[str, object]:
    """Run one side in a process of its own."""
    output = folder / f"{which}-{order}.npy"
    command = [sys.executable, __file__, "--child", which, "--order", order,
               "--regions", options.regions, "--sectors", options.sectors, "--days", options.days,
               "--scenarios", options.scenarios, "--threads", options.threads,
               "--dtype", options.dtype, "--output", output]  # fmt: skip
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, text=True,
        env={**os.environ, **single},
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    return {**found, "activity": np.load(output)}


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def compare(options: argparse.Namespace) -> None:
    """Run both sides for each way of sharing out orders and print what came of it."""
    size = options.regions * options.sectors
    machine = platform.processor() or platform.machine()
    versions = (
        f"Python {platform.python_version()}, NumPy {np.__version__}, pandas {pd.__version__}"
    )
    say(f"{machine}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {versions}")
    say(f"{options.regions} regions x {options.sectors} sectors = {size} industries, "
        f"{options.days} days, {options.dtype}, batch of {options.scenarios} on "
        f"{options.threads} threads, one BLAS thread")  # fmt: skip
    for order in options.orders:
        with tempfile.TemporaryDirectory() as folder:
            theirs = child("boario", options, order, Path(folder))
            ours = child("ours", options, order, Path(folder))
        each = ours["batch"] / options.scenarios
        gap = np.abs(ours["activity"] / theirs["activity"] - 1.0).max()
        say(f"orders by {order} shares")
        say(f"  BoARIO   {theirs['run']:8.3f} s               (model {theirs['build']:.2f} s)")
        say(f"  single   {ours['run']:8.3f} s    {theirs['run'] / ours['run']:7.1f} x"
            f"    (chain {ours['build']:.2f} s, first call {ours['compile']:.2f} s)")  # fmt: skip
        say(f"  batch    {each:8.4f} s    {theirs['run'] / each:7.1f} x  per scenario")
        say(f"  largest relative difference of an industry on a day {gap:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--regions", type=int, default=40)
    parser.add_argument("--sectors", type=int, default=50)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--scenarios", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--orders", nargs="+", default=["capacity", "baseline"])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--order", help=argparse.SUPPRESS)
    parser.add_argument("--output", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run = run_boario if options.child == "boario" else run_ours
        say(json.dumps(run(options)))
    else:
        compare(options)


if __name__ == "__main__":
    main()
