"""A plan: what was bought, what it is worth, who pays, and what it does in the weekly model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError
from chokepoint.program import CVaR, Solution
from chokepoint.propagate import Behaviour
from chokepoint.resilience._apply import apply_measures, with_releases
from chokepoint.resilience._gap import CASES, simulated
from chokepoint.scenario import Scenario

__all__ = ["Plan"]


@dataclass(frozen=True, eq=False)
class Plan:
    """Measures bought under a budget, and what the planner expects of them.

    The losses are those of a planner who answers each threat as well as can be (see
    :func:`chokepoint.resilience.recourse`); what the measures do without such a planner stands
    beside them in `behaviour`.

    Attributes
    ----------
    budget, spent : float
        Money allowed and spent [USD million].
    measures : pandas.DataFrame
        What is bought: measure, kind, product, where, quantity, unit, cost_usd_m, share,
        delay_weeks, order_year, and the labels site, slot, supplier.
    marginal_value : pandas.DataFrame
        All candidates, the best first: measure, kind, where, usd_per_usd (loss avoided by one
        more USD), usd_per_unit, unit, bought. With risk, losses are weighed as the plan does.
    values : pandas.DataFrame
        The same with the limits of money (kind ``budget``: in all, by year, by country).
    budget_value : float
        Loss avoided by one more USD of budget [USD per USD].
    baseline_loss, residual_loss : pandas.Series
        The planner's loss without and with the plan, by threat [USD million].
    probabilities : pandas.Series
        Weight of each threat.
    behaviour : pandas.DataFrame
        Losses before and after the plan by threat (rows): columns (case, loss) for the cases
        planner, reference and stressed; empty for a plan that was not simulated.
    warnings : tuple of str
        What speaks against taking the plan at its word.
    benefits : pandas.DataFrame
        Expected loss by country before and after the plan, benefit, and GDP.
    payments : pandas.DataFrame
        What each country with a purse of its own pays, gains, and keeps; empty for one purse.
    service : pandas.DataFrame
        Markets that must be served: least and served share of demand, by threat.
    releases : pandas.DataFrame
        What pooled stocks give to each slot, by threat.
    terminal_loss : pandas.Series
        Where stocks at the end are valued: what is missing of them with the plan in place and
        losses after the horizon, by threat [USD million]; otherwise 0.
    period_error : pandas.Series or None
        How much more the planner loses with the plan week by week than in periods, by threat
        [USD million]; None where it was not asked for, 0 for periods of one week.
    skipped : pandas.DataFrame
        Measures that were not on offer, and why.
    targets : tuple of str
        Areas whose losses count.
    weeks, period : int
        Horizon, and weeks in a period.
    notice : float
        Weeks between the decision and week 0 of the threats.
    risk : CVaR or None
        How the worst threats weigh.
    method : str
        "extensive" or "decomposed".
    gap : float
        Relative distance between the cost of the plan and a lower bound on every other.
    solver : str
        Name and version of the solver.
    seconds : float
        Time of building, solving and simulating.
    solution : Solution
        Optimum of the whole program, or of the master of the decomposed one.
    """

    budget: float
    spent: float
    measures: pd.DataFrame = field(repr=False)
    marginal_value: pd.DataFrame = field(repr=False)
    values: pd.DataFrame = field(repr=False)
    budget_value: float
    baseline_loss: pd.Series
    residual_loss: pd.Series
    probabilities: pd.Series
    behaviour: pd.DataFrame = field(repr=False)
    warnings: tuple[str, ...]
    benefits: pd.DataFrame = field(repr=False)
    payments: pd.DataFrame = field(repr=False)
    service: pd.DataFrame = field(repr=False)
    releases: pd.DataFrame = field(repr=False)
    terminal_loss: pd.Series = field(repr=False)
    period_error: pd.Series | None = field(repr=False)
    skipped: pd.DataFrame = field(repr=False)
    targets: tuple[str, ...]
    weeks: int
    period: int
    notice: float
    risk: CVaR | None
    method: str
    gap: float
    solver: str
    seconds: float
    solution: Solution = field(repr=False)

    @property
    def saving(self) -> float:
        """Expected loss that the planner avoids with the plan [USD million]."""
        return float(((self.baseline_loss - self.residual_loss) * self.probabilities).sum())

    @property
    def tail_loss(self) -> tuple[float, float]:
        """Mean loss of the worst threats without and with the plan, at the level of `risk`."""
        level = 0.0 if self.risk is None else self.risk.level
        weights = self.probabilities.to_numpy(dtype=float)
        without, left = (
            CVaR(level).tail_mean(losses.to_numpy(dtype=float), weights)
            for losses in (self.baseline_loss, self.residual_loss)
        )
        return without, left

    def apply(self, chain: SupplyChain, *, threat: str | None = None) -> SupplyChain:
        """Return the chain with the measures in place, to be simulated again.

        How each measure is written into the tables:

        * *stock* raises ``stock_weeks`` of the slot at that site by the weeks of cover that
          were bought. In the weekly model the higher stock is also the level that buyers
          order up to again; for the planner it is there once.
        * *pooled stock* becomes stock in the slots into which the planner releases it: in one
          threat, or on average over all.
        * *capacity* raises ``ramp_max`` by its share of baseline output, and shortens
          ``ramp_weeks`` so that the first week's ramp is the sum of the old one and of the
          new capacity coming at once (or within its delay): the weekly model still needs a
          shortage before a site makes more.
        * *second source* on a flow raises ``growth_max``; on a dormant supplier it shortens
          ``qualification_weeks`` so that as many units become available within the horizon.
        * *reserved capacity* is capacity of the supplier and a second source on the flow; the
          weekly model does not keep it for the buyer who paid.
        * *recycling* and *substitution* lower ``thrift_floor`` of the slot by their share and
          make savings quick: the buyer gets by with less once it runs short.

        Measures that work only after week 0 (``delay_weeks`` above 0) are left out, except
        capacity and dormant suppliers, whose delay the tables can say.

        Parameters
        ----------
        chain : SupplyChain
            The chain that was planned for, or one with the same sites and slots.
        threat : str, optional
            Threat that decides where pooled stocks go; None = the mean over all threats.
        """
        measures = self.measures
        if len(self.releases):
            measures = with_releases(measures, self._released(threat))
        return apply_measures(chain, measures, weeks=self.weeks)

    def _released(self, threat: str | None) -> pd.DataFrame:
        """Return releases of one threat, or the mean of all."""
        if threat is not None:
            if threat not in self.probabilities.index:
                raise OptionError(
                    f"Expected a threat of the plan ({list(self.probabilities.index)}), got "
                    f"{threat!r}."
                )
            return self.releases[self.releases["threat"].eq(threat)]
        weight = self.releases["threat"].map(self.probabilities / self.probabilities.sum())
        keys = ["number", "measure", "site", "slot", "share", "bought"]
        mean = self.releases.assign(cover=self.releases["cover"] * weight.astype(float))
        summed: pd.DataFrame = mean.groupby(keys, sort=False)["cover"].sum().reset_index()
        return summed

    def check(
        self,
        chain: SupplyChain,
        threats: Scenario | Iterable[Scenario],
        *,
        behaviour: Behaviour | None = None,
    ) -> pd.DataFrame:
        """Return what the plan saves by the planner's account and in the weekly model.

        Parameters
        ----------
        chain : SupplyChain
            The chain that was planned for.
        threats : Scenario or iterable of Scenario
            The threats of the plan, or others.
        behaviour : Behaviour, optional
            Settings of the weekly model.

        Returns
        -------
        pandas.DataFrame
            Rows are threats; columns planner_before, planner_after, planner_saving (blank for
            threats that the plan does not know) and simulated_before, simulated_after,
            simulated_saving: shortfall of value added of the targets [USD million].
        """
        listed = [threats] if isinstance(threats, Scenario) else list(threats)
        names = pd.Index([threat.name for threat in listed], name="threat")
        table = pd.DataFrame(index=names)
        table["planner_before"] = self.baseline_loss.reindex(names)
        table["planner_after"] = self.residual_loss.reindex(names)
        for column, one in (("before", chain), ("after", self.apply(chain))):
            table[f"simulated_{column}"] = simulated(
                one, listed, targets=self.targets, weeks=self.weeks, behaviour=behaviour
            )
        for kind in ("planner", "simulated"):
            table[f"{kind}_saving"] = table[f"{kind}_before"] - table[f"{kind}_after"]
        table.attrs["unit"] = "USD million of value added, shortfall"
        return table

    def split(self, by: str | Mapping[str, float] = "benefit") -> pd.DataFrame:
        """Return a rule for who pays for the plan, beside what each country gains.

        Parameters
        ----------
        by : {"benefit", "gdp", "equal"} or mapping
            In proportion to the expected loss that each target avoids, to GDP, in equal parts,
            or in given proportions.

        Returns
        -------
        DataFrame
            Rows are countries; columns paid, benefit, net [USD million] and share of the cost.

        Raises
        ------
        OptionError
            If the rule is not known, or gives nobody a part.
        """
        benefits = self.benefits.reindex(list(self.targets))
        if isinstance(by, Mapping):
            part = pd.Series(by, dtype=float).reindex(benefits.index)
        elif by in ("benefit", "gdp"):
            part = benefits[by if by == "benefit" else "gdp_usd_m"]
        elif by == "equal":
            part = pd.Series(1.0, index=benefits.index)
        else:
            raise OptionError(
                f'Expected by "benefit", "gdp", "equal" or a mapping of countries, got {by!r}.'
            )
        part = part.fillna(0.0).clip(lower=0.0)
        if not part.sum() > 0:
            raise OptionError(f"Expected a rule that gives some country a part, got {by!r}.")
        share = part / part.sum()
        table = pd.DataFrame({"paid": share * self.spent, "share": share})
        table["benefit"] = benefits["benefit"].fillna(0.0)
        table["net"] = table["benefit"] - table["paid"]
        table.index.name = "country"
        table.attrs["unit"] = "USD million; benefit: expected loss avoided"
        return table[["paid", "benefit", "net", "share"]]

    def summary(self) -> pd.DataFrame:
        """Return expected losses before and after, and savings, by the three cases.

        Rows planner, reference, stressed; columns before, after, saving [USD million], and
        promise (saving over the planner's). The planner alone for a plan that was not simulated.
        """
        weights = self.probabilities
        if self.behaviour.empty:
            before = float((self.baseline_loss * weights).sum())
            rows = {"planner": {"before": before, "after": before - self.saving}}
        else:
            mean = self.behaviour.mul(weights.reindex(self.behaviour.index), axis=0).sum()
            rows = {
                case: {what: float(mean[case, what]) for what in ("before", "after")}
                for case in CASES
            }
        table = pd.DataFrame(rows).T[["before", "after"]]
        table["saving"] = table["before"] - table["after"]
        promise = float(table["saving"].loc["planner"])
        table["promise"] = table["saving"] / promise if promise > 0 else float("nan")
        table.index.name = "case"
        table.attrs["unit"] = (
            "USD million of value added, expected; promise: share of the planner's"
        )
        return table

    def __repr__(self) -> str:
        before = float((self.baseline_loss * self.probabilities).sum())
        head = (
            f"<Plan: {len(self.measures)} measures for {self.spent:,.0f} of {self.budget:,.0f} "
            f"USD million; planner's expected loss {before:,.0f} -> {before - self.saving:,.0f} "
            f"USD million; {self.budget_value:.2f} USD per further USD"
        )
        lines = [head]
        if not self.behaviour.empty:
            table = self.summary()
            others = [
                f"{case} {table['before'].loc[case]:,.0f} -> {table['after'].loc[case]:,.0f}"
                for case in ("reference", "stressed")
            ]
            lines.append(f"  weekly model: {'; '.join(others)}")
        if self.gap > 1e-6:
            lines.append(f"  within {self.gap:.1e} of the best plan ({self.method})")
        lines += [f"  WARNING: {warning}" for warning in self.warnings]
        return "\n".join(lines) + ">"

    def _repr_html_(self) -> str:
        head = escape(repr(self)).replace("\n", "<br>")
        tables = [self.summary().round(1), self.measures.head(12).round(3)]
        return "".join([f"<p>{head}</p>", *(table.to_html() for table in tables)])
