"""The real calendars of exchange_calendars: holidays, closures, bounds, names."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from components.errors import ConfigError
from components.ingest.bars import ValidationConfig, day_number, iso_date
from components.ingest.exchange_calendar import read_session_days
from pipeline import settings
from pipeline.environment import LOCAL, read_layers
from tests.conftest import ROOT


def is_session(calendar: str, day: str) -> bool:
    return day_number(day) in set(read_session_days(calendar).tolist())


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2001-09-10", True),
        ("2001-09-11", False),
        ("2001-09-14", False),
        ("2001-09-17", True),
        ("2012-10-29", False),  # Hurricane Sandy
        ("2012-11-20", True),  # a Tuesday
        ("2012-11-22", False),  # Thanksgiving
        ("2012-11-23", True),  # half a day
        ("2012-11-24", False),  # a Saturday
        ("1962-01-02", True),
        ("1968-06-12", False),  # the paperwork crisis: no sessions on Wednesdays
    ],
)
def test_new_york(day: str, expected: bool) -> None:
    assert is_session("XNYS", day) == expected


def test_days_ascend_and_end_where_the_library_ends() -> None:
    days = read_session_days("XNYS")
    assert (days[1:] > days[:-1]).all()
    assert not is_session("XNYS", "2099-06-01")
    assert iso_date(read_session_days("XSHG")[0]) == "1990-12-03"


@pytest.mark.parametrize(
    ("name", "fragment"),
    [("XNYC", "the nearest there: XNYS"), ("xnys", "XNYS"), ("?", "get_calendar_names()")],
)
def test_an_unknown_calendar_is_told_its_neighbours(name: str, fragment: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        layers = read_layers("", [f"validation.calendar='{name}'"], LOCAL)
        settings.build(ValidationConfig, layers["validation"])
    message = str(refusal.value)
    assert message.startswith(
        "validation.calendar must be a calendar of exchange_calendars, such as XNYS, got"
    )
    assert fragment in message and "\n" not in message


def test_the_library_is_only_imported_where_a_calendar_is_configured() -> None:
    code = (
        "import sys, serving.universe, components.ingest.panel\n"
        "from components.ingest.bars import ValidationConfig\n"
        "ValidationConfig()\n"
        "print('exchange_calendars' in sys.modules)\n"
        "ValidationConfig(calendar='XNYS')\n"
        "print('exchange_calendars' in sys.modules)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert ended.stdout.split() == ["False", "True"]
