"""Requests that no client should send, each with the codes that TensorFlow Serving answers it with.

Source: predict_util.cc, server_core.cc, get_model_metadata_impl.cc and classifier.cc of TensorFlow Serving;
gRPC answers INTERNAL for bytes that are no message, and UNIMPLEMENTED for a method that nobody has.
"""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    predict_pb2,
    regression_pb2,
)

from components import contract
from tests.serving.test_server import make_request

PREDICTION = "/tensorflow.serving.PredictionService/"
MODEL = "/tensorflow.serving.ModelService/"
PREDICT = f"{PREDICTION}Predict"
MESSAGES: dict[str, type] = {
    PREDICT: predict_pb2.PredictRequest,
    f"{PREDICTION}Classify": classification_pb2.ClassificationRequest,
    f"{PREDICTION}Regress": regression_pb2.RegressionRequest,
    f"{PREDICTION}MultiInference": inference_pb2.MultiInferenceRequest,
    f"{PREDICTION}GetModelMetadata": get_model_metadata_pb2.GetModelMetadataRequest,
    f"{MODEL}GetModelStatus": get_model_status_pb2.GetModelStatusRequest,
}
INVALID, MISSING, PRECONDITION = "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"
UNREADABLE, UNKNOWN_METHOD, OK = "INTERNAL", "UNIMPLEMENTED", "OK"
NUMBER_TYPES = (np.float64, np.int32, np.int64, np.bool_, np.uint8)


@dataclasses.dataclass(frozen=True)
class Case:
    """A request and what may come of it.

    Attributes:
      kind: name of what is wrong.
      method: path of the method.
      body: the message.
      codes: those that are right.
    """

    kind: str
    method: str
    body: bytes
    codes: tuple[str, ...]


@functools.cache
def good_request() -> bytes:
    return make_request().SerializeToString()


def _change(codes: tuple[str, ...], change: Callable[[random.Random, Any], None]) -> Any:
    """A kind of Predict requests: a good one, changed."""

    def make(chance: random.Random) -> tuple[str, bytes, tuple[str, ...]]:
        request = predict_pb2.PredictRequest.FromString(good_request())
        change(chance, request)
        return PREDICT, request.SerializeToString(), codes

    return make


def _word(chance: random.Random) -> str:
    return "".join(chance.choice("abcxyz/:._-é漢 ") for _ in range(chance.randint(1, 40)))


def _bars(chance: random.Random) -> str:
    return chance.choice(contract.BAR_COLUMNS)


def _rename_model(chance: random.Random, request: Any) -> None:
    request.model_spec.name = _word(chance)


def _misname_version(chance: random.Random, request: Any) -> None:
    request.model_spec.version.value = chance.choice([0, -1, 2**62, chance.randint(2, 10**9)])


def _mislabel(chance: random.Random, request: Any) -> None:
    request.model_spec.version_label = _word(chance)


def _misname_signature(chance: random.Random, request: Any) -> None:
    request.model_spec.signature_name = _word(chance)


def _drop_inputs(chance: random.Random, request: Any) -> None:
    for name in chance.sample(sorted(request.inputs), chance.randint(1, len(request.inputs))):
        del request.inputs[name]


def _add_inputs(chance: random.Random, request: Any) -> None:
    for _ in range(chance.randint(1, 5)):
        request.inputs[f"{_word(chance)}!"].CopyFrom(request.inputs[contract.CLOSE])


def _retype(chance: random.Random, request: Any) -> None:
    request.inputs[_bars(chance)].dtype = chance.choice([0, 2, 3, 7, 9, 10, 19, 21, 99, 101])


def _recast(chance: random.Random, request: Any) -> None:
    tensor = request.inputs[_bars(chance)]
    array = np.ones((2, contract.LOOKBACK), chance.choice(NUMBER_TYPES))
    tensor.dtype = {"f": 2, "i": 3 if array.itemsize == 4 else 9, "b": 10, "u": 4}[array.dtype.kind]
    tensor.tensor_content = array.tobytes()


def _reshape(chance: random.Random, request: Any) -> None:
    tensor = request.inputs[_bars(chance)]
    shape = [chance.randint(0, 300) for _ in range(chance.choice([0, 1, 3, 4, 254]))]
    tensor.tensor_shape.ClearField("dim")
    for size in shape:
        tensor.tensor_shape.dim.add().size = size


def _shorten(chance: random.Random, request: Any) -> None:
    num_bars = chance.randint(0, contract.LOOKBACK - 1)
    for name in contract.BAR_COLUMNS:
        tensor = request.inputs[name]
        tensor.tensor_shape.dim[1].size = num_bars
        tensor.tensor_content = np.ones((2, num_bars), np.float32).tobytes()


def _spoil_prices(chance: random.Random, request: Any) -> None:
    tensor = request.inputs[contract.CLOSE]
    closes = np.frombuffer(tensor.tensor_content, np.float32).copy()
    closes[chance.randrange(len(closes))] = chance.choice([np.nan, np.inf, -np.inf, 0.0, -1.0])
    tensor.tensor_content = closes.tobytes()


def _cut_content(chance: random.Random, request: Any) -> None:
    tensor = request.inputs[_bars(chance)]
    tensor.tensor_content = tensor.tensor_content[: chance.randrange(1, len(tensor.tensor_content))]


def _promise_much(chance: random.Random, request: Any) -> None:
    tensor = request.inputs[_bars(chance)]
    tensor.tensor_content = b""
    for dim in tensor.tensor_shape.dim:
        dim.size = 10 ** chance.randint(4, 18)


def _unshape(chance: random.Random, request: Any) -> None:
    shape = request.inputs[_bars(chance)].tensor_shape
    if chance.random() < 0.5:
        shape.dim[chance.randrange(2)].size = -chance.randint(1, 2**40)
    else:
        shape.ClearField("dim")
        shape.unknown_rank = True


def _misname_outputs(chance: random.Random, request: Any) -> None:
    names = chance.choice([[f"{_word(chance)}!"], ["horizons", "horizons"], [""]])
    request.output_filter.extend(names)


def _send_garbage(chance: random.Random) -> tuple[str, bytes, tuple[str, ...]]:
    method = chance.choice(list(MESSAGES))
    body = chance.randbytes(chance.choice([1, 7, 100, 5000]))
    return method, body, (INVALID, MISSING) if _is_message(method, body) else (UNREADABLE,)


def _cut_message(chance: random.Random) -> tuple[str, bytes, tuple[str, ...]]:
    body = good_request()[: chance.randrange(len(good_request()))]
    return PREDICT, body, (INVALID, PRECONDITION) if _is_message(PREDICT, body) else (UNREADABLE,)


def _flip_bytes(chance: random.Random) -> tuple[str, bytes, tuple[str, ...]]:
    """Wherever they fall: into a price, where they do no harm, or into the message's frame."""
    body = bytearray(good_request())
    for _ in range(chance.randint(1, 9)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    readable = (OK, INVALID, MISSING, PRECONDITION)
    return PREDICT, bytes(body), readable if _is_message(PREDICT, bytes(body)) else (UNREADABLE,)


def _send_nothing(chance: random.Random) -> tuple[str, bytes, tuple[str, ...]]:
    return chance.choice([*MESSAGES, f"{MODEL}HandleReloadConfigRequest"]), b"", (INVALID,)


def _call_nobody(chance: random.Random) -> tuple[str, bytes, tuple[str, ...]]:
    service = chance.choice([PREDICTION, MODEL, "/other.Service/"])
    return f"{service}No{chance.randrange(1000)}", good_request(), (UNKNOWN_METHOD,)


def _ask_other_methods(chance: random.Random) -> tuple[str, bytes, tuple[str, ...]]:
    """The model has no signature to classify or to regress with."""
    method = chance.choice(["Classify", "Regress", "MultiInference"])
    request: Any = MESSAGES[f"{PREDICTION}{method}"]()
    if chance.random() < 0.9:
        request.input.example_list.examples.add().features.feature["x"].float_list.value.append(1.0)
    task = request.tasks.add() if method == "MultiInference" else request
    task.model_spec.name = contract.MODEL_NAME
    if method == "MultiInference":
        task.method_name = chance.choice(
            ["", "x", "tensorflow/serving/classify", "tensorflow/serving/regress"]
        )
    codes = (INVALID, "UNIMPLEMENTED") if method == "MultiInference" else (INVALID,)
    return f"{PREDICTION}{method}", request.SerializeToString(), codes


def _ask_about_nothing(chance: random.Random) -> tuple[str, bytes, tuple[str, ...]]:
    method = chance.choice([f"{PREDICTION}GetModelMetadata", f"{MODEL}GetModelStatus"])
    request: Any = MESSAGES[method]()
    request.model_spec.name = f"{_word(chance)}!"
    if method.endswith("Metadata"):
        request.metadata_field.append("signature_def")
    return method, request.SerializeToString(), (MISSING,)


def _is_message(method: str, body: bytes) -> bool:
    try:
        MESSAGES[method].FromString(body)
    except DecodeError:
        return False
    return True


KINDS: dict[str, Callable[[random.Random], tuple[str, bytes, tuple[str, ...]]]] = {
    "other model": _change((MISSING,), _rename_model),
    "other version": _change((MISSING,), _misname_version),
    "other label": _change((INVALID,), _mislabel),
    "other signature": _change((PRECONDITION,), _misname_signature),
    "missing inputs": _change((INVALID,), _drop_inputs),
    "extra inputs": _change((INVALID,), _add_inputs),
    "wrong dtype": _change((INVALID,), _retype),
    "other numbers": _change((INVALID,), _recast),
    "wrong rank": _change((INVALID,), _reshape),
    "too few bars": _change((INVALID,), _shorten),
    "spoilt prices": _change((INVALID,), _spoil_prices),
    "cut content": _change((INVALID,), _cut_content),
    "huge shape": _change((INVALID,), _promise_much),
    "no shape": _change((INVALID,), _unshape),
    "other outputs": _change((INVALID,), _misname_outputs),
    "garbage": _send_garbage,
    "cut message": _cut_message,
    "flipped bytes": _flip_bytes,
    "nothing": _send_nothing,
    "other method": _call_nobody,
    "other signature method": _ask_other_methods,
    "about nothing": _ask_about_nothing,
}


def make_cases(count: int, seed: int) -> Iterator[Case]:
    """So many cases, all kinds in turn; each depends on seed and number only."""
    kinds = list(KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        chance = random.Random(f"{seed}:{number}")
        yield Case(f"{kind} (case {number} of seed {seed})", *KINDS[kind](chance))
