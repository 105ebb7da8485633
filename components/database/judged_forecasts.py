"""A model's forecasts of the days that it was judged on, row by row: the Evaluator keeps sums only."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components import contract
from components.database.forecast_rows import make_rows
from components.evaluate.scoreboard import NUM_HORIZONS, ScoredChunk
from components.rehearse.loaded_model import LoadedModel

_FLOATS = (contract.CLOSE, contract.ADJ_CLOSE, contract.LABEL, contract.LABEL_MASK)


def forecast_judged_days(
    model_dir: str, files: Sequence[str], model_version: str
) -> Iterator[list[Sequence[Any]]]:
    """Asks a model for all days of the test split, and for each ticker's last as a server would.

    Args:
      model_dir: of the SavedModel.
      files: gzipped TFRecord files of the test split's chunk examples; those of a ticker follow each other,
        as the ingest writes them, and are in memory together.
      model_version: of the model.
    Yields:
      Rows of tables.FORECASTS, of one chunk.
    """
    model = LoadedModel(model_dir)
    for _, group in itertools.groupby(_read(files), key=lambda example: _identify(example)[0]):
        chunks = list(group)
        dates = [_identify(example)[1] for example in chunks]
        days = np.unique(np.concatenate([own[contract.LOOKBACK :] for own in dates]))
        for example, own in zip(chunks, dates, strict=True):
            latest = _ask_latest(model, example) if own[-1] == days[-1] else None
            yield make_rows(model_version, _score(model, example), days, latest)


def _read(files: Sequence[str]) -> Any:
    records = tf.data.TFRecordDataset(list(files), compression_type="GZIP").as_numpy_iterator()
    return (tf.train.Example.FromString(record) for record in records)


def _identify(example: tf.train.Example) -> tuple[str, npt.NDArray[np.int64]]:
    """Ticker, and the day of each bar."""
    feature = example.features.feature
    [ticker] = feature[contract.TICKER].bytes_list.value
    return ticker.decode(), np.array(feature[contract.DATE].int64_list.value)


def _floats(example: tf.train.Example, name: str, dtype: Any = np.float64) -> npt.NDArray[Any]:
    return np.array(example.features.feature[name].float_list.value, dtype)


def _score(model: LoadedModel, example: tf.train.Example) -> ScoredChunk:
    """What the Evaluator scores."""
    request = np.array([example.SerializeToString(deterministic=True)], object)
    answer = model.ask(contract.EVALUATE_SIGNATURE, {contract.EXAMPLES_INPUT: request})
    ticker, dates = _identify(example)
    close, adj_close, label, mask = (_floats(example, name) for name in _FLOATS)
    label = label.reshape(-1, NUM_HORIZONS)
    return ScoredChunk(
        ticker=ticker,
        dates=dates[-len(label) :],
        close=close[-len(label) :],
        adj_close=adj_close,
        label=label,
        label_mask=mask.reshape(-1, NUM_HORIZONS),
        quantiles=answer[contract.RETURN_QUANTILES][0, : len(label)].astype(np.float64),
        base_quantiles=answer[contract.BASE_QUANTILES][0].astype(np.float64),
    )


def _ask_latest(model: LoadedModel, example: tf.train.Example) -> npt.NDArray[np.float64]:
    """What a server answers, given the chunk's last bars: [horizons, levels]."""
    ticker, _ = _identify(example)
    bars = {
        name: _floats(example, name, np.float32)[np.newaxis, -contract.LOOKBACK :]
        for name in contract.BAR_COLUMNS
    }
    request = {contract.TICKER: np.array([ticker.encode()], object), **bars}
    answer = model.ask(contract.FORECAST_SIGNATURE, request)
    quantiles: npt.NDArray[np.float64] = answer[contract.RETURN_QUANTILES][0].astype(np.float64)
    return quantiles
