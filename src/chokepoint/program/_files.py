"""Programs as MPS and LP files, for any solver and for readers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from chokepoint.errors import OptionError, SolverError
from chokepoint.program._blocks import Blocks
from chokepoint.program._program import LinearProgram

__all__ = ["file_names", "write"]

_ENDINGS = (".mps", ".lp", ".mps.gz", ".lp.gz")
# Readers of LP files stop at 255 letters; the number in front keeps names apart.
_LONGEST = 200


def write(program: LinearProgram, path: str | Path) -> Path:
    """Write `program` to an MPS or LP file; see :meth:`LinearProgram.write`."""
    import highspy

    from chokepoint.program._highs_model import pass_program, quiet_highs

    target = Path(path)
    if not target.name.endswith(_ENDINGS):
        raise OptionError(f"Expected a file name that ends in {', '.join(_ENDINGS)}, got {path}.")
    if not target.parent.is_dir():
        raise OptionError(f"Expected a folder that exists for {path}; make {target.parent} first.")
    model: Any = quiet_highs()
    pass_program(model, program)
    for number, name in enumerate(file_names(program.columns, "x")):
        model.passColName(number, name)
    for number, name in enumerate(file_names(program.rows, "r")):
        model.passRowName(number, name)
    if model.writeModel(str(target)) == highspy.HighsStatus.kError:
        raise SolverError(f"{program.name}: HiGHS could not write {target}.")
    return target


def file_names(blocks: Blocks, letter: str) -> list[str]:
    """Return unique names that files and PuLP take, e.g. ``x3_stock_motor_DEU__magnet``.

    Signs other than letters, digits and the full stop become ``_``; the position is in front.
    """
    positions = np.arange(len(blocks))
    return [
        f"{letter}{number}_{re.sub('[^0-9A-Za-z_.]', '_', text)}"[:_LONGEST]
        for number, text in zip(positions.tolist(), blocks.texts(positions), strict=True)
    ]
