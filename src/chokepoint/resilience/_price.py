"""Marginal prices: what one more unit of a product would be worth to a planner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import InfeasibleError, OptionError, UnknownLabelError
from chokepoint.program import Solution
from chokepoint.propagate import WEEKS_PER_YEAR
from chokepoint.resilience._columns import Model
from chokepoint.resilience._rows import Rows

__all__ = ["By", "MarginalPrices", "Measure", "Place"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Place = Literal["buyer", "supplier"]
Measure = Literal["price", "rent", "multiple"]
By = Literal["country", "site"]

_USD = 1e6
# A dual below this share of the largest is solver noise.
_NOISE = 1e-9


@dataclass(frozen=True, eq=False)
class MarginalPrices:
    r"""Duals of a recourse program as prices of products.

    One more unit of product :math:`p` in slot :math:`g` in a period lowers the optimum by
    :math:`-y_g / u`, with :math:`y_g` the dual of the balance of the slot and :math:`u` the
    units of the product in a week of baseline use. That is the *rent*: the value added of the
    counted sites that the unit makes possible, from its buyer on along the chain, beyond what
    all inputs cost at baseline prices. The marginal *price* is the baseline price and the rent,
    the most that a buyer could pay for the unit without loss against standing still.

    Attributes
    ----------
    chain : SupplyChain
        The chain.
    model : Model
        The model of the program.
    rows : Rows
        Its rows.
    solution : Solution
        Its optimum.
    """

    chain: SupplyChain = field(repr=False)
    model: Model = field(repr=False)
    rows: Rows = field(repr=False)
    solution: Solution = field(repr=False)

    def table(
        self,
        products: str | Iterable[str] | None = None,
        *,
        at: Place = "buyer",
        measure: Measure = "price",
        by: By = "country",
    ) -> pd.DataFrame:
        """Return prices by period and place; see :meth:`Recourse.marginal_price`."""
        for name, given, choices in (
            ("at", at, get_args(Place)),
            ("measure", measure, get_args(Measure)),
            ("by", by, get_args(By)),
        ):
            if given not in choices:
                raise OptionError(f"Expected {name} one of {', '.join(choices)}, got {given!r}.")
        places = self._slots(products) if at == "buyer" else self._suppliers(products)
        rows = np.vstack([np.empty((0, len(self.model.periods)), dtype=np.intp), *places["row"]])
        rent = np.maximum(-self.solution.duals[rows], 0.0)
        rent[rent <= _NOISE * max(float(rent.max(initial=0.0)), _NOISE)] = 0.0
        per_unit = rent * _USD / self.model.weight / places["units"].to_numpy()[:, None]
        base = places["price_usd"].to_numpy(dtype=float)[:, None]
        value = per_unit if measure == "rent" else base + per_unit
        if measure == "multiple":
            with np.errstate(divide="ignore", invalid="ignore"):
                value = np.where(base > 0, value / base, np.nan)
        names = ["product", "country"] + (["site", "slot"] if at == "buyer" else ["site"])
        frame = pd.DataFrame(
            value.T,
            index=self.model.periods.index,
            columns=pd.MultiIndex.from_frame(places[names]),
        )
        if by == "country":
            frame = frame.T.groupby(level=["product", "country"], sort=False).max().T
        frame.attrs["unit"] = _UNITS[measure]
        return frame

    def bounds(self, product: str, country: str, *, step: float) -> pd.DataFrame:
        """Return what one more unit is worth and one less costs; see `Recourse.price_range`."""
        users = self._slots(None)
        users = users[users["product"].eq(product)]
        places = users[users["country"].eq(country)]
        if places.empty:
            raise UnknownLabelError(country, f"country whose sites use {product}", users["country"])
        if not step > 0:
            raise OptionError(f"Expected a step above 0 weeks of baseline use, got {step}.")
        duals = np.array([-self.solution.duals[row] for row in places["row"]])
        units = places["units"].to_numpy()
        best = np.argmax(duals / units[:, None], axis=0)
        session = self.solution.program.session()
        session.solve()
        found = []
        for period, place in enumerate(best):
            row = int(places["row"].iloc[place][period])
            found.append([self._change(session, row, sign * step) for sign in (1.0, -1.0)])
        worth = np.array(found) * _USD / self.model.weight / units[best][:, None]
        price = float(places["price_usd"].iloc[0])
        frame = pd.DataFrame(price + worth, index=self.model.periods.index, columns=["low", "high"])
        frame.attrs["unit"] = _UNITS["price"]
        return frame

    def _change(self, session: Any, row: int, step: float) -> float:
        """Return how much the optimum falls per week of baseline use that is added."""
        program = self.solution.program
        lower, upper = program.row_lower[row], program.row_upper[row]
        session.change_rows([row], lower=[lower + step], upper=[upper + step])
        try:
            value = float(session.solve().objective)
        except InfeasibleError:
            value = np.nan
        session.change_rows([row], lower=[lower], upper=[upper])
        return (self.solution.objective - value) / step

    def _slots(self, products: str | Iterable[str] | None) -> pd.DataFrame:
        """Return (slot, product) pairs: labels, rows, units in a week of use, baseline price."""
        edges, model = self.chain.edges, self.model
        pairs = edges.assign(group=model.chain.edge_group)[["group", "product", "recipe"]]
        pairs = pairs.drop_duplicates(["group", "product"])
        pairs = pairs[model.extent.groups[pairs["group"].to_numpy()]]
        group = pairs["group"].to_numpy()
        buyer = model.chain.group_buyer[group]
        need = self.chain.slots["need"].to_numpy(dtype=float)[group]
        places = pairs.assign(
            country=model.chain.nodes["country"].to_numpy()[buyer],
            site=model.chain.nodes.index.to_numpy()[buyer],
            slot=model.chain.groups.get_level_values("slot")[group],
            units=need / WEEKS_PER_YEAR * pairs["recipe"].to_numpy(dtype=float),
            row=list(self.rows.stock[group]),
        )
        return self._priced(places, products)

    def _suppliers(self, products: str | Iterable[str] | None) -> pd.DataFrame:
        """Return sites with an output row: labels, rows, units in a week, baseline price."""
        nodes = self.model.chain.nodes
        sites = np.flatnonzero(self.rows.out[:, 0] >= 0)
        places = pd.DataFrame(
            {
                "product": nodes["product"].to_numpy()[sites],
                "country": nodes["country"].to_numpy()[sites],
                "site": nodes.index.to_numpy()[sites],
                "units": nodes["output_qty"].to_numpy(dtype=float)[sites] / WEEKS_PER_YEAR,
                "row": list(self.rows.out[sites]),
            }
        )
        return self._priced(places[places["units"] > 0], products)

    def _priced(self, places: pd.DataFrame, products: str | Iterable[str] | None) -> pd.DataFrame:
        price = self.chain.products.set_index("product")["price_usd"].astype(float)
        places = places.assign(price_usd=places["product"].map(price))
        if products is None:
            return places
        return places[places["product"].isin(self.chain.products_in(products))]


_UNITS = {
    "price": "USD per product unit: baseline price and marginal rent",
    "rent": "USD per product unit: marginal value above the baseline price",
    "multiple": "marginal price over baseline price",
}
