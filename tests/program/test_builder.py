"""Programs as data: shapes, names, units, and what a broken one says."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from chokepoint.errors import InfeasibleError, OptionError, ShapeError, UnknownLabelError
from chokepoint.program import Blocks, LinearProgram, ProgramBuilder


def toy(**changes):
    parts = {
        "name": "toy",
        "cost": np.array([1.0, 2.0]),
        "matrix": csr_array(np.array([[1.0, 1.0]])),
        "row_lower": np.array([1.0]),
        "row_upper": np.array([np.inf]),
        "column_lower": np.zeros(2),
        "column_upper": np.ones(2),
    }
    return LinearProgram(**(parts | changes))


def test_builder_places_blocks_and_adds_up_repeated_coefficients():
    builder = ProgramBuilder("grid")
    x = builder.columns("x", [["a", "b"], range(3)], unit="t", upper=[[1, 2, 3], [4, 5, 6]])
    y = builder.columns("y", unit="USD", lower=-1, cost=7)
    row = builder.rows("total", [range(3)], unit="t", upper=9)
    builder.add(row, x, 1.0)
    builder.add(row, x[0], 2.0)
    builder.add(row, y, [0.0, 5.0, 0.0])
    program = builder.build(offset=3.0)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert program.column_upper.tolist() == [1, 2, 3, 4, 5, 6, np.inf]
    assert program.cost.tolist() == [0, 0, 0, 0, 0, 0, 7]
    expected = np.zeros((3, 7))
    expected[range(3), range(3)] = 3.0
    expected[range(3), range(3, 6)] = 1.0
    expected[1, 6] = 5.0
    np.testing.assert_array_equal(program.matrix.toarray(), expected)
    assert program.n_coefficients == 7
    assert program.offset == 3.0
    assert program.integer is None


def test_names_follow_the_axes():
    builder = ProgramBuilder("names")
    pairs = pd.MultiIndex.from_tuples([("m@DEU", "magnet"), ("m@JPN", "magnet")])
    builder.columns("empty", [[]], unit="t")
    builder.columns("stock", [pairs, range(2)], unit="weeks")
    builder.columns("budget", unit="USD million")
    program = builder.build()
    assert program.columns.text(3) == "stock[m@JPN, magnet, 1]"
    assert program.columns.text(0) == "stock[m@DEU, magnet, 0]"
    assert program.columns.text(4) == "budget"
    frame = program.columns.frame()
    assert frame["unit"].tolist() == ["weeks"] * 4 + ["USD million"]
    assert frame["label"].iloc[3] == (("m@JPN", "magnet"), 1)
    assert program.columns["stock"].span == slice(0, 4)


def test_unknown_block_offers_the_nearest():
    with pytest.raises(UnknownLabelError, match='closest: "stock"'):
        Blocks.plain("stock", 3)["stok"]


def test_block_names_are_unique():
    builder = ProgramBuilder("twice")
    builder.columns("x", unit="t")
    builder.columns("x", unit="t")
    with pytest.raises(OptionError, match="repeated: x"):
        builder.build()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cost": np.ones(3)}, r"cost with shape \(2,\)"),
        ({"row_lower": np.ones(2)}, r"row_lower with shape \(1,\)"),
        ({"columns": Blocks.plain("x", 3)}, "got 1 and 3"),
        ({"integer": np.array([True])}, r"integer with shape \(2,\)"),
        ({"cost": np.array([1.0, np.nan])}, r"cost of column\[1\] is nan"),
        ({"cost": np.array([1.0, np.inf])}, r"cost of column\[1\] is inf"),
        ({"column_upper": np.array([np.nan, 1.0])}, r"column_upper of column\[0\] is nan"),
        ({"matrix": csr_array(np.array([[1.0, np.nan]]))}, r"column\[1\] in row\[0\] is nan"),
    ],
)
def test_broken_numbers_are_named(changes, message):
    with pytest.raises(ShapeError, match=message):
        toy(**changes)


def test_crossed_bounds_are_named():
    with pytest.raises(InfeasibleError, match=r"column column\[1\] must be at least 2 and at most"):
        toy(column_lower=np.array([0.0, 2.0]))


def test_arrays_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        toy().cost[0] = 5


def test_violations_are_listed_worst_first():
    program = toy()
    assert program.violations(np.array([0.5, 0.5])) == []
    assert program.violations(np.array([0.2, -0.5])) == ["row[0] by 1.3", "column[1] by 0.5"]
    rows, columns = program.residual(np.array([0.2, 0.3]))
    assert rows.tolist() == [0.5]
    assert columns.tolist() == [0, 0]


def test_repr_counts():
    assert repr(toy()) == "<LinearProgram toy: 1 row, 2 columns, 2 coefficients>"
