"""Requests of TensorFlow Serving's own messages."""

from __future__ import annotations

import numpy as np

from components import contract
from serving.bars import take_latest_bars
from tests.serving.sample_bars import make_frame


def make_request(**changes):
    """A good request to `forecast`; `changes` are inputs, None takes one out."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = contract.MODEL_NAME
    request.model_spec.signature_name = contract.FORECAST_SIGNATURE
    latest = take_latest_bars(make_frame())
    inputs = {contract.TICKER: np.array(latest.tickers), **latest.columns, **changes}
    for name, array in inputs.items():
        if array is not None:
            request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return request
