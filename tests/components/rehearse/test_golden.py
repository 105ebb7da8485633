"""The golden file gives float32 back exactly, and the warm-up is what TensorFlow Serving reads."""

from __future__ import annotations

import pathlib
from types import ModuleType

import numpy as np
import pytest

from components import contract
from components.rehearse import requests

pytestmark = pytest.mark.tf


@pytest.fixture(name="tiny", scope="module")
def fixture_tiny() -> ModuleType:
    from tests.components.rehearse import tiny_model

    return tiny_model


@pytest.fixture(name="model")
def fixture_model(tiny: ModuleType, tmp_path: pathlib.Path) -> pathlib.Path:
    folder: pathlib.Path = tiny.save(tiny.TinyModule(), tmp_path / "model")
    return folder


def test_numbers_round_trip_exactly(tiny: ModuleType, model: pathlib.Path) -> None:
    written = requests.read_golden(str(model))
    signature = tiny.tf.saved_model.load(str(model)).signatures[contract.FORECAST_SIGNATURE]
    for request, drawn, expected in zip(
        written.requests, tiny.draw_requests(), written.expected, strict=True
    ):
        assert request == drawn
        arrays = requests.to_arrays(request)
        answer = signature(**{name: tiny.tf.constant(array) for name, array in arrays.items()})
        assert answer.keys() == expected.keys()
        for name in (contract.RETURN_QUANTILES, contract.PRICE_QUANTILES, contract.LAST_CLOSE):
            exact = answer[name].numpy()
            assert exact.dtype == np.float32
            np.testing.assert_array_equal(np.asarray(expected[name], np.float64), exact.astype(np.float64))
        assert expected[contract.MODEL_VERSION] == "tiny"
        assert expected[contract.HORIZONS_OUTPUT] == list(contract.HORIZONS)


def test_warm_up_holds_the_golden_requests(tiny: ModuleType, model: pathlib.Path) -> None:
    from tensorflow_serving.apis import prediction_log_pb2

    path = model / contract.ASSETS_EXTRA / contract.WARMUP_FILE
    records = list(tiny.tf.data.TFRecordDataset([str(path)]).as_numpy_iterator())
    assert len(records) == tiny.NUM_REQUESTS
    for record, request in zip(records, tiny.draw_requests(), strict=True):
        log = prediction_log_pb2.PredictionLog.FromString(record)
        assert log.WhichOneof("log_type") == "predict_log"
        predict = log.predict_log.request
        assert predict.model_spec.name == contract.MODEL_NAME
        assert predict.model_spec.signature_name == contract.FORECAST_SIGNATURE
        tensors = {name: tiny.tf.make_ndarray(proto) for name, proto in predict.inputs.items()}
        expected = requests.to_arrays(request)
        assert tensors.keys() == expected.keys()
        for name, array in expected.items():
            assert tensors[name].dtype == array.dtype
            np.testing.assert_array_equal(tensors[name], array)


def test_a_model_of_universes_is_warmed_up_for_one_too(tiny: ModuleType, tmp_path: pathlib.Path) -> None:
    from tensorflow_serving.apis import prediction_log_pb2

    drawn = tiny.draw_requests()
    tiny.golden.write_golden(tmp_path, drawn, [{}] * len(drawn), has_universe=True)
    records = list(tiny.tf.data.TFRecordDataset([str(tmp_path / contract.WARMUP_FILE)]).as_numpy_iterator())
    assert len(records) == len(drawn) + 1
    predict = prediction_log_pb2.PredictionLog.FromString(records[-1]).predict_log.request
    assert predict.model_spec.signature_name == contract.UNIVERSE_SIGNATURE
    tensors = {name: tiny.tf.make_ndarray(proto) for name, proto in predict.inputs.items()}
    close, days = tensors[contract.CLOSE], tensors[contract.DATE]
    assert days.shape == close.shape == (len(drawn), close.shape[1]) and days.dtype == np.int64
    assert (np.diff(days, axis=1) == 1).all() and (days == days[0]).all()


def test_equal_models_get_equal_bytes(tiny: ModuleType, model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    other = tiny.save(tiny.TinyModule(), tmp_path / "other")
    for name in (contract.GOLDEN_FILE, contract.WARMUP_FILE):
        own, others = ((folder / contract.ASSETS_EXTRA / name).read_bytes() for folder in (model, other))
        assert own == others


def test_a_request_without_an_answer_is_refused(tiny: ModuleType, tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="got 3 requests and 0 forecasts"):
        tiny.golden.write_golden(tmp_path, tiny.draw_requests(), [])
