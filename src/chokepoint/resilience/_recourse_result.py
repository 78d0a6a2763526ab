"""What a planner with foresight would make of a scenario."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from chokepoint.program import Solution
from chokepoint.resilience._price import By, MarginalPrices, Measure, Place

__all__ = ["Recourse"]


@dataclass(frozen=True, eq=False)
class Recourse:
    """What a planner with foresight would make of a scenario.

    Attributes
    ----------
    scenario : str
        Name of the scenario.
    targets : tuple of str
        Areas whose losses are minimised and counted.
    weeks, period : int
        Horizon, and weeks in a period.
    loss : pandas.Series
        Shortfall of value added by country [USD million]: weeks above baseline do not make
        up for weeks below it.
    loss_by_week : pandas.DataFrame
        The same by first week of the period (rows) and country [USD million per period].
    output : pandas.DataFrame
        Output over baseline, mean of each period (rows), of every site that matters.
    stock_value, capacity_value, supply_value : pandas.DataFrame
        What one more unit of stock, of capacity, and of a flow's limit is worth, dearest first.
    tariffs : pandas.Series
        Tariffs on the flows of this plan by country of the importer [USD million]; of several
        plans of least loss the solver chooses one.
    terminal_value : float
        Where stocks at the end are valued: what is missing of them one longest lead later,
        and the output lost until then [USD million]; otherwise 0.
    solver : str
        Name and version of the solver.
    seconds : float
        Time of building and solving.
    solution : Solution
        The optimum with all labels.
    prices : MarginalPrices
        What :meth:`marginal_price` and :meth:`price_range` are read from.
    """

    scenario: str
    targets: tuple[str, ...]
    weeks: int
    period: int
    loss: pd.Series
    loss_by_week: pd.DataFrame = field(repr=False)
    output: pd.DataFrame = field(repr=False)
    stock_value: pd.DataFrame = field(repr=False)
    capacity_value: pd.DataFrame = field(repr=False)
    supply_value: pd.DataFrame = field(repr=False)
    tariffs: pd.Series = field(repr=False)
    terminal_value: float
    solver: str
    seconds: float
    solution: Solution = field(repr=False)
    prices: MarginalPrices = field(repr=False)

    @property
    def loss_total(self) -> float:
        """Shortfall of value added of all targets [USD million]."""
        return float(self.loss.sum())

    def marginal_price(
        self,
        products: str | Iterable[str] | None = None,
        *,
        at: Place = "buyer",
        measure: Measure = "price",
        by: By = "country",
    ) -> pd.DataFrame:
        r"""Return the marginal price of products by week and place.

        The price of a unit that is there for nothing, to a planner who knows the whole course:
        the baseline price and, where the unit is scarce, the value added of the targets that
        it makes possible along the chain. It is a **marginal** value, of the next unit and not
        of all, in a program that minimises lost value added: no market, no bargaining, no
        hoarding. Set it beside quoted prices with care (see the how-to *Marginal prices*).

        Parameters
        ----------
        products : str or iterable of str, optional
            Products or groups; None = all.
        at : {"buyer", "supplier"}
            One more unit in the slot of a buyer, or ready for shipment at a supplier.
        measure : {"price", "rent", "multiple"}
            Baseline price and rent, rent alone [USD per product unit], or price over baseline.
        by : {"country", "site"}
            Countries show the place where the unit is worth most; sites show each.

        Returns
        -------
        DataFrame
            Rows: first week of the period in which the unit is there; columns (product,
            country), with site (and slot) for ``by="site"``. Places that cannot matter for
            the targets' losses are missing.

        Raises
        ------
        OptionError, UnknownLabelError
            If an option or a product is not known.

        Notes
        -----
        *Sign.* Never below the baseline price: what is worth nothing can be thrown away.
        *Periods.* A unit counts as there in the first week of the period; goods that are sent
        count from the period on in which the first of them arrive.
        *Degeneracy.* At a kink of the optimum the dual is one of several: every value between
        what one more unit is worth and what one unit less costs is a dual, and which the
        solver returns is its own choice. :meth:`price_range` gives both ends.

        Examples
        --------
        >>> import chokepoint as cp
        >>> from chokepoint.resilience import recourse
        >>> from chokepoint.scenario import ExportBan, Scenario
        >>> ban = Scenario("ban", ExportBan(by="CHN", against="JPN", products="oxide_heavy"))
        >>> best = recourse(cp.load("rare_earths"), ban, targets="JPN", weeks=26, period=4)
        >>> bool((best.marginal_price("oxide_dy", measure="multiple") >= 1).all(axis=None))
        True
        """
        return self.prices.table(products, at=at, measure=measure, by=by)

    def price_range(self, product: str, country: str, *, step: float = 1e-3) -> pd.DataFrame:
        """Return the range of the marginal price of a product at the buyers of a country.

        Parameters
        ----------
        product, country : str
            A product that sites of the country use.
        step : float
            How much more and less is tried, in weeks of baseline use of the slot whose dual
            is dearest in the period.

        Returns
        -------
        DataFrame
            Rows: first week of the period; columns low (what a unit more is worth) and high
            (what a unit less costs; missing where there is nothing to take away), both with
            the baseline price [USD per product unit]. Every dual of the program is between.
        """
        return self.prices.bounds(product, country, step=step)

    def __repr__(self) -> str:
        aim = ", ".join(self.targets[:4]) + (", ..." if len(self.targets) > 4 else "")
        return (
            f"<Recourse to {self.scenario!r}: planner's loss of {aim} in {self.weeks} weeks "
            f"{self.loss_total:,.1f} USD million ({self.seconds:.1f} s)>"
        )
