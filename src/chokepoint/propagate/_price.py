"""Marginal price of a rationed buyer: the bid rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.propagate._compile import WEEKS_PER_YEAR, compile_chain
from chokepoint.propagate._outcome import Outcome

__all__ = ["bid_price"]

FloatArray = NDArray[np.float64]
Measure = Literal["price", "multiple"]

# Orders that are short by less than this share are filled: the rest is rounding.
_ROUNDING = 1e-6


def bid_price(
    outcome: Outcome,
    chain: SupplyChain,
    product: str,
    *,
    buyers: str | Iterable[str] | None = None,
    measure: Measure = "price",
) -> pd.DataFrame:
    r"""Return what the last buyer who is served would bid for a product, by scenario and week.

    Each week the orders of all slots that use the product are sorted by bid,

    .. math:: b_g = \frac{\text{value of the buyer's output}}{\text{need of the slot} \times
              \text{recipe}} \quad [\text{USD per unit}],

    the value of output that one unit enables, and served from the top with the quantity that
    was shipped. The price is the bid of the buyer with whom it runs out, and never below the
    baseline price; where every order was filled it is the baseline price. Where nothing was
    shipped it is the highest bid.

    This is a **marginal** figure, and an upper one: a bid is the whole value of the output, as
    if no other input cost anything, and nobody in the weekly model pays or allocates by it.
    Goods are rationed there as :class:`Behaviour` says. See the how-to *Marginal prices*.

    Parameters
    ----------
    outcome : Outcome
        A run with ``record="all"``.
    chain : SupplyChain
        The chain that was run; of several draws any, whose bids then stand for all.
    product : str
        A product.
    buyers : str or iterable of str, optional
        Areas or blocs whose buyers compete for what is shipped to them; None = all, as in one
        market without borders.
    measure : {"price", "multiple"}
        USD per product unit, or the price over the baseline price.

    Returns
    -------
    DataFrame
        Rows are scenarios, columns weeks.

    Raises
    ------
    OptionError
        If flows were not recorded, the chain is another one, or an option is not known.
    UnknownLabelError
        If the product or an area is not known, or nobody there uses the product.

    Notes
    -----
    Orders are those of the slots before caps and growth limits, which is what buyers would
    take. What a slot with several inputs lacks is counted in baseline shares of its products.
    Goods that wait for a licence have not been shipped.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.propagate import bid_price
    >>> chain = cp.load("rare_earths")
    >>> calm = cp.simulate(chain, cp.Scenario("baseline"), weeks=2, record="all")
    >>> bid_price(calm, chain, "oxide_dy", measure="multiple").to_numpy().tolist()
    [[1.0, 1.0]]
    """
    if measure not in get_args(Measure):
        raise OptionError(f'Expected measure "price" or "multiple", got {measure!r}.')
    if outcome.asked.shape[2] != len(chain.slots) or outcome.shipments.shape[2] != len(chain.edges):
        raise OptionError("Expected the chain that was run, got one with other slots or flows.")
    slots = _slots(chain, product, buyers)
    shipped, missing = _shipped_and_missing(outcome, chain, product, slots)
    base = float(chain.products.set_index("product")["price_usd"].loc[product])
    price = np.maximum(_marginal_bid(shipped, missing, slots["bid"].to_numpy(), base), base)
    if measure == "multiple":
        price = price / base if base > 0 else np.full_like(price, np.nan)
    frame = pd.DataFrame(price, index=outcome.scenarios, columns=pd.RangeIndex(outcome.weeks))
    frame.columns.name = "week"
    frame.attrs["unit"] = _UNITS[measure]
    return frame


def _slot_of(chain: SupplyChain) -> NDArray[np.intp]:
    keys = pd.MultiIndex.from_frame(chain.edges[["buyer", "slot"]])
    return np.asarray(chain.slots.index.get_indexer(keys), dtype=np.intp)


def _slots(chain: SupplyChain, product: str, buyers: str | Iterable[str] | None) -> pd.DataFrame:
    """Return the slots that use a product, dearest bid first: position, units a week, bid."""
    edges, slot = chain.edges, _slot_of(chain)
    uses = edges["product"].eq(product).to_numpy()
    if product not in set(chain.products["product"]):
        raise UnknownLabelError(product, "product", chain.products["product"])
    country = chain.nodes["country"].reindex(chain.slots.index.get_level_values("buyer"))
    inside = country.isin(chain.areas(buyers)).to_numpy()[slot]
    kept = np.flatnonzero(uses & inside)
    if not len(kept):
        raise UnknownLabelError(product, f"product that {buyers} buys")
    table = pd.DataFrame(
        {
            "slot": slot[kept],
            "units": edges["quantity"].to_numpy(dtype=float)[kept] / WEEKS_PER_YEAR,
            "bid": compile_chain(chain).bid[kept, 0],
        }
    )
    table = table.groupby("slot", as_index=False).agg({"units": "sum", "bid": "max"})
    return table.sort_values("bid", ascending=False, kind="stable")


def _shipped_and_missing(
    outcome: Outcome, chain: SupplyChain, product: str, slots: pd.DataFrame
) -> tuple[FloatArray, FloatArray]:
    """Return what each slot got and lacks of a product, (scenario, week, slot) [units a week]."""
    edges, slot_of = chain.edges, _slot_of(chain)
    need = chain.slots["need"].to_numpy(dtype=float)[slot_of] / WEEKS_PER_YEAR
    whole = need * edges["recipe"].to_numpy(dtype=float)
    uses = edges["product"].eq(product).to_numpy()
    shipped, missing = [], []
    for slot, units in zip(slots["slot"], slots["units"], strict=True):
        into = np.arange(*np.searchsorted(slot_of, [slot, slot + 1]))  # flows go by slot
        sent = outcome.shipments[:, :, into].astype(float)
        shipped.append(sent[:, :, uses[into]].sum(axis=2))
        # Of a slot with several inputs: what is lacking of it as a whole, in baseline shares.
        filled = (sent / whole[into]).sum(axis=2)
        missing.append(np.maximum(outcome.asked[:, :, slot] - filled, 0.0) * units)
    return np.stack(shipped, axis=2), np.stack(missing, axis=2)


def _marginal_bid(
    shipped: FloatArray, missing: FloatArray, bids: FloatArray, base: float
) -> FloatArray:
    """Return the bid with which the quantity runs out, `base` where it does not.

    What slots got and lack has the shape (scenarios, weeks, slots), dearest slot first.
    """
    wanted = shipped + missing
    so_far, quantity = np.cumsum(wanted, axis=2), shipped.sum(axis=2)
    scarce = missing.sum(axis=2) > _ROUNDING * so_far[:, :, -1]
    # A quantity that ends with a buyer's order, up to rounding, ends with that buyer.
    reached = (so_far * (1.0 + _ROUNDING) >= quantity[:, :, None]) & (wanted > 0)
    return np.where(scarce, bids[np.argmax(reached, axis=2)], base)


_UNITS = {
    "price": "USD per product unit: bid of the last buyer served, at least the baseline price",
    "multiple": "bid of the last buyer served over the baseline price",
}
