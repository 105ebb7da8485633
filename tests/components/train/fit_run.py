"""A program that fits a network on made-up batches by one strategy and writes its weights; no TFX."""

from __future__ import annotations

import json
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

from components import contract, progress
from components.train import model, strategies, training
from components.train.config import MIRRORED, ModelConfig, TrainConfig
from components.transform import features as causal

TRAINING_HAS_BEGUN = "training has begun"
NUM_BATCHES = 3
NUM_VALIDATION_ROWS = 5
BASE = np.tile(
    np.linspace(-1.6, 1.6, len(contract.QUANTILE_LEVELS), dtype=np.float32), (model.NUM_HORIZONS, 1)
)


def make_rows(num_rows: int, num_days: int, seed: int) -> tf.data.Dataset:
    """Rows of features, labels and weights; the later a row, the fewer of its days are real."""
    rng = np.random.default_rng(seed)
    steps = causal.NETWORK_STEPS - 1 + num_days
    features = rng.normal(size=(num_rows, steps, causal.NUM_FEATURES)).astype(np.float32)
    labels = 3.0 * rng.normal(size=(num_rows, num_days, model.NUM_HORIZONS)).astype(np.float32)
    is_real = np.arange(num_days) < num_days / (1 + np.arange(num_rows)[:, None])
    weights = np.repeat(is_real[..., None], model.NUM_HORIZONS, axis=-1).astype(np.float32)
    return tf.data.Dataset.from_tensor_slices((features, labels, weights))


def fit(config: TrainConfig) -> dict[str, np.ndarray]:
    """Fits by the config's strategy: weights by name, and the losses of the validations."""
    strategy = strategies.make_strategy(config.strategy)
    keras.utils.set_random_seed(config.seed)
    with strategy.scope():
        network = model.build_network(ModelConfig(units=4, dropout=0.0), causal.NUM_FEATURES)
    rows = make_rows(NUM_BATCHES * config.batch_crops, config.crop_days, seed=1)
    train = rows.batch(config.batch_crops, drop_remainder=True).repeat()
    validation = make_rows(NUM_VALIDATION_ROWS, config.crop_days, seed=2).batch(3)
    history = training.fit_network(network, BASE, train, validation, config)
    figures = {weight.path: np.asarray(weight) for weight in network.weights}
    return figures | {"val_loss": np.asarray(history["val_loss"])}


def tell(label: str, done: int, total: int) -> None:
    """Says when the first step is done."""
    if done == 1:
        print(TRAINING_HAS_BEGUN, file=sys.stderr, flush=True)


def main() -> None:
    """Arguments: the TrainConfig's values as JSON, and the file of weights to write."""
    config = TrainConfig(**json.loads(sys.argv[1]))
    if config.strategy == MIRRORED:
        [cpu] = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    progress.set_listener(tell)
    np.savez(pathlib.Path(sys.argv[2]), **fit(config))


if __name__ == "__main__":
    main()
