"""Fitting the network: loss, schedule, weight averaging and choice of the best step."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from components import contract, progress
from components.errors import ConfigError
from components.train import model
from components.transform import features as causal


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
      hide_share: share of crops whose intraday range, and of those whose volume, is hidden, so
        that the model also serves tickers that have none.
      shuffle_crops: size of the shuffle buffer, in crops.
      cache_features: keep transformed chunks in memory after the first pass.
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
        for name in ("seed", "warmup_steps", "weight_decay", "later_horizon_weight"):
            if getattr(self, name) < 0:
                raise ValueError(f"train.{name} must not be negative, got {getattr(self, name)}; raise it")
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


def horizon_weights(config: TrainConfig) -> np.ndarray:
    """Weight of each horizon in the loss, float32 [horizons]."""
    weights = np.full(len(contract.HORIZONS), config.later_horizon_weight, np.float32)
    weights[0] = 1.0
    return weights


class PinballLoss(keras.losses.Loss):
    """Mean pinball loss over levels, weighted by the sample weights of [batch, days, horizons]."""

    def __init__(self) -> None:
        super().__init__(name="pinball", reduction="mean_with_sample_weight")

    def call(self, y_true, y_pred):
        """Loss of each label: y_true [..., horizons], y_pred [..., horizons, levels]."""
        return ops.mean(model.pinball_loss(y_true, y_pred), axis=-1)


class _Progress(keras.callbacks.Callback):
    """Tells components.progress of each step."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps = steps
        self._done = 0

    def on_train_batch_end(self, batch, logs=None):
        self._done += 1
        progress.report("training", self._done, self._steps)


def fit_network(
    network: keras.Model,
    base_quantiles: np.ndarray,
    train: tf.data.Dataset,
    validation: tf.data.Dataset,
    config: TrainConfig,
) -> dict[str, list[float]]:
    """Fits `network` in place and leaves the weights of its best validation in it.

    Args:
      network: from model.build_network.
      base_quantiles: float32 [horizons, levels], learnt on train.
      train: endless batches (features, standardised labels, weights), see dataset.py.
      validation: one pass of the same.
      config: how to fit.
    Returns:
      Keras' history: a list of figures for each validation.
    """
    trainable = compile_for_fit(network, base_quantiles, config)
    every = min(config.validation_every, config.steps)
    epochs = -(-config.steps // every)
    history = trainable.fit(
        train,
        epochs=epochs,
        steps_per_epoch=every,
        validation_data=validation,
        callbacks=[
            _Progress(epochs * every),
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
            keras.callbacks.EarlyStopping("val_loss", patience=epochs, restore_best_weights=True),
        ],
        shuffle=False,
        verbose=0,
    )
    return history.history


def compile_for_fit(network: keras.Model, base_quantiles: np.ndarray, config: TrainConfig) -> keras.Model:
    """`network` with its quantiles, loss, schedule and optimizer; shares the network's weights.

    Returns:
      A compiled model: features [batch, NETWORK_STEPS - 1 + days, num_features] -> standardised quantiles
      [batch, days, horizons, levels].
    """
    trainable = _with_quantiles(network, base_quantiles)
    schedule = keras.optimizers.schedules.CosineDecay(
        config.learning_rate / max(config.warmup_steps, 1),
        config.steps - config.warmup_steps,
        alpha=config.final_learning_rate_share,
        warmup_target=config.learning_rate,
        warmup_steps=config.warmup_steps,
    )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=config.weight_decay,
        global_clipnorm=config.gradient_norm,
        use_ema=True,
        ema_momentum=config.weight_average,
    )
    trainable.compile(optimizer, PinballLoss())
    return trainable


def _with_quantiles(network: keras.Model, base_quantiles: np.ndarray) -> keras.Model:
    """`network` with its corrections turned into standardised quantiles, warm-up days left out."""
    inputs = keras.Input(network.input_shape[1:], name=contract.FEATURES)
    corrections = network(inputs)[:, causal.NETWORK_STEPS - 1 :]
    return keras.Model(inputs, model.correct_quantiles(corrections, ops.convert_to_tensor(base_quantiles)))
