"""The command `sync-models`; what it needs is imported when it runs."""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

from components import contract

LOG_FORMAT = "%(asctime)s %(levelname).1s %(name)s: %(message)s"


@click.command("sync-models")
@click.option("--from", "source", required=True, metavar="URL", help="s3://, minio://, gs://, or a folder.")
@click.option("--to", "target", required=True, metavar="FOLDER", help="That the servers read.")
@click.option("--keep", "num_kept", default=3, show_default=True, help="Newest versions that are mirrored.")
@click.option(
    "--always", multiple=True, type=int, metavar="VERSION", help="This one, too; can be given again."
)
@click.option(
    "--models-config", default="", metavar="FILE", help="The servers'; what it names is mirrored, too."
)
@click.option("--model-name", default=contract.MODEL_NAME, show_default=True, help="The model in that file.")
@click.option("--endpoint", default="", metavar="URL", help="Of S3 or MinIO.  [default: AWS_ENDPOINT_URL]")
@click.option("--once", "is_once", is_flag=True, help="One round; fails if nothing can be served then.")
@click.option("--every", "every_seconds", type=float, help="Seconds between rounds.  [default: 15]")
@click.option("--metrics-port", type=int, help="Of /metrics and /healthz.  [default: none]")
@click.option("--json", "as_json", is_flag=True, help="Log JSON objects.")
def sync_models(as_json: bool, every_seconds: float | None, **options: Any) -> None:
    """Mirror pushed versions to the folder that TensorFlow Serving reads; it shows whole ones only.

    Once for an init container, every few seconds for a sidecar; see docs/model-sync.md.
    """
    from serving.log_lines import log_lines
    from serving.model_sync import command
    from serving.model_sync.config import SyncConfig

    if options["is_once"] and every_seconds is not None:
        raise click.UsageError("--once and --every exclude each other")
    if as_json:
        log_lines(sys.stderr)
    else:
        logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    if every_seconds is not None:
        options["every_seconds"] = every_seconds
    sys.exit(command.sync_models(SyncConfig(**options)))
