"""The audit itself: a sample of the real chunks, the exported model, the Transform graph."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components import contract
from components.audit import constants, probes
from components.audit.report import AuditConfig, AuditReport

SMALLEST_CHUNK = 2
"""Target days: one to forecast, and one after it to change."""


class LeakageAudit:
    """Looks for the future in labels, forecasts and constants."""

    def __init__(self, files: Mapping[str, Sequence[str]], config: AuditConfig) -> None:
        """Draws the sample.

        Args:
          files: split -> paths of gzipped TFRecord files of chunk examples.
          config: how much of them.
        """
        self._files = files
        self._config = config
        self._examples = [
            (split, example) for split in sorted(files) for example in draw(files[split], config)
        ]

    def run(
        self,
        model_dir: str,
        transform: tft.TFTransformOutput,
        relearnt: tft.TFTransformOutput,
    ) -> AuditReport:
        """Checks everything; finds all problems, not only the first.

        Args:
          model_dir: the SavedModel.
          transform: the graph that it was trained with.
          relearnt: a graph of the audit's own, of the train split alone; see constants.learn_transform.
        """
        views = [view_example(example, split) for split, example in self._examples]
        problems = [f"{view.name}: {problem}" for view in views for problem in probes.check_labels(view)]
        evaluate = load_evaluate(model_dir)
        rng = np.random.default_rng(self._config.seed)
        num_probes = 0
        for (_, example), view in zip(self._examples, views, strict=True):
            days = np.sort(rng.choice(view.num_days - 1, min(self._config.days, view.num_days - 1), False))
            num_probes += len(days)
            found = probes.probe_chunk(view, _ask(evaluate, example), days, self._config.seed)
            problems += [f"{view.name}: {problem}" for problem in found]
        serialized = [example.SerializeToString() for _, example in self._examples]
        num_constants, found = constants.compare_graphs(transform, relearnt, serialized)
        num_labels = sum(int(view.label_mask.sum()) for view in views)
        names = tuple(view.name for view in views)
        return AuditReport(names, num_probes, num_labels, num_constants, (*problems, *found))


def draw(files: Sequence[str], config: AuditConfig) -> list[tf.train.Example]:
    """Chunk examples of one split by reservoir sampling: one pass, and no more in memory than are kept.

    Source: Vitter (1985), Random sampling with a reservoir, ACM TOMS 11(1), algorithm R.
    """
    chooser = random.Random(config.seed)
    kept: list[bytes] = []
    records = tf.data.TFRecordDataset(list(files), compression_type="GZIP").as_numpy_iterator()
    for number, record in enumerate(records):
        if number < config.chunks:
            kept.append(record)
        elif (place := chooser.randrange(number + 1)) < config.chunks:
            kept[place] = record
    examples = [tf.train.Example.FromString(record) for record in kept]
    return [example for example in examples if _num_days(example) >= SMALLEST_CHUNK]


def view_example(example: tf.train.Example, split: str) -> probes.ChunkView:
    """Takes a chunk example apart."""
    feature = example.features.feature
    bars = {name: np.asarray(feature[name].float_list.value, np.float32) for name in contract.BAR_COLUMNS}
    label, mask = (
        np.asarray(feature[name].float_list.value, np.float32).reshape(-1, len(contract.HORIZONS))
        for name in (contract.LABEL, contract.LABEL_MASK)
    )
    if contract.MARKET in feature:
        market = np.asarray(feature[contract.MARKET].float_list.value, np.float32)
        bars[contract.MARKET] = market.reshape(len(bars[contract.CLOSE]), -1)
    ticker = feature[contract.TICKER].bytes_list.value[0].decode()
    return probes.ChunkView(f"{split}, {ticker}, {len(label)} target days", bars, label, mask)


def load_evaluate(model_dir: str) -> Callable[..., dict[str, tf.Tensor]]:
    """The exported model's `evaluate` signature."""
    signature: Callable[..., dict[str, tf.Tensor]] = tf.saved_model.load(model_dir).signatures[
        contract.EVALUATE_SIGNATURE
    ]
    return signature


def _ask(
    evaluate: Callable[..., dict[str, tf.Tensor]], example: tf.train.Example
) -> Callable[[probes.Columns], probes.Answer]:
    """Asks the model for a chunk with other bars; one chunk at a time, so that a batch changes no bit."""

    def ask(bars: probes.Columns) -> probes.Answer:
        changed = tf.train.Example.FromString(example.SerializeToString())
        for name, column in bars.items():
            changed.features.feature[name].float_list.value[:] = column.ravel().tolist()
        answer = evaluate(examples=tf.constant([changed.SerializeToString()]))
        return {name: tensor.numpy()[0] for name, tensor in answer.items()}

    return ask


def _num_days(example: tf.train.Example) -> int:
    return len(example.features.feature[contract.CLOSE].float_list.value) - contract.LOOKBACK
