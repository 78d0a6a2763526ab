"""``outcome.plot``: the pictures of an outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from chokepoint.plot._timeline import By, _timeline_data, timeline, timeline_interactive
from chokepoint.propagate import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["OutcomePlots"]


class OutcomePlots:
    """Pictures of one outcome; calling it draws the timeline.

    Parameters
    ----------
    outcome : Outcome
        Result of a simulation.

    Examples
    --------
    >>> import chokepoint as cp
    >>> chain = cp.load("rare_earths")
    >>> ban = cp.Scenario("magnets", [cp.ExportBan(by="CHN", products=["ndfeb_sintered"])])
    >>> outcome = cp.simulate(chain, ban, weeks=26)
    >>> outcome.plot.timeline_data(by="country").shape[0]
    26
    """

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def __call__(self, **options: Any) -> Axes:
        """Draw the timeline; options as for :meth:`timeline`."""
        return self.timeline(**options)

    def timeline(
        self,
        *,
        by: By = "country",
        scenario: str | None = None,
        top: int = 8,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw weekly losses with matplotlib; see :func:`chokepoint.plot.timeline`."""
        return timeline(self._outcome, by=by, scenario=scenario, top=top, ax=ax)

    def timeline_interactive(
        self, *, by: By = "country", scenario: str | None = None, top: int = 8
    ) -> Any:
        """Return weekly losses as a plotly figure."""
        return timeline_interactive(self._outcome, by=by, scenario=scenario, top=top)

    def timeline_data(
        self, *, by: By = "country", scenario: str | None = None, top: int = 8
    ) -> pd.DataFrame:
        """Return what the timeline draws: week x label [USD million per week]."""
        return _timeline_data(self._outcome, by=by, scenario=scenario, top=top)
