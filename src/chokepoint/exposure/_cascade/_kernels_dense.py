"""Compiled loops for whole columns of the upstream system, side by side; loaded on first use."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

from chokepoint._jit import compiled
from chokepoint.propagate._kernels_matrix import fused
from chokepoint.propagate._kernels_vector import (
    any_lane,
    constant,
    larger,
    load_row,
    store_row,
)

__all__ = ["back", "beyond", "core_times", "forward", "residual"]

# Loops own nothing, and divide as NumPy does.
_OPTIONS = {"error_model": "numpy", "_nrt": False}


@compiled(**_OPTIONS)
def forward(wide, n_out, start, source, share, scale, right):  # pragma: no cover  (compiled)
    """Hand what stands at firms that were taken out on to those at later positions."""
    for s in range(n_out):
        mine = load_row(right, s, 0, wide)
        if any_lane(mine * mine > 0.0):
            mine = mine * scale[s]
            for e in range(start[s], start[s + 1]):
                there = load_row(right, source[e], 0, wide)
                store_row(right, source[e], 0, there + share[e] * mine)


@compiled(**_OPTIONS)
def core_times(wide, n_out, core, used, right, value):  # pragma: no cover
    """Set the core part of `value` to the inverse times what stands at the `used` firms."""
    size, last = len(core), len(core) - len(core) % 2
    none = constant(0.0, right, wide)
    for i in range(0, last, 2):
        one, two = none, none
        for a in range(len(used)):
            j = used[a]
            there = load_row(right, n_out + j, 0, wide)
            one = fused(constant(core[i, j], right, wide), there, one)
            two = fused(constant(core[i + 1, j], right, wide), there, two)
        store_row(value, n_out + i, 0, one)
        store_row(value, n_out + i + 1, 0, two)
    for i in range(last, size):
        one = none
        for a in range(len(used)):
            there = load_row(right, n_out + used[a], 0, wide)
            one = fused(constant(core[i, used[a]], right, wide), there, one)
        store_row(value, n_out + i, 0, one)


@compiled(**_OPTIONS)
def back(wide, n_out, start, target, share, scale, right, value):  # pragma: no cover
    """Find values at firms that were taken out from those at later positions."""
    for step in range(n_out):
        s = n_out - 1 - step
        total = load_row(right, s, 0, wide)
        for e in range(start[s], start[s + 1]):
            total = total + share[e] * load_row(value, target[e], 0, wide)
        store_row(value, s, 0, total * scale[s])


@compiled(**_OPTIONS)
def residual(wide, stay, start, target, share, given, value, left):  # pragma: no cover
    """Set `left` to what `value` leaves of the right-hand sides `given`."""
    for i in range(len(stay)):
        total = load_row(given, i, 0, wide) - stay[i] * load_row(value, i, 0, wide)
        for e in range(start[i], start[i + 1]):
            total = total + share[e] * load_row(value, target[e], 0, wide)
        store_row(left, i, 0, total)


@compiled(**_OPTIONS)
def beyond(wide, weight, position, loss, value, norm, total):  # pragma: no cover
    """Add up what firms lose downstream beyond what they lose upstream, with their weights."""
    none = constant(0.0, loss, wide)
    base = load_row(norm, 0, 0, wide)
    more = none
    for i in range(len(weight)):
        if position[i] >= 0:
            other = load_row(value, position[i], 0, wide) / base
            more = more + weight[i] * larger(load_row(loss, i, 0, wide) - other, 0.0)
    store_row(total, 0, 0, more)
