"""Products of a block of flows with many scenarios at once, in registers; needs numba.

Each sum runs over suppliers or slots in one order, whatever the lanes beside it, and the products
are fused with the sums.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from chokepoint.propagate._kernels_vector import constant, helper, load_row, store_row

__all__ = ["LANES", "ROWS", "add_rows", "times_pair"]

LANES = 56
"""Lanes of a batch: seven vectors, as many as registers hold for two rows."""

ROWS = 8
"""Rows that are added at a time."""

_WIDE = (0,) * 8


def _fused(typing: Any, a: Any, b: Any, c: Any) -> Any:  # noqa: ARG001  (numba's interface)
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:  # noqa: ARG001
        kind = args[0].type
        name = f"llvm.fma.v{a.width}f{a.kind.bitwidth}"
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind, kind, kind]), name
        )
        return builder.call(function, args)

    return a(a, b, c), codegen


fused: Any = intrinsic(_fused)
"""a * b + c with one rounding."""


@helper
def times_pair(weight, at, width, fill, out, row):  # pragma: no cover
    """Set rows `row` and `row + 1` of `out` to two rows of a block times `fill`."""
    a0 = constant(0.0, fill, _WIDE)
    a1, a2, a3, a4, a5, a6 = a0, a0, a0, a0, a0, a0
    b0, b1, b2, b3, b4, b5, b6 = a0, a0, a0, a0, a0, a0, a0
    for j in range(width):
        a = constant(weight[at + j], fill, _WIDE)
        b = constant(weight[at + width + j], fill, _WIDE)
        part = load_row(fill, j, 0, _WIDE)
        a0, b0 = fused(a, part, a0), fused(b, part, b0)
        part = load_row(fill, j, 8, _WIDE)
        a1, b1 = fused(a, part, a1), fused(b, part, b1)
        part = load_row(fill, j, 16, _WIDE)
        a2, b2 = fused(a, part, a2), fused(b, part, b2)
        part = load_row(fill, j, 24, _WIDE)
        a3, b3 = fused(a, part, a3), fused(b, part, b3)
        part = load_row(fill, j, 32, _WIDE)
        a4, b4 = fused(a, part, a4), fused(b, part, b4)
        part = load_row(fill, j, 40, _WIDE)
        a5, b5 = fused(a, part, a5), fused(b, part, b5)
        part = load_row(fill, j, 48, _WIDE)
        a6, b6 = fused(a, part, a6), fused(b, part, b6)
    store_row(out, row, 0, a0)
    store_row(out, row, 8, a1)
    store_row(out, row, 16, a2)
    store_row(out, row, 24, a3)
    store_row(out, row, 32, a4)
    store_row(out, row, 40, a5)
    store_row(out, row, 48, a6)
    store_row(out, row + 1, 0, b0)
    store_row(out, row + 1, 8, b1)
    store_row(out, row + 1, 16, b2)
    store_row(out, row + 1, 24, b3)
    store_row(out, row + 1, 32, b4)
    store_row(out, row + 1, 40, b5)
    store_row(out, row + 1, 48, b6)


@helper
def add_rows(weight, at, width, z, asked):  # pragma: no cover
    """Add to `asked` eight rows of a block, transposed, times the rows of `z`."""
    for lane in range(0, LANES, 8):
        z0, z1 = load_row(z, 0, lane, _WIDE), load_row(z, 1, lane, _WIDE)
        z2, z3 = load_row(z, 2, lane, _WIDE), load_row(z, 3, lane, _WIDE)
        z4, z5 = load_row(z, 4, lane, _WIDE), load_row(z, 5, lane, _WIDE)
        z6, z7 = load_row(z, 6, lane, _WIDE), load_row(z, 7, lane, _WIDE)
        for j in range(width):
            p = at + j
            total = load_row(asked, j, lane, _WIDE)
            rest = constant(weight[p + 4 * width], z, _WIDE) * z4
            total = fused(constant(weight[p], z, _WIDE), z0, total)
            rest = fused(constant(weight[p + 5 * width], z, _WIDE), z5, rest)
            total = fused(constant(weight[p + width], z, _WIDE), z1, total)
            rest = fused(constant(weight[p + 6 * width], z, _WIDE), z6, rest)
            total = fused(constant(weight[p + 2 * width], z, _WIDE), z2, total)
            rest = fused(constant(weight[p + 7 * width], z, _WIDE), z7, rest)
            total = fused(constant(weight[p + 3 * width], z, _WIDE), z3, total)
            store_row(asked, j, lane, total + rest)
