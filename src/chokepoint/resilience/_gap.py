"""What a plan does by the planner's account, and where nobody coordinates."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.propagate import Behaviour, simulate
from chokepoint.resilience._shortfall import shortfall
from chokepoint.resilience._stress import STRESSED, with_thin_stocks
from chokepoint.scenario import Scenario

__all__ = ["CASES", "behaviour_table", "behaviour_warnings", "simulated"]

CASES = ("planner", "reference", "stressed")

# A plan that keeps less than this share of its promise does not help.
_PART = 0.1
_SMALL = 1e-6
# Kinds whose delay can be written into the tables of a chain.
_CAN_BE_LATE = ("capacity", "reserved_capacity", "second_source")

Apply = Callable[[SupplyChain, str], SupplyChain]


def behaviour_table(
    chain: SupplyChain,
    threats: Sequence[Scenario],
    planner: pd.DataFrame,
    apply: Apply,
    *,
    one_for_all: bool,
    targets: tuple[str, ...],
    weeks: int,
    behaviour: Behaviour | None,
) -> pd.DataFrame:
    """Return losses of each threat before and after a plan, by all three cases.

    Parameters
    ----------
    planner : DataFrame
        Columns before and after, by threat.
    apply : callable
        Chain and name of a threat to the chain with the plan in place.
    one_for_all : bool
        Whether the chain with the plan in place is the same for all threats.

    Returns
    -------
    DataFrame
        Rows are threats; columns (case, before / after / saving), with cases planner,
        reference and stressed [USD million of value added, shortfall of the targets].
    """
    batches = [list(threats)] if one_for_all else [[threat] for threat in threats]
    hardened = [apply(chain, batch[0].name) for batch in batches]
    table = pd.DataFrame(index=pd.Index([threat.name for threat in threats], name="threat"))
    found = {("planner", what): planner[what] for what in ("before", "after")}
    for case, how in (("reference", behaviour), ("stressed", STRESSED)):
        worse = with_thin_stocks if case == "stressed" else _as_it_is
        found[case, "before"] = simulated(
            worse(chain), threats, targets=targets, weeks=weeks, behaviour=how
        )
        found[case, "after"] = pd.concat(
            [
                simulated(worse(one), batch, targets=targets, weeks=weeks, behaviour=how)
                for one, batch in zip(hardened, batches, strict=True)
            ]
        )
    table = pd.DataFrame(found).reindex(table.index)
    for case in CASES:
        table[case, "saving"] = table[case, "before"] - table[case, "after"]
    keys = [(case, what) for case in CASES for what in ("before", "after", "saving")]
    table = table[keys]
    table.columns = pd.MultiIndex.from_tuples(keys, names=["case", "loss"])
    table.attrs["unit"] = "USD million of value added, shortfall of the targets"
    return table


def _as_it_is(chain: SupplyChain) -> SupplyChain:
    return chain


def simulated(
    chain: SupplyChain,
    threats: Sequence[Scenario],
    *,
    targets: tuple[str, ...],
    weeks: int,
    behaviour: Behaviour | None,
) -> pd.Series:
    """Return the shortfall of the targets in the weekly model, by threat [USD million]."""
    outcome = simulate(chain, list(threats), weeks=weeks, behaviour=behaviour, progress=False)
    lost = shortfall(outcome, chain, targets=targets)
    return lost.reindex([threat.name for threat in threats])


def behaviour_warnings(
    table: pd.DataFrame, probabilities: pd.Series, measures: pd.DataFrame
) -> list[str]:
    """Return what is wrong with a plan that looks good to the planner."""
    found = []
    expected = {
        key: float((table[key] * probabilities.reindex(table.index)).sum()) for key in table
    }
    promised, before = expected["planner", "saving"], expected["planner", "before"]
    for case in CASES[1:]:
        kept = expected[case, "saving"]
        if promised > _SMALL * max(before, 1.0) and kept < _PART * promised:
            found.append(
                f"The plan hardly helps in the {case} case of the weekly model: the planner saves "
                f"{promised:,.4g} USD million, the {case} case {kept:,.4g}."
            )
        saving = table[case, "saving"]
        harmed = saving[saving < -_SMALL * max(float(table[case, "before"].max()), 1.0)]
        if len(harmed):
            names = ", ".join(str(name) for name in harmed.sort_values().index[:4])
            found.append(
                f"The plan makes losses larger in the {case} case of the weekly model under "
                f"{names} (by up to {-float(harmed.min()):,.4g} USD million)."
            )
    late = measures[measures["delay_weeks"].gt(0) & ~measures["kind"].isin(_CAN_BE_LATE)]
    if len(late):
        found.append(
            f"Measures for {late['cost_usd_m'].sum():,.4g} USD million work only after the threats "
            "begin, which the tables of a chain cannot say: the weekly model is without them."
        )
    return found
