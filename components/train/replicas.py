"""One training step shared by replicas: the same step as one device would take with the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from components.errors import ConfigError

VALIDATION_LOSS = "val_loss"
_SEED_STATE = "seed_generator_state"
"""End of the path of a keras.random.SeedGenerator's variable: a seed and a counter."""


class Rounds(NamedTuple):
    """Epochs of a fit, each ended by a validation, and optimizer steps in an epoch."""

    epochs: int
    steps: int


class ReplicaSteps:
    """Steps that replicas take together, each with its rows of a batch.

    With w the weights and l the losses of all labels of the whole batch, the loss is sum(w l) / sum(w), as
    on one device. A replica sums w l over its own rows and divides by the sum(w) of all replicas, so that
    the replicas' gradients add up to the gradient of that loss; it is clipped after they were added. A batch
    that falls unevenly, one replica with many masked days and one with few, gives the same step.

    Keras' own `fit` takes the mean of the replicas' means and lets each replica clip alone, which is another
    step; and with several workers it fails (seen with Keras 3.15, which adds up a batch to learn its shape).
    """

    def __init__(self, trainable: keras.Model) -> None:
        """Prepares the steps of a compiled model that was built under a strategy."""
        self._trainable = trainable
        self._strategy = trainable.distribute_strategy
        self._train = self._on_replicas(self._train_replica)
        self._validate = self._on_replicas(self._validate_replica)

    def train(self, batches: Iterator) -> None:
        """Takes one optimizer step with the next batch."""
        self._train(batches)

    def validate(self, batches: Iterator, num_batches: int) -> float:
        """The mean of the batches' losses, each by its number of rows, as `fit` takes it."""
        losses, rows = np.transpose([self._validate(batches) for _ in range(num_batches)])
        return float(np.average(losses, weights=rows))

    def _train_replica(self, features, labels, weights):
        whole_weight = _add_replicas(tf.reduce_sum(weights))
        with tf.GradientTape() as tape:
            quantiles = self._trainable(features, training=True)
            loss = self._own_part(labels, quantiles, weights, whole_weight)
        gradients = _add_replicas(tape.gradient(loss, self._trainable.trainable_weights))
        # The optimizer clips, then adds up what the replicas bring: each brings its part of the whole.
        shares = [gradient / self._strategy.num_replicas_in_sync for gradient in gradients]
        self._trainable.optimizer.apply(shares, self._trainable.trainable_weights)
        return loss

    def _validate_replica(self, features, labels, weights):
        quantiles = self._trainable(features, training=False)
        loss = self._own_part(labels, quantiles, weights, _add_replicas(tf.reduce_sum(weights)))
        is_real = tf.reduce_any(tf.not_equal(features, 0.0), axis=[1, 2])
        return _add_replicas([loss, tf.reduce_sum(tf.cast(is_real, tf.float32))])

    def _own_part(self, labels, quantiles, weights, whole_weight):
        losses = self._trainable.loss.call(labels, quantiles)
        return tf.math.divide_no_nan(tf.reduce_sum(losses * weights), whole_weight)

    def _on_replicas(self, step: Callable) -> Callable:
        """`step` on all replicas; the answer is the first local one's."""

        @tf.function
        def run(batches):
            answers = self._strategy.run(step, args=next(batches))
            return tf.nest.map_structure(
                lambda answer: self._strategy.experimental_local_results(answer)[0], answers
            )

        return run


def fit_replicas(
    trainable: keras.Model,
    train: tf.data.Dataset,
    validation: tf.data.Dataset,
    callbacks: keras.callbacks.CallbackList,
    rounds: Rounds,
) -> dict[str, list[float]]:
    """Fits as `fit` does: calls the callbacks at the same places, gives the same history.

    Args:
      trainable: compiled, built under a strategy.
      train: endless batches (features, labels, weights).
      validation: one pass of the same.
      callbacks: of the model.
      rounds: how often it trains and validates.
    """
    strategy = trainable.distribute_strategy
    part_seeds(trainable, strategy)
    with strategy.scope():
        trainable.optimizer.build(trainable.trainable_weights)
    steps = ReplicaSteps(trainable)
    train_batches = iter(distribute_batches(train, strategy))
    validation_batches = iter(distribute_batches(validation.repeat(), strategy))
    num_validation_batches = int(validation.cardinality())
    losses: list[float] = []
    callbacks.on_train_begin()
    for epoch in range(rounds.epochs):
        callbacks.on_epoch_begin(epoch)
        for step in range(rounds.steps):
            steps.train(train_batches)
            callbacks.on_train_batch_end(step)
        callbacks.on_test_begin()
        losses.append(steps.validate(validation_batches, num_validation_batches))
        callbacks.on_test_end()
        callbacks.on_epoch_end(epoch, {VALIDATION_LOSS: losses[-1]})
    trainable.optimizer.finalize_variable_values(trainable.trainable_weights)
    callbacks.on_train_end()
    return {VALIDATION_LOSS: losses}


def distribute_batches(
    batches: tf.data.Dataset, strategy: tf.distribute.Strategy
) -> tf.distribute.DistributedDataset:
    """Gives each replica its rows of every batch.

    Each worker makes all batches, from the same seeds, and keeps its own rows: so the step is that of one
    process, whatever the number of workers. What they share is the work of the network.

    Args:
      batches: of tensors [rows, ...]; rows of zeros are added where the replicas do not divide them.
      strategy: of the replicas.
    Returns:
      Batches of each replica, of rows / replicas rows, rounded up.
    """
    num_replicas = strategy.num_replicas_in_sync

    def make_share(context: tf.distribute.InputContext) -> tf.data.Dataset:
        num_own = num_replicas // context.num_input_pipelines
        first = context.input_pipeline_id * num_own
        shares = batches.map(
            lambda *parts: tuple(_divide(part, num_replicas)[first : first + num_own] for part in parts)
        )
        return shares.unbatch().prefetch(tf.data.AUTOTUNE)

    return strategy.distribute_datasets_from_function(make_share)


def check_batch(batch_crops: int, strategy: tf.distribute.Strategy) -> None:
    """Raises a ConfigError where the replicas do not divide the crops of a step."""
    num_replicas = strategy.num_replicas_in_sync
    if batch_crops % num_replicas:
        raise ConfigError(
            f"train.batch_crops must be a multiple of the {num_replicas} replicas, got {batch_crops}; "
            f"{(batch_crops // num_replicas + 1) * num_replicas} is the next one"
        )


def part_seeds(model: keras.Model, strategy: tf.distribute.Strategy) -> None:
    """Gives each replica dropout of its own; the masks of all would else be the same."""

    @tf.function  # type: ignore[untyped-decorator]
    def part() -> None:
        own = tf.distribute.get_replica_context().replica_id_in_sync_group
        for variable in model.non_trainable_variables:
            if variable.path.endswith(_SEED_STATE):
                variable.assign(variable + tf.cast(tf.stack([own, 0]), variable.dtype))

    strategy.run(part)


def _divide(part: tf.Tensor, num_replicas: int) -> tf.Tensor:
    """[rows, ...] as [num_replicas, rows of a replica, ...]."""
    rows = tf.shape(part)[0]
    own_rows = -(-rows // num_replicas)
    added = [[0, own_rows * num_replicas - rows], *([[0, 0]] * (part.shape.rank - 1))]
    return tf.reshape(tf.pad(part, added), tf.concat([[num_replicas, own_rows], tf.shape(part)[1:]], 0))


def _add_replicas(values):
    """The sum of a tensor, or of each of a list, over all replicas."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)
