"""Fitting the network: loss, schedule, weight averaging and choice of the best step."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from components import contract, progress
from components.train import model, replicas
from components.train.config import TrainConfig
from components.transform import features as causal


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
      network: from model.build_network, built under the strategy that fits it.
      base_quantiles: float32 [horizons, levels], learnt on train.
      train: endless batches (features, standardised labels, weights), see dataset.py.
      validation: one pass of the same.
      config: how to fit.
    Returns:
      Keras' history: a list of figures for each validation.
    """
    strategy = network.distribute_strategy
    replicas.check_batch(config.batch_crops, strategy)
    with strategy.scope():
        trainable = compile_for_fit(network, base_quantiles, config)
    every = min(config.validation_every, config.steps)
    epochs = -(-config.steps // every)
    callbacks = [
        _Progress(epochs * every),
        keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
        keras.callbacks.EarlyStopping(replicas.VALIDATION_LOSS, patience=epochs, restore_best_weights=True),
    ]
    if strategy is not tf.distribute.get_strategy():
        called = keras.callbacks.CallbackList(callbacks, model=trainable, epochs=epochs, steps=every)
        return replicas.fit_replicas(trainable, train, validation, called, replicas.Rounds(epochs, every))
    history = trainable.fit(
        train,
        epochs=epochs,
        steps_per_epoch=every,
        validation_data=validation,
        callbacks=callbacks,
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
        global_clipnorm=config.gradient_norm / network.distribute_strategy.num_replicas_in_sync,
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
