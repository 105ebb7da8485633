"""Tells an unadjusted split from a real jump of the price."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LEAST_FACTOR = 1.5
"""Smallest split looked for, 3:2: a day of -20 or -25 % (5:4, 4:3) is too often real."""
NAMED_FACTORS = (1.5, 2.0, 2.5, 3.0)
"""Splits that a jump must come near; from ANY_FACTOR on, every jump is near some split."""
ANY_FACTOR = 3.5
OPEN_TOLERANCE = (3.0, 0.07, 0.10)
"""Distance of the open's log ratio from the split's: in daily volatilities, at least, at most."""
CLOSE_TOLERANCE = (5.0, 0.10, 0.16)
"""The same of the close's, which has had the day to move away."""
LEAST_VOLATILITIES = 5.0
"""A jump of fewer daily volatilities is an ordinary day of a wild ticker."""
BUSY_VOLUME = 4.0
"""Volume above this multiple of its median is news: the jump is real."""
VOLUME_DAYS = 20
VOLATILITY_DAYS = 60
LEAST_VOLATILITY_DAYS = 10
DEFAULT_VOLATILITY = 0.02
"""Daily volatility of a ticker whose history before the jump is shorter than LEAST_VOLATILITY_DAYS."""
MEDIAN_TO_SIGMA = 1.4826
"""Median of |x| to the standard deviation, for a normal x."""


def find_unadjusted_splits(open_: Floats, close: Floats, adj_close: Floats, volume: Floats) -> Integers:
    """Finds the days on which adjusted prices jump as if a split had not been adjusted for.

    A day is flagged when all three hold:
      1. From yesterday's adjusted close, both today's adjusted open and adjusted close jump by about the same
         split: 3:2, 2:1, 5:2, 3:1 or more, or one of their inverses. News moves the open and goes on
         moving; a split is over before the open.
      2. The jump is at least LEAST_VOLATILITIES of the ticker's daily volatilities.
      3. Trading is quiet: volume, in shares or in money, is below BUSY_VOLUME times its median of the
         VOLUME_DAYS before. A company that really loses half its value overnight is traded wildly. (AAPL on
         2000-09-29: open 0.53 and close 0.48 of the day before, which 1. alone takes for a 2:1 split, but on
         22 times the shares and 11 times the money: not flagged.)
    Limits: a split on a day of such news passes, and so do splits of 4:3 and less.

    Args:
      open_, close, adj_close: float64 [n], positive, oldest first.
      volume: float64 [n], not negative; zeros, where nothing is known of it, count as quiet.
    Returns:
      Indices int64 [k] of the flagged days.
    """
    close_jump = np.diff(np.log(adj_close))
    open_jump = close_jump + np.log(open_[1:] / close[1:])
    least = np.log(LEAST_FACTOR) - CLOSE_TOLERANCE[-1]
    suspects = np.flatnonzero(np.abs(close_jump) >= least)
    flagged = [
        index + 1
        for index in suspects
        if _is_split(open_jump[index], close_jump[index], _volatility(close_jump[:index]))
        and _is_quiet(volume[: index + 2], close_jump[index])
    ]
    return np.asarray(flagged, np.int64)


def _is_split(open_jump: float, close_jump: float, volatility: float) -> bool:
    """Says whether both log jumps come near one split of the same direction."""
    if open_jump * close_jump <= 0.0 or abs(close_jump) < LEAST_VOLATILITIES * volatility:
        return False
    factors = np.log([*NAMED_FACTORS, max(ANY_FACTOR, np.exp(abs(open_jump)))])
    near_open = np.abs(abs(open_jump) - factors) <= _tolerance(OPEN_TOLERANCE, volatility)
    near_close = np.abs(abs(close_jump) - factors) <= _tolerance(CLOSE_TOLERANCE, volatility)
    return bool(np.any(near_open & near_close))


def _is_quiet(volume: Floats, close_jump: float) -> bool:
    """Says whether the last day of `volume` is an ordinary day, in shares or in money."""
    usual = float(np.median(volume[-1 - VOLUME_DAYS : -1]))
    if usual <= 0.0:
        return True
    shares = volume[-1] / usual
    return bool(shares * min(1.0, np.exp(close_jump)) < BUSY_VOLUME)


def _volatility(returns: Floats) -> float:
    """Returns the daily volatility of the last of the log returns, whatever single jumps are among them."""
    recent = returns[-VOLATILITY_DAYS:]
    if len(recent) < LEAST_VOLATILITY_DAYS:
        return DEFAULT_VOLATILITY
    return MEDIAN_TO_SIGMA * float(np.median(np.abs(recent)))


def _tolerance(bounds: tuple[float, float, float], volatility: float) -> float:
    volatilities, least, most = bounds
    return min(max(volatilities * volatility, least), most)
