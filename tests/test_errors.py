"""The taxonomy of errors and the shape of their messages."""

from __future__ import annotations

import pytest

from chokepoint import errors


@pytest.mark.parametrize(
    ("kind", "standard"),
    [
        (errors.TableError, ValueError),
        (errors.OptionError, ValueError),
        (errors.ShapeError, ValueError),
        (errors.InfeasibleError, ValueError),
        (errors.UnknownLabelError, KeyError),
        (errors.ImmutableError, AttributeError),
        (errors.ConvergenceError, RuntimeError),
        (errors.SolverError, RuntimeError),
        (errors.MissingDependencyError, ImportError),
    ],
)
def test_each_error_is_ours_and_of_a_standard_type(kind, standard):
    assert issubclass(kind, errors.ChokepointError)
    assert issubclass(kind, standard)


def test_unknown_label_names_kind_and_nearest():
    error = errors.UnknownLabelError("ndfeb_magnt", "product", ["oxide", "ndfeb_magnet"])
    assert str(error) == '"ndfeb_magnt" is not a product of this chain; closest: "ndfeb_magnet"'
    assert error.nearest == "ndfeb_magnet"


def test_unknown_label_without_anything_near():
    assert str(errors.UnknownLabelError("x", "product", ["oxide"])) == (
        '"x" is not a product of this chain'
    )


def test_nearest_label_ignores_case():
    assert errors.nearest_label("chn", ["USA", "CHN"]) == "CHN"
    assert errors.nearest_label("zzz", ["USA", "CHN"]) == ""


def test_table_error_lists_every_problem_by_table():
    issues = [
        errors.Issue("flows", "quantity", "must be >= 0 [t]", row=17, value=-2.0),
        errors.Issue("flows", "buyer", "is not in sites.site", 17, "ACME-2", "ACME-02"),
        errors.Issue("sites", "firm", "is unknown", advice="remove it"),
    ]
    message = str(errors.TableError(issues, sizes={"flows": 1204}))
    assert message.splitlines() == [
        "flows: 2 problems in 1 row of 1,204",
        "  row 17    quantity = -2.0              must be >= 0 [t]",
        '  row 17    buyer = "ACME-2"             is not in sites.site; closest: "ACME-02"',
        "sites: 1 problem",
        "            firm                         is unknown; remove it",
        "Correct the rows above and build the chain again.",
    ]


def test_table_error_shortens_long_lists_and_keeps_all_issues():
    issues = [errors.Issue("flows", "quantity", "is wrong", row=i) for i in range(50)]
    error = errors.TableError(issues)
    assert "... and 30 more, all in .issues" in str(error)
    assert len(error.issues) == 50
