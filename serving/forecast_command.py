"""What `marketcast forecast` does: latest bars in; a table, a JSON object or a file out."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from components.errors import ConfigError, ServingError
from components.infer.forecast_table import check_path, write_table
from components.infer.universe_report import describe_skipped
from components.ingest.bars import ValidationConfig, day_number
from components.ingest.source_config import SourceConfig
from components.push import publish
from serving import embedded
from serving.client_config import TIMEOUT_SECONDS, ClientConfig
from serving.connect import connect
from serving.connection_flags import ConnectionFlags
from serving.forecast import Forecast
from serving.forecast_report import (
    describe_file,
    describe_forecast,
    describe_market,
    print_file,
    print_forecast,
)
from serving.latest_bars import read_latest_bars
from serving.universe import Universe, read_universe

SECONDS_PER_TICKER = 0.02
"""Allowed where no deadline was given: ten times what REST takes on two cores."""


@dataclasses.dataclass(frozen=True)
class ForecastOptions:
    """What is asked, and of whom.

    Attributes:
      tickers: names, in one text or in several, each separated by commas.
      source: where the bars are.
      model_base_path: folder of the versions, for a server of one's own.
      address: of a server, see serving.addresses; empty starts one for the time of the forecast.
      as_of: ISO date; later bars are ignored. Empty takes all.
      every: take all tickers of the source instead.
      out: file of the forecasts, CSV or Parquet; empty prints them.
      as_json: print one JSON object.
      validation: policies for bad bars.
      connection: how the server of that address is reached.
    """

    tickers: str | Sequence[str]
    source: SourceConfig
    model_base_path: str
    address: str = ""
    as_of: str = ""
    every: bool = False
    out: str = ""
    as_json: bool = False
    validation: ValidationConfig = dataclasses.field(default_factory=ValidationConfig)
    connection: ConnectionFlags = dataclasses.field(default_factory=ConnectionFlags)

    def __post_init__(self) -> None:
        if bool(self.names) == self.every:
            got = f"both, {', '.join(self.names)}" if self.every else f"{self.tickers!r}"
            raise ConfigError(
                f"--ticker must name a ticker, or --all must stand for all, got {got}; such as --ticker "
                "AAPL,MSFT"
            )
        if self.out:
            check_path(self.out)
        if self.as_of:
            try:
                day_number(self.as_of)
            except ValueError as error:
                raise ConfigError(
                    f"--as-of must be a day as YYYY-MM-DD, got {self.as_of!r}; write it so"
                ) from error
        if not self.address:
            self.connection.check_alone()

    @property
    def names(self) -> list[str]:
        """The tickers one by one, each once."""
        text = self.tickers if isinstance(self.tickers, str) else ",".join(self.tickers)
        names = (name.strip() for name in text.split(","))
        return list(dict.fromkeys(filter(None, names)))


def forecast(options: ForecastOptions, output: TextIO, notes: TextIO) -> None:
    """Forecasts and prints, or writes a file.

    Args:
      options: what is asked.
      output: for the table, the JSON object or what was written.
      notes: for what the user waits for.
    Raises:
      InputError: an unknown ticker, too short a history, bad bars.
      ServingError: no model, no server, or one that refuses.
      ConfigError: the file cannot be written.
    """
    universe = _read(options)
    with _find_server(options, notes) as server, connect(server) as client:
        answer = client.forecast(universe.bars, _allow_seconds(options, len(universe.bars)))
    if options.out:
        write_table(answer.to_frame(), options.out)
    _report(options, answer, universe.skipped, output)


def _read(options: ForecastOptions) -> Universe:
    last_day = day_number(options.as_of) if options.as_of else None
    if options.every:
        return read_universe(options.source, options.validation, last_day)
    return Universe(read_latest_bars(options.source, options.validation, options.names, last_day), {})


def _allow_seconds(options: ForecastOptions, num_tickers: int) -> float:
    """The deadline that was given, or one that grows with the number of tickers."""
    given = options.connection.timeout
    return given if given != TIMEOUT_SECONDS else max(given, SECONDS_PER_TICKER * num_tickers)


def _report(options: ForecastOptions, answer: Forecast, skipped: Mapping[str, str], output: TextIO) -> None:
    if options.as_json:
        described = describe_file(answer, options.out) if options.out else describe_forecast(answer)
        if options.every:
            described["skipped"] = dict(skipped)
            described["market_tickers"] = int(answer.has_market.sum())
        json.dump(described, output, indent=1, allow_nan=False)
        output.write("\n")
        return
    if options.out:
        print_file(answer, options.out, output)
    else:
        print_forecast(answer, output)
    if options.every:
        output.write(f"{describe_market(answer)}\n")
    if skipped:
        output.write(f"{describe_skipped(skipped)}\n")


@contextlib.contextmanager
def _find_server(options: ForecastOptions, notes: TextIO) -> Iterator[ClientConfig]:
    """The server that was named, or one that runs for the time being."""
    if options.address:
        yield options.connection.make_config(options.address)
        return
    if not publish.list_versions(options.model_base_path):
        raise ServingError(
            f"{options.model_base_path} must hold a pushed model, got none; run `marketcast run` first, or "
            "give the --address of a server"
        )
    notes.write("starting a server for this forecast; `marketcast serve` keeps one, for --address\n")
    notes.flush()
    with embedded.start_server(options.model_base_path) as address:
        yield options.connection.make_config(address)
