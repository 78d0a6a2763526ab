"""Show an engine that hands over output alone as one that shows whole weeks."""

# ruff: noqa: ANN001, ANN202, ANN204
# mypy: ignore-errors

from __future__ import annotations

import inspect

import numpy as np

from chokepoint.propagate._engine import BaselineState

__all__ = ["adapted"]


def adapted(kind):
    """Return `kind`, or a class around it if it still records output alone."""
    if len(inspect.signature(kind.__init__).parameters) > 5:
        return kind

    class Traced(kind):
        def _release(self, shipped):
            self.made_ = shipped.copy()
            super()._release(shipped)

        def _dispatch(self, week, shipped):
            self.sent_ = shipped.copy()
            if not len(self.licensed):
                self.made_ = self.sent_
            super()._dispatch(week, shipped)

    class Adapted:
        def __init__(self, chain, shocks, behaviour, dtype, classes):  # noqa: ARG002
            self._given = (chain, shocks, behaviour, dtype)

        def run(self, record):
            chain, shocks, _, dtype = self._given
            engine = Traced(*self._given)

            def show(week, output):
                if week < shocks.first:
                    record(week, BaselineState(chain, shocks, dtype))
                else:
                    record(week, _State(chain, shocks, dtype, engine, output))

            engine.run(show)

    return Adapted


class _State(BaselineState):
    def __init__(self, chain, shocks, dtype, engine, output):
        super().__init__(chain, shocks, dtype)
        self._engine, self._output = engine, output

    output = property(lambda self: self._output)
    wanted = property(lambda self: (self._engine.capacity - 1.0).astype(self._dtype))
    stock = property(lambda self: self._engine.inventory)
    used = property(lambda self: self._engine.used)
    surplus = property(lambda self: self._engine.surplus)
    queue = property(lambda self: self._engine.queue)
    goods = property(lambda self: self._engine.goods)

    @property
    def accepted(self):
        licensed = len(self._engine.licensed)
        return self._engine.accepted if licensed else np.zeros((0, self._lanes))

    def shipped(self, edges):
        return self._engine.sent_[edges]

    def made(self, edges):
        return self._engine.made_[edges]
