"""Schedules, which KFP calls recurring runs: one of a name, no catch-up, one run at a time."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import re
from collections.abc import Collection
from typing import Any

from components.errors import ConfigError
from pipeline.kubeflow.submission.config import SubmitConfig
from pipeline.kubeflow.submission.connection import Connection
from pipeline.kubeflow.submission.cron import parse_cron
from pipeline.kubeflow.submission.errors import RefusedError
from pipeline.kubeflow.submission.experiment import find_or_create_experiment
from pipeline.kubeflow.submission.submit import Submission, configure_run, refer_to
from pipeline.kubeflow.submission.upload import PAGE_SIZE, name_filter, upload_version

MIN_INTERVAL_SECONDS = 60
_UNIT_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


@dataclasses.dataclass(frozen=True)
class Timing:
    """When a schedule starts runs; one of the two is given.

    Attributes:
      cron: six fields, seconds first, or a descriptor such as @daily; empty for an interval.
      interval_seconds: from one start to the next; 0 for cron.
    """

    cron: str = ""
    interval_seconds: int = 0

    def describe(self) -> str:
        """In words."""
        return f"cron {self.cron}" if self.cron else f"every {self.interval_seconds:,} s"


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A schedule that KFP holds.

    Attributes:
      id: KFP's.
      name: its name.
      timing: when it starts runs, in words.
      status: ENABLED or DISABLED.
      version: name or id of the pipeline's version.
    """

    id: str
    name: str
    timing: str
    status: str
    version: str


def parse_timing(cron: str, every: str, now: datetime.datetime) -> Timing:
    """What --cron or --every says.

    Raises:
      ConfigError: not exactly one of them is given, or KFP would refuse or misread it.
    """
    if bool(cron) == bool(every):
        raise ConfigError(
            f"schedule must have one of --cron and --every, got {'both' if cron else 'neither'}; "
            "such as --cron '0 0 3 * * *' or --every 24h"
        )
    return Timing(cron=parse_cron(cron, now).expression) if cron else Timing("", parse_interval(every))


def parse_interval(text: str) -> int:
    """Seconds of an interval such as 24h, 90m or 1d12h.

    Raises:
      ConfigError: it is none, or shorter than a minute.
    """
    parts = re.findall(r"([0-9]+)([dhms])", text)
    if not parts or "".join(itertools.chain(*parts)) != text:
        raise ConfigError(f"--every must be numbers with d, h, m or s, got '{text}'; such as 24h or 1d12h")
    seconds = sum(int(number) * _UNIT_SECONDS[unit] for number, unit in parts)
    if seconds < MIN_INTERVAL_SECONDS:
        raise ConfigError(f"--every must be {MIN_INTERVAL_SECONDS} s or more, got '{text}'; such as 24h")
    return seconds


def next_times(timing: Timing, now: datetime.datetime, count: int) -> list[datetime.datetime]:
    """The next starts of a cron expression; none for an interval, which KFP counts from the first start."""
    return list(itertools.islice(parse_cron(timing.cron, now).times_after(now), count)) if timing.cron else []


def create_schedule(
    connection: Connection,
    config: SubmitConfig,
    submission: Submission,
    name: str,
    timing: Timing,
    replace: bool,
) -> tuple[Schedule, list[str]]:
    """Makes a schedule; with `replace` those of the same name are deleted when the new one is there.

    Returns:
      The schedule, and the ids of those that it replaced.
    Raises:
      ConfigError: there is one of that name, and `replace` is False.
      MarketcastError: KFP refuses, or cannot be used.
    """
    old = [found.id for found in list_schedules(connection, name)]
    if old and not replace:
        raise ConfigError(
            f"schedule {name} must be new, got one with id {old[0]}; "
            "give --replace to put this one in its place, or another --name"
        )
    # First what shows whether the namespace is the caller's.
    experiment_id = find_or_create_experiment(connection, config.experiment)
    version = upload_version(connection, submission.upload)
    body = _describe(connection.models, name, timing)
    body.experiment_id = experiment_id
    body.pipeline_version_reference = refer_to(connection, version)
    body.runtime_config = configure_run(connection, config, submission)
    body.service_account = config.service_account or None
    created = connection.create(
        f"create the schedule {name}",
        lambda: _find_new(connection, name, old),
        connection.client.recurring_runs.recurring_run_service_create_recurring_run,
        body,
    )
    for schedule_id in old:
        delete_by_id(connection, schedule_id)
    made = Schedule(created.recurring_run_id, name, timing.describe(), "ENABLED", version.name)
    return made, old


def list_schedules(connection: Connection, name: str = "") -> list[Schedule]:
    """All schedules, or those of a name.

    Raises:
      MarketcastError: KFP refuses, or cannot be used.
    """
    return [_read(item) for item in _list_items(connection, name)]


def delete_schedule(connection: Connection, name: str) -> list[str]:
    """Deletes the schedules of a name; runs that they started go on. Returns their ids.

    Raises:
      RefusedError: there is none.
      MarketcastError: KFP refuses, or cannot be used.
    """
    found = [schedule.id for schedule in list_schedules(connection, name)]
    if not found:
        known = ", ".join(sorted({schedule.name for schedule in list_schedules(connection)})) or "none"
        raise RefusedError(f"--delete must name a schedule, got '{name}'; there are: {known}")
    for schedule_id in found:
        delete_by_id(connection, schedule_id)
    return found


def delete_by_id(connection: Connection, schedule_id: str) -> None:
    """Deletes a schedule; that it is gone already is as good.

    Raises:
      MarketcastError: KFP refuses, or cannot be used.
    """
    delete = connection.client.recurring_runs.recurring_run_service_delete_recurring_run
    connection.remove(f"delete the schedule {schedule_id}", delete, schedule_id)


def _describe(models: Any, name: str, timing: Timing) -> Any:
    """The body of a new schedule, what it runs left out."""
    if timing.cron:
        trigger = models.V2beta1Trigger(cron_schedule=models.V2beta1CronSchedule(cron=timing.cron))
    else:
        periodic = models.V2beta1PeriodicSchedule(interval_second=timing.interval_seconds)
        trigger = models.V2beta1Trigger(periodic_schedule=periodic)
    return models.V2beta1RecurringRun(
        display_name=name,
        mode=models.RecurringRunMode.ENABLE,
        max_concurrency=1,
        no_catchup=True,
        trigger=trigger,
    )


def _find_new(connection: Connection, name: str, old: Collection[str]) -> Any | None:
    return next((item for item in _list_items(connection, name) if item.recurring_run_id not in old), None)


def _list_items(connection: Connection, name: str) -> list[Any]:
    """KFP's own objects, page after page."""
    items: list[Any] = []
    token: str | None = None
    while True:
        page = connection.call(
            "list schedules",
            connection.client.recurring_runs.recurring_run_service_list_recurring_runs,
            namespace=connection.namespace or None,
            filter=name_filter(name) if name else None,
            page_token=token,
            page_size=PAGE_SIZE,
        )
        items += [item for item in page.recurring_runs or [] if name in ("", item.display_name)]
        token = page.next_page_token
        if not token:
            return items


def _read(item: Any) -> Schedule:
    trigger = item.trigger
    timing = "?"
    if trigger and trigger.cron_schedule:
        timing = Timing(cron=trigger.cron_schedule.cron or "").describe()
    elif trigger and trigger.periodic_schedule:
        timing = Timing(interval_seconds=int(trigger.periodic_schedule.interval_second or 0)).describe()
    reference = item.pipeline_version_reference
    version = (reference.pipeline_version_id if reference else item.pipeline_version_id) or ""
    return Schedule(item.recurring_run_id, item.display_name or "", timing, item.status or "", version)
