"""The section `tune` of the configuration: what is tried, and on which days."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig
from components.ingest.source_config import SourceConfig
from components.train.config import ModelConfig, TrainConfig
from components.transform.market_config import ALONE, MarketConfig

SECTIONS: Mapping[str, type[ModelConfig | TrainConfig]] = {"model": ModelConfig, "train": TrainConfig}


def _default_space() -> Mapping[str, tuple[float, ...]]:
    return {
        "model.units": (32, 50, 64),
        "model.layers": (1, 2),
        "model.dropout": (0.1, 0.2, 0.3),
        "train.learning_rate": (1e-3, 2e-3, 4e-3),
        "train.weight_decay": (1e-4, 1e-3, 1e-2),
    }


@dataclasses.dataclass(frozen=True)
class TuneConfig:
    """How the parameters of the network are searched.

    Attributes:
      enabled: a run of the pipeline searches first, and trains with the best.
      trials: different choices that are tried, at least 1.
      parallel: trials at a time, each in a process of its own, at least 1.
      folds: years before the test days, each forecast by a network that is fitted on earlier ones.
      eval_years: years before each fold by which the best step is chosen, at least 1.
      seed: of the choices; those of a trial do not depend on the trials before.
      space: key of the configuration, such as train.learning_rate -> the values to choose among.
    """

    enabled: bool = False
    trials: int = 8
    parallel: int = 1
    folds: int = 2
    eval_years: int = 1
    seed: int = 1
    space: Mapping[str, tuple[float, ...]] = dataclasses.field(default_factory=_default_space)

    def __post_init__(self) -> None:
        for name in ("trials", "parallel", "folds", "eval_years"):
            if getattr(self, name) < 1:
                raise ValueError(f"tune.{name} must be at least 1, got {getattr(self, name)}; raise it")
        if not self.space:
            raise ValueError("tune.space must name keys to choose for, got none; leave it out")
        for key, values in self.space.items():
            _check_choice(key, values)


@dataclasses.dataclass(frozen=True)
class TuneSettings:
    """The sections of the configuration that a search goes by; see pipeline.config.PipelineConfig."""

    source: SourceConfig
    validation: ValidationConfig
    chunks: ChunkConfig
    model: ModelConfig
    train: TrainConfig
    tune: TuneConfig
    market: MarketConfig = ALONE


def apply_values(
    model: ModelConfig, train: TrainConfig, values: Mapping[str, float]
) -> tuple[ModelConfig, TrainConfig]:
    """Both sections with some keys of tune.space replaced.

    Raises:
      ValueError: a key is none of theirs, or a value is out of its range.
    """
    sections: dict[str, Any] = {"model": model, "train": train}
    for key, value in values.items():
        section, name = _find_field(key)
        kind = type(getattr(sections[section], name))
        sections[section] = dataclasses.replace(sections[section], **{name: kind(value)})
    return sections["model"], sections["train"]


def read_values(model: ModelConfig, train: TrainConfig, keys: Iterable[str]) -> dict[str, float]:
    """What both sections say for some keys of tune.space."""
    sections = {"model": model, "train": train}
    return {key: getattr(sections[key.partition(".")[0]], key.partition(".")[2]) for key in keys}


def _check_choice(key: str, values: tuple[float, ...]) -> None:
    section, name = _find_field(key)
    if not values or len(set(values)) < len(values):
        raise ValueError(f"tune.space.{key} must list values, each once, got {list(values)}; give some")
    default = getattr(SECTIONS[section](), name)
    for value in values:
        if type(default) is int and value != int(value):
            raise ValueError(f"tune.space.{key} must list whole numbers, got {value}; round it")
        apply_values(ModelConfig(), TrainConfig(), {key: value})


def _find_field(key: str) -> tuple[str, str]:
    """Section and name of a number in the configuration."""
    section, _, name = key.partition(".")
    numbers = [
        f"{own}.{field.name}"
        for own, cls in SECTIONS.items()
        for field in dataclasses.fields(cls)
        if type(field.default) in (int, float)
    ]
    if key not in numbers:
        raise ValueError(
            f"tune.space must name keys among {', '.join(numbers)}, got {key}; choose among them"
        )
    return section, name
