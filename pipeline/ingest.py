"""`marketcast ingest`: bars into a lake, or cut into the chunk examples of the pipeline."""

from __future__ import annotations

import sys
from typing import Any

import click


def _refuse_empty(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """An unset variable of a shell must not make another command of this one."""
    if value == "":
        raise click.UsageError(
            f"{option.opts[0]} must be followed by {option.metavar}, got ''; give it, or leave the flag out"
        )
    return value


@click.command()
@click.option(
    "--lake",
    callback=_refuse_empty,
    metavar="LOCATION",
    help="A folder, or s3://, minio:// or gs://BUCKET/PREFIX.",
)
@click.option(
    "--chunks",
    "folder",
    callback=_refuse_empty,
    metavar="DIR",
    help="Instead: a folder of examples, to be made.",
)
@click.option("--config", "config_file", default="", metavar="FILE", help="YAML over the defaults.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One key over all.")
@click.option(
    "--known-on",
    callback=_refuse_empty,
    metavar="DAY",
    help="Of a lake: when the bars were known.  [default: today, UTC]",
)
@click.option(
    "--correct", "is_correction", is_flag=True, help="Of a lake: bars may take the place of others."
)
@click.option(
    "--withdraw",
    "withdrawn_file",
    callback=_refuse_empty,
    metavar="FILE",
    help="Of a lake, instead: take out the bars whose ticker and date FILE names.",
)
@click.option("--compact", "is_compaction", is_flag=True, help="Of a lake, instead: make few files of many.")
@click.option(
    "--forget-before",
    "readable_from",
    callback=_refuse_empty,
    metavar="DAY",
    help="Of a lake, instead: delete what only earlier snapshots need.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="Of chunks: who does the work; the bytes are the same.",
)
@click.option(
    "--spark-master",
    callback=_refuse_empty,
    metavar="URL",
    help="Such as spark://HOST:7077.  [default: of spark-submit, else local[*]]",
)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on standard output.")
def ingest(lake: str | None, folder: str | None, **given: Any) -> None:
    """Append the bars of the source to a lake, or cut them into examples.

    --lake: the lake is made where it is not there. A bar that it has is never changed but by --correct, which
    makes a revision, nor taken out but by --withdraw: source.known_on goes on reading what was known before.
    Bars that are there already are passed over, so a command can be repeated. See docs/data.md.

    --chunks: DIR gets the splits' files as BarsExampleGen lays them out, with its report and quarantine,
    all of it or nothing. Here, or on Spark; see docs/scale.md.
    """
    given = {name: value for name, value in given.items() if value not in (None, False)}
    if lake and not folder:
        sys.exit(_fill_lake(lake, **given))
    if folder and not lake:
        sys.exit(_cut_chunks(folder, **given))
    raise click.UsageError("one of --lake LOCATION and --chunks DIR must be given; choose one")


def _fill_lake(
    lake: str, config_file: str, overrides: tuple[str, ...], engine: str, spark_master: str = "", **given: Any
) -> int:
    from pipeline import run_ingest
    from pipeline.environment import load_serving_sections

    if engine != "local" or spark_master:
        raise click.UsageError("--engine and --spark-master must stand beside --chunks; leave them out")
    revisions = [name for name in ("is_correction", "withdrawn_file") if name in given]
    upkeep = [name for name in ("is_compaction", "readable_from") if name in given]
    if len(upkeep) + bool(revisions or "known_on" in given) > 1:
        raise click.UsageError("--compact and --forget-before go alone")
    if len(revisions) > 1:
        raise click.UsageError("--correct and --withdraw must be commands of their own; leave one out")
    sections = load_serving_sections(config_file, overrides)
    asked = run_ingest.IngestOptions(lake, sections.source, sections.validation, **given)
    return run_ingest.run(asked, sys.stdout, sys.stderr)


def _cut_chunks(
    folder: str,
    config_file: str,
    overrides: tuple[str, ...],
    engine: str,
    spark_master: str = "",
    as_json: bool = False,
    **of_a_lake: Any,
) -> int:
    from pipeline import run_chunks

    if of_a_lake:
        raise click.UsageError(
            "--known-on, --correct, --withdraw, --compact and --forget-before must stand beside --lake; "
            "leave them out"
        )
    if spark_master and engine != "spark":
        raise click.UsageError("--spark-master must stand beside --engine spark; add it")
    options = run_chunks.ChunkOptions(config_file, overrides, folder, engine, spark_master)
    return run_chunks.run(options, as_json)
