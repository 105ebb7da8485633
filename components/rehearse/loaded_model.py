"""A SavedModel as a server has it: loaded from its files, with nothing of the code that made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components import contract
from components.rehearse.comparison import Tensors
from components.rehearse.requests import Arrays

OK = "OK"
INVALID_ARGUMENT = "INVALID_ARGUMENT"


class LoadedModel:
    """A loaded model's two public signatures, run as TensorFlow Serving runs them: in a session.

    `tf.saved_model.load` rebuilds Python objects instead and forgives what a session does not, such as
    variables that the restore operation misses.
    """

    def __init__(self, model_dir: str) -> None:
        """Loads the SavedModel at `model_dir`."""
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph)
        with graph.as_default():
            loaded = tf.compat.v1.saved_model.load(self._session, [tf.saved_model.SERVING], model_dir)
        self._signatures = dict(loaded.signature_def)

    def inputs(self, signature: str) -> Tensors | None:
        """Inputs of a signature; None if there is no such signature."""
        if signature not in self._signatures:
            return None
        return {
            name: (tf.dtypes.as_dtype(info.dtype).name, tuple(tf.TensorShape(info.tensor_shape).as_list()))
            for name, info in self._signatures[signature].inputs.items()
        }

    def ask(self, signature: str, request: Arrays) -> Arrays:
        """Asks a public signature.

        Args:
          signature: FORECAST_SIGNATURE, or DEFAULT_SIGNATURE, for which the rows become tf.Examples.
          request: ticker [batch] and bar columns [batch, time].
        Returns:
          Outputs by name.
        """
        if signature == contract.DEFAULT_SIGNATURE:
            request = {contract.EXAMPLES_INPUT: np.asarray(_to_examples(request), object)}
        definition = self._signatures[signature]
        feeds = {info.name: request[name] for name, info in definition.inputs.items()}
        fetches = {name: info.name for name, info in definition.outputs.items()}
        return {name: _to_array(value) for name, value in self._session.run(fetches, feeds).items()}

    def status(self, signature: str, request: Arrays) -> str:
        """What a server would answer: OK, INVALID_ARGUMENT, or the name of another error."""
        try:
            self.ask(signature, request)
        except tf.errors.InvalidArgumentError:
            return INVALID_ARGUMENT
        except tf.errors.OpError as error:
            return type(error).__name__
        return OK


def _to_array(value: Any) -> npt.NDArray[Any]:
    """A fetched value as an array; a session gives a scalar of text as bare bytes."""
    return np.asarray(value, object if isinstance(value, bytes) else None)


def _to_examples(request: Arrays) -> list[bytes]:
    """Each row of a request as a serialized tf.Example."""
    return [
        _to_example({name: column[row] for name, column in request.items()})
        for row in range(len(request[contract.TICKER]))
    ]


def _to_example(row: Mapping[str, object]) -> bytes:
    example = tf.train.Example()
    for name, values in row.items():
        feature = example.features.feature[name]
        if name == contract.TICKER:
            feature.bytes_list.value.append(values)
        else:
            feature.float_list.value.extend(values)
    return example.SerializeToString(deterministic=True)
