"""The trading days that the library exchange_calendars knows; imports it only where they are asked for."""

from __future__ import annotations

import difflib
import functools

import numpy as np
import numpy.typing as npt

FIRST_DAY = "1960-01-01"
"""Earlier the library is wrong: it does not know of sessions on Saturdays, which New York had until 1952.
Its own default is 20 years ago."""
MAX_NAMES = 3
"""Calendars that a refusal names as the ones that may have been meant."""


def check_name(name: str) -> None:
    """Checks that there is a calendar of that name.

    Raises:
      ValueError: there is none.
    """
    import exchange_calendars

    names = exchange_calendars.get_calendar_names()
    if name in names:
        return
    by_upper = {known.upper(): known for known in names}
    near = difflib.get_close_matches(name.upper(), by_upper, n=MAX_NAMES, cutoff=0.5)
    meant = ", ".join(by_upper[known] for known in near) or "none; exchange_calendars.get_calendar_names()"
    raise ValueError(
        f"validation.calendar must be a calendar of exchange_calendars, such as XNYS, got {name!r}; the "
        f"nearest there: {meant}"
    )


@functools.cache
def read_session_days(name: str) -> npt.NDArray[np.int64]:
    """Returns the trading days of an exchange.

    Args:
      name: of a calendar that the library has.
    Returns:
      int64 [n], days since 1970-01-01, ascending: from FIRST_DAY, or where the library's knowledge begins, to
      a year from now, or where it ends.
    """
    import exchange_calendars
    import pandas as pd

    start = pd.Timestamp(FIRST_DAY)
    bound = exchange_calendars.get_calendar(name).bound_min()
    calendar = exchange_calendars.get_calendar(name, start=start if bound is None else max(start, bound))
    return calendar.sessions.to_numpy().astype("datetime64[D]").astype(np.int64)
