"""Golden forecasts: requests that a model carries with it, their answers, and the warm-up made of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from components import contract
from components.rehearse.requests import (
    EXPECTED_KEY,
    REQUESTS_KEY,
    Arrays,
    Forecast,
    GoldenForecasts,
    Request,
    join_universe,
    to_arrays,
)

Signature = Callable[..., Mapping[str, tf.Tensor]]


def ask(signature: Signature, request: Request) -> Forecast:
    """Asks the `forecast` signature of a loaded model.

    Args:
      signature: from tf.saved_model.load.
      request: one request.
    Returns:
      Each output as nested lists; every float32 is the very same number as a float.
    """
    answer = signature(**{name: tf.constant(array) for name, array in to_arrays(request).items()})
    return {name: _to_plain(tensor.numpy()) for name, tensor in answer.items()}


def write_golden(
    directory: os.PathLike[str],
    requests: Sequence[Request],
    expected: Sequence[Forecast],
    has_universe: bool = False,
) -> None:
    """Writes the golden forecasts and the warm-up; equal arguments give equal bytes.

    Args:
      directory: the model's assets.extra, which exists.
      requests: one ticker each, numbers being float32 values.
      expected: what `ask` answers to each.
      has_universe: the model has contract.UNIVERSE_SIGNATURE, which the warm-up then asks too.
    Raises:
      ValueError: there is no request, or not one answer for each.
    """
    golden = GoldenForecasts(tuple(requests), tuple(expected))
    content = {REQUESTS_KEY: golden.requests, EXPECTED_KEY: golden.expected}
    with open(os.path.join(directory, contract.GOLDEN_FILE), "w", encoding="utf-8") as stream:
        json.dump(content, stream, sort_keys=True, allow_nan=False)
        stream.write("\n")
    with tf.io.TFRecordWriter(os.path.join(directory, contract.WARMUP_FILE)) as writer:
        logs = [_make_warmup(contract.FORECAST_SIGNATURE, to_arrays(request)) for request in golden.requests]
        if has_universe:
            logs.append(_make_warmup(contract.UNIVERSE_SIGNATURE, join_universe(golden.requests)))
        for log in logs:
            writer.write(log.SerializeToString(deterministic=True))


def _make_warmup(signature: str, arrays: Arrays) -> prediction_log_pb2.PredictionLog:
    """A request as TensorFlow Serving replays it before a version goes live.

    Source: https://www.tensorflow.org/tfx/serving/saved_model_warmup
    """
    log = prediction_log_pb2.PredictionLog()
    predict = log.predict_log.request
    predict.model_spec.name = contract.MODEL_NAME
    predict.model_spec.signature_name = signature
    for name, array in arrays.items():
        predict.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return log


def _to_plain(array: Any) -> Any:
    """A NumPy array, or the bytes of a string scalar, as JSON types."""
    return array.decode() if isinstance(array, bytes) else array.tolist()
