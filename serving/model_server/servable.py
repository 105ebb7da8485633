"""One loaded version of a SavedModel, run as TensorFlow Serving runs it: in a session.

`tf.saved_model.load` would rebuild Python objects instead. It is slower for a single forecast, and it
forgives what a session does not, such as variables that the restore operation misses.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from components import contract
from serving.model_server.batching import Batcher
from serving.model_server.load_options import LoadOptions
from serving.model_server.request_error import RequestError
from serving.model_server.signatures import check_inputs, choose_outputs, read_inputs
from serving.tensors import Array, write_tensor

SessionV1 = tf.compat.v1.Session
MAX_WARMUP_RECORDS = 1000
"""TensorFlow Serving's limit, too."""

Run = Callable[[Sequence[Array]], list[Array]]
"""Runs the session: arrays in the order of the fed tensors -> arrays in the order of the fetched ones."""


class Servable:
    """A version that answers. Requests under way keep it alive; the last one lets its session go."""

    def __init__(self, name: str, version: int, folder: pathlib.Path, options: LoadOptions) -> None:
        """Loads the version and replays its warm-up requests.

        Args:
          name: of the model.
          version: its number.
          folder: of the SavedModel.
          options: how to load and run it.
        Raises:
          Exception: whatever TensorFlow raises over a SavedModel that is broken or fails at its warm-up.
        """
        self.name = name
        self.version = version
        self._batcher: Batcher | None = None
        self._runs: dict[tuple[tuple[str, ...], tuple[str, ...]], Run] = {}
        graph = tf.Graph()
        self._session = SessionV1(graph=graph, config=_session_config(options))
        with graph.as_default():
            loaded = tf.compat.v1.saved_model.load(self._session, [tf.saved_model.SERVING], str(folder))
        self.signature_defs = dict(loaded.signature_def)
        if options.enable_model_warmup:
            for request in _read_warmup(folder):
                self.predict(request)
        # After the warm-up, whose requests may ask for outputs that cannot be joined.
        self._batcher = options.batcher

    def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        """Answers a request; its model_spec has been followed here already.

        Raises:
          RequestError: signature, inputs or outputs are not those of the model.
          tf.errors.OpError: the graph refuses.
        """
        name, signature = self._find_signature(request.model_spec.signature_name)
        inputs = read_inputs(signature.inputs, request.inputs)
        outputs = self._answer(signature, inputs, choose_outputs(signature.outputs, request.output_filter))
        response = predict_pb2.PredictResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = self.version
        response.model_spec.signature_name = name
        for alias, array in outputs.items():
            write_tensor(array, response.outputs[alias], as_fields=True)
        return response

    def run(
        self, signature_name: str, inputs: Mapping[str, Array], output_filter: Sequence[str] = ()
    ) -> tuple[str, dict[str, Array]]:
        """Answers arrays.

        Args:
          signature_name: empty for the default one.
          inputs: alias -> array; strings as object array of bytes.
          output_filter: aliases to answer; empty for all.
        Returns:
          The signature's name, and alias -> array.
        Raises:
          RequestError: signature, inputs or outputs are not those of the model.
          tf.errors.OpError: the graph refuses.
        """
        name, signature = self._find_signature(signature_name)
        check_inputs(signature.inputs, inputs)
        return name, self._answer(signature, inputs, choose_outputs(signature.outputs, output_filter))

    def run_tensors(self, inputs: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        """Runs the session by the names of its tensors.

        Args:
          inputs: tensor name -> array.
          outputs: tensor names.
        Returns:
          Tensor name -> array.
        """
        fed, fetched = tuple(sorted(inputs)), tuple(dict.fromkeys(outputs))
        arrays = [inputs[tensor] for tensor in fed]
        run = self._prepare_run(fed, fetched)
        found = run(arrays) if self._batcher is None else self._batcher.run((self, fed, fetched), run, arrays)
        return dict(zip(fetched, found, strict=True))

    def _answer(
        self, signature: Any, inputs: Mapping[str, Array], aliases: Sequence[str]
    ) -> dict[str, Array]:
        """The outputs of a signature by alias."""
        tensors = {alias: signature.outputs[alias].name for alias in aliases}
        found = self.run_tensors(
            {info.name: inputs[alias] for alias, info in signature.inputs.items()}, list(tensors.values())
        )
        return {alias: found[tensor] for alias, tensor in tensors.items()}

    def _prepare_run(self, fed: tuple[str, ...], fetched: tuple[str, ...]) -> Run:
        """The session's function of these tensors; made once, for that costs as much as a small forecast."""
        run = self._runs.get((fed, fetched))
        if run is None:
            function = self._session.make_callable(list(fetched), list(fed))

            def run(arrays: Sequence[Array]) -> list[Array]:
                return [_as_array(value) for value in function(*arrays)]

            self._runs[fed, fetched] = run
        return run

    def _find_signature(self, name: str) -> tuple[str, Any]:
        name = name or contract.DEFAULT_SIGNATURE
        if name not in self.signature_defs:
            raise RequestError(
                grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.'
            )
        return name, self.signature_defs[name]


def _read_warmup(folder: pathlib.Path) -> Iterator[predict_pb2.PredictRequest]:
    """The requests that a version brings along, in order.

    Source: https://www.tensorflow.org/tfx/serving/saved_model_warmup
    """
    path = folder / contract.ASSETS_EXTRA / contract.WARMUP_FILE
    if not path.exists():
        return
    for index, record in enumerate(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()):
        log = prediction_log_pb2.PredictionLog.FromString(record)
        if index >= MAX_WARMUP_RECORDS or not log.HasField("predict_log"):
            raise ValueError(
                f"{path} must hold at most {MAX_WARMUP_RECORDS} predict logs, got a "
                f"{log.WhichOneof('log_type')} at {index}; export the warm-up again"
            )
        yield log.predict_log.request


def _session_config(options: LoadOptions) -> tf.compat.v1.ConfigProto:
    return tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=options.intra_op_parallelism,
        inter_op_parallelism_threads=options.inter_op_parallelism,
    )


def _as_array(fetched: Any) -> Array:
    """What a session fetched; a string scalar comes as bytes."""
    return np.array(fetched, object) if isinstance(fetched, bytes) else np.asarray(fetched)
