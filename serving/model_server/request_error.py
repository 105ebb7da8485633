"""How a request is refused: gRPC's code, and TensorFlow Serving's words."""

from __future__ import annotations

import logging

import grpc
import tensorflow as tf

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_log = logging.getLogger(__name__)


class RequestError(Exception):
    """A request that is answered with an error.

    Attributes:
      code: gRPC's status code.
      message: TensorFlow Serving's words, where it would refuse as well.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def refuse(message: str) -> RequestError:
    """The error of a request that can never be answered: INVALID_ARGUMENT."""
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, message)


def explain(error: Exception) -> RequestError:
    """What a client is told of an exception; one that nobody foresaw is logged with its traceback."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, tf.errors.OpError):
        return RequestError(_CODES[error.error_code], explain_graph_error(error))
    _log.error("a request failed", exc_info=error)
    return RequestError(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")


def explain_graph_error(error: tf.errors.OpError) -> str:
    """What went wrong in the graph, without what Python's session puts before it."""
    return str(error.message).removeprefix("Graph execution error:").lstrip()
