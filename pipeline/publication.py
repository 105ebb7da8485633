"""What `marketcast run` writes to the database when it has ended: the run, its verdict, its forecasts."""

from __future__ import annotations

from collections.abc import Mapping

from components.publish import publishing
from components.publish.executor import PRODUCERS, read_run
from pipeline.config import PipelineConfig
from pipeline.local_runner import NodeResult


def publish(config: PipelineConfig, results: Mapping[str, NodeResult]) -> publishing.Published:
    """Writes a run that reached its end, pushed or refused.

    Args:
      config: of the run.
      results: of its components.
    Raises:
      DatabaseError: the database cannot be reached, or refuses; nothing is written.
    """
    left = {key: results[producer].outputs[key] for key, producer in PRODUCERS.items()}
    return publishing.publish(config.database, read_run(left), config.gate, config.paths.run_root)
