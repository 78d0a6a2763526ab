"""Programs written to files come back the same."""

import highspy
import pytest
from hypothesis import given
from program.test_solvers import programs

from chokepoint.errors import OptionError
from chokepoint.program import ProgramBuilder
from chokepoint.program._highs_model import quiet_highs


def example():
    builder = ProgramBuilder("two plants")
    make = builder.columns("make", [["a", "b@DEU"]], unit="t", upper=[6, 9], cost=[1, 1 / 3])
    whole = builder.columns("whole", unit="1", upper=4, cost=-0.1, integer=True)
    row = builder.rows("demand", unit="t", lower=8, upper=10)
    builder.add(row, make, [1.0, 0.7])
    builder.add(row, whole, 0.3)
    return builder.build(offset=2.0)


def read_back(path):
    model = quiet_highs()
    assert model.readModel(str(path)) == highspy.HighsStatus.kOk
    model.run()
    return model


@pytest.mark.parametrize("ending", ["mps", "lp", "mps.gz", "lp.gz"])
def test_a_file_holds_the_program_and_its_names(tmp_path, ending):
    program = example()
    path = program.write(tmp_path / f"plants.{ending}")
    model = read_back(path)
    assert model.getInfo().objective_function_value == pytest.approx(program.solve().objective)
    names = [model.getColName(column)[1] for column in range(3)]
    assert names == ["x0_make_a_", "x1_make_b_DEU_", "x2_whole"]
    assert model.getLp().col_cost_[1] == 1 / 3  # to the last bit


def test_files_hold_any_program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")

    @given(programs(integer=True))
    def same(program):
        found = [read_back(program.write(folder / f"p.{ending}")) for ending in ("mps", "lp")]
        optimum = program.solve().objective
        for model in found:
            value = model.getInfo().objective_function_value
            assert value == pytest.approx(optimum, abs=1e-7)

    same()


@pytest.mark.parametrize(
    ("name", "message"), [("plants.txt", "ends in .mps"), ("no/plants.mps", "folder that exists")]
)
def test_other_names_are_refused(tmp_path, name, message):
    with pytest.raises(OptionError, match=message):
        example().write(tmp_path / name)


def test_names_are_unique_even_where_signs_are_not_taken():
    builder = ProgramBuilder("x")
    column = builder.columns("c", [["a b", "a_b", "a@b"]], unit="t", cost=1)
    builder.add(builder.rows("r", [range(2)], unit="t", lower=1)[:, None], column, 1.0)
    model = builder.build().to_pulp()
    assert len({variable.name for variable in model.variables()}) == 3
