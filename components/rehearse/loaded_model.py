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
    """A loaded model's two public signatures."""

    def __init__(self, model_dir: str) -> None:
        """Loads the SavedModel at `model_dir`."""
        self._signatures = tf.saved_model.load(model_dir).signatures

    def inputs(self, signature: str) -> Tensors | None:
        """Inputs of a signature; None if there is no such signature."""
        if signature not in self._signatures:
            return None
        specs = self._signatures[signature].structured_input_signature[1]
        return {name: (spec.dtype.name, tuple(spec.shape)) for name, spec in specs.items()}

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
        answer = self._signatures[signature](**{name: tf.constant(a) for name, a in request.items()})
        return {name: _to_array(tensor) for name, tensor in answer.items()}

    def status(self, signature: str, request: Arrays) -> str:
        """What a server would answer: OK, INVALID_ARGUMENT, or the name of another error."""
        try:
            self.ask(signature, request)
        except tf.errors.InvalidArgumentError:
            return INVALID_ARGUMENT
        except tf.errors.OpError as error:
            return type(error).__name__
        return OK


def _to_array(tensor: tf.Tensor) -> npt.NDArray[Any]:
    """A tensor's values; text becomes objects, a scalar of it too."""
    return np.asarray(tensor.numpy(), object if tensor.dtype == tf.string else None)


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
