"""A chain in which some sites make other amounts and the rest adapts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets._drawn_views import DrawnViews
from chokepoint.datasets._quantities import Quantities
from chokepoint.errors import ShapeError, UnknownLabelError

__all__ = ["with_outputs"]


def with_outputs(chain: SupplyChain, outputs: pd.Series, *, fixed: pd.Series) -> SupplyChain:
    """Return the chain in which fixed sites make the stated outputs, product totals being kept.

    The other sites of a product take up the difference in proportion; where all its sites are
    fixed they give way in proportion too. Children follow their process, so that what is stated
    for a child is ignored. Markets keep their demand as far as the identities allow, markets of
    sector `other_use` take what is left over, and flows are fitted again. Ranges that exclude the
    new numbers are blanked.

    Parameters
    ----------
    chain : SupplyChain
        The baseline.
    outputs : Series of float
        Output per year, one per site: indexed like ``chain.sites`` or by site label.
    fixed : Series of bool
        Sites that shall have their stated output, indexed in the same way.

    Returns
    -------
    SupplyChain

    Raises
    ------
    UnknownLabelError
        If an index label is neither a row of ``chain.sites`` nor a site.
    ShapeError
        If a site is missing, or a stated output is negative or not finite.
    ConvergenceError
        If no quantities near by keep the accounting identities.

    Examples
    --------
    >>> chain = cp.SupplyChain.from_tables(
    ...     products=pd.DataFrame({"product": ["ore"]}),
    ...     sites=pd.DataFrame(
    ...         {"product": "ore", "country": ["CHN", "USA"], "output_qty": [60.0, 40.0]}
    ...     ),
    ...     markets=pd.DataFrame({"product": ["ore"], "country": ["JPN"], "quantity": [100.0]}),
    ... )
    >>> stated = pd.Series({"ore@CHN": 75.0, "ore@USA": 40.0})
    >>> more = with_outputs(chain, stated, fixed=pd.Series({"ore@CHN": True, "ore@USA": False}))
    >>> more.sites["output_qty"].round(2).tolist()
    [75.0, 25.0]
    """
    wanted = _by_site(chain, outputs, "outputs").to_numpy(dtype=np.float64)
    chosen = _by_site(chain, fixed, "fixed").to_numpy(dtype=bool)
    if not (np.isfinite(wanted) & (wanted >= 0))[chosen].all():
        raise ShapeError("expected stated outputs that are finite and >= 0 for every fixed site")
    model = Quantities.of(chain)
    markets = len(chain.markets)
    nodes, flows = model.stated(
        np.concatenate([wanted, np.zeros(markets)]),
        np.concatenate([chosen, np.zeros(markets, dtype=bool)]),
    )
    views = DrawnViews.of(chain, chain._view("recipes"))
    changed = views.chain(chain, {}, nodes, flows)
    tables = dict(changed._tables)
    for table, column in (("sites", "output_qty"), ("markets", "quantity"), ("flows", "quantity")):
        frame = tables[table]
        out = (frame[column] < frame["low"]) | (frame[column] > frame["high"])
        tables[table] = frame.assign(low=frame["low"].mask(out), high=frame["high"].mask(out))
    return SupplyChain._from_trusted(tables, name=chain.name, cache=changed._cache)


def _by_site(chain: SupplyChain, values: pd.Series, name: str) -> pd.Series:
    sites = chain.sites
    if values.index.equals(sites.index):
        return values.set_axis(sites["site"])
    labels = pd.Index(sites["site"])
    unknown = values.index.difference(labels)
    if len(unknown):
        raise UnknownLabelError(unknown[0], "site", labels)
    missing = labels.difference(values.index)
    if len(missing):
        raise ShapeError(
            f"expected one value of {name} for each of {len(labels)} sites; {len(missing)} are "
            f"missing, such as {missing[0]}"
        )
    return values.reindex(labels)
