"""The commands `submit`, `schedule` and `runs`; what they need is imported when they run."""

from __future__ import annotations

import dataclasses
import datetime
import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from pipeline import failures

if TYPE_CHECKING:
    from pipeline.kubeflow.submission.config import SubmitConfig
    from pipeline.kubeflow.submission.connection import Connection
    from pipeline.kubeflow.submission.schedule import Timing

PACKAGE_FILE = "pipeline.yaml"
NUM_NEXT_TIMES = 3

_OPTIONS = (
    click.option("--config", "config_file", default="", metavar="FILE", help="YAML over the defaults."),
    click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One key over all."),
    click.option("--host", metavar="URL", help="KFP's API.  [default: of the configuration]"),
    click.option("--namespace", metavar="NAME", help="Of the user, where KFP serves many."),
    click.option("--experiment", metavar="NAME", help="Which groups the runs."),
    click.option("--ca-certificate", metavar="FILE", help="Authority of the host's certificate, PEM."),
    click.option(
        "--token-file", default="", metavar="FILE", help="Holds the token; else it is taken from KFP_TOKEN."
    ),
    click.option("--in-cluster", is_flag=True, help="Take the token that the pod has for KFP."),
    click.option("--json", "as_json", is_flag=True, help="End with one JSON object on standard output."),
)
_RUN_OPTIONS = (
    click.option(
        "--param", "assignments", multiple=True, metavar="NAME=VALUE", help="A parameter of the pipeline."
    ),
    click.option("--pipeline-root", metavar="URI", help="gs://, s3:// or minio://, where artifacts go."),
    click.option("--service-account", metavar="NAME", help="Kubernetes service account of the tasks."),
)


@dataclasses.dataclass(frozen=True)
class Target:
    """What the shared options say.

    Attributes:
      config_file: of --config.
      overrides: of --set.
      token_file: of --token-file.
      in_cluster: of --in-cluster.
      flags: fields of SubmitConfig that were given.
    """

    config_file: str
    overrides: Sequence[str]
    token_file: str
    in_cluster: bool
    flags: dict[str, str | None]

    def load_config(self) -> SubmitConfig:
        """The section `submit`, the flags over it."""
        from pipeline.kubeflow.submission.config import load_submit_config

        return load_submit_config(self.config_file, self.overrides, self.flags)

    def connect(self, config: SubmitConfig) -> Connection:
        """Finds the credentials and asks the host."""
        from pipeline.kubeflow.submission.connection import connect
        from pipeline.kubeflow.submission.credentials import find_credentials

        return connect(config, find_credentials(self.token_file, self.in_cluster))


def _with_options(*options: Callable[..., Any]) -> Callable[..., Any]:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.command()
@click.argument("package", default=PACKAGE_FILE)
@_with_options(*_OPTIONS, *_RUN_OPTIONS)
@click.option("--watch", "--wait", is_flag=True, help="Follow the run to its end; its exit code is ours.")
def submit(package: str, assignments: Sequence[str], as_json: bool, watch: bool, **options: Any) -> None:
    """Run a compiled PACKAGE on Kubeflow Pipelines.  [default: pipeline.yaml]

    The package becomes a version of its pipeline, named by the commit; a version that is there is used again.
    """
    from pipeline.kubeflow.submission.submit import prepare
    from pipeline.kubeflow.submission.submit import submit as send

    target = _take_target(options)
    config = target.load_config()
    submission = prepare(package, assignments, config.pipeline_root)
    connection = target.connect(config)
    run = send(connection, config, submission)
    state = "new" if run.version.is_new else "was there"
    _say(f"version  {run.version.name} ({state})\nrun      {run.name}")
    _say(f"id       {run.run_id}\nsee      {run.url}")
    report = {"run_id": run.run_id, "run_name": run.name, "version": run.version.name, "url": run.url}
    _end(as_json, {**report, "parameters": dict(submission.parameters)}, connection if watch else None)


@click.command()
@click.argument("package", default=PACKAGE_FILE)
@_with_options(*_OPTIONS, *_RUN_OPTIONS)
@click.option("--name", default="marketcast", show_default=True, help="Of the schedule.")
@click.option("--cron", default="", metavar="FIELDS", help="Six, seconds first: '0 0 3 * * *'; UTC.")
@click.option("--every", default="", metavar="TIME", help="Such as 24h or 1d12h.")
@click.option("--replace", is_flag=True, help="Delete the schedule of that name when the new one is there.")
@click.option("--list", "only_list", is_flag=True, help="List the schedules and end.")
@click.option("--delete", default="", metavar="NAME", help="Delete the schedule of that name and end.")
def schedule(package: str, only_list: bool, delete: str, as_json: bool, **options: Any) -> None:
    """Run a compiled PACKAGE on Kubeflow Pipelines again and again.  [default: pipeline.yaml]

    One run at a time; times that were missed are not made up for.
    """
    from pipeline.kubeflow.submission import schedule as schedules

    making = {name: options.pop(name) for name in ("name", "cron", "every", "replace", "assignments")}
    target = _take_target(options)
    config = target.load_config()
    if only_list:
        _print_schedules(target.connect(config), as_json)
    elif delete:
        deleted = schedules.delete_schedule(target.connect(config), delete)
        _say(f"deleted schedule {delete} ({', '.join(deleted)})")
        _print_json(as_json, {"deleted": deleted})
    else:
        _make_schedule(target, config, package, making, as_json)


@click.group(invoke_without_command=True)
@_with_options(*_OPTIONS)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200), help="At most so many.")
@click.pass_context
def runs(context: click.Context, /, as_json: bool, limit: int, **options: Any) -> None:
    """List the newest runs of the experiment; `runs watch RUN_ID` follows one."""
    if context.invoked_subcommand:
        # What stands before `watch` counts for it too.
        given = {**options, "as_json": as_json}
        context.default_map = {context.invoked_subcommand: {k: v for k, v in given.items() if v}}
        return
    from pipeline.kubeflow.submission.run_report import format_table
    from pipeline.kubeflow.submission.runs import list_runs

    target = _take_target(options)
    config = target.load_config()
    rows = list_runs(target.connect(config), config.experiment, limit)
    if as_json:
        _print_json(True, {"runs": [row.to_json() for row in rows]})
    else:
        click.echo("\n".join(format_table(rows)) if rows else f"no runs in experiment {config.experiment}")


@runs.command()
@click.argument("run_id")
@_with_options(*_OPTIONS)
def watch(run_id: str, as_json: bool, **options: Any) -> None:
    """Follow a run to its end: 0 it succeeded, 1 it did not, 130 interrupted (the run goes on)."""
    target = _take_target(options)
    connection = target.connect(target.load_config())
    _end(as_json, {"run_id": run_id}, connection)


def _take_target(options: dict[str, Any]) -> Target:
    own = {name: options.pop(name) for name in ("config_file", "overrides", "token_file", "in_cluster")}
    return Target(**own, flags=options)


def _end(as_json: bool, report: dict[str, Any], connection: Connection | None) -> None:
    """Follows the run where there is a connection; ends with the report and the run's exit code."""
    from pipeline.kubeflow.submission.errors import RunFailedError

    failure: RunFailedError | None = None
    if connection is not None:
        from pipeline.kubeflow.submission.runs import watch_run

        run_id = report["run_id"]
        try:
            report = {**report, "state": watch_run(connection, run_id, _say).state}
        except RunFailedError as error:
            failure = error
            report = {**report, "state": error.state, "error": str(error)}
        except KeyboardInterrupt:
            _say(f"\ninterrupted; the run goes on: `marketcast runs watch {run_id}` follows it again")
            sys.exit(failures.INTERRUPTED_EXIT_CODE)
    _print_json(as_json, report)
    if failure is not None:
        raise failure


def _make_schedule(
    target: Target, config: SubmitConfig, package: str, making: dict[str, Any], as_json: bool
) -> None:
    from pipeline.kubeflow.submission import schedule as schedules
    from pipeline.kubeflow.submission.submit import prepare

    timing = schedules.parse_timing(making["cron"], making["every"], _now())
    submission = prepare(package, making["assignments"], config.pipeline_root)
    made, replaced = schedules.create_schedule(
        target.connect(config), config, submission, making["name"], timing, making["replace"]
    )
    _say(f"schedule {made.name}, {made.timing}\nversion  {made.version}\nid       {made.id}")
    times = _say_next_times(timing)
    if replaced:
        _say(f"replaced {', '.join(replaced)}")
    _print_json(as_json, {**dataclasses.asdict(made), "replaced": replaced, "next": times})


def _say_next_times(timing: Timing) -> list[str]:
    from pipeline.kubeflow.submission.schedule import next_times

    times = next_times(timing, _now(), NUM_NEXT_TIMES)
    if times:
        _say(f"next     {', '.join(f'{time:%Y-%m-%d %H:%M:%S}' for time in times)} UTC")
    return [time.isoformat() for time in times]


def _print_schedules(connection: Connection, as_json: bool) -> None:
    from pipeline.kubeflow.submission.schedule import list_schedules

    found = list_schedules(connection)
    if as_json:
        _print_json(True, {"schedules": [dataclasses.asdict(item) for item in found]})
        return
    for item in found:
        click.echo(f"{item.id:<36}  {item.status:<8}  {item.timing:<24}  {item.name}")
    if not found:
        click.echo("no schedules")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _say(text: str) -> None:
    """For people: standard error, so that standard output holds the report alone."""
    click.echo(text, err=True)


def _print_json(as_json: bool, report: dict[str, Any]) -> None:
    if as_json:
        click.echo(json.dumps(report))
