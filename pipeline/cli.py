"""The `marketcast` command. Each command imports what it needs when it runs, so that help is quick."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from components.errors import MarketcastError
from pipeline import (
    backtest,
    database,
    failures,
    ingest,
    report,
    rollout,
    serve,
    sync_models,
    tune,
    watch_drift,
)
from pipeline.connection_options import IDENTITY_OPTIONS, add_options, gather_connection
from pipeline.kubeflow.submission import command as submission


class _Group(click.Group):
    """Prints a MarketcastError as its one line and ends with its exit code; an interruption likewise."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except MarketcastError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort):  # Before or after what a command has to say of its own.
            click.echo("interrupted", err=True)
            sys.exit(failures.INTERRUPTED_EXIT_CODE)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="marketcast")
def main() -> None:
    """Calibrated price bands for the next five trading days: train, gate, serve, ask.

    Exit codes: 0 well (run: blessed and pushed); 1 failed; 2 wrong usage; 3 the gate refused the model;
    4 bad bars or configuration; 5 a server, model or database cannot be reached; 130 interrupted.
    """


def _configured(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command --config and --set."""
    file = click.option(
        "--config",
        "config_file",
        default="",
        metavar="FILE",
        help="YAML over the defaults; see docs/config.md.",
    )
    override = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="One key over all, such as train.seed=2.",
    )
    return file(override(command))


def _connected(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the flags of a server, gathered into `connection` but for --address."""

    @functools.wraps(command)
    def gather(**options: Any) -> None:
        command(connection=gather_connection(options), **options)

    return add_options(
        (
            click.option(
                "--address",
                default="",
                metavar="ADDRESS",
                help="A server: host:port or a URL of grpc, grpcs, http or https; without it one is started.",
            ),
            click.option("--model-version", type=int, help="Ask this version.  [default: the newest]"),
            click.option("--label", default="", metavar="NAME", help="Ask the version of this label."),
            *IDENTITY_OPTIONS,
            click.option("--timeout", type=float, help="Seconds for the answer.  [default: 10]"),
        ),
        gather,
    )


@main.command()
@_configured
@click.option("--source", type=click.Choice(["files", "postgres"]), help="Short for --set source.kind=...")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on standard output.")
def run(config_file: str, overrides: tuple[str, ...], source: str | None, as_json: bool) -> None:
    """Run the pipeline: bars in, a blessed and pushed model out, or the reason why not."""
    from pipeline import run_local

    given = (*overrides, f"source.kind={source}") if source else overrides
    sys.exit(run_local.run(config_file, given, as_json))


@main.command()
@_configured
@click.option("--ticker", "tickers", multiple=True, help="Whose; can be given again, or with commas.")
@click.option("--all", "every", is_flag=True, help="All tickers of the bars; those with too few are told.")
@click.option("--out", default="", metavar="FILE", help="Write .parquet or .csv, a row a price, instead.")
@click.option("--data", "data_path", metavar="PATH", help="The bars.  [default: of the configuration]")
@click.option("--as-of", default="", metavar="DAY", help="Forecast as of this day; later bars are ignored.")
@_connected
@click.option(
    "--model-base-path", metavar="DIR", help="What that one serves.  [default: of the configuration]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def forecast(
    config_file: str,
    overrides: tuple[str, ...],
    data_path: str | None,
    model_base_path: str | None,
    **options: Any,
) -> None:
    """Ask a served model, over gRPC or REST, for the price bands of the next days."""
    # What it has to tell about a connection stands in the error; must be set before gRPC is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from pipeline.console import watch_progress
    from pipeline.environment import load_serving_sections
    from serving import forecast_command

    sections = load_serving_sections(config_file, overrides)
    source = sections.source.at_files(data_path) if data_path else sections.source
    asked = forecast_command.ForecastOptions(
        source=source,
        validation=sections.validation,
        model_base_path=model_base_path or sections.paths.model_base_path,
        **options,
    )
    with watch_progress("forecast", sys.stderr):
        forecast_command.forecast(asked, sys.stdout, sys.stderr)


@main.command()
@_configured
@click.option("--data", default="", metavar="PATH", help="The bars.  [default: of the configuration]")
@click.option("--as-of", default="", metavar="DAY", help="Forecast as of this day; later bars are ignored.")
@click.option("--out", required=True, metavar="FILE", help="Of the forecasts, .parquet or .csv.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on standard output.")
def infer(
    config_file: str, overrides: tuple[str, ...], data: str, as_of: str, out: str, as_json: bool
) -> None:
    """Forecast every ticker with the pushed model, by TFX's BulkInferrer on Beam; for large universes."""
    from pipeline import run_forecasts

    given = {"source.path": data, "source.kind": "files" * bool(data), "chunks.as_of": as_of}
    more = tuple(f"{key}={json.dumps(value)}" for key, value in given.items() if value)
    sys.exit(run_forecasts.run(config_file, overrides + more, out, as_json))


@main.command("compile")
@_configured
@click.option(
    "--pipeline",
    "plan",
    type=click.Choice(["training", "forecasts", "backtest"]),
    default="training",
    show_default=True,
    help="The one of `run`, of `infer`, or of `backtest`.",
)
@click.option("-o", "--output", default="pipeline.yaml", show_default=True, help="File of the package.")
@click.option("--image", default="", help="Of every step.  [default: of the configuration]")
@click.option("--check", "package", metavar="FILE", help="Check this package instead; compile nothing.")
def compile_(
    config_file: str, overrides: tuple[str, ...], plan: str, output: str, image: str, package: str | None
) -> None:
    """Compile a pipeline for Kubeflow Pipelines, and check what it is given."""
    from pipeline.kubeflow.compiler import command

    if package:
        command.check_package(package, sys.stdout)
        return
    given = [*overrides, *([f"kubeflow.image={image}"] if image else [])]
    command.compile_package(config_file, given, output, plan)


@main.command()
@click.argument("package", metavar="PACKAGE")
@click.option("--param", "params", multiple=True, metavar="KEY=VALUE", help="Of the run; can be given again.")
@click.option(
    "--as",
    "run_as",
    type=click.Choice(["subprocess", "container"]),
    default="subprocess",
    show_default=True,
    help="How each task runs.",
)
@click.option("--engine", default="", help="podman or docker.  [default: the one that is there]")
@click.option("--image", default="", help="For containers.  [default: the package's]")
@click.option("--workdir", default=".", show_default=True, metavar="DIR", help="Of subprocesses.")
@click.option(
    "--pipeline-root", default="minio://mlpipeline/v2/artifacts", show_default=True, help="As KFP gives it."
)
@click.option("--run-folder", default="", metavar="DIR", help="[default: run/rehearsal/PIPELINE]")
@click.option(
    "--volume", "volumes", multiple=True, metavar="CLAIM=DIR", help="[default: in the run's folder]"
)
@click.option("--timeout-seconds", default=3600.0, show_default=True, help="For one task.")
@click.option("--resume", is_flag=True, help="Go on with an earlier rehearsal from the task that failed.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on standard output.")
def rehearse(**options: Any) -> None:
    """Run a compiled PACKAGE on this machine, task by task, as strictly as a cluster would.

    Nothing is reused from earlier runs but with --resume. Volumes are folders and stay.
    """
    from pipeline.kubeflow.rehearsal import command

    sys.exit(command.rehearse(command.RehearsalOptions(**options)))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
def doctor(as_json: bool) -> None:
    """Explain what this machine runs and name what is missing."""
    from pipeline import doctor as check_up

    sys.exit(check_up.examine(as_json))


main.add_command(backtest.backtest)
main.add_command(ingest.ingest)
main.add_command(database.database)
main.add_command(report.report)
main.add_command(submission.submit)
main.add_command(submission.schedule)
main.add_command(submission.runs)
main.add_command(rollout.rollout)
main.add_command(serve.serve)
main.add_command(sync_models.sync_models)
main.add_command(tune.tune)
main.add_command(watch_drift.watch_drift)


if __name__ == "__main__":
    main(prog_name="marketcast")
