r"""The strongest attack whose harm to its owner stays below a limit, in the planner's own answer.

The planner minimises the losses of all, the owner of the instruments wants the targets' loss
:math:`D_T` with its own :math:`D_A \le H`. One level, by strong duality: an answer x and prices
(y, d) that prove it best within :math:`\varepsilon`,

.. math::
    \max_{b, x, y, d}\ D_T(x) \quad\text{s.t.}\quad D_A(x) \le H,\quad x \in X(b),\quad
    A^\top y + d = c + M \circ b,\quad c^\top x - \text{dual}(y, d) \le \varepsilon,

with what b takes away forbidden in x and penalised in the dual. Of several best answers the
owner counts on the one that it likes (optimistic in ties), :math:`\varepsilon` = 1e-7 of all
value added at stake among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chokepoint.errors import OptionError
from chokepoint.program import ProgramBuilder
from chokepoint.resilience._attack._answer import Answer
from chokepoint.resilience._attack._attacker import Found, add_choice, add_prices, mip_options
from chokepoint.resilience._attack._instruments import Instruments
from chokepoint.resilience._attack._penalty import Penalised, penalised

__all__ = ["EPSILON", "Harmed", "strongest_within_harm"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

EPSILON = 1e-7
"""How far from best the planner's answer may be, as a share of all value added at stake."""


@dataclass(frozen=True, eq=False)
class Harmed:
    """An attack and what it does in the planner's answer [USD million].

    Attributes
    ----------
    found : Found
        The attack; its value is the targets' loss.
    self_harm, total : float
        The owner's loss, and that of all.
    """

    found: Found
    self_harm: float
    total: float


def strongest_within_harm(
    answer: Answer,
    instruments: Instruments,
    *,
    targets: tuple[str, ...],
    owner: tuple[str, ...],
    harm_limit: float,
    gap: float = 1e-6,
    time_limit: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Harmed:
    """Return the attack that costs the targets most in an answer that is best for all.

    Raises
    ------
    OptionError
        If some instrument charges a tariff: its proceeds would have to be shared out.
    """
    if any(one.tariffs for one in instruments.effects):
        raise OptionError(
            'Expected instruments without tariffs with harm="planner", got some. Leave them out, '
            'or take harm="simulated".'
        )
    parts = penalised(answer)
    program = parts.program
    hit, own = _loss_costs(answer, parts, targets), _loss_costs(answer, parts, owner)
    builder = ProgramBuilder("attack within a limit on self-harm")
    pull = add_choice(builder, instruments, parts)
    most = _most(answer, parts)
    upper = np.where(parts.penalty > 0, np.minimum(program.column_upper, most),
                     program.column_upper)  # fmt: skip
    x = builder.columns(
        "answer", [range(program.n_columns)], unit="", lower=program.column_lower, upper=upper,
        cost=-hit,
    )  # fmt: skip
    rows = builder.rows(
        "row", [range(program.n_rows)], unit="", lower=program.row_lower, upper=program.row_upper
    )
    matrix = sparse.coo_array(program.matrix)
    builder.add(rows[matrix.row], x[matrix.col], matrix.data)
    _forbid(builder, parts, pull, x, upper)
    prices = add_prices(builder, parts, pull, maximised=False)
    at_stake = float(program.cost.sum() * answer.periods.lengths.sum())
    best = builder.rows("best answer", unit="USD million", upper=EPSILON * at_stake)
    builder.add(best, x, program.cost)
    builder.add(best, prices.columns, -prices.worth)
    builder.add(builder.rows("self-harm", unit="USD million", upper=harm_limit), x, own)
    solution = builder.build().solve(
        time_limit=time_limit, options=mip_options(gap) | dict(options or {})
    )
    found = Found.of(solution, pull[: len(instruments)], instruments, -1.0)
    values = solution.values[x]
    return Harmed(found, float(own @ values), float(program.cost @ values))


def _loss_costs(answer: Answer, parts: Penalised, areas: tuple[str, ...]) -> FloatArray:
    """Return the cost of the loss columns of some areas, zero elsewhere."""
    built = answer.built(frozenset())
    inside = built.model.chain.nodes["country"].isin(areas).to_numpy()
    places = built.columns.loss[inside]
    places = places[places >= 0]
    cost = np.zeros(parts.program.n_columns)
    cost[places] = parts.program.cost[places]
    return cost


def _most(answer: Answer, parts: Penalised) -> FloatArray:
    """Return a bound on columns that some choice takes away; no best answer needs more.

    A flow carries no more than its supplier can make in all periods together, and no more
    orders or goods need to wait for it than that.
    """
    built = answer.built(frozenset())
    chain, columns, rows, unit = built.model.chain, built.columns, built.rows, built.model.unit
    made = _made(answer)
    with np.errstate(divide="ignore", invalid="ignore"):
        flow = made[chain.edge_supplier] / (chain.kappa[:, 0] * unit)
    of_columns = np.full(built.program.n_columns, np.inf)
    of_rows = np.full(built.program.n_rows, np.inf)
    for target, places, value in (
        (of_columns, columns.loss, made), (of_columns, columns.extra, made),
        (of_columns, columns.output, made), (of_columns, columns.flow, flow),
        (of_columns, columns.detour, flow), (of_columns, columns.made, flow),
        (of_columns, columns.accepted, flow), (of_columns, columns.queue, flow),
        (of_columns, columns.goods, flow), (of_rows, rows.goods, flow),
    ):  # fmt: skip
        there = places >= 0
        target[places[there]] = np.broadcast_to(value[:, None], places.shape)[there]
    for markets, places in built.demand:
        sold = np.bincount(
            chain.group_buyer[chain.edge_group], np.nan_to_num(flow * unit), minlength=chain.n_nodes
        )
        # Of all that is ever sent, and once more for goods on their detour.
        of_rows[places] = 2.0 * places.shape[1] * sold[markets][:, None]
    limit = parts.program.column_upper.copy()
    for values, origin in ((of_columns, parts.origin), (of_rows, parts.origin_row)):
        limit = np.where(origin >= 0, np.minimum(limit, values[np.maximum(origin, 0)]), limit)
    wrong = np.flatnonzero((parts.penalty > 0) & ~np.isfinite(limit))
    if len(wrong):
        raise OptionError(
            f"No limit is known for {parts.program.columns.text(int(wrong[0]))}, which the exact "
            'program of self-harm needs. Take harm="simulated".'
        )
    return limit


def _made(answer: Answer) -> FloatArray:
    """Return the most that each site can make in all periods together, under any instrument."""
    models = [answer.built(choice).model for choice in _looked_up(answer)]
    chain = models[0].chain
    made = np.max([model.limits.capacity.sum(axis=1) for model in models], axis=0)
    # A joint output is limited by its process, which may be a joint output itself.
    for _ in range(chain.n_nodes):
        limited = np.where(np.isinf(made) & (chain.process >= 0), made[chain.process], made)
        if np.array_equal(limited, made):
            break
        made = limited
    return np.asarray(made)


def _looked_up(answer: Answer) -> list[frozenset[int]]:
    return [frozenset(), *(frozenset([k]) for k in sorted(answer.every))]


def _forbid(
    builder: ProgramBuilder, parts: Penalised, pull: IntArray, x: IntArray, upper: FloatArray
) -> None:
    """Forbid in the answer what the choice takes away."""
    blocked = parts.blocked
    rows: list[tuple[int, list[tuple[int, float]], float]] = []
    for column in np.flatnonzero(parts.penalty > 0).tolist():
        span = slice(blocked.indptr[column], blocked.indptr[column + 1])
        entries = list(zip(blocked.indices[span].tolist(), blocked.data[span].tolist(),
                           strict=True))  # fmt: skip
        constant = float(parts.blocked_always[column])
        if constant == 0.0 and all(place < len(pull) for place, _ in entries):
            one_by_one = [[entry] for entry in entries] if _any_of(parts, entries) else [entries]
        else:
            one_by_one = [entries]
        rows += [(column, some, constant) for some in one_by_one]
    places = builder.rows(
        "forbidden", [range(len(rows))], unit="",
        upper=np.array([upper[column] * (1.0 - constant) for column, _, constant in rows]),
    )  # fmt: skip
    for row, (column, entries, _) in zip(places, rows, strict=True):
        builder.add(row, x[column], 1.0)
        for variable, sign in entries:
            builder.add(row, pull[variable], sign * upper[column])


def _any_of(parts: Penalised, entries: list[tuple[int, float]]) -> bool:
    """Return whether each of several instruments takes the column away by itself."""
    first = min((min(places.values()) for _, places in parts.groups), default=parts.n_variables)
    return all(variable < first for variable, _ in entries)
