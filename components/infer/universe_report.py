"""Who of a universe gets a forecast, and who does not and why."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

from components.ingest.bars import iso_date

REPORT_FILE = "universe_report.json"
MAX_NAMES = 5
"""Tickers that a message names."""


@dataclasses.dataclass(frozen=True)
class UniverseReport:
    """Tickers of a forecast of all.

    Attributes:
      as_of: ticker -> day of its last bar, days since 1970-01-01.
      skipped: ticker -> why it gets no forecast.
    """

    as_of: Mapping[str, int]
    skipped: Mapping[str, str]

    def to_json(self) -> str:
        """What from_json reads."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> UniverseReport:
        """Reads what to_json wrote."""
        return cls(**json.loads(text))

    def describe(self) -> str:
        """One line, such as `4 tickers as of 2013-03-01, 1 skipped: FB (short_history: ...)`."""
        days = sorted(set(self.as_of.values()))
        span = (
            f" as of {' to '.join(iso_date(day) for day in dict.fromkeys((days[0], days[-1])))}"
            if days
            else ""
        )
        line = f"{len(self.as_of):,} tickers{span}"
        return f"{line}, {describe_skipped(self.skipped)}" if self.skipped else line


def describe_skipped(skipped: Mapping[str, str]) -> str:
    """The first tickers that were skipped, and why; such as `1 skipped: FB (short_history: ...)`."""
    shown = [f"{ticker} ({reason})" for ticker, reason in list(skipped.items())[:MAX_NAMES]]
    more = [f"and {len(skipped) - MAX_NAMES:,} more"] if len(skipped) > MAX_NAMES else []
    return f"{len(skipped):,} skipped: {', '.join(shown + more)}"
