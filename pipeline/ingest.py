"""The command `ingest`; what it needs is imported when it runs."""

from __future__ import annotations

import sys

import click


@click.command("ingest")
@click.option("--config", "config_file", default="", metavar="FILE", help="YAML over the defaults.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One key over all.")
@click.option("--chunks", "folder", required=True, metavar="DIR", help="Folder of the examples, to be made.")
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="Who does the work; the bytes are the same.",
)
@click.option(
    "--spark-master",
    default="",
    metavar="URL",
    help="Such as spark://HOST:7077.  [default: of spark-submit, else local[*]]",
)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on standard output.")
def ingest(
    config_file: str,
    overrides: tuple[str, ...],
    folder: str,
    engine: str,
    spark_master: str,
    as_json: bool,
) -> None:
    """Cut the bars into the chunk examples that the pipeline trains on, here or on Spark; see docs/scale.md.

    DIR gets the splits' files as BarsExampleGen lays them out, ingest_report.json and quarantine.csv; all of
    it or nothing.
    """
    from pipeline import run_chunks

    if spark_master and engine != "spark":
        raise click.UsageError("--spark-master must stand beside --engine spark; add it")
    options = run_chunks.ChunkOptions(config_file, overrides, folder, engine, spark_master)
    sys.exit(run_chunks.run(options, as_json))
