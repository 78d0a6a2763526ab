"""Compiled loop that inverts a block of the core; loaded on first use, like numba."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from chokepoint._jit import compiled

__all__ = ["invert_block"]


@compiled()
def invert_block(rates, exits):
    """Overwrite a block of rates by its inverse, firm after firm; see `invert_rates`.

    `exits` are the rates of leaving the block.
    """
    size = len(rates)
    for k in range(size):
        total = exits[k]
        for j in range(k + 1, size):
            total += rates[k, j]
        scale = 1.0 / total
        for j in range(size):
            rates[k, j] *= scale
        rates[k, k] = scale
        for i in range(size):
            part = rates[i, k]
            if i == k or part == 0.0:
                continue
            if i > k:
                exits[i] += part * scale * exits[k]
            for j in range(size):
                rates[i, j] += part * rates[k, j]
            rates[i, k] = part * scale
