"""The command `watch-drift`; what it needs is imported when it runs."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import click

LOG_FORMAT = "%(asctime)s %(levelname).1s %(name)s: %(message)s"


@click.command("watch-drift")
@click.option("--config", "config_file", default="", metavar="FILE", help="YAML over the defaults.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One key over all.")
@click.option("--address", required=True, metavar="ADDRESS", help="Of the servers: host:port, or a URL.")
@click.option("--tls-ca", default="", metavar="FILE", help="Certificates that the server's must go back to.")
@click.option("--tls-cert", default="", metavar="FILE", help="A certificate of one's own.")
@click.option("--tls-key", default="", metavar="FILE", help="Its private key.")
@click.option("--data", "data_path", metavar="PATH", help="The bars.  [default: of the configuration]")
@click.option("--days", default=60, show_default=True, help="Trading days that are looked back on.")
@click.option("--once", "is_once", is_flag=True, help="One round; prints its figures as JSON.")
@click.option("--every", "every_seconds", type=float, help="Seconds between rounds.  [default: 3600]")
@click.option("--metrics-port", type=int, help="Of /metrics and /healthz.  [default: none]")
@click.option("--json", "as_json", is_flag=True, help="Log JSON objects.")
def watch_drift(config_file: str, overrides: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Compare the served model's forecasts of the last weeks with what came; tell Prometheus.

    It is asked again for each past day, with the bars of that day and no later ones.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from pipeline.environment import load_serving_sections
    from serving.connection_flags import ConnectionFlags
    from serving.drift import command
    from serving.drift.config import DriftConfig
    from serving.log_lines import log_lines

    if options["is_once"] and options["every_seconds"] is not None:
        raise click.UsageError("--once and --every exclude each other")
    if as_json:
        log_lines(sys.stderr)
    else:
        logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    sections = load_serving_sections(config_file, overrides)
    path = options.pop("data_path")
    connection = ConnectionFlags(**{name: options.pop(name) for name in ("tls_ca", "tls_cert", "tls_key")})
    client = connection.make_config(options.pop("address"))
    if options["every_seconds"] is None:
        del options["every_seconds"]
    config = DriftConfig(
        source=sections.source.at_files(path) if path else sections.source,
        validation=sections.validation,
        client=client,
        **options,
    )
    sys.exit(command.watch_drift(config, sys.stdout))
