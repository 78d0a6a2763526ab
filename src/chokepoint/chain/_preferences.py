"""Who prefers whom: the factors on the seed of the flow estimate.

Without data, buyers are assumed to draw more on suppliers at home (factor 5) and in a shared bloc
(factor 2) than the sizes of both sides alone would give. These are stated assumptions, not
estimates; rows of the table `preferences` replace them, and factor 0 forbids a flow.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chokepoint.chain._select import Inside
from chokepoint.schema import split_list

__all__ = ["BLOC_PREFERENCE", "HOME_PREFERENCE", "factors"]

HOME_PREFERENCE = 5.0
"""Factor on flows within one country (assumption)."""

BLOC_PREFERENCE = 2.0
"""Factor on flows between countries that share a bloc (assumption)."""


def factors(tables: Mapping[str, pd.DataFrame], pairs: pd.DataFrame) -> NDArray[np.float64]:
    """Return the factor of each flow.

    Parameters
    ----------
    tables : mapping of DataFrame
        Completed tables; `countries` and `preferences` are used.
    pairs : DataFrame
        Columns product, exporter, importer of the flows.

    Returns
    -------
    array (E,)
        Factor on the seed. A row of `preferences` for a product or group wins over a row for
        every product; among equals the later row wins.
    """
    exporter, importer = pairs["exporter"].to_numpy(), pairs["importer"].to_numpy()
    factor = _by_distance(tables["countries"], exporter, importer)
    inside = Inside(tables, pairs)
    # General rows first, so that rows for a product overwrite them.
    preferences = tables["preferences"]
    order = np.argsort((preferences["product"] != "").to_numpy(), kind="stable")
    columns = ["supplier_country", "buyer_country", "product", "factor"]
    for supplier, buyer, product, value in preferences.iloc[order][columns].to_numpy().tolist():
        chosen = inside.exporters(supplier) & inside.importers(buyer)
        if product:
            chosen &= inside.products(product)
        factor[chosen] = float(value)
    return factor


def _by_distance(
    countries: pd.DataFrame, exporter: NDArray[np.object_], importer: NDArray[np.object_]
) -> NDArray[np.float64]:
    blocs = dict(zip(countries["area"], map(split_list, countries["blocs"]), strict=True))
    names = sorted({bloc for cell in blocs.values() for bloc in cell})
    member = np.array([[bloc in cell for bloc in names] for cell in blocs.values()], dtype=float)
    shared = member.reshape(len(blocs), len(names)) @ member.reshape(len(blocs), len(names)).T > 0
    matrix = np.where(shared, BLOC_PREFERENCE, 1.0)
    np.fill_diagonal(matrix, HOME_PREFERENCE)
    index = pd.Index(list(blocs))
    chosen = matrix[index.get_indexer(exporter), index.get_indexer(importer)]
    return np.asarray(chosen, dtype=np.float64)
