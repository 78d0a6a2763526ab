"""One property per table, so that editors and type checkers know the names."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

__all__ = ["TableProperties"]


class TableProperties:
    """Copies of the tables of a chain; columns are explained by ``chokepoint.schema.describe``."""

    __slots__ = ()

    _tables: Mapping[str, pd.DataFrame]

    def _copy(self, table: str) -> pd.DataFrame:
        return self._tables[table].copy()

    @property
    def countries(self) -> pd.DataFrame:
        """Areas: code, name, kind, GDP, blocs."""
        return self._copy("countries")

    @property
    def products(self) -> pd.DataFrame:
        """Products: tier, unit, price, group, whether they can be stored."""
        return self._copy("products")

    @property
    def sites(self) -> pd.DataFrame:
        """Sites: what is made where by whom, how much, value added, ramp."""
        return self._copy("sites")

    @property
    def inputs(self) -> pd.DataFrame:
        """Recipe rows: acceptable inputs of the slots of a product or site."""
        return self._copy("inputs")

    @property
    def joint(self) -> pd.DataFrame:
        """Outputs of joint processes and their yields."""
        return self._copy("joint")

    @property
    def flows(self) -> pd.DataFrame:
        """Baseline flows from supplier site to buyer site or market."""
        return self._copy("flows")

    @property
    def trade(self) -> pd.DataFrame:
        """Reported totals between areas."""
        return self._copy("trade")

    @property
    def markets(self) -> pd.DataFrame:
        """Final demand by product, country and sector."""
        return self._copy("markets")

    @property
    def alternatives(self) -> pd.DataFrame:
        """Dormant suppliers of a slot."""
        return self._copy("alternatives")

    @property
    def projects(self) -> pd.DataFrame:
        """Capacity that is coming."""
        return self._copy("projects")

    @property
    def measures(self) -> pd.DataFrame:
        """What a defender may buy, and its price."""
        return self._copy("measures")

    @property
    def controls(self) -> pd.DataFrame:
        """Policy instruments, dated."""
        return self._copy("controls")

    @property
    def preferences(self) -> pd.DataFrame:
        """Factors on the seed of the flow estimate."""
        return self._copy("preferences")

    @property
    def estimates(self) -> pd.DataFrame:
        """Figures published by others."""
        return self._copy("estimates")

    @property
    def sources(self) -> pd.DataFrame:
        """Where numbers come from."""
        return self._copy("sources")
