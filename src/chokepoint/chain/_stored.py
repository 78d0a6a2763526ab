"""How a chain comes from files and goes into files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pandas as pd

from chokepoint.chain import _files
from chokepoint.chain._table_store import refuse_long

if TYPE_CHECKING:
    from chokepoint.chain._table_files import FileFormat

__all__ = ["Stored"]


class Stored:
    """What can be read from a folder or workbook and be written into one."""

    __slots__ = ()

    _name: str
    _tables: Mapping[str, pd.DataFrame]

    if TYPE_CHECKING:

        @classmethod
        def from_tables(
            cls, tables: Mapping[str, pd.DataFrame] | None = None, *, name: str = "chain"
        ) -> Self: ...

    @classmethod
    def read(cls, path: str | Path, *, name: str | None = None) -> Self:
        """Read a chain from a folder with one file per table, or from an Excel workbook.

        Parameters
        ----------
        path : path
            A folder that holds ``products.csv`` (or ``.parquet``), ``sites.csv`` and so on, or a
            workbook ``.xlsx`` with a sheet per table. Rows of a table under a licence of their own
            stand in a file of their own, such as ``sites_cc_by_nc_4_0.csv``, and are joined.
        name : str, optional
            Name of the chain; the one in ``datapackage.json`` (the workbook's title), else the
            name of the folder or file, where left out.

        Raises
        ------
        OptionError
            If there is no such folder or workbook, or no table in it.
        TableError
            If anything is wrong with the tables; rows are named by their line in the file.
        MissingDependencyError
            If the package that reads workbooks (extra ``excel``) or Parquet is not installed.
        """
        tables = _files.read_tables(path)
        chosen = _files.package_name(path) if name is None else name
        return cls.from_tables(tables, name=chosen)

    def write(
        self,
        path: str | Path,
        *,
        licence: str | None = None,
        file_format: FileFormat = "csv",
    ) -> None:
        """Write the tables and a ``datapackage.json``; reading them gives an equal chain.

        The target is written beside its place and then renamed, so that it is never half done.
        Other files in an existing folder, and what its data package says beyond the tables
        (title, licences, version), are kept. Tables without rows are not written.

        Parameters
        ----------
        path : path
            A folder, or a workbook ``.xlsx``, which holds numbers to 16 digits.
        licence : str, optional
            Licence of the chain, such as "CC-BY-4.0"; None = what the data package says. Rows one
            of whose sources carries another licence go into a file of their own, with licence and
            attribution in the data package, and so do flows out of or into such a row.
        file_format : {"csv", "parquet"}
            Kind of the files in a folder.
        """
        advice = "Keep the input-output table itself and build the chain again from it."
        refuse_long(self._tables, "write it", advice)
        _files.write_tables(
            path, self._tables, name=self._name, licence=licence, file_format=file_format
        )
