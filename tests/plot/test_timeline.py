"""Timelines: the numbers that are drawn, and that they can be drawn."""

from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from report.example import small_chain

from chokepoint.datasets import draw
from chokepoint.errors import MissingDependencyError, OptionError, UnknownLabelError
from chokepoint.plot import OutcomePlots, timeline, timeline_interactive
from chokepoint.propagate import simulate
from chokepoint.scenario import ExportBan, Scenario

mpl.use("Agg")


@pytest.fixture(scope="module")
def outcome():
    ban = Scenario("ban", [ExportBan(by="CHN", against="JPN", products="ndfeb_sintered")])
    return simulate(small_chain(), [Scenario("baseline"), ban], weeks=40)


def test_data_are_weekly_losses_of_the_scenario_with_the_largest_loss(outcome):
    data = outcome.plot.timeline_data(by="country", top=20)
    expected = outcome.loss(over="week").xs("ban", level="scenario")
    assert data.attrs["scenario"] == "ban"
    assert data.attrs["unit"].endswith("per week")
    pd.testing.assert_frame_equal(
        data.sort_index(axis=1), expected, check_names=False, check_column_type=False
    )


def test_labels_beyond_the_top_are_summed(outcome):
    data = outcome.plot.timeline_data(by="country", top=2)
    weekly = outcome.loss(over="week").xs("ban", level="scenario")
    assert list(data.columns[2:]) == ["others"]
    assert data.shape == (40, 3)
    np.testing.assert_allclose(data.sum(axis=1), weekly.sum(axis=1))
    kept = weekly.sum().abs().nlargest(2)
    assert list(data.columns[:2]) == list(kept.index)


def test_a_named_scenario_is_drawn(outcome):
    data = outcome.plot.timeline_data(scenario="baseline", top=20)
    assert (data == 0.0).all(axis=None)


def test_figures_are_medians_over_draws():
    ban = Scenario("ban", [ExportBan(by="CHN", against="JPN", products="ndfeb_sintered")])
    drawn = simulate(draw(small_chain(), 3, rng=1), ban, weeks=20, record="country")
    data = drawn.plot.timeline_data(top=20)
    weekly = drawn.loss(over="week")["JPN"].unstack("draw")
    np.testing.assert_allclose(data["JPN"], weekly.median(axis=1))


def test_unknown_scenario_and_no_line_raise(outcome):
    with pytest.raises(UnknownLabelError, match='closest: "ban"'):
        timeline(outcome, scenario="bann")
    with pytest.raises(OptionError, match="at least 1"):
        timeline(outcome, top=0)


def test_timeline_draws_on_the_axes_it_is_given(outcome):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, ax = pyplot.subplots()
    returned = outcome.plot.timeline(by="country", ax=ax)
    assert returned is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(
        outcome.plot.timeline_data().columns
    )
    assert "USD million" in ax.get_ylabel()
    pyplot.close(figure)


def test_calling_the_accessor_draws_on_new_axes(outcome):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    ax = OutcomePlots(outcome)()
    assert ax.get_title(loc="left") == "ban"
    pyplot.close(ax.figure)


def test_interactive_timeline_has_a_line_for_each_label(outcome):
    drawn = timeline_interactive(outcome, top=3)
    assert [line.name for line in drawn.data] == list(outcome.plot.timeline_data(top=3).columns)


def test_without_matplotlib_the_install_line_is_named(outcome, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "chokepoint\[plot\]"'):
        timeline(outcome)
