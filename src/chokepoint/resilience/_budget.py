"""How much money there is: in all, by year, by country; and who shares a pool."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from chokepoint.errors import OptionError

__all__ = ["Budget", "Pool"]


@dataclass(frozen=True)
class Budget:
    """Money for measures: a total, and limits by year and by country.

    Parameters
    ----------
    total : float
        Money in all [USD million]; infinite where years or countries are limit enough.
    by_year : sequence of float
        Money of each year from the decision on [USD million]. A measure is paid in the year in
        which it is ordered; ordered a year later it works a year later. Blank = all is ordered
        at once.
    by_country : mapping of str to float
        Money of each country [USD million]. A country pays for stocks and contracts of its own
        buyers and for capacity anywhere; members of a pool also pay for each other's. Blank =
        one purse.
    carry : bool
        Whether what is left of a year may be spent later.

    Raises
    ------
    OptionError
        If an amount is negative or missing.

    Examples
    --------
    >>> from chokepoint.resilience import Budget
    >>> Budget(by_year=[10, 20]).most
    30.0
    >>> Budget(100, by_country={"JPN": 60, "KOR": 30}).most
    90.0
    """

    total: float = math.inf
    by_year: Sequence[float] = ()
    by_country: Mapping[str, float] = field(default_factory=dict)
    carry: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", float(self.total))
        object.__setattr__(self, "by_year", tuple(float(money) for money in self.by_year))
        purses = {str(country): float(money) for country, money in self.by_country.items()}
        object.__setattr__(self, "by_country", MappingProxyType(purses))
        for what, money in (
            ("total", self.total),
            *((f"year {year}", money) for year, money in enumerate(self.by_year)),
            *self.by_country.items(),
        ):
            if not money >= 0:
                raise OptionError(
                    f"Expected a budget of at least 0 USD million, got {money} for {what}."
                )

    @property
    def most(self) -> float:
        """Money that can be spent at most [USD million]."""
        limits = [self.total]
        limits += [sum(self.by_year)] if self.by_year else []
        limits += [sum(self.by_country.values())] if self.by_country else []
        return min(limits)

    @classmethod
    def of(cls, given: float | Budget) -> Budget:
        """Return a budget for a number or a budget."""
        return given if isinstance(given, Budget) else cls(given)


@dataclass(frozen=True)
class Pool:
    """Allies who keep stocks together and pay for each other's measures.

    A pooled stock lies in no slot: in each threat it goes to those members who need it. It is on
    offer for every product for which the chain offers a stock, at the same price.

    Parameters
    ----------
    members : str or sequence of str
        Areas or blocs.
    lead_weeks : int
        Weeks from the release of goods to their arrival at a member.
    products : str or sequence of str, optional
        Products or groups that are pooled; None = all with a stock on offer.

    Raises
    ------
    OptionError
        If there is no member, or the lead is negative.

    Examples
    --------
    >>> from chokepoint.resilience import Pool
    >>> Pool(["JPN", "KOR"]).members
    ('JPN', 'KOR')
    """

    members: Sequence[str]
    lead_weeks: int = 1
    products: Sequence[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", _texts(self.members))
        if self.products is not None:
            object.__setattr__(self, "products", _texts(self.products))
        if not self.members:
            raise OptionError("Expected a pool with members, got none.")
        if self.lead_weeks < 0:
            raise OptionError(f"Expected a lead of at least 0 weeks, got {self.lead_weeks}.")


def _texts(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
