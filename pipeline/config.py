"""The configuration of a run: the parts' own dataclasses, and what differs per environment."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from components.evaluate.gate import GateConfig
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig
from components.ingest.sources import SourceConfig
from components.rehearse.replay import RehearsalConfig
from components.train.model import ModelConfig
from components.train.training import TrainConfig
from pipeline import settings
from pipeline.environment import PathsConfig, read_layers


@dataclasses.dataclass(frozen=True)
class BeamConfig:
    """How Beam runs.

    Attributes:
      pipeline_args: Beam's own flags, runner first.
    """

    pipeline_args: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class PipelineConfig:
    """Everything a run depends on.

    Attributes:
      name: of the pipeline in the metadata store.
      paths: where a run writes.
      beam: how Beam runs.
      source: where the bars and the company metadata are.
      validation: what happens to bad rows.
      chunks: how bars are cut and split by date.
      model: shape of the network.
      train: how it is fitted.
      gate: what the model must reach to be blessed.
      rehearsal: what the exported model must reach to be pushed.
    """

    paths: PathsConfig
    beam: BeamConfig
    source: SourceConfig
    validation: ValidationConfig
    chunks: ChunkConfig
    model: ModelConfig
    train: TrainConfig
    gate: GateConfig
    rehearsal: RehearsalConfig
    name: str = "marketcast"


def load_config(file: str = "", overrides: Sequence[str] = ()) -> PipelineConfig:
    """Reads the configuration: the local environment, over it a file, over both single keys.

    Args:
      file: a YAML file; empty for none.
      overrides: `key.path=value`, the value being YAML.
    Raises:
      ConfigError: a file, a key or a value is wrong.
    """
    return settings.build(PipelineConfig, read_layers(file, overrides))
