"""Parts of the cascade index: elimination, inverse in either precision, lanes, what is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import chokepoint as cp
from chokepoint.errors import ConvergenceError
from chokepoint.exposure import cascade_index
from chokepoint.exposure._cascade import _direct, _lanes, _push, _run
from chokepoint.exposure._cascade._censor import censor, closed_classes
from chokepoint.exposure._cascade._columns import Columns
from chokepoint.exposure._cascade._inputs import network_of
from chokepoint.exposure._cascade._invert import invert_rates
from chokepoint.exposure._cascade._lanes import LANES, downstream_lanes, upstream_lanes
from chokepoint.exposure._cascade._shocks import Shocks

PARTS = ["index", "downstream", "upstream"]


def scattered(n: int, seed: int, *, sectors: int = 8) -> tuple:
    """Return links, firms, essentiality and revenue of firms of very different sizes."""
    rng = np.random.default_rng(seed)
    pull = (1.0 - rng.random(n)) ** -0.8
    ends = rng.choice(n, (2, 5 * n), p=pull / pull.sum())
    edges = pd.DataFrame({"supplier": ends[0], "buyer": ends[1]}).drop_duplicates()
    edges = edges.assign(value=rng.lognormal(0.0, 1.0, len(edges)))
    # A ring that buys from outside and sells to nobody else is closed without revenue.
    ring = edges["supplier"].lt(n - 4)
    closed = {"supplier": [n - 1, n - 2, n - 3, n - 4], "buyer": [n - 2, n - 3, n - 4, n - 1]}
    edges = pd.concat([edges[ring], pd.DataFrame({**closed, "value": [1.0, 2.0, 3.0, 4.0]})])
    firms = pd.DataFrame({"firm": range(n), "sector": rng.integers(0, sectors, n)})
    essentiality = rng.integers(0, 3, (sectors, sectors))
    sales = edges.groupby("supplier")["value"].sum().reindex(range(n), fill_value=0.0)
    return edges, firms, essentiality, 1.3 * sales + 0.1


def walks(size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rates of going on, and a leak that is small and rare: nearly nothing is lost."""
    rng = np.random.default_rng(seed)
    rates = rng.random((size, size)) ** 4 * (rng.random((size, size)) < 5.0 / size + 0.02)
    np.fill_diagonal(rates, 0.0)
    leak = np.where(rng.random(size) < 0.02, rng.random(size), 0.0)
    leak[0] = 1e-3
    rates[:, 0] += 1e-3
    rates[0, 0] = 0.0
    return rates, leak


@pytest.mark.parametrize(("kind", "accuracy"), [(np.float64, 1e-11), (np.float32, 1e-5)])
@pytest.mark.parametrize("size", [1, 2, 255, 256, 700])
def test_inverse_keeps_its_digits(size: int, kind: type, accuracy: float) -> None:
    rates, leak = walks(size, size)
    matrix = np.diag(leak + rates.sum(axis=1)) - rates
    found = rates.astype(kind)
    # What stands on the diagonal does not count.
    np.fill_diagonal(found, 7.0)
    invert_rates(found, leak)
    assert found.dtype == kind
    assert np.abs(found / np.linalg.inv(matrix) - 1.0).max() < accuracy


@pytest.mark.parametrize("single", [False, True])
def test_columns_solve_the_upstream_system(single: bool) -> None:
    edges, firms, essentiality, _ = scattered(400, 1)
    network = network_of(edges, firms, essentiality)
    closed = closed_classes(network.upstream, network.leak)
    factors = censor(
        network.upstream, network.leak, closed, largest=0 if single else 400, largest_single=400
    )
    assert factors is not None
    assert factors.core.dtype == (np.float32 if single else np.float64)
    assert 0 < factors.n_out < len(factors.firm) < 400
    matrix = np.eye(400) - network.upstream.toarray()
    inside = matrix[np.ix_(factors.firm, factors.firm)]
    right = np.zeros((len(inside), LANES))
    chosen = np.random.default_rng(2).choice(len(inside), LANES, replace=False)
    right[chosen, np.arange(LANES)] = 1.0
    expected = np.linalg.solve(inside, right)
    columns = Columns(network, factors)
    refined = columns.solve(right.copy(), refined=single)
    assert refined == pytest.approx(expected, rel=1e-9, abs=1e-11)
    if single:
        rough = columns.solve(right.copy(), refined=False)
        assert rough == pytest.approx(expected, rel=1e-4)
        assert np.abs(rough - expected).max() > 1e-10


@pytest.mark.parametrize("revenue", [True, False])
@pytest.mark.parametrize("swept", [True, False])
def test_a_core_in_single_precision_is_good_for_eight_digits(
    revenue: bool, swept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    edges, firms, essentiality, income = scattered(400, 3)
    options = {"revenue": income if revenue else None, "method": "direct"}
    exact = cascade_index(edges, firms, essentiality, **options)
    monkeypatch.setattr(_direct, "_LARGEST_CORE", 0)
    if swept:
        monkeypatch.setattr(_direct, "most_links", lambda _: 0.0)
    single = cascade_index(edges, firms, essentiality, **options)
    difference = (single[PARTS] - exact[PARTS]).abs().to_numpy()
    assert 0.0 < difference.max() < 5e-9
    assert exact["index"].max() > 0.1


@pytest.mark.parametrize("revenue", [True, False])
@pytest.mark.parametrize("replaceability", [True, False])
def test_direct_and_sweeps_agree_where_firms_are_taken_out(
    revenue: bool, replaceability: bool
) -> None:
    edges, firms, essentiality, income = scattered(500, 4)
    options = {"revenue": income if revenue else None, "replaceability": replaceability}
    direct, sweeps = (
        cascade_index(edges, firms, essentiality, method=method, **options)
        for method in ("direct", "sweeps")
    )
    pd.testing.assert_frame_equal(direct[PARTS], sweeps[PARTS], rtol=0, atol=2e-9)


def test_a_lane_does_not_see_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    edges, firms, essentiality, income = scattered(300, 5)
    network = network_of(edges, firms, essentiality, revenue=income)
    weight = network.sales / network.sales.sum()
    shocks = Shocks.defaults(300, np.arange(300))

    def all_of(cases: np.ndarray, lanes) -> tuple[np.ndarray, np.ndarray]:
        losses, sweeps = np.empty((300, len(cases))), np.empty(len(cases), dtype=int)
        for settled in lanes(cases):
            at = np.searchsorted(cases, settled.cases)
            losses[:, at] = settled.losses[:, : len(at)]
            sweeps[at] = settled.sweeps
        return losses, sweeps

    for lanes in (
        lambda cases: downstream_lanes(network, weight, shocks, cases, replaceability=True),
        lambda cases: upstream_lanes(network, weight, shocks, cases),
    ):
        losses, sweeps = all_of(np.arange(3 * LANES + 5), lanes)
        for case in (0, 7, LANES + 1, 3 * LANES + 4):
            alone, own = all_of(np.array([case]), lanes)
            assert (losses[:, case] == alone[:, 0]).all()
            assert sweeps[case] == own[0]
        assert sweeps.max() > 5
    # Sums of markets are the same whether added up or kept up to date.
    monkeypatch.setattr(_lanes, "_SWEEPS_PER_SUM", 1)
    again, _ = all_of(np.arange(40), lambda cases: downstream_lanes(
        network, weight, shocks, cases, replaceability=True))  # fmt: skip
    kept, _ = all_of(np.arange(40), lambda cases: downstream_lanes(
        network, weight, shocks, cases, replaceability=True))  # fmt: skip
    assert again == pytest.approx(kept, abs=1e-12)


def test_losses_that_do_not_settle_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    edges, firms, essentiality, income = scattered(300, 5)
    network = network_of(edges, firms, essentiality, revenue=income)
    monkeypatch.setattr(_lanes, "_MOST_SWEEPS", 2)
    shocks = Shocks.defaults(300, np.arange(20))
    with pytest.raises(ConvergenceError, match="State revenue"):
        list(upstream_lanes(network, network.sales, shocks, np.arange(20)))


def test_what_is_done_is_kept_when_a_run_breaks_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edges, firms, essentiality, _ = scattered(300, 6)
    monkeypatch.setattr(_run, "_FEWEST_CASES", 16)
    whole = cascade_index(edges, firms, essentiality, threads=1)
    solve, calls = _direct.Direct.solve, []

    def fails_at_third(self, shocks, cases):
        calls.append(cases)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return solve(self, shocks, cases)

    path = tmp_path / "done.npz"
    monkeypatch.setattr(_direct.Direct, "solve", fails_at_third)
    with pytest.raises(KeyboardInterrupt):
        cascade_index(edges, firms, essentiality, threads=1, checkpoint=path)
    with np.load(path) as stored:
        kept = int(np.isfinite(stored["values"][:, 0]).sum())
    assert 0 < kept < 300
    done = len(calls)
    again = cascade_index(edges, firms, essentiality, threads=1, checkpoint=path)
    assert len(calls) - done == -(-(300 - kept) // (calls[0].stop - calls[0].start))
    pd.testing.assert_frame_equal(again, whole)


def test_small_and_large_cascades_meet_in_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    edges, firms, essentiality, income = scattered(400, 7)
    tables = []
    for most in (0.0, 60.0, np.inf):
        for module in (_direct, _push):
            monkeypatch.setattr(module, "most_links", lambda _, most=most: most)
        tables.append(cascade_index(edges, firms, essentiality, revenue=income))
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table[PARTS], tables[0][PARTS], rtol=0, atol=2e-9)
    pushes = [table["iterations"].tolist() for table in tables]
    assert pushes[1] not in (pushes[0], pushes[2])


def test_progress_is_shown_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    edges, firms, essentiality, _ = scattered(100, 8)
    cascade_index(edges, firms, essentiality, progress=True)
    assert "cascade index" in capsys.readouterr().err
    cascade_index(edges, firms, essentiality, progress=False)
    assert capsys.readouterr().err == ""


def test_a_chain_gives_what_its_frames_give() -> None:
    # Motors of two countries and chips go into cars; a third of the motors are sold as spares.
    # Paint is no more than non-essential.
    made = [("motor", "CHN", 60.0, 2.0), ("motor", "JPN", 40.0, 2.0), ("chip", "TWN", 100.0, 0.5),
            ("paint", "USA", 100.0, 0.1), ("car", "DEU", 100.0, 30.0)]  # fmt: skip
    chain = cp.SupplyChain.from_tables(
        products=pd.DataFrame(
            {"product": ["motor", "chip", "paint", "car"], "tier": [0, 0, 0, 1],
             "price_usd": [2.0, 0.5, 0.1, 30.0]}
        ),
        sites=pd.DataFrame(
            [row[:3] for row in made], columns=["product", "country", "output_qty"]
        ).assign(output_usd_m=[quantity * price / 1e6 for *_, quantity, price in made]),
        inputs=pd.DataFrame(
            {"product": ["car"] * 3, "input": ["motor", "chip", "paint"],
             "quantity": [2 / 3, 1.0, 1.0], "criticality": [1.0, 1.0, 0.2]}
        ),
        markets=pd.DataFrame(
            {"product": ["car", "motor"], "country": ["DEU", "KOR"],
             "quantity": [100.0, 100.0 / 3]}
        ),
    )  # fmt: skip
    table = cascade_index(chain)
    nodes, flows = chain.nodes, chain.edges
    price = nodes["value_usd_m"] / nodes["output_qty"]
    sold = flows[flows["buyer"].isin(table.index)]
    edges = sold.assign(value=sold["quantity"] * sold["supplier"].map(price))
    firms = pd.DataFrame(
        {"firm": table.index, "sector": nodes.loc[table.index, "product"].to_numpy()}
    )
    goods = ["car", "chip", "motor", "paint"]
    matrix = pd.DataFrame(2, index=goods, columns=goods)
    matrix.loc["paint"] = 1
    framed = cascade_index(edges, firms, matrix, revenue=nodes.loc[table.index, "value_usd_m"])
    pd.testing.assert_frame_equal(table, framed)
    assert table.loc["chip@TWN", "downstream"] > table.loc["paint@USA", "downstream"]
    # Cars have no buyer in the chain, so nothing of theirs counts as sales; spares leak.
    assert 0.0 < table.loc["car@DEU", "upstream"] < 1.0
