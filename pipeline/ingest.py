"""The command `ingest`; what it needs is imported when it runs."""

from __future__ import annotations

import sys
from typing import Any

import click


@click.command("ingest")
@click.option(
    "--lake", required=True, metavar="LOCATION", help="A folder, or s3://, minio:// or gs://BUCKET/PREFIX."
)
@click.option("--config", "config_file", default="", metavar="FILE", help="YAML over the defaults.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One key over all.")
@click.option(
    "--known-on", default="", metavar="DAY", help="When the bars were known.  [default: today, UTC]"
)
@click.option("--correct", "is_correction", is_flag=True, help="Bars may take the place of others.")
@click.option("--compact", "is_compaction", is_flag=True, help="Instead: make few files of many.")
@click.option(
    "--forget-before",
    "readable_from",
    default="",
    metavar="DAY",
    help="Instead: delete what only earlier snapshots need.",
)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on standard output.")
def ingest(lake: str, config_file: str, overrides: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Append the bars of source.path to a lake, which is made where it is not there.

    A bar that the lake has is never changed but by --correct, which makes a revision: source.known_on goes on
    reading what was known before. Bars that are there already are passed over, so a command can be repeated.
    """
    from pipeline import run_ingest
    from pipeline.environment import load_serving_sections

    chosen = [name for name in ("is_compaction", "readable_from") if given[name]]
    if len(chosen) + bool(given["is_correction"] or given["known_on"]) > 1:
        raise click.UsageError("--compact and --forget-before go alone")
    sections = load_serving_sections(config_file, overrides)
    asked = run_ingest.IngestOptions(lake, sections.source, sections.validation, as_json=as_json, **given)
    sys.exit(run_ingest.run(asked, sys.stdout, sys.stderr))
