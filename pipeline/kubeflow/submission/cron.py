"""Cron expressions as KFP reads them: six fields, seconds first.

KFP parses with the default parser of github.com/robfig/cron 1.2, to which the sixth field is optional: five
fields, as crontab has them, are taken without a word and mean something else. Times are UTC unless KFP was
installed with another zone.
Source: backend/src/crd/controller/scheduledworkflow/util/cron_schedule.go of KFP; parser.go and spec.go of
robfig/cron 1.2.0.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Iterator

from components.errors import ConfigError

DESCRIPTORS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
HORIZON_DAYS = 5 * 366
"""robfig/cron gives up after five years; an expression with no time in them never fires."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclasses.dataclass(frozen=True)
class Field:
    """One place of an expression.

    Attributes:
      name: in words.
      low: smallest value.
      high: largest value.
      names: that stand for values, from `low` on.
    """

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


FIELDS = (
    Field("second", 0, 59),
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of month", 1, 31),
    Field("month", 1, 12, _MONTHS),
    Field("day of week", 0, 6, _DAYS),
)


@dataclasses.dataclass(frozen=True)
class Cron:
    """A parsed expression.

    Attributes:
      expression: as it was given; what KFP gets.
      values: the values of each place, ascending.
      is_any_day: whether the day of month, or that of the week, is * or ?; else one of the two suffices.
    """

    expression: str
    values: tuple[tuple[int, ...], ...]
    is_any_day: bool

    def times_after(self, moment: datetime.datetime) -> Iterator[datetime.datetime]:
        """When it fires, soonest first, up to the horizon; as KFP's Next() gives them."""
        seconds, minutes, hours = self.values[:3]
        start = moment.replace(microsecond=0)
        for day in range(HORIZON_DAYS):
            date = start.date() + datetime.timedelta(days=day)
            if not self._is_on(date):
                continue
            for clock in itertools.product(hours, minutes, seconds):
                time = datetime.datetime.combine(date, datetime.time(*clock), start.tzinfo)
                if time > start:
                    yield time

    def _is_on(self, date: datetime.date) -> bool:
        days, months, weekdays = self.values[3:]
        matches = (date.day in days, date.isoweekday() % 7 in weekdays)
        return date.month in months and (all(matches) if self.is_any_day else any(matches))


def parse_cron(expression: str, now: datetime.datetime) -> Cron:
    """Parses an expression that is to be given to KFP.

    Args:
      expression: six fields, or one of DESCRIPTORS.
      now: from when on it must fire once.
    Raises:
      ConfigError: KFP would refuse it, read it otherwise than crontab does, or never fire; or it fires more
        than once a minute.
    """
    words = expression.split()
    if words and words[0].startswith("@"):
        words = _expand_descriptor(" ".join(words)).split()
    if len(words) == len(FIELDS) - 1:
        raise ConfigError(_explain_five(expression, words, now))
    if len(words) != len(FIELDS):
        raise ConfigError(
            f"--cron must have six fields (second minute hour day month weekday), got {len(words)}: "
            f"'{expression}'; such as '0 0 3 * * *' for 03:00 each day"
        )
    cron = _parse_words(" ".join(expression.split()), words)
    if len(cron.values[0]) > 1:
        raise ConfigError(
            f"--cron must name one second, got '{words[0]}', {len(cron.values[0])} runs within a minute; "
            f"write '{' '.join(['0', *words[1:]])}'"
        )
    if next(cron.times_after(now), None) is None:
        raise ConfigError(
            f"--cron must fire within five years, got '{expression}', which never does; change day or month"
        )
    return cron


def _parse_words(expression: str, words: list[str]) -> Cron:
    values = tuple(_parse_field(word, field) for word, field in zip(words, FIELDS, strict=True))
    is_any_day = any(part[0] in "*?" for word in (words[3], words[5]) for part in word.split(","))
    return Cron(expression, values, is_any_day)


def _parse_field(word: str, field: Field) -> tuple[int, ...]:
    values: set[int] = set()
    for part in word.split(","):
        values.update(_parse_range(part, field))
    return tuple(sorted(values))


def _parse_range(part: str, field: Field) -> range:
    """`*`, `?`, `a`, `a-b`, each with `/step` or without; `a/step` goes on to the largest value."""
    span, slash, step = part.partition("/")
    if slash and (not step.isascii() or not step.isdecimal() or int(step) == 0):
        raise ConfigError(_refuse(field, part, "a step of 1 or more after /"))
    if span in ("*", "?"):
        low, high = field.low, field.high
    else:
        first, dash, last = span.partition("-")
        low = _parse_value(first, field, part)
        high = _parse_value(last, field, part) if dash else field.high if slash else low
    if low > high:
        raise ConfigError(_refuse(field, part, "the smaller value first"))
    return range(low, high + 1, int(step or 1))


def _parse_value(text: str, field: Field, part: str) -> int:
    if text.lower() in field.names:
        return field.low + field.names.index(text.lower())
    if text.isascii() and text.isdecimal() and field.low <= int(text) <= field.high:
        return int(text)
    names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    raise ConfigError(_refuse(field, part, f"{field.low} to {field.high}{names}, *, ?, a-b or */n"))


def _refuse(field: Field, part: str, expected: str) -> str:
    sunday = "; Sunday is 0" if field.names == _DAYS and "7" in part else ""
    return f"--cron, {field.name}, must be {expected}, got '{part}'{sunday or '; mend that field'}"


def _expand_descriptor(expression: str) -> str:
    if expression not in DESCRIPTORS:
        mend = "give --every instead" if expression.startswith("@every") else "or write six fields"
        raise ConfigError(f"--cron must be one of {', '.join(DESCRIPTORS)}, got '{expression}'; {mend}")
    return DESCRIPTORS[expression]


def _explain_five(expression: str, words: list[str], now: datetime.datetime) -> str:
    weekday = "0" if words[-1] == "7" else words[-1]
    right = ["0", *words[:-1], weekday]
    return (
        f"--cron must have six fields, seconds first, got five: '{expression}'; "
        f"{_describe_misreading(expression, words, now)}; {_suggest(expression, right)}"
    )


def _describe_misreading(expression: str, words: list[str], now: datetime.datetime) -> str:
    try:
        misread = _parse_words(expression, [*words, "*"])
    except ConfigError:
        return "KFP refuses it"
    times = [f"{time:%Y-%m-%d %H:%M:%S}" for time in itertools.islice(misread.times_after(now), 3)]
    places = ", ".join(f"{field.name} {word}" for field, word in zip(FIELDS, words, strict=False))
    return f"KFP would take it for {places}, and fire at {', '.join(times) or 'no time at all'}"


def _suggest(expression: str, words: list[str]) -> str:
    try:
        _parse_words(expression, words)
    except ConfigError as error:
        return f"put the second before it and mend: {error}"
    return f"what crontab means by it is '{' '.join(words)}'"
