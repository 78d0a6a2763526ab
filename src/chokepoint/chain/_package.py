"""The data package beside the tables of a chain: what the columns mean, and under which licence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from chokepoint import schema
from chokepoint.chain._licences import Part, described_licence, licence_name
from chokepoint.errors import OptionError

__all__ = ["PACKAGE_FILE", "described", "own_licences", "read_package"]

PACKAGE_FILE = "datapackage.json"
_TYPES = {"str": "string", "list": "string", "float": "number", "int": "integer", "bool": "boolean"}


def read_package(folder: Path) -> dict[str, Any]:
    """Return the data package of a folder, {} where it has none."""
    file = folder / PACKAGE_FILE
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        message = (
            f"{file} is not valid JSON (line {error.lineno}): {error.msg}; correct or remove it"
        )
        raise OptionError(message) from None
    return found if isinstance(found, dict) else {}


def own_licences(previous: Mapping[str, Any], licence: str | None) -> list[dict[str, str]]:
    """Return the licences of the whole chain: the one asked for, else those stated before."""
    if licence is not None:
        return [described_licence(licence_name(licence))]
    return list(previous.get("licenses") or [])


def described(
    name: str,
    sources: pd.DataFrame,
    parts: Iterable[Part],
    previous: Mapping[str, Any],
    *,
    licences: list[dict[str, str]],
    ending: str,
) -> dict[str, Any]:
    """Return the data package of a chain.

    Parameters
    ----------
    name : str
        Name of the chain.
    sources : DataFrame
        Its table of sources.
    parts : iterable of Part
        What was written, one file each.
    previous : mapping
        Data package of an earlier writing; what tables do not say (title, version, ...) is kept.
    licences : list of dict
        Licences of whatever no source puts under another one.
    ending : {"csv", "parquet"}
        Kind of the files.
    """
    cells = zip(sources["title"], sources["url"], strict=True)
    told = ("name", "licenses", "sources", "resources")
    kept = {key: value for key, value in previous.items() if key not in told}
    return {
        "name": name,
        "profile": "tabular-data-package",
        "version": "0.1.0",
        "licenses": licences,
        **kept,
        "sources": [_titled(title, url) for title, url in cells],
        "resources": [_resource(part, sources, licences, ending) for part in parts],
    }


def _titled(title: str, url: str) -> dict[str, str]:
    return {"title": title, **({"path": url} if url else {})}


def _resource(
    part: Part, sources: pd.DataFrame, licences: list[dict[str, str]], ending: str
) -> dict[str, Any]:
    spec = schema.spec(part.table)
    columns = list(part.rows.columns)
    fields = [_field(spec.by_name[name]) for name in columns]
    columns_described: dict[str, Any] = {"fields": fields, "missingValues": [""]}
    key = [name for name in spec.key if name in columns]
    if key == list(spec.key) and key:
        columns_described["primaryKey"] = key
    resource: dict[str, Any] = {
        "name": part.name,
        "path": f"{part.name}.{ending}",
        "profile": "tabular-data-resource",
        "encoding": "utf-8",
        "schema": columns_described,
    }
    if ending != "csv":
        resource["format"] = ending
        del resource["encoding"]
    if part.licences:
        resource |= _attributed(part, sources)
    elif licences:
        resource["licenses"] = licences
    return resource


def _attributed(part: Part, sources: pd.DataFrame) -> dict[str, Any]:
    """Return licences and attribution of a part: title and publisher of the licensed sources."""
    names = sources["licence"].map(licence_name)
    cited = sources[names.isin(part.licences)]
    cited_as = [
        ", ".join(word for word in (title, publisher) if word)
        for title, publisher in zip(cited["title"], cited["publisher"], strict=True)
    ]
    cells = zip(cited["title"], cited["url"], strict=True)
    return {
        "licenses": [described_licence(name) for name in part.licences],
        "attribution": "; ".join(cited_as),
        "sources": [_titled(title, url) for title, url in cells],
    }


def _field(column: schema.ColumnSpec) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": _TYPES[column.dtype]}
    if column.unit:
        field["unit"] = column.unit
    field["description"] = column.description
    constraints: dict[str, Any] = {}
    if column.is_required:
        constraints["required"] = True
    if column.choices:
        constraints["enum"] = list(column.choices)
    if column.interval is not None:
        if np.isfinite(column.interval.low):
            constraints["minimum"] = column.interval.low
        if np.isfinite(column.interval.high):
            constraints["maximum"] = column.interval.high
    if constraints:
        field["constraints"] = constraints
    return field
