"""What is known beside the bars, and holds for all files: corporate actions and trading days."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from components.ingest import exchange_calendar
from components.ingest.actions import Actions, read_actions
from components.ingest.bars import ValidationConfig
from components.ingest.sessions import Sessions
from components.ingest.source_config import SourceConfig


@dataclasses.dataclass(frozen=True)
class ReferenceData:
    """Read once for all tickers.

    Attributes:
      actions: ticker -> its corporate actions; None where source.actions_path is empty.
      sessions: trading days of validation.calendar; None where it is empty.
    """

    actions: Mapping[str, Actions] | None = None
    sessions: Sessions | None = None


def read_reference(
    source: SourceConfig, validation: ValidationConfig, last_day: int | None = None
) -> ReferenceData:
    """Reads what the configuration names.

    Args:
      source: names the corporate actions.
      validation: names the calendar.
      last_day: days since 1970-01-01; what became known later is passed over. None keeps all.
    Raises:
      InputError: the corporate actions cannot be read, or hold a bad row.
    """
    actions = read_actions(source.actions_path, last_day) if source.actions_path else None
    if not validation.calendar:
        return ReferenceData(actions)
    days = exchange_calendar.read_session_days(validation.calendar)
    return ReferenceData(actions, Sessions(validation.calendar, days))
