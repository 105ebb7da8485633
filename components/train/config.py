"""The sections `model` and `train` of the configuration; no framework is imported, reading them is quick."""

from __future__ import annotations

import dataclasses

from components.errors import ConfigError

NO_STRATEGY = "none"
MIRRORED = "mirrored"
MULTI_WORKER = "multi_worker"
STRATEGIES = (NO_STRATEGY, MIRRORED, MULTI_WORKER)


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """Shape of the network.

    Attributes:
      units: width of each LSTM layer, at least 1.
      layers: number of LSTM layers, at least 1.
      dropout: share of a layer's outputs dropped in training, in [0, 1).
      correction_limit: bound of each log correction: a quantile's distance from the median moves
        by a factor of at most exp(correction_limit), whatever the input.
    """

    units: int = 50
    layers: int = 2
    dropout: float = 0.2
    correction_limit: float = 1.0

    def __post_init__(self) -> None:
        if self.units < 1 or self.layers < 1:
            raise ValueError(
                f"model.units and model.layers must be at least 1, got {self.units} and {self.layers}; "
                "give both a positive whole number"
            )
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"model.dropout must be in [0, 1), got {self.dropout}; 0.2 suits small data")
        if self.correction_limit <= 0.0:
            raise ValueError(
                f"model.correction_limit must be positive, got {self.correction_limit}; 1.0 is a good start"
            )


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How the network is fitted.

    Attributes:
      seed: seed of weights, crops and dropout.
      steps: optimizer steps, at least 1.
      batch_crops: crops in a step, at least 1.
      crop_days: target days in a crop, at least 1; a loss is taken at each.
      validation_every: steps between two validations; the best one's weights are kept.
      learning_rate: peak of the schedule: linear warm-up, then cosine.
      warmup_steps: steps of linear warm-up.
      final_learning_rate_share: where the cosine ends, as a share of the peak.
      weight_decay: of AdamW.
      gradient_norm: gradients are clipped to this global norm.
      weight_average: momentum of the moving average of weights that is validated and kept.
      later_horizon_weight: weight of horizons above the first in the loss; the first has 1.
      hide_share: share of crops whose intraday range, of those whose volume, and of those whose market
        features are hidden, so that the model also serves tickers that have none.
      shuffle_crops: size of the shuffle buffer, in crops.
      cache_features: keep transformed chunks in memory after the first pass, those of a split that fits into
        cache_megabytes; the fit is the same either way.
      cache_megabytes: size up to which a split's chunks are kept; larger ones are read anew in each pass.
      strategy: who shares a step's crops: none, one device; mirrored, all GPUs of this machine;
        multi_worker, the processes that the environment variable TF_CONFIG names.
    """

    seed: int = 1
    steps: int = 300
    batch_crops: int = 8
    crop_days: int = 126
    validation_every: int = 20
    learning_rate: float = 2e-3
    warmup_steps: int = 60
    final_learning_rate_share: float = 0.03
    weight_decay: float = 1e-3
    gradient_norm: float = 1.0
    weight_average: float = 0.98
    later_horizon_weight: float = 0.25
    hide_share: float = 0.25
    shuffle_crops: int = 256
    cache_features: bool = True
    cache_megabytes: int = 1024
    strategy: str = NO_STRATEGY

    def __post_init__(self) -> None:
        for name in ("steps", "batch_crops", "crop_days", "validation_every", "shuffle_crops"):
            if getattr(self, name) < 1:
                raise ValueError(f"train.{name} must be at least 1, got {getattr(self, name)}; raise it")
        for name in ("learning_rate", "gradient_norm"):
            if getattr(self, name) <= 0.0:
                raise ValueError(f"train.{name} must be positive, got {getattr(self, name)}; raise it")
        for name in ("final_learning_rate_share", "weight_average", "hide_share"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"train.{name} must be in [0, 1), got {getattr(self, name)}; lower it")
        for name in ("seed", "warmup_steps", "weight_decay", "later_horizon_weight", "cache_megabytes"):
            if getattr(self, name) < 0:
                raise ValueError(f"train.{name} must not be negative, got {getattr(self, name)}; raise it")
        self._check_choices()

    def _check_choices(self) -> None:
        if self.strategy not in STRATEGIES:
            raise ValueError(
                f"train.strategy must be one of {', '.join(STRATEGIES)}, got {self.strategy!r}; "
                f"{NO_STRATEGY} suits small data"
            )
        if self.warmup_steps >= self.steps:
            raise ValueError(
                f"train.warmup_steps must be less than train.steps ({self.steps}), got {self.warmup_steps}; "
                "shorten the warm-up or train longer"
            )


def change_run(config: TrainConfig, steps: int, seed: int) -> TrainConfig:
    """`config` for a run of other steps and seed; a shorter run warms up for a fifth of it at most.

    Raises:
      ConfigError: steps or seed are out of range.
    """
    warmup = min(config.warmup_steps, max(steps, 0) // 5)
    try:
        return dataclasses.replace(config, steps=steps, seed=seed, warmup_steps=warmup)
    except ValueError as error:
        raise ConfigError(str(error)) from error
