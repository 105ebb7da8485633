"""What the Trainer component calls: reads chunks, fits the network, exports the SavedModel."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import pathlib

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from components import contract, provenance
from components.errors import ConfigError
from components.ingest.bars import iso_date
from components.rehearse import golden
from components.train import model, strategies, training
from components.train.config import ModelConfig, TrainConfig
from components.train.dataset import (
    ChunkSource,
    count_features,
    make_training_batches,
    make_validation_batches,
)
from components.train.golden_requests import draw_requests
from components.train.signatures import Forecaster
from components.transform.market_config import MarketConfig
from components.transform.market_property import MARKET_KEY, read_market
from components.tune.config import apply_values

MODEL_CONFIG = "model"
TRAIN_CONFIG = "train"
MARKET_CONFIG = MARKET_KEY
"""Keys of the Trainer's custom_config: each the JSON of its dataclass."""
HYPERPARAMETER_VALUES = "values"
"""Where KerasTuner's configuration of hyperparameters has what was chosen."""
DIGEST_BYTES = 1 << 20
"""Of a file, in memory at a time."""


def run_fn(fn_args: FnArgs) -> None:
    """Trains on the train split, chooses the step on the eval split, and exports.

    Of several workers each calls this; one exports, and all return when it has.

    Args:
      fn_args: from the Trainer; `custom_config` holds MODEL_CONFIG, TRAIN_CONFIG and MARKET_CONFIG,
        `hyperparameters` what a search found better.
    Raises:
      ConfigError: a hyperparameter is none of ours, or out of its range.
    """
    model_config, train_config = read_configs(fn_args)
    market = read_market(fn_args.custom_config)
    strategy = strategies.make_strategy(train_config.strategy)
    keras.utils.set_random_seed(train_config.seed)
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    train, evaluation = (
        ChunkSource(files, transform, market.enabled) for files in (fn_args.train_files, fn_args.eval_files)
    )
    build = functools.partial(model.build_network, model_config, count_features(market.enabled))
    with strategy.scope():
        network = build()
    history = training.fit_network(
        network,
        train.base_quantiles(),
        make_training_batches(train, train_config),
        make_validation_batches(evaluation, train_config),
        train_config,
    )
    if strategies.is_chief(strategy):
        record = _make_record((model_config, train_config, market), train.files, evaluation.files, history)
        plain = strategies.copy_from_replicas(network, build)
        forecaster = Forecaster(plain, transform, record[contract.MODEL_VERSION], market)
        _export(forecaster, evaluation, record, fn_args)
    strategies.wait_for_all(strategy)
    # Where the workers share no folder, TFX's Trainer looks for this one in each of them.
    tf.io.gfile.makedirs(fn_args.serving_model_dir)


def read_configs(fn_args: FnArgs) -> tuple[ModelConfig, TrainConfig]:
    """What is trained, and how; see run_fn."""
    model_config = ModelConfig(**json.loads(fn_args.custom_config[MODEL_CONFIG]))
    train_config = TrainConfig(**json.loads(fn_args.custom_config[TRAIN_CONFIG]))
    found = fn_args.hyperparameters or {}
    try:
        return apply_values(model_config, train_config, found.get(HYPERPARAMETER_VALUES, {}))
    except ValueError as error:
        raise ConfigError(f"the hyperparameters of a search must fit the Trainer: {error}") from error


def _export(forecaster: Forecaster, evaluation: ChunkSource, record: dict, fn_args: FnArgs) -> None:
    """Saves the model with its record and its golden forecasts."""
    forecaster.save(fn_args.serving_model_dir)
    extra = pathlib.Path(fn_args.serving_model_dir, contract.ASSETS_EXTRA)
    extra.mkdir(parents=True, exist_ok=True)
    (extra / contract.RECORD_FILE).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    requests = draw_requests(evaluation.files)
    signatures = tf.saved_model.load(fn_args.serving_model_dir).signatures
    expected = [golden.ask(signatures[contract.FORECAST_SIGNATURE], request) for request in requests]
    golden.write_golden(extra, requests, expected, contract.UNIVERSE_SIGNATURE in signatures)


def _make_record(
    configs: tuple[ModelConfig, TrainConfig, MarketConfig],
    train_files: list[str],
    eval_files: list[str],
    history: dict[str, list[float]],
) -> dict:
    """What the model was made from; `model_version` is a digest of it, so equal inputs agree."""
    model_config, train_config, market = configs
    made_from = {
        contract.RECORD_MODEL: dataclasses.asdict(model_config),
        contract.RECORD_TRAIN: dataclasses.asdict(train_config),
        contract.RECORD_TRAIN_EXAMPLES: _describe_examples(train_files),
        contract.RECORD_EVAL_EXAMPLES: _describe_examples(eval_files),
    }
    if market.enabled:
        made_from[contract.RECORD_MARKET] = dataclasses.asdict(market)
    digest = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
    return made_from | {
        contract.MODEL_VERSION: digest[:12],
        contract.RECORD_VALIDATION_LOSS: history["val_loss"],
        contract.RECORD_COMMIT: provenance.find_commit(),
        contract.RECORD_VERSIONS: provenance.list_versions(),
    }


def _describe_examples(paths: list[str]) -> dict[str, str]:
    """Fingerprint of a split's files, and its first and last target day; holds one chunk at a time."""
    spec = {contract.DATE: tf.io.VarLenFeature(tf.int64)}
    first_days, last_days = [], []
    for record in tf.data.TFRecordDataset(paths, compression_type="GZIP"):
        days = tf.io.parse_single_example(record, spec)[contract.DATE].values.numpy()
        first_days.append(days[contract.LOOKBACK])
        last_days.append(days[-1])
    return {
        "sha256": _digest_files(paths),
        "first_day": iso_date(min(first_days)),
        "last_day": iso_date(max(last_days)),
    }


def _digest_files(paths: list[str]) -> str:
    """sha256 over the contents of files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        with tf.io.gfile.GFile(path, "rb") as file:
            while block := file.read(DIGEST_BYTES):
                digest.update(block)
    return digest.hexdigest()
