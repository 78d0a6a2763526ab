"""Closed forms of the literature: power through prices, and output when an input is scarce."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chokepoint.errors import OptionError, ShapeError

__all__ = ["ces_output", "ces_power", "domar_loss", "elasticity_path"]

FloatArray = NDArray[np.float64]

_COBB_DOUGLAS = 1e-9


def ces_power(
    hegemon_share: ArrayLike, sector_share: ArrayLike, *, sigma: ArrayLike, rho: float = 1.0
) -> float:
    r"""Return what a target loses when all supply of some inputs by one coalition is cut off.

    Nested CES: an outer nest over sectors J with expenditure shares :math:`\Omega_J` and
    elasticity :math:`\rho`, an inner nest over origins with the hegemon's share
    :math:`\omega_J` and elasticity :math:`\sigma_J > 1`. Others keep their prices, so

    .. math::
        p_J = (1 - \omega_J)^{1/(1-\sigma_J)}, \qquad
        \text{power} = \frac{1}{1-\rho} \ln\Bigl[1 - \sum_J \Omega_J
                       + \sum_J \Omega_J\, p_J^{1-\rho}\Bigr],

    and :math:`\sum_J \frac{\Omega_J}{\sigma_J - 1} \ln \frac{1}{1-\omega_J}` for
    :math:`\rho = 1`. Power rises more than in proportion to :math:`\omega`: two suppliers of one
    input threaten more together than apart.

    Parameters
    ----------
    hegemon_share : array_like of shape (sectors,)
        :math:`\omega_J`, share of the coalition in the target's purchases of each input, [0, 1).
    sector_share : array_like of shape (sectors,)
        :math:`\Omega_J`, share of each input in the target's costs; the sum is at most 1.
    sigma : array_like, scalar or of shape (sectors,)
        Elasticity between origins, above 1.
    rho : float
        Elasticity between sectors, at least 0.

    Returns
    -------
    float
        Log points of the target's real output (0.05 is about 5 per cent).

    Raises
    ------
    OptionError
        If :math:`\sigma \le 1`: the price of an input then rises without bound as any positive
        share is cut off, so the measure does not exist. In the short run, where this is so, use
        quantities: `chokepoint.simulate`.

    References
    ----------
    Clayton, Maggiori, Schreger, "A Framework for Geoeconomics", Econometrica (2026).

    Examples
    --------
    >>> from chokepoint.exposure import ces_power
    >>> round(100 * ces_power(0.9, 0.02, sigma=2), 4)
    4.6052
    >>> together = ces_power(0.9, 0.02, sigma=2)
    >>> together > 1.9 * 2 * ces_power(0.45, 0.02, sigma=2)
    True
    """
    omega, share, elasticity = _sectors(hegemon_share, sector_share, sigma)
    problems = []
    if not ((omega >= 0) & (omega < 1)).all():
        problems.append(f"hegemon_share must be in [0, 1), got {hegemon_share!r}")
    if not ((share >= 0).all() and share.sum() <= 1 + 1e-12):
        problems.append(f"sector_share must be >= 0 and add up to at most 1, got {sector_share!r}")
    if not (elasticity > 1).all():
        problems.append(
            f"sigma must be above 1, got {sigma!r}: at 1 or below the price of what is cut off is "
            "infinite and so is the measure; over weeks or months simulate quantities instead"
        )
    if not 0.0 <= rho < np.inf:
        problems.append(f"rho must be a number >= 0, got {rho}")
    if problems:
        raise OptionError("CES power: " + "; ".join(problems) + ".")
    log_price = np.log1p(-omega) / (1.0 - elasticity)
    if abs(rho - 1.0) < _COBB_DOUGLAS:
        return float(share @ log_price)
    rise = share @ np.expm1((1.0 - rho) * log_price)
    return float(np.log1p(rise) / (1.0 - rho))


def _sectors(*given: ArrayLike) -> tuple[FloatArray, ...]:
    """Return arguments as arrays of one length."""
    arrays = [np.atleast_1d(np.asarray(one, dtype=float)) for one in given]
    sizes = {len(array) for array in arrays} - {1}
    if len(sizes) > 1 or any(array.ndim > 1 for array in arrays):
        shapes = ", ".join(str(np.shape(one)) for one in given)
        raise ShapeError(f"Expected one number per sector in each argument, got shapes {shapes}.")
    size = max(len(array) for array in arrays)
    return tuple(np.broadcast_to(array, (size,)) for array in arrays)


def ces_output(remaining: ArrayLike, *, share: float, theta: float) -> FloatArray:
    r"""Return output over baseline when one input falls to a share of its baseline quantity.

    .. math::
        Y / Y_0 = \bigl[s\, m^{(\theta-1)/\theta} + 1 - s\bigr]^{\theta/(\theta-1)},

    :math:`m^s` for :math:`\theta = 1` and :math:`\min(m, 1)` for :math:`\theta = 0`.

    Parameters
    ----------
    remaining : array_like
        :math:`m`, quantity left over baseline, above 0 (or 0 where :math:`\theta > 1`).
    share : float
        :math:`s`, cost share of the input in [0, 1].
    theta : float
        Elasticity of substitution with all other inputs, at least 0.

    Returns
    -------
    array
        Same shape as `remaining`.

    Raises
    ------
    OptionError
        If a number is out of range.

    References
    ----------
    Bachmann et al. (2022), "What if? The economic effects for Germany of a stop of energy
    imports from Russia"; Baqaee, Farhi (2019), Econometrica 87(4).

    Examples
    --------
    >>> from chokepoint.exposure import ces_output
    >>> round(100 * (1 - float(ces_output(0.9, share=0.04, theta=0.04))), 2)
    1.57
    """
    left = np.asarray(remaining, dtype=float)
    if not (0.0 <= share <= 1.0 and theta >= 0.0 and np.isfinite(theta) and (left >= 0).all()):
        raise OptionError(
            "Expected remaining >= 0, a share in [0, 1] and theta >= 0, got "
            f"remaining={remaining!r}, share={share}, theta={theta}."
        )
    with np.errstate(divide="ignore"):
        if theta == 0.0:
            return np.minimum(left, 1.0) if share > 0 else np.ones_like(left)
        if abs(theta - 1.0) < _COBB_DOUGLAS:
            return np.asarray(left**share)
        power = (theta - 1.0) / theta
        # In logarithms: with a small theta the power of m overflows long before the result does.
        inner = np.logaddexp(_log(share) + power * np.log(left), _log(1.0 - share))
    return np.asarray(np.exp(inner / power))


def _log(value: float) -> float:
    return float(np.log(value)) if value > 0 else -np.inf


def domar_loss(
    shock: ArrayLike, weight: ArrayLike, *, weight_after: ArrayLike | None = None
) -> float:
    r"""Return the loss of output from productivity or supply shocks, from Domar weights.

    To first order :math:`-\sum_i \lambda_i\, d\ln A_i` (Hulten 1978). With the weights after the
    shock, :math:`-\sum_i \tfrac12 (\lambda_i^0 + \lambda_i^1)\, d\ln A_i`, which is exact to
    second order (Baqaee and Farhi 2019).

    Parameters
    ----------
    shock : array_like of shape (sectors,)
        :math:`d\ln A_i`, log change of supply: negative for a fall.
    weight, weight_after : array_like of shape (sectors,)
        Sales over GDP before and, if known, after the shock.

    Returns
    -------
    float
        Log points of output lost.

    Raises
    ------
    OptionError
        If a weight is negative.
    ShapeError
        If arguments differ in length.

    References
    ----------
    Hulten (1978), "Growth Accounting with Intermediate Inputs", Review of Economic Studies 45(3).
    Baqaee, Farhi (2019), "The Macroeconomic Impact of Microeconomic Shocks: Beyond Hulten's
    Theorem", Econometrica 87(4).

    Examples
    --------
    >>> from chokepoint.exposure import domar_loss
    >>> round(100 * domar_loss(-0.13, 0.018), 2)  # oil in the 1970s, first order
    0.23
    >>> round(100 * domar_loss(-0.13, 0.018, weight_after=0.076), 2)
    0.61
    """
    after = weight if weight_after is None else weight_after
    change, before, then = _sectors(shock, weight, after)
    if not ((before >= 0).all() and (then >= 0).all()):
        raise OptionError("Domar weights are sales over GDP: expected numbers >= 0.")
    return float(-(0.5 * (before + then)) @ change)


def elasticity_path(
    weeks: ArrayLike, *, short: float = 0.05, long: float = 2.0, time_constant: float = 150.0
) -> FloatArray:
    r"""Return the elasticity of substitution between origins at a horizon.

    .. math::
        \sigma(h) = \sigma_{SR} + (\sigma_{LR} - \sigma_{SR})(1 - e^{-h/\tau})

    The form and the defaults are assumptions (grade C) in the range of published estimates: close
    to 0 over weeks (2019), 0.8 after a year and about 2 after seven to ten (2023).

    Parameters
    ----------
    weeks : array_like
        Horizon h, at least 0.
    short, long : float
        Elasticities at once and in the long run.
    time_constant : float
        :math:`\tau` [weeks].

    Returns
    -------
    array
        Same shape as `weeks`.

    Raises
    ------
    OptionError
        If a number is out of range.

    References
    ----------
    Boehm, Flaaen, Pandalai-Nayar (2019), "Input Linkages and the Transmission of Shocks: Firm-Level
    Evidence from the 2011 Tohoku Earthquake", Review of Economics and Statistics 101(1). Boehm,
    Levchenko, Pandalai-Nayar (2023), "The Long and Short (Run) of Trade Elasticities", American
    Economic Review 113(4).

    Examples
    --------
    >>> from chokepoint.exposure import elasticity_path
    >>> elasticity_path([0, 52, 520]).round(2).tolist()
    [0.05, 0.62, 1.94]
    """
    horizon = np.asarray(weeks, dtype=float)
    if not ((horizon >= 0).all() and time_constant > 0 and 0 <= short <= long):
        raise OptionError(
            "Expected weeks >= 0, time_constant > 0 and 0 <= short <= long, got "
            f"weeks={weeks!r}, time_constant={time_constant}, short={short}, long={long}."
        )
    return np.asarray(short + (long - short) * -np.expm1(-horizon / time_constant))
