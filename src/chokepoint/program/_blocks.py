"""Names and units of the rows and columns of a program, kept by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.errors import OptionError, UnknownLabelError

__all__ = ["Block", "Blocks"]


@dataclass(frozen=True, eq=False)
class Block:
    """Rows or columns of one kind: every combination of the labels of its axes.

    Attributes
    ----------
    name : str
        What the rows or columns are, e.g. ``stock``.
    unit : str
        Unit of the columns, or of the quantity that the rows balance.
    axes : tuple of pandas.Index
        Labels along each axis; positions run through the last axis first.
    start : int
        Position of the first row or column of the block in the program.
    """

    name: str
    unit: str
    axes: tuple[pd.Index, ...]
    start: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of labels along each axis."""
        return tuple(len(axis) for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of rows or columns; 1 for a block without axes."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def span(self) -> slice:
        """Positions of the block in the program."""
        return slice(self.start, self.start + self.size)

    @cached_property
    def index(self) -> pd.Index:
        """Labels of the rows or columns, one axis a level."""
        if not self.axes:
            return pd.Index([self.name])
        if len(self.axes) == 1:
            return self.axes[0]
        # An axis of pairs becomes one of tuples: pandas 2.3 takes no index of indexes.
        axes = [pd.Index(list(axis), tupleize_cols=False) for axis in self.axes]
        labels: pd.Index = pd.MultiIndex.from_product(axes)
        return labels

    def text(self, position: int) -> str:
        """Return the name of one row or column, e.g. ``stock[motor@DEU, magnet, 3]``."""
        if not self.axes:
            return self.name
        places = np.unravel_index(position - self.start, self.shape)
        parts: list[str] = []
        for axis, place in zip(self.axes, places, strict=True):
            label = axis[int(place)]
            parts += [str(part) for part in (label if isinstance(label, tuple) else (label,))]
        return f"{self.name}[{', '.join(parts)}]"


class Blocks:
    """All blocks of the rows, or of the columns, of a program, in order."""

    def __init__(self, blocks: Sequence[Block] = ()) -> None:
        placed, start = [], 0
        for block in blocks:
            placed.append(Block(block.name, block.unit, block.axes, start))
            start += block.size
        self._blocks = tuple(placed)
        self._starts = np.array([block.start for block in placed], dtype=np.int64)
        self._size = start
        names = [block.name for block in placed]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise OptionError(f"Block names must be unique; repeated: {', '.join(twice)}.")
        self._by_name = dict(zip(names, self._blocks, strict=True))

    @classmethod
    def plain(cls, name: str, labels: Sequence[object] | int, *, unit: str = "") -> Blocks:
        """Return one block with the given labels, or with numbers from 0."""
        axis = pd.RangeIndex(labels) if isinstance(labels, int) else pd.Index(list(labels))
        return cls([Block(name, unit, (axis,))])

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Block]:
        return iter(self._blocks)

    def __getitem__(self, name: str) -> Block:
        if name not in self._by_name:
            raise UnknownLabelError(name, "block", self._by_name)
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __repr__(self) -> str:
        inside = ", ".join(f"{block.name} {block.shape}" for block in self._blocks)
        return f"Blocks({inside})"

    def text(self, position: int) -> str:
        """Return the name of one row or column of the program."""
        return self.at(position).text(position)

    def at(self, position: int) -> Block:
        """Return the block that holds a position."""
        # Blocks without rows share their start with the next one, which is the one meant.
        return self._blocks[int(np.searchsorted(self._starts, position, side="right")) - 1]

    def texts(self, positions: NDArray[np.intp]) -> list[str]:
        """Return the names of several rows or columns."""
        return [self.text(int(position)) for position in positions]

    def frame(self) -> pd.DataFrame:
        """Return one row per position: block, label and unit."""
        names = np.repeat([b.name for b in self._blocks], [b.size for b in self._blocks])
        units = np.repeat([b.unit for b in self._blocks], [b.size for b in self._blocks])
        labels: list[object] = []
        for block in self._blocks:
            labels.extend(block.index)
        return pd.DataFrame({"block": names, "label": labels, "unit": units}, dtype=object)
