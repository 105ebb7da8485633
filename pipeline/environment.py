"""Where a run reads and writes: the sections that need no framework, and the layers they come in."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import TypeVar

from components.database.config import DatabaseConfig
from components.errors import ConfigError
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig
from components.ingest.source_config import SourceConfig
from pipeline import settings

T = TypeVar("T")
LOCAL = "local"
KUBEFLOW = "kubeflow"
SECTIONS = (
    "paths", "beam", "source", "database", "validation", "chunks", "model", "train", "market", "audit",
    "gate", "rehearsal", "backtest", "tune", "kubeflow", "submit", "name",
)  # fmt: skip
"""Fields of config.PipelineConfig, which loads TensorFlow."""
_ENVIRONMENTS = pathlib.Path(__file__).parent / "environments"


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
            if "://" in getattr(self, name):
                raise ValueError(
                    f"paths.{name} must be a folder of this machine or a mounted volume, "
                    f"got '{getattr(self, name)}'; copy from there to an object store"
                )

    @property
    def pipeline_root(self) -> str:
        """Folder of the artifacts, one subfolder a component."""
        return os.path.join(self.run_root, "pipeline")

    @property
    def metadata(self) -> str:
        """File of the SQLite metadata store."""
        return os.path.join(self.run_root, "metadata.sqlite")

    @property
    def results(self) -> str:
        """Folder of what components keep for later runs, see components.reuse."""
        return os.path.abspath(os.path.join(self.run_root, "results"))

    @property
    def logs(self) -> str:
        """Folder of the log files, one a run."""
        return os.path.join(self.run_root, "logs")

    @property
    def lock(self) -> str:
        """File that a run locks while it lasts."""
        return os.path.join(self.run_root, "lock")


@dataclasses.dataclass(frozen=True)
class ServingSections:
    """The sections that serving and asking need.

    Attributes:
      paths: where the pushed versions are.
      source: where the bars are.
      database: the server that they come from, if source.kind says so.
      validation: what happens to bad rows.
    """

    paths: PathsConfig
    source: SourceConfig
    database: DatabaseConfig
    validation: ValidationConfig

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", dataclasses.replace(self.source, database=self.database))


@dataclasses.dataclass(frozen=True)
class IngestSections:
    """The sections that decide what examples are made of the bars.

    Attributes:
      source: where the bars and the company metadata are.
      validation: what happens to bad rows.
      chunks: how bars are cut and split by date.
    """

    source: SourceConfig
    validation: ValidationConfig
    chunks: ChunkConfig


def read_layers(file: str = "", overrides: Sequence[str] = (), environment: str = LOCAL) -> settings.Tree:
    """Reads an environment, over it a file, over both single keys.

    Args:
      file: a YAML file; empty for none.
      overrides: `key.path=value`, the value being YAML.
      environment: where the pipeline runs: LOCAL or KUBEFLOW.
    Raises:
      ConfigError: a file cannot be read, or is no YAML; or a section is none of SECTIONS, which would else
        be passed over by whoever reads but some of them.
    """
    trees = [read_environment(environment)]
    if file:
        trees.append(settings.read_yaml(_read(file), os.path.relpath(file)))
    layers = settings.merge([*trees, *map(settings.read_override, overrides)])
    settings.refuse_unknown(layers, list(SECTIONS))
    return layers


def read_environment(environment: str) -> settings.Tree:
    """Reads what differs where the pipeline runs: LOCAL or KUBEFLOW."""
    file = str(_ENVIRONMENTS / f"{environment}.yaml")
    return settings.read_yaml(_read(file), os.path.relpath(file))


def load_serving_sections(file: str = "", overrides: Sequence[str] = ()) -> ServingSections:
    """Reads paths, source, database and validation alone, which is quick: the other sections load TensorFlow.

    Raises:
      ConfigError: a file, a section's name, or a key or value of these sections, is wrong.
    """
    return _load_sections(ServingSections, file, overrides)


def load_ingest_sections(file: str = "", overrides: Sequence[str] = ()) -> IngestSections:
    """Reads source, validation and chunks alone.

    Raises:
      ConfigError: a file, a section's name, or a key or value of these sections, is wrong.
    """
    return _load_sections(IngestSections, file, overrides)


def _load_sections(cls: type[T], file: str, overrides: Sequence[str]) -> T:
    names = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    layers = read_layers(file, overrides)
    return settings.build(cls, {key: value for key, value in layers.items() if key in names})


def _read(file: str) -> str:
    try:
        return pathlib.Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--config must be a readable YAML file, got {error}; check the path") from error
