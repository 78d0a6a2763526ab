"""Say why flows cannot be estimated: which totals disagree, by how much, and what to do."""

from __future__ import annotations

from typing import NoReturn

import numpy as np
import pandas as pd
from scipy import sparse

from chokepoint.chain._fit_problem import FloatArray, Problem
from chokepoint.chain._fit_trade import hard_violations
from chokepoint.chain._scaling import Scaling, Totals
from chokepoint.errors import ConvergenceError, InfeasibleError

__all__ = ["check_totals", "explain_failure"]

_SLACK = 1e-9
_WORST = 10


def check_totals(problem: Problem, recipe: pd.DataFrame) -> None:
    """Raise InfeasibleError where supply and need of a product differ.

    Products that can stand in for one another in some slot are compared together, in units of the
    buyers' output between the bounds that their recipes leave.
    """
    lines = []
    supply = problem.suppliers.groupby("product")["total"].sum()
    keys = pd.MultiIndex.from_frame(problem.slots[["buyer", "slot"]])
    asked = pd.MultiIndex.from_frame(recipe[["buyer", "slot"]])
    slot = keys.get_indexer(asked)
    for products, rows in _linked(recipe, slot):
        if len(products) == 1:
            need = float(
                (
                    problem.slots["need"].to_numpy()[slot[rows]] * recipe["recipe"].to_numpy()[rows]
                ).sum()
            )
            lines += _difference(products[0], float(supply.get(products[0], 0.0)), need)
    for product in supply.index.difference(pd.Index(recipe["product"])):
        lines += _difference(product, float(supply[product]), 0.0)
    if lines:
        raise InfeasibleError(
            "what suppliers make and what buyers need differ, so that no flows can balance:\n"
            + "\n".join(lines)
            + "\nCorrect outputs, recipes or markets; supply that the chain does not use goes to a "
            "market of sector other_use."
        )


def _difference(product: str, supply: float, need: float) -> list[str]:
    gap = supply - need
    if abs(gap) <= _SLACK * max(supply, need):
        return []
    if gap > 0:
        advice = f"add a market of sector other_use with quantity {gap:.10g}"
    else:
        advice = f"{-gap:.10g} are missing"
    return [f"  {product}: suppliers make {supply:.10g}, buyers need {need:.10g}; {advice}"]


def _linked(recipe: pd.DataFrame, slot: np.ndarray) -> list[tuple[list[str], np.ndarray]]:
    """Return groups of products that share slots, with the recipe rows of each group."""
    from scipy.sparse.csgraph import connected_components

    code, labels = pd.factorize(recipe["product"])
    count = len(labels)
    if not count:
        return []
    link = sparse.csr_array(
        (np.ones(len(code)), (code, count + slot)), shape=(count + slot.max() + 1,) * 2
    )
    part = connected_components(link, directed=False)[1][:count]
    rows = part[code]
    return [
        ([str(label) for label in labels[part == number]], np.flatnonzero(rows == number))
        for number in np.unique(part)
    ]


def explain_failure(problem: Problem, hard: Totals, scaled: Scaling, size: FloatArray) -> NoReturn:
    """Raise InfeasibleError with the totals that contradict, or ConvergenceError if none do."""
    labels = _labels(problem)
    missed = hard_violations(hard.matrix, hard.target, size)
    if missed is not None:
        worst = np.argsort(-np.abs(missed / hard.target))[:_WORST]
        lines = [
            f"  {labels[i]}: wants {hard.target[i]:.10g}, can get {hard.target[i] + missed[i]:.10g}"
            for i in worst
            if missed[i]
        ]
        raise InfeasibleError(
            "no flows meet all supplier totals and slot needs, given who may supply whom "
            "(no site supplies itself, dormant alternatives and preferences of 0 are left out, "
            "reported flows are held):\n"
            + "\n".join(lines)
            + "\nProducts that fill the same slot count together, in units of the buyer's output; "
            "supply that the chain does not use goes to a market of sector other_use."
        )
    worst = np.argsort(-np.abs(scaled.residual[: len(labels)]))[:_WORST]
    lines = [f"  {labels[i]}: relative residual {scaled.residual[i]:.2e}" for i in worst]
    raise ConvergenceError(
        f"the flow estimate did not converge in {scaled.iterations} iterations; worst totals:\n"
        + "\n".join(lines)
        + "\nFlows that must vanish for the totals to be met slow it down: forbid them with a "
        "preference of 0."
    )


def _labels(problem: Problem) -> list[str]:
    suppliers = problem.suppliers[problem.suppliers["total"] > 0]
    slots = problem.slots[problem.slots["need"] > 0]
    return [
        *(f"output of {site}" for site in suppliers["site"]),
        *(f"slot {s} of {b}" for b, s in zip(slots["buyer"], slots["slot"], strict=True)),
    ]
