"""Numbers as a reader wants them: two digits that count, a unit, no false precision."""

from __future__ import annotations

import math

__all__ = ["digits", "money", "per_cent", "quantity", "span", "weeks"]

_NONE = "–"


def digits(value: float, count: int = 2) -> str:
    """Return a number with `count` significant digits and thousands separated.

    Examples
    --------
    >>> digits(18349.0), digits(0.04321), digits(0.0)
    ('18,000', '0.043', '0')
    """
    if math.isnan(value):
        return _NONE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    places = count - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    # Rounding up may have made the number one digit longer: 9.96 is 10, not 10.0.
    places = count - 1 - math.floor(math.log10(abs(rounded)))
    return f"{rounded:,.{max(0, places)}f}".replace("-", "−")


def money(usd_m: float) -> str:
    """Return USD million as text in million or billion.

    Examples
    --------
    >>> money(18349.0), money(340.2), money(0.2)
    ('18 bn', '340 m', '0.2 m')
    """
    if math.isnan(usd_m):
        return _NONE
    if abs(usd_m) >= 999.5:
        return f"{digits(usd_m / 1e3)} bn"
    if abs(usd_m) < 0.05:
        return "0"
    return f"{digits(usd_m, 1 if abs(usd_m) < 1 else 2)} m"


def per_cent(share: float) -> str:
    """Return a share as per cent with its sign.

    Examples
    --------
    >>> per_cent(0.00432), per_cent(0.0), per_cent(1e-7)
    ('0.43 %', '0 %', '< 0.001 %')
    """
    if math.isnan(share):
        return _NONE
    if 0 < abs(share) < 1e-5:
        return "< 0.001 %"
    return f"{digits(share * 100)} %"


def quantity(value: float) -> str:
    """Return a physical quantity with two digits that count."""
    return digits(value)


def weeks(value: float) -> str:
    """Return a number of weeks; infinite is never within the run."""
    if math.isnan(value):
        return _NONE
    if math.isinf(value):
        return "not within the run"
    return f"{value:.1f}".removesuffix(".0")


def span(low: float, high: float, unit: str = "money") -> str:
    """Return a range as ``"9.1 bn to 35 bn"``, or a dash where it is not known."""
    if math.isnan(low) or math.isnan(high):
        return _NONE
    show = {"money": money, "per_cent": per_cent, "digits": digits}[unit]
    return f"{show(low)} to {show(high)}"
