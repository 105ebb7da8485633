"""The configuration of a run: the parts' own dataclasses, and what differs per environment."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Sequence

from components.errors import ConfigError
from components.evaluate.gate import GateConfig
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig
from components.ingest.sources import SourceConfig
from components.rehearse.replay import RehearsalConfig
from components.train.model import ModelConfig
from components.train.training import TrainConfig
from pipeline import settings

LOCAL_ENVIRONMENT = pathlib.Path(__file__).parent / "environments" / "local.yaml"


@dataclasses.dataclass(frozen=True)
class PathsConfig:
    """Where a run writes; paths are relative to the working directory.

    Attributes:
      run_root: folder of artifacts, metadata, logs and the lock of the running run.
      model_base_path: folder of pushed versions, one numbered folder each; what a server is given.
    """

    run_root: str
    model_base_path: str

    def __post_init__(self) -> None:
        for name in ("run_root", "model_base_path"):
            if not getattr(self, name):
                raise ValueError(f"paths.{name} must name a folder, got ''; give a path")

    @property
    def pipeline_root(self) -> str:
        """Folder of the artifacts, one subfolder a component."""
        return os.path.join(self.run_root, "pipeline")

    @property
    def metadata(self) -> str:
        """File of the SQLite metadata store."""
        return os.path.join(self.run_root, "metadata.sqlite")

    @property
    def logs(self) -> str:
        """Folder of the log files, one a run."""
        return os.path.join(self.run_root, "logs")

    @property
    def lock(self) -> str:
        """File that a run locks while it lasts."""
        return os.path.join(self.run_root, "lock")


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
    files = [str(LOCAL_ENVIRONMENT), *([file] if file else [])]
    trees = [settings.read_yaml(_read(name), os.path.relpath(name)) for name in files]
    return settings.build(PipelineConfig, settings.merge([*trees, *map(settings.read_override, overrides)]))


def _read(file: str) -> str:
    try:
        return pathlib.Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--config must be a readable YAML file, got {error}; check the path") from error
