"""What a watch of the forecasts looks at, and how often."""

from __future__ import annotations

import dataclasses

from components.errors import ConfigError
from components.ingest.bars import ValidationConfig
from components.ingest.source_config import SourceConfig
from serving.client_config import ClientConfig

DAYS = 60
EVERY_SECONDS = 3600.0


@dataclasses.dataclass(frozen=True)
class DriftConfig:
    """What is asked of whom.

    Attributes:
      source: where the bars are; read anew in each round.
      validation: policies for bad bars.
      client: the server.
      days: trading days whose forecasts are compared with what came, at least 2.
      is_once: one round, then the end; otherwise until a signal.
      every_seconds: between two rounds, above 0.
      metrics_port: of /metrics and /healthz, 0 for any free one; None for neither.
    """

    source: SourceConfig
    validation: ValidationConfig
    client: ClientConfig
    days: int = DAYS
    is_once: bool = False
    every_seconds: float = EVERY_SECONDS
    metrics_port: int | None = None

    def __post_init__(self) -> None:
        if self.days < 2:
            raise ConfigError(f"--days must be at least 2, got {self.days}; 60 is a quarter of a year")
        if not self.every_seconds > 0:
            raise ConfigError(f"--every must be above 0, got {self.every_seconds:g}; wait longer")
