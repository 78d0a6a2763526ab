"""The cascade index against cases by hand, a scalar restatement, and itself by other routes."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import chokepoint as cp
from chokepoint.errors import OptionError
from chokepoint.exposure import cascade_index
from chokepoint.exposure._cascade import _direct, _push, _swept
from chokepoint.exposure._cascade._lanes import downstream_lanes

PARTS = ["index", "downstream", "upstream"]

LINE = pd.DataFrame({"supplier": [0, 1, 2], "buyer": [1, 2, 3], "value": [10.0, 20.0, 40.0]})
LINE_FIRMS = pd.DataFrame({"firm": range(4), "sector": list("abcd")})


def random_network(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.Series]:
    """Return links, firms, essentiality and revenue; every third has firms closed to the rest."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(4, 30)), int(rng.integers(1, 6))
    links = int(rng.integers(n, 4 * n))
    edges = pd.DataFrame(
        {
            "supplier": rng.integers(0, n, links),
            "buyer": rng.integers(0, n, links),
            "value": rng.lognormal(0, 1, links),
        }
    )
    if seed % 3 == 0:
        edges = edges[edges["supplier"] < n - 3]
        ring = {"supplier": [n - 1, n - 2, n - 3], "buyer": [n - 2, n - 3, n - 1]}
        edges = pd.concat([edges, pd.DataFrame({**ring, "value": [1.0, 2.0, 3.0]})])
    sectors = [f"s{code}" for code in range(m)]
    firms = pd.DataFrame({"firm": range(n), "sector": rng.choice(sectors, n)})
    essentiality = pd.DataFrame(rng.integers(0, 3, (m, m)), index=sectors, columns=sectors)
    sales = edges.groupby("supplier")["value"].sum().reindex(range(n), fill_value=0.0)
    return edges, firms, essentiality, 1.4 * sales + 1.0


def restated(
    edges: pd.DataFrame,
    firms: pd.DataFrame,
    essentiality: pd.DataFrame,
    shock: dict[int, float],
    *,
    replaceability: bool,
    stop: float,
    revenue: pd.Series | None = None,
) -> tuple[float, float, float, int]:
    """Diem et al. (2022) one number at a time: all firms at once, until nothing grows by `stop`."""
    sector = dict(zip(firms["firm"], firms["sector"], strict=True))
    sold = edges.groupby(["supplier", "buyer"])["value"].sum().to_dict()
    out, into = dict.fromkeys(sector, 0.0), dict.fromkeys(sector, 0.0)
    by_good: dict[tuple[int, str], float] = {}
    for (i, j), value in sold.items():
        out[i] += value
        into[j] += value
        by_good[j, sector[i]] = by_good.get((j, sector[i]), 0.0) + value
    down = {i: shock.get(i, 0.0) for i in sector}
    up = dict(down)
    steps = 0
    while True:
        steps += 1
        left = {k: sum(out[i] * (1 - down[i]) for i in sector if sector[i] == k)
                for k in set(sector.values())}  # fmt: skip
        essential: dict[tuple[int, str], float] = {}
        other, orders = dict.fromkeys(sector, 0.0), dict.fromkeys(sector, 0.0)
        for (i, j), value in sold.items():
            rest = left[sector[i]]
            factor = out[i] / rest if replaceability and rest > out[i] else 1.0
            kind = essentiality.loc[sector[i], sector[j]]
            if kind == 2:
                key = (j, sector[i])
                lost = factor * value / by_good[key] * down[i]
                essential[key] = essential.get(key, 0.0) + lost
            elif kind == 1:
                other[j] += factor * value / into[j] * down[i]
            orders[i] += value / (out[i] if revenue is None else revenue[i]) * up[j]
        new_down, new_up = {}, {}
        for i in sector:
            worst = max([v for (j, _), v in essential.items() if j == i], default=0.0)
            new_down[i] = min(1.0, max(shock.get(i, 0.0), worst, other[i]))
            new_up[i] = min(1.0, max(shock.get(i, 0.0), orders[i]))
        growth = max(max(new_down[i] - down[i], new_up[i] - up[i]) for i in sector)
        down, up = new_down, new_up
        if growth <= stop:
            break
    total = sum(out.values())
    both = sum(out[i] * max(down[i], up[i]) for i in sector)
    return (
        both / total,
        sum(out[i] * down[i] for i in sector) / total,
        sum(out[i] * up[i] for i in sector) / total,
        steps,
    )


@pytest.mark.parametrize("method", ["direct", "sweeps"])
@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e9])
def test_line_of_four_firms_by_hand(method: str, unit: float) -> None:
    edges = LINE.assign(value=LINE["value"] * unit)
    table = cascade_index(edges, LINE_FIRMS, method=method)
    assert table["index"].tolist() == pytest.approx([1, 1, 1, 1], abs=1e-12)
    assert table["downstream"].tolist() == pytest.approx([1, 6 / 7, 4 / 7, 0], abs=1e-12)
    assert table["upstream"].tolist() == pytest.approx([1 / 7, 3 / 7, 1, 1], abs=1e-12)


def test_others_in_the_market_replace_a_failed_supplier() -> None:
    # The buyer 2 takes half of its input from the firm that fails; market a sells 50, and what is
    # left of it, 40, makes up for all but a quarter.
    edges = pd.DataFrame({"supplier": [0, 1, 3], "buyer": [2, 2, 4], "value": [10.0, 10.0, 30.0]})
    firms = pd.DataFrame({"firm": range(5), "sector": ["a", "a", "b", "a", "b"]})
    only_buyer = pd.Series([0, 0, 1.0, 0, 0])
    replaced = cascade_index(edges, firms, weights=only_buyer)
    assert replaced.loc[0, "downstream"] == pytest.approx(0.5 * 10 / 40)
    alone = cascade_index(edges, firms, weights=only_buyer, replaceability=False)
    assert alone.loc[0, "downstream"] == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(13))
@pytest.mark.parametrize("replaceability", [True, False])
def test_all_routes_reach_the_limit_of_the_restated_iteration(
    seed: int, *, replaceability: bool
) -> None:
    edges, firms, essentiality, revenue = random_network(seed)
    income = revenue if seed % 2 else None
    options = {"replaceability": replaceability, "revenue": income}
    direct = cascade_index(edges, firms, essentiality, method="direct", **options)
    sweeps = cascade_index(edges, firms, essentiality, method="sweeps", **options)
    pd.testing.assert_frame_equal(direct[PARTS], sweeps[PARTS], rtol=0, atol=2e-9)
    for firm in (0, len(firms) - 1, len(firms) // 2):
        limit = restated(edges, firms, essentiality, {firm: 1.0}, replaceability=replaceability,
                         stop=1e-13, revenue=income)[:3]  # fmt: skip
        assert direct.loc[firm, PARTS].tolist() == pytest.approx(limit, abs=1e-9)


# In network 3 no input matters, so nothing spreads.
@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5, 6])
@pytest.mark.parametrize("replaceability", [True, False])
@pytest.mark.parametrize("method", ["direct", "sweeps"])
def test_large_cascades_are_swept_to_the_same_losses(
    seed: int, method: str, monkeypatch: pytest.MonkeyPatch, *, replaceability: bool
) -> None:
    edges, firms, essentiality, revenue = random_network(seed)
    options = {"replaceability": replaceability, "revenue": revenue if seed % 2 else None}
    tables, counts = [], []

    def counted(network, weight, shocks, cases, **some):
        counts[-1] += len(cases)
        return downstream_lanes(network, weight, shocks, cases, **some)

    for module in (_direct, _swept):
        monkeypatch.setattr(module, "downstream_lanes", counted)
    for most in (np.inf, 0.0):
        counts.append(0)
        for module in (_direct, _push):
            monkeypatch.setattr(module, "most_links", lambda _, most=most: most)
        tables.append(cascade_index(edges, firms, essentiality, method=method, **options))
    assert counts[0] == 0 < counts[1]
    pushed, swept = tables
    pd.testing.assert_frame_equal(pushed[PARTS], swept[PARTS], rtol=0, atol=2e-9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("stop", [0.1, 0.01, 1e-4])
def test_stop_rule_of_the_paper_takes_the_same_steps(seed: int, stop: float) -> None:
    edges, firms, essentiality, revenue = random_network(seed)
    table = cascade_index(edges, firms, essentiality, stop=stop, revenue=revenue)
    for firm in firms["firm"]:
        expected = restated(edges, firms, essentiality, {firm: 1.0}, replaceability=True,
                            stop=stop, revenue=revenue)  # fmt: skip
        assert table.loc[firm, PARTS].tolist() == pytest.approx(expected[:3], abs=1e-12)
        assert table.loc[firm, "iterations"] == expected[3]


@pytest.mark.parametrize("seed", range(6))
def test_partial_and_joint_shocks(seed: int) -> None:
    edges, firms, essentiality, revenue = random_network(seed)
    rng = np.random.default_rng(seed)
    shocks = pd.DataFrame(
        rng.random((3, len(firms))) * (rng.random((3, len(firms))) < 0.3), index=list("xyz")
    )
    table = cascade_index(edges, firms, essentiality, revenue=revenue, shocks=shocks)
    for name, row in shocks.iterrows():
        limit = restated(edges, firms, essentiality, row.to_dict(), replaceability=True,
                         stop=1e-13, revenue=revenue)[:3]  # fmt: skip
        assert table.loc[name, PARTS].tolist() == pytest.approx(limit, abs=1e-8)


def test_a_small_stop_approaches_the_fixed_point_from_below() -> None:
    edges, firms, essentiality, _ = random_network(4)
    exact = cascade_index(edges, firms, essentiality)
    before = None
    for stop in (0.1, 0.01, 1e-4, 1e-8):
        table = cascade_index(edges, firms, essentiality, stop=stop)
        assert (table[PARTS] <= exact[PARTS] + 1e-9).all().all()
        if before is not None:
            assert (table[PARTS] >= before[PARTS] - 1e-12).all().all()
        before = table
    pd.testing.assert_frame_equal(table[PARTS], exact[PARTS], atol=1e-5)


def test_labels_and_order_do_not_matter() -> None:
    edges, firms, essentiality, _ = random_network(7)
    table = cascade_index(edges, firms, essentiality)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(firms))
    name = {firm: f"firm {order[firm]:03d}" for firm in firms["firm"]}
    renamed = firms.iloc[order].assign(firm=lambda frame: frame["firm"].map(name))
    moved = edges.sample(frac=1.0, random_state=0).assign(
        supplier=lambda frame: frame["supplier"].map(name),
        buyer=lambda frame: frame["buyer"].map(name),
    )
    other = cascade_index(moved, renamed, essentiality).rename(
        index={label: firm for firm, label in name.items()}
    )
    other = other.sort_index().rename_axis("firm")
    pd.testing.assert_frame_equal(table[PARTS], other[PARTS], rtol=0, atol=1e-10)


def test_graphs_and_matrices_are_read_as_frames() -> None:
    edges, firms, essentiality, _ = random_network(5)
    table = cascade_index(edges, firms, essentiality)
    summed = edges.groupby(["supplier", "buyer"], as_index=False)["value"].sum()
    graph = nx.DiGraph()
    graph.add_weighted_edges_from(summed.itertuples(index=False), weight="value")
    matrix = sparse.coo_array(
        (edges["value"], (edges["supplier"], edges["buyer"])), shape=(len(firms),) * 2
    )
    for given in (graph, matrix, sparse.csr_matrix(matrix)):
        pd.testing.assert_frame_equal(cascade_index(given, firms, essentiality), table)


def test_threads_and_checkpoints_do_not_change_results(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    n = 600
    edges = pd.DataFrame({"supplier": rng.integers(0, n, 2400), "buyer": rng.integers(0, n, 2400),
                          "value": rng.lognormal(0, 1, 2400)})  # fmt: skip
    firms = pd.DataFrame({"firm": range(n), "sector": rng.integers(0, 5, n)})
    once = cascade_index(edges, firms, threads=1)
    pd.testing.assert_frame_equal(once, cascade_index(edges, firms, threads=3))
    path = tmp_path / "done.npz"
    first = cascade_index(edges, firms, checkpoint=path)
    with np.load(path) as stored:
        values, key = stored["values"].copy(), stored["key"]
    values[300:] = np.nan
    np.savez(path, key=key, values=values)
    again = cascade_index(edges, firms, checkpoint=path)
    pd.testing.assert_frame_equal(first, again)
    values[:] = 0.25
    np.savez(path, key=key, values=values)
    assert (cascade_index(edges, firms, checkpoint=path)["index"] == 0.25).all()
    with pytest.raises(OptionError, match="it holds others"):
        cascade_index(edges.assign(value=1.0), firms, checkpoint=path)


def test_chosen_defaults_are_rows_of_the_whole() -> None:
    edges, firms, essentiality, _ = random_network(8)
    table = cascade_index(edges, firms, essentiality)
    some = cascade_index(edges, firms, essentiality, defaults=[3, 1])
    pd.testing.assert_frame_equal(some, table.loc[[3, 1]])


def test_a_chain_is_a_network_of_its_sites() -> None:
    chain = cp.load("rare_earths")
    table = cascade_index(chain)
    assert table.index.equals(pd.Index(chain.sites["site"], name="firm"))
    assert table["index"].between(0, 1 + 1e-9).all()
    assert (table["index"] >= table[["downstream", "upstream"]].max(axis=1) - 1e-9).all()
    assert table["index"].max() > 0.05


def test_all_problems_are_named_at_once() -> None:
    edges = pd.DataFrame({"supplier": [0, 9], "buyer": [1, 8], "value": [1.0, -1.0]})
    firms = pd.DataFrame({"firm": [0, 1], "sector": ["a", "b"]})
    with pytest.raises(OptionError) as error:
        cascade_index(
            edges, firms, pd.DataFrame([[2]], index=["a"], columns=["a"]),
            revenue=pd.Series({0: 1.0}),
        )  # fmt: skip
    for part in ("suppliers that are no firm: 9", "buyers that are no firm: 8", "values must be",
                 "lacks the sectors b", "revenue is missing"):  # fmt: skip
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stop": 0.0}, "stop must be"),
        ({"stop": "soon"}, "stop must be"),
        ({"method": "guess"}, "method must be"),
        ({"defaults": [0], "shocks": pd.DataFrame([[1.0]])}, "not both"),
        ({"defaults": [7]}, "no firm: 7"),
        ({"shocks": pd.DataFrame([[1.5]])}, r"shares in \[0, 1\]"),
        ({"shocks": pd.DataFrame([[0.5]], columns=["z"])}, "name no firm: z"),
        ({"weights": pd.Series({0: 1.0})}, "weights must give"),
        ({"revenue": pd.Series(1.0, index=range(4))}, "revenue must be at least the sales"),
        ({"threads": 0}, "threads must be"),
    ],
)
def test_options_are_checked(options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        cascade_index(LINE, LINE_FIRMS, **options)


def test_links_of_the_wrong_kind_are_refused() -> None:
    for given, message in (
        ([(0, 1, 2.0)], "got list"),
        (LINE.drop(columns="value"), "missing: value"),
        (nx.Graph(), "undirected"),
        (sparse.eye_array(3), "shape"),
    ):
        with pytest.raises(OptionError, match=message):
            cascade_index(given, LINE_FIRMS)
    with pytest.raises(OptionError, match="firms"):
        cascade_index(LINE)
