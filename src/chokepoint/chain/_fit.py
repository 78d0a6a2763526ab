"""Estimate the flows that no source reports.

Seed = supplier output x slot need x home and bloc preference, then proportional fitting to supplier
totals and slot needs, with known flows held and trade totals as block constraints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from chokepoint.chain._balance import TOLERANCE, balance
from chokepoint.chain._fit_failure import check_totals, explain_failure
from chokepoint.chain._fit_problem import FloatArray, IntArray, Problem, build_problem
from chokepoint.chain._fit_report import flow_table, trade_table
from chokepoint.chain._fit_trade import TradeTotals, reconcile
from chokepoint.chain._recipes import recipes
from chokepoint.chain._scaling import Scaling, Totals, scale
from chokepoint.errors import ConvergenceError

__all__ = ["GRADE_SPREAD", "FlowEstimate", "estimate_flows", "wants_estimate"]

GRADE_SPREAD = {"A": 0.02, "B": 0.05, "C": 0.15, "D": 0.30}
"""Relative standard deviation assumed for a number without a range, by its grade."""

_TOLERANCE = 1e-11
_TRADE_TOLERANCE = 1e-4
_NEGLIGIBLE = 1e-9
_LOST = 1e-6


@dataclass(frozen=True)
class FlowEstimate:
    """What the flow estimate found.

    Attributes
    ----------
    flows : DataFrame
        Columns supplier, buyer, slot, quantity [supplier's product unit per year], known
        ("reported" for held flows, "estimated").
    residual : float
        Largest relative residual of a supplier total or slot need.
    trade : DataFrame
        One row per row of the table trade: products, exporter, importer, period, role, reported,
        low, high, fitted, deviation (fitted - reported) and reason.
    iterations : int
        Sweeps and Newton steps taken.
    """

    flows: pd.DataFrame
    residual: float
    trade: pd.DataFrame
    iterations: int

    def __repr__(self) -> str:
        """Return counts, the residual and the number of trade totals that are not met."""
        fitted = self.trade[self.trade["role"] == "fit"]
        off = int((fitted["reason"] != "").sum())
        return (
            f"<FlowEstimate: {len(self.flows):,} flows, residual {self.residual:.1e}, "
            f"{off} of {len(fitted)} trade totals not met, {self.iterations} iterations>"
        )


def estimate_flows(
    tables: Mapping[str, pd.DataFrame], *, recipe: pd.DataFrame | None = None
) -> FlowEstimate:
    """Return flows that meet every supplier total and slot need and are nearest to the seed.

    Minimises ``sum f (ln(f / seed) - 1)`` with
    ``seed = supplier output x slot need x preference``, subject to

    * sum of flows out of a site = its output,
    * sum of flow / recipe over a slot = output of the buyer,
    * flows marked "reported" held, dormant alternatives and sites themselves excluded,
    * sum over a block of `trade` with role "fit" = the reported total. Where this cannot be met,
      weighted deviations are minimised, beyond [low, high] first, and each one is reported.

    Parameters
    ----------
    tables : mapping of DataFrame
        Completed tables of a chain, as :attr:`SupplyChain.tables` returns them. Rows of `flows`
        that are not marked "reported" are ignored.
    recipe : DataFrame, optional
        Recipe rows of the tables, where the caller has them already.

    Returns
    -------
    FlowEstimate

    Raises
    ------
    InfeasibleError
        If supplier totals and slot needs cannot be met together; the message has the amounts.
    ConvergenceError
        If the iteration does not reach its tolerance; the message lists the worst rows.

    References
    ----------
    Deming and Stephan (1940), Annals of Mathematical Statistics 11; Bacharach (1970),
    Biproportional Matrices and Input-Output Change.

    Examples
    --------
    >>> chain = cp.SupplyChain.from_tables(
    ...     products=pd.DataFrame({"product": ["ore"]}),
    ...     sites=pd.DataFrame(
    ...         {"product": "ore", "country": ["CHN", "USA"], "output_qty": [60.0, 40.0]}
    ...     ),
    ...     markets=pd.DataFrame(
    ...         {"product": "ore", "country": ["CHN", "USA"], "quantity": [50.0, 50.0]}
    ...     ),
    ... )
    >>> estimate_flows(chain.tables).flows["quantity"].round(2).tolist()
    [45.53, 4.47, 14.47, 35.53]
    """
    recipe = recipes(tables) if recipe is None else recipe
    problem = build_problem(tables, recipe)
    check_totals(problem, recipe)
    hard = _hard_totals(problem)
    scaled = scale(problem.seed, hard)
    if scaled.worst > _LOST:
        explain_failure(problem, hard, scaled, _size(problem))
    binding = _binding(problem)
    if len(binding):
        scaled = _with_trade(problem, hard, scaled, binding)
    flow = np.where(scaled.flow > _NEGLIGIBLE * _size(problem), scaled.flow, 0.0)
    kept = flow > 0
    problem, flow = _only(problem, kept), flow[kept]
    hard = _hard_totals(problem)
    final = scale(flow, hard, tolerance=1e-13)
    if final.worst > _TOLERANCE:
        explain_failure(problem, hard, final, _size(problem))
    flows = flow_table(tables, problem, final.flow)
    trade = trade_table(problem, final.flow)
    return FlowEstimate(flows, final.worst, trade, scaled.iterations + final.iterations)


def wants_estimate(tables: Mapping[str, pd.DataFrame], recipe: pd.DataFrame) -> bool:
    """Return whether flows are to be estimated.

    They are where none is given, and where all given ones are marked "reported" but do not fill
    every slot or take every output: then the reported flows are held and the rest is estimated.
    """
    flows = tables["flows"]
    if flows.empty:
        return True
    if (flows["known"] != "reported").any():
        return False
    frame = balance(tables, recipe)
    flow_rows = frame[frame["identity"] != "child"]
    return not bool((flow_rows["relative"].abs() <= TOLERANCE).all())


def _with_trade(problem: Problem, hard: Totals, start: Scaling, binding: IntArray) -> Scaling:
    blocks = _block_matrix(problem, binding)
    trade = problem.trade.iloc[binding]
    held = trade["held"].to_numpy()
    reported = trade["quantity"].to_numpy()
    totals = TradeTotals(
        matrix=blocks,
        reported=np.maximum(reported - held, 0.0),
        low=np.maximum(trade["low"].fillna(trade["quantity"]).to_numpy() - held, 0.0),
        high=np.maximum(trade["high"].fillna(trade["quantity"]).to_numpy() - held, 0.0),
        spread=np.array([GRADE_SPREAD[grade] for grade in trade["confidence"]]),
    )
    wanted = reconcile(hard.matrix, hard.target, totals, _size(problem))
    offset = len(hard.target)
    order: list[int] = []
    families = []
    for family in _disjoint(problem, binding):
        first = offset + len(order)
        order += family
        families.append(slice(first, offset + len(order)))
    both = Totals(
        sparse.csr_array(sparse.vstack([hard.matrix, blocks[order]])),
        np.concatenate([hard.target, wanted[order]]),
        (*hard.families, *families),
    )
    scaled = scale(start.flow, both)
    missed = np.abs(scaled.residual[offset:])
    if np.max(missed, initial=0.0) > _TRADE_TOLERANCE:
        rows = trade.iloc[order].iloc[np.argsort(-missed)[:10]]
        lines = [f"  {r.products} {r.exporter} -> {r.importer}" for r in rows.itertuples()]
        raise ConvergenceError(
            "the flow estimate did not reach these trade totals although they can be met:\n"
            + "\n".join(lines)
            + "\nWiden their low and high, or set their role to check."
        )
    return scaled


def _disjoint(problem: Problem, binding: IntArray) -> list[list[int]]:
    """Return the blocks in groups whose flows do not overlap, so that a group scales at once."""
    groups: list[tuple[list[int], set[int]]] = []
    for number, block in enumerate(binding):
        flows = set(problem.blocks[block].tolist())
        for members, covered in groups:
            if not covered & flows:
                members.append(number)
                covered |= flows
                break
        else:
            groups.append(([number], flows))
    return [members for members, _ in groups]


def _binding(problem: Problem) -> IntArray:
    fitted = (problem.trade["role"] == "fit").to_numpy() & (problem.trade["covered"] > 0).to_numpy()
    return np.flatnonzero(fitted)


def _block_matrix(problem: Problem, binding: IntArray) -> sparse.csr_array:
    sizes = [len(problem.blocks[block]) for block in binding]
    columns = np.concatenate([problem.blocks[block] for block in binding])
    rows = np.repeat(np.arange(len(binding)), sizes)
    shape = (len(binding), len(problem.seed))
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def _hard_totals(problem: Problem) -> Totals:
    total = problem.suppliers["total"].to_numpy()
    need = problem.slots["need"].to_numpy()
    suppliers, slots = np.flatnonzero(total > 0), np.flatnonzero(need > 0)
    row_of_supplier = np.full(len(total), -1)
    row_of_supplier[suppliers] = np.arange(len(suppliers))
    row_of_slot = np.full(len(need), -1)
    row_of_slot[slots] = len(suppliers) + np.arange(len(slots))
    flows = len(problem.seed)
    rows = np.concatenate([row_of_supplier[problem.supplier], row_of_slot[problem.slot]])
    data = np.concatenate([np.ones(flows), 1.0 / problem.recipe])
    count = len(suppliers) + len(slots)
    columns = np.tile(np.arange(flows), 2)
    matrix = sparse.csr_array((data, (rows, columns)), shape=(count, flows))
    families = (slice(0, len(suppliers)), slice(len(suppliers), count))
    return Totals(matrix, np.concatenate([total[suppliers], need[slots]]), families)


def _size(problem: Problem) -> FloatArray:
    total = problem.suppliers["total"].to_numpy()[problem.supplier]
    need = problem.slots["need"].to_numpy()[problem.slot] * problem.recipe
    return np.asarray(np.minimum(total, need))


def _only(problem: Problem, kept: np.ndarray) -> Problem:
    position = np.cumsum(kept) - 1
    return replace(
        problem,
        supplier=problem.supplier[kept],
        slot=problem.slot[kept],
        recipe=problem.recipe[kept],
        seed=problem.seed[kept],
        blocks=tuple(position[block[kept[block]]] for block in problem.blocks),
    )
