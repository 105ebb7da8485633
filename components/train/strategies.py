"""Who trains: makes the tf.distribute strategy of a configuration; lets its workers wait for each other."""

from __future__ import annotations

import os
from collections.abc import Callable

import keras
import tensorflow as tf

from components.errors import ConfigError
from components.train.config import MIRRORED, MULTI_WORKER
from components.train.workers import VARIABLE, meet, read_worker


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Makes the strategy; the first thing that a worker does with TensorFlow.

    Args:
      name: of config.STRATEGIES.
    Returns:
      For none TensorFlow's default strategy, which changes nothing.
    Raises:
      ConfigError: TF_CONFIG is wrong, or TensorFlow has been used in this process.
      MarketcastError: another worker did not come up in time.
    """
    if name == MIRRORED:
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    if name == MULTI_WORKER:
        meet(read_worker(os.environ.get(VARIABLE, "")))
        return _join_workers()
    return tf.distribute.get_strategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """This process exports the model: it is the only one, or the first."""
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return read_worker(os.environ.get(VARIABLE, "")).is_chief
    return True


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Returns once every worker has called this; raises tf.errors.OpError when one of them has died."""
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        arrived = strategy.run(lambda: tf.ones([]))
        strategy.reduce(tf.distribute.ReduceOp.SUM, arrived, axis=None).numpy()


def copy_from_replicas(network: keras.Model, build: Callable[[], keras.Model]) -> keras.Model:
    """A network of plain variables with the weights of `network`; itself where it has plain ones.

    Args:
      network: built under a strategy.
      build: builds another of the same shape.
    """
    if network.distribute_strategy is tf.distribute.get_strategy():
        return network
    plain = build()
    plain.set_weights(network.get_weights())
    return plain


def _join_workers() -> tf.distribute.Strategy:
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise ConfigError(
            f"train.strategy multi_worker must be given a process of its own, got one that has used "
            f"TensorFlow ({error}); run the Trainer alone, once for each worker, as a task on Kubeflow does"
        ) from error
