"""What BulkInferrer leaves, read as forecasts."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from components import contract
from components.infer.forecast_table import ForecastArrays
from components.infer.latest_bars import read_day
from components.ingest.bars import EPOCH

LOG_FILES = "prediction_logs*"
"""Source: tfx.components.bulk_inferrer.executor, _PREDICTION_LOGS_FILE_NAME."""
_LEVEL_DECIMALS = 6


def read_forecasts(folder: str) -> ForecastArrays:
    """Reads the forecasts of all tickers, in the order of their names.

    Args:
      folder: of an InferenceResult; holds at least one forecast.
    """
    rows = sorted((_read_log(log) for log in _read_logs(folder)), key=lambda row: row[0])
    tickers, days, outputs = zip(*rows, strict=True)
    first = outputs[0]
    return ForecastArrays(
        tickers=tickers,
        as_of=EPOCH + np.array(days, "timedelta64[D]"),
        horizons=first[contract.HORIZONS_OUTPUT],
        levels=np.round(first[contract.QUANTILE_LEVELS_OUTPUT].astype(np.float64), _LEVEL_DECIMALS),
        prices=np.stack([output[contract.PRICE_QUANTILES] for output in outputs]),
        returns=np.stack([output[contract.RETURN_QUANTILES] for output in outputs]),
        model_version=first[contract.MODEL_VERSION].item().decode(),
    )


def _read_logs(folder: str) -> Iterator[prediction_log_pb2.PredictionLog]:
    files = sorted(glob.glob(os.path.join(glob.escape(folder), LOG_FILES)))
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator():
        yield prediction_log_pb2.PredictionLog.FromString(record)


def _read_log(log: prediction_log_pb2.PredictionLog) -> tuple[str, int, dict[str, npt.NDArray[Any]]]:
    """Ticker, as-of day, and the outputs without the axis of the batch."""
    predict = log.predict_log
    example = tf.train.Example.FromString(predict.request.inputs[contract.EXAMPLES_INPUT].string_val[0])
    outputs = {name: tf.make_ndarray(tensor)[0] for name, tensor in predict.response.outputs.items()}
    return *read_day(example), {name: np.asarray(output) for name, output in outputs.items()}
