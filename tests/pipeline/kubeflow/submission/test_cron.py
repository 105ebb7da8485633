"""Cron as KFP reads it: six fields, seconds first."""

from __future__ import annotations

import datetime
import itertools

import pytest

from components.errors import ConfigError
from pipeline.kubeflow.submission.cron import FIELDS, parse_cron

NOW = datetime.datetime(2026, 11, 23, 9, 20, 30, 123, tzinfo=datetime.UTC)  # a Monday


def _next(expression: str, count: int = 2) -> list[str]:
    times = parse_cron(expression, NOW).times_after(NOW)
    return [f"{time:%Y-%m-%d %H:%M:%S}" for time in itertools.islice(times, count)]


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("0 0 3 * * *", ["2026-11-24 03:00:00", "2026-11-25 03:00:00"]),
        ("0 21 9 * * *", ["2026-11-23 09:21:00", "2026-11-24 09:21:00"]),
        ("30 20 9 * * ?", ["2026-11-24 09:20:30", "2026-11-25 09:20:30"]),
        ("0 30 22 ? * MON-FRI", ["2026-11-23 22:30:00", "2026-11-24 22:30:00"]),
        ("0 0 3 * * sat,0", ["2026-11-28 03:00:00", "2026-11-29 03:00:00"]),
        ("0 10/20 9-10 * * *", ["2026-11-23 09:30:00", "2026-11-23 09:50:00"]),
        ("0 0 */12 * * *", ["2026-11-23 12:00:00", "2026-11-24 00:00:00"]),
        ("0 0 0 29 feb *", ["2028-02-29 00:00:00"]),
        # Both days are restricted: either suffices.
        ("0 0 0 1 * tue", ["2026-11-24 00:00:00", "2026-12-01 00:00:00"]),
        ("@weekly", ["2026-11-29 00:00:00", "2026-12-06 00:00:00"]),
        ("@hourly", ["2026-11-23 10:00:00", "2026-11-23 11:00:00"]),
    ],
)
def test_when_it_fires(expression: str, times: list[str]) -> None:
    assert _next(expression) == times


def test_times_are_those_of_a_slow_search() -> None:
    for expression in ("0 */7 1,13 * * *", "15 59 23 28-31 * *", "0 0 8 13 * fri", "0 5 4 */2 nov-dec mon"):
        cron = parse_cron(expression, NOW)
        second, minutes, hours, days, months, weekdays = cron.values
        found, moment = [], NOW.replace(second=second[0], microsecond=0)
        for _ in range(60 * 24 * 40):
            moment += datetime.timedelta(minutes=1)
            on = (moment.day in days, moment.isoweekday() % 7 in weekdays)
            stars = any(word[0] in "*?" for word in expression.split()[3::2])
            is_day = (all(on) if stars else any(on)) and moment.month in months
            if is_day and moment.hour in hours and moment.minute in minutes:
                found.append(moment)
        assert list(itertools.islice(cron.times_after(NOW), len(found))) == found
        assert found


@pytest.mark.parametrize(
    ("expression", "misread", "right"),
    [
        ("0 3 * * *", "2026-11-23 10:03:00, 2026-11-23 11:03:00", "0 0 3 * * *"),
        ("30 22 * * 1-5", "2027-01-01 00:22:30, 2027-01-01 01:22:30", "0 30 22 * * 1-5"),
        ("0 12 1 * 7", "2027-07-01 01:12:00, ", "0 0 12 1 * 0"),
    ],
)
def test_five_fields_are_refused_with_what_kfp_would_do_and_the_right_six(
    expression: str, misread: str, right: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse_cron(expression, NOW)
    message = str(refusal.value)
    assert message.startswith(f"--cron must have six fields, seconds first, got five: '{expression}'; KFP")
    assert f"and fire at {misread}" in message
    assert message.endswith(f"what crontab means by it is '{right}'")
    assert parse_cron(right, NOW).expression == right


def test_five_fields_that_are_wrong_anyway_get_no_promise() -> None:
    with pytest.raises(ConfigError, match="put the second before it and mend: --cron, minute, must"):
        parse_cron("70 3 * * *", NOW)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "--cron must have six fields (second minute hour day month weekday), got 0"),
        ("0 0 3 * * * 2026", "--cron must have six fields (second minute hour day month weekday), got 7"),
        ("60 0 3 * * *", "--cron, second, must be 0 to 59, *, ?, a-b or */n, got '60'"),
        ("0 60 3 * * *", "--cron, minute, must be 0 to 59"),
        ("0 0 24 * * *", "--cron, hour, must be 0 to 23"),
        ("0 0 3 0 * *", "--cron, day of month, must be 1 to 31"),
        ("0 0 3 * 13 *", "--cron, month, must be 1 to 12 or jan to dec"),
        ("0 0 3 * mon *", "--cron, month, must be 1 to 12 or jan to dec"),
        ("0 0 3 * * 7", "--cron, day of week, must be 0 to 6 or sun to sat, *, ?, a-b or */n, got '7'; Sunday"),  # noqa: E501
        ("0 0 3 * * L", "--cron, day of week, must be 0 to 6 or sun to sat"),
        ("0 */0 3 * * *", "--cron, minute, must be a step of 1 or more after /, got '*/0'"),
        ("0 */x 3 * * *", "--cron, minute, must be a step of 1 or more after /, got '*/x'"),
        ("0 1/2/3 3 * * *", "--cron, minute, must be a step of 1 or more after /, got '1/2/3'"),
        ("0 5-3 3 * * *", "--cron, minute, must be the smaller value first, got '5-3'"),
        ("0 1-2-3 3 * * *", "--cron, minute, must be 0 to 59"),
        ("0 -1 3 * * *", "--cron, minute, must be 0 to 59"),
        ("0 1, 3 * * *", "--cron, minute, must be 0 to 59"),
        ("* 0 3 * * *", "--cron must name one second, got '*', 60 runs within a minute; write '0 0"),
        ("0 0 3 30 feb *", "--cron must fire within five years, got '0 0 3 30 feb *', which never does"),
        ("@every 1h", "--cron must be one of @yearly, @annually, @monthly, @weekly, @daily, @midnight"),
        ("@Daily", "--cron must be one of @yearly"),
    ],
)  # fmt: skip
def test_what_kfp_refuses_or_nobody_means_is_refused(expression: str, message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse_cron(expression, NOW)
    assert str(refusal.value).startswith(message)


def test_a_star_is_every_value() -> None:
    values = parse_cron("0 * * * * *", NOW).values
    assert [(v[0], v[-1], len(v)) for v in values[1:]] == [
        (f.low, f.high, f.high - f.low + 1) for f in FIELDS[1:]
    ]
