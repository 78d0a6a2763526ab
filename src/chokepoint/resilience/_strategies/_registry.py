"""Strategies by name: the built-in ones and those that a user registers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from chokepoint.errors import OptionError, nearest_label
from chokepoint.resilience._strategies._contract import Strategy

__all__ = ["find", "register", "resolve", "strategies"]

_FACTS = ("deterministic", "uses_threats", "uses_structure", "uses_planner")
_KNOWN: dict[str, Callable[[], Strategy]] = {}


def register(strategy: Any, *, replace: bool = False) -> Any:
    """Make a strategy known under its name; usable as a decorator of a class.

    Parameters
    ----------
    strategy : Strategy or subclass of Strategy
        An instance, or a class whose instances need no arguments.
    replace : bool
        Whether a known strategy of the same name is replaced.

    Returns
    -------
    The argument, so that it decorates classes.

    Raises
    ------
    OptionError
        If it is no strategy, lacks a fact, or its name is taken.

    Examples
    --------
    >>> import chokepoint as cp
    >>> from chokepoint.resilience import register
    >>> class Thrifty(cp.Strategy):
    ...     name = "thrifty"
    ...     source = "example"
    ...
    ...     def plan(self, chain, threats, budget, measures, rng):
    ...         return measures.spend(0.0 * measures.most)
    >>> register(Thrifty, replace=True).name
    'thrifty'
    """
    is_class = isinstance(strategy, type)
    checked(strategy() if is_class else strategy)
    name = str(strategy.name)
    if name in _KNOWN and not replace:
        raise OptionError(
            f'A strategy "{name}" is known already. Take another name, or replace=True.'
        )
    _KNOWN[name] = strategy if is_class else lambda: strategy
    return strategy


def checked(strategy: Any) -> Strategy:
    """Return a strategy after a look at what it declares."""
    if not isinstance(strategy, Strategy):
        raise OptionError(
            f"Expected a strategy (a subclass of chokepoint.Strategy) or the name of one, got "
            f"{strategy!r}."
        )
    for fact in ("name", "source"):
        text = getattr(strategy, fact, "")
        if not isinstance(text, str) or not text.strip():
            raise OptionError(f"{type(strategy).__name__}: expected {fact} as text, got {text!r}.")
    for fact in _FACTS:
        said = getattr(strategy, fact)
        if not isinstance(said, bool):
            raise OptionError(
                f"{strategy.name}: expected {fact} to be True or False, got {said!r}."
            )
    return strategy


def find(name: str) -> Strategy:
    """Return the strategy of a name.

    Raises
    ------
    OptionError
        If no strategy is known by it.
    """
    if name not in _KNOWN:
        near = nearest_label(name, _KNOWN)
        hint = f'; closest: "{near}"' if near else ""
        raise OptionError(
            f'Expected a strategy among {", ".join(sorted(_KNOWN))}, got "{name}"{hint}.'
        )
    return checked(_KNOWN[name]())


def resolve(given: str | Strategy | Iterable[str | Strategy]) -> list[Strategy]:
    """Return strategies for names and instances; names must be unique."""
    listed = [given] if isinstance(given, str | Strategy) else list(given)
    found = [find(one) if isinstance(one, str) else checked(one) for one in listed]
    names = [one.name for one in found]
    if not names or len(set(names)) < len(names):
        raise OptionError(f"Expected strategies with unique names, got {names}.")
    return found


def strategies() -> pd.DataFrame:
    """Return the strategies that are known by name.

    Returns
    -------
    DataFrame
        Index name; columns deterministic, uses_threats, uses_structure, uses_planner, source.

    Examples
    --------
    >>> from chokepoint.resilience import strategies
    >>> bool(strategies().loc["lp", "uses_planner"])
    True
    """
    found = [find(name) for name in _KNOWN]
    rows = [{fact: getattr(one, fact) for fact in (*_FACTS, "source")} for one in found]
    return pd.DataFrame(rows, index=pd.Index([one.name for one in found], name="strategy"))
