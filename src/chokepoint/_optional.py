"""Optional packages: imported where needed, the install line where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from chokepoint.errors import MissingDependencyError

__all__ = ["require"]


def require(module: str, *, extra: str | None = None) -> Any:
    """Import and return an optional module.

    Parameters
    ----------
    module : str
        Name of the module, for example ``"plotly.graph_objects"``.
    extra : str, optional
        Extra of this library that brings it; None = name the package itself.

    Raises
    ------
    MissingDependencyError
        If its package is not installed; the message prints the install line.

    Examples
    --------
    >>> require("no_such_package", extra="report")
    Traceback (most recent call last):
    ...
    chokepoint.errors.MissingDependencyError: ...
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # the package is there, something that it needs is not
        wanted = f'"chokepoint[{extra}]"' if extra else package
        raise MissingDependencyError(
            f"Expected the package {package} for this function, it is not installed. "
            f"Install it with: pip install {wanted}"
        ) from error
