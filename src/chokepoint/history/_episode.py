"""An episode: what happened, as rows of tables, and what was observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from chokepoint.errors import OptionError, UnknownLabelError
from chokepoint.history._events import scenario_of
from chokepoint.history._tables import read_tables, shipped_folder
from chokepoint.scenario import Scenario

__all__ = ["Episode", "chosen", "episodes", "left_out"]


@dataclass(frozen=True, eq=False)
class Episode:
    """Something that happened to a supply chain, as data.

    Attributes
    ----------
    name, title : str
        Label and words.
    chain : str
        Name of the shipped chain that it happened to.
    start : pandas.Timestamp
        First day of week 0.
    weeks : int
        Weeks that are run.
    role : {"calibration", "test"}
        Whether shared assumptions may be fitted to it; a fixed list, made before any fitting.
    kind : {"crisis", "no_effect"}
        Whether output suffered then.
    events : DataFrame
        What was known of the shock at the time: rows of events.csv.
    covers : DataFrame
        Numbers of slots and sites as they were then: rows of covers.csv.
    cohorts : DataFrame
        Buyers that depended on some suppliers alone: rows of cohorts.csv.
    observations : DataFrame
        What was observed: rows of observations.csv.

    Examples
    --------
    >>> cp.history.episodes()["magnets_2025_04"].start.date()
    datetime.date(2025, 4, 4)
    """

    name: str
    title: str
    chain: str
    start: pd.Timestamp
    weeks: int
    role: str
    kind: str
    events: pd.DataFrame
    covers: pd.DataFrame
    cohorts: pd.DataFrame
    observations: pd.DataFrame

    def scenario(self, *, leakage: Mapping[str, float] | None = None) -> Scenario:
        """Return the scenario of the events.

        Parameters
        ----------
        leakage : mapping of str to float, optional
            Leakage of bans whose rows state none, by product; see :class:`Assumptions`.
        """
        return scenario_of(self.name, self.events, self.start, leakage=leakage)

    def window(self, row: pd.Series) -> slice:
        """Return the weeks that an observation is about."""
        ends: list[int | None] = [None, None]
        for place, column in enumerate(("start", "end")):
            if pd.notna(row[column]):
                # Weeks that begin within the dates.
                ends[place] = -((self.start - row[column]).days // 7)
        first = max(ends[0] or 0, 0)
        last = self.weeks if ends[1] is None else min(ends[1], self.weeks)
        if last <= first:
            raise OptionError(
                f"{self.name}: observation {row['observation']} covers no week of the run; "
                f"expected dates within {self.weeks} weeks from {self.start.date()}"
            )
        return slice(first, last)

    def __repr__(self) -> str:
        return (
            f"<Episode {self.name}: {self.title}; {self.chain}, {len(self.observations)} "
            f"observations, {self.role}>"
        )


def episodes(
    folder: str | Path | None = None, *, role: str | None = None, chain: str | None = None
) -> dict[str, Episode]:
    """Return the episodes by name, in order of their dates.

    Parameters
    ----------
    folder : path, optional
        A folder with the six tables of data/history; None = the shipped episodes.
    role : {"calibration", "test"}, optional
        Only these.
    chain : str, optional
        Only those of one chain.

    Returns
    -------
    dict of str to Episode

    Raises
    ------
    OptionError
        If a file is missing or `role` is neither.
    TableError
        If a row breaks a rule.

    Examples
    --------
    >>> shipped = cp.history.episodes(chain="soybeans")
    >>> sorted({one.chain for one in shipped.values()})
    ['soybeans']
    """
    if role not in (None, "calibration", "test"):
        raise OptionError(f'expected role "calibration" or "test", got {role!r}')
    found = _read(Path(folder) if folder is not None else shipped_folder())
    return {
        name: one
        for name, one in found.items()
        if role in (None, one.role) and chain in (None, one.chain)
    }


def left_out(folder: str | Path | None = None) -> pd.DataFrame:
    """Return what was observed in these and other episodes and is not scored, with the reason.

    Examples
    --------
    >>> list(cp.history.left_out().columns)
    ['episode', 'observation', 'reason']
    """
    place = Path(folder) if folder is not None else shipped_folder()
    return read_tables(place)["left_out"].reset_index(drop=True)


def chosen(given: Episode | str | Iterable[Episode | str] | None) -> list[Episode]:
    """Return episodes given as themselves, by name, or not at all (then all shipped ones)."""
    if given is None:
        return list(episodes().values())
    several = [given] if isinstance(given, Episode | str) else list(given)
    known = episodes() if any(isinstance(one, str) for one in several) else {}
    found = []
    for one in several:
        if isinstance(one, str) and one not in known:
            raise UnknownLabelError(one, "shipped episode", known)
        found.append(known[one] if isinstance(one, str) else one)
    if not found:
        raise OptionError("expected at least one episode, got none")
    return found


@cache
def _read(folder: Path) -> dict[str, Episode]:
    tables = read_tables(folder)
    parts = {name: tables[name] for name in ("events", "covers", "cohorts", "observations")}
    rows = tables["episodes"].sort_values(["start", "episode"], kind="stable")
    return {
        row["episode"]: Episode(
            name=row["episode"],
            title=row["title"],
            chain=row["chain"],
            start=row["start"],
            weeks=int(row["weeks"]),
            role=row["role"],
            kind=row["kind"],
            **{name: part[part["episode"].eq(row["episode"])] for name, part in parts.items()},
        )
        for _, row in rows.iterrows()
    }
