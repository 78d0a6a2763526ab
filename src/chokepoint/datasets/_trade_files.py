"""Rows of `trade` for a chain of one's own, from files of UN Comtrade and BACI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from chokepoint.chain import SupplyChain
from chokepoint.datasets._trade_cells import Paths, country_codes
from chokepoint.datasets._trade_coding import Coding, Places
from chokepoint.datasets._trade_layouts import baci_reports, comtrade_reports
from chokepoint.datasets._trade_rows import trade_rows
from chokepoint.errors import Issue, OptionError, TableError

__all__ = ["read_baci", "read_comtrade"]


def read_comtrade(
    path: Paths,
    chain: SupplyChain,
    *,
    year: int,
    products: str | Iterable[str] | None = None,
    prefer: str = "importer",
    revision: str | None = None,
    countries: str | Path | None = None,
    areas: Mapping[str, str] | None = None,
    residuals: Mapping[str, Iterable[str]] | None = None,
    tonnes: Mapping[str, float] | None = None,
    role: str = "check",
    source: str = "",
    strict: bool = False,
) -> pd.DataFrame:
    r"""Return rows of `trade` for a chain from CSV files of UN Comtrade.

    The layouts of the present interface (``refYear, reporterISO, flowCode, ...``), of exports of
    the former site (``Year, Reporter ISO, Trade Flow Code, ...``) and of its machine-readable form
    (``yr, rt3ISO, rgCode, ...``) are read. Products are found by `hs6` (dots do not matter; a code
    of 2 or 4 digits stands for all that begin with it and have no code of their own in the chain).
    Codes that several products share, and products that share a code, go into one row for the set.

    World totals, groups of countries, re-exports, re-imports, services and monthly rows are left
    out; of a report that is broken down (by transport, customs procedure, second partner) the
    total counts. A flow that both sides report takes the number of the side that is preferred; the
    other one is the end of its range. Areas that the chain does not have are pooled into its
    residual areas: one that belongs to a bloc takes that bloc's members, the one without a bloc
    all others. Where a weight is missing it is the value over the unit value of the exporter, or
    of all exporters, and the row is graded D once that is more than a tenth of it.

    Parameters
    ----------
    path : path or sequence of paths
        CSV files.
    chain : SupplyChain
        The chain that the rows are for.
    year : int
        Year of the rows.
    products : str or iterable of str, optional
        Products and groups to read; None = all that have a code.
    prefer : {"importer", "exporter"}
        Whose report counts where both report.
    revision : str, optional
        Only reports in this classification, such as "H6" (2022).
    countries : path, optional
        File of numeric and ISO codes (as BACI comes with it), for rows without ISO codes.
    areas : mapping of str to str, optional
        Codes of the file that stand for areas of the chain, beside S19 for TWN.
    residuals : mapping of str to iterable of str, optional
        Areas that residual areas of the chain stand for, where blocs do not tell.
    tonnes : mapping of str to float, optional
        Tonnes of traded goods per product unit, for units that are neither a weight nor pieces.
    role : {"check", "fit"}
        What the rows are for: compared with the flows, or constraints of their estimate.
    source : str
        Label of the source in the chain's table of sources.
    strict : bool
        Refuse codes of the chain that the files have no rows of; they are listed in
        ``attrs["absent"]`` otherwise.

    Returns
    -------
    DataFrame
        Rows of `trade`: products, exporter, importer, period, quantity [product unit per year],
        unit, value_usd_m [USD million], role, low, high, source, confidence, derivation.
        ``attrs`` holds `absent` (codes without rows), `left_out` (areas that are neither in the
        chain nor in a residual of it) and `sets` (codes of each set of products).

    Raises
    ------
    OptionError
        If there is no such file, no product has a code, or an option is wrong.
    TableError
        If anything is wrong with the files: every problem is listed in one error.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> chain = cp.SupplyChain.from_tables(
    ...     products=pd.DataFrame({"product": ["magnet"], "unit": ["t"], "hs6": ["8505.11"]}),
    ...     sites=pd.DataFrame({"product": "magnet", "country": ["CHN", "USA"], "output_qty": 9.0}),
    ...     markets=pd.DataFrame({"product": ["magnet"], "country": ["USA"], "quantity": [18.0]}),
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "comtrade.csv"
    ...     _ = path.write_text(
    ...         "refYear,reporterISO,flowCode,partnerISO,cmdCode,netWgt,primaryValue\n"
    ...         "2024,USA,M,CHN,850511,7444000,350000000\n"
    ...     )
    ...     rows = cp.datasets.read_comtrade(path, chain, year=2024)
    >>> rows[["products", "exporter", "importer", "quantity", "value_usd_m"]].values.tolist()
    [['magnet', 'CHN', 'USA', 7444.0, 350.0]]
    """
    _check("prefer", prefer, ("importer", "exporter"))
    _check("role", role, ("check", "fit"))
    issues: list[Issue] = []
    coding = Coding.of(chain, products, tonnes)
    known = {} if countries is None else country_codes(countries, issues)
    reports = comtrade_reports(
        path, year, coding.chosen, revision=revision, countries=known, issues=issues
    )
    places = Places.of(chain, areas, residuals)
    rows = trade_rows(reports, coding, places, prefer=prefer, strict=strict, issues=issues)
    return _finished(rows, year, role, source, "UN Comtrade", issues)


def read_baci(
    path: Paths,
    countries: str | Path,
    chain: SupplyChain,
    *,
    year: int,
    products: str | Iterable[str] | None = None,
    areas: Mapping[str, str] | None = None,
    residuals: Mapping[str, Iterable[str]] | None = None,
    tonnes: Mapping[str, float] | None = None,
    role: str = "check",
    source: str = "",
    strict: bool = False,
) -> pd.DataFrame:
    """Return rows of `trade` for a chain from CSV files of BACI.

    BACI (CEPII) reconciles the reports of both sides, so that each flow stands there once: columns
    t (year), i (exporter), j (importer), k (code), v (thousand USD), q (tonnes). Numbers of
    countries are translated by the file of country codes that comes with it.

    Parameters
    ----------
    path : path or sequence of paths
        Files such as ``BACI_HS22_Y2023_V202501.csv``.
    countries : path
        The file ``country_codes_V202501.csv``.
    chain, year, products, areas, residuals, tonnes, role, source, strict
        As for :func:`read_comtrade`.

    Returns
    -------
    DataFrame
        As from :func:`read_comtrade`.

    Raises
    ------
    OptionError, TableError
        As for :func:`read_comtrade`.
    """
    _check("role", role, ("check", "fit"))
    issues: list[Issue] = []
    coding = Coding.of(chain, products, tonnes)
    known = country_codes(countries, issues)
    reports = baci_reports(path, year, coding.chosen, countries=known, issues=issues)
    places = Places.of(chain, areas, residuals)
    rows = trade_rows(reports, coding, places, prefer="importer", strict=strict, issues=issues)
    return _finished(rows, year, role, source, "BACI", issues)


def _check(name: str, given: str, known: tuple[str, str]) -> None:
    if given not in known:
        raise OptionError(f"expected {name} to be {known[0]!r} or {known[1]!r}; given {given!r}")


def _finished(
    rows: pd.DataFrame, year: int, role: str, source: str, name: str, issues: list[Issue]
) -> pd.DataFrame:
    if issues:
        raise TableError(issues)
    about = f"{name}, codes " + rows.pop("codes") + rows.pop("note")
    attrs = rows.attrs
    frame = rows.assign(period=str(year), role=role, source=source, derivation=about)
    order = ["products", "exporter", "importer", "period", "quantity", "unit", "value_usd_m",
             "role", "low", "high", "source", "confidence", "derivation"]  # fmt: skip
    frame = frame[order]
    frame.attrs = attrs
    return frame
