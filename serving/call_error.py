"""What a call that failed tells its caller, whichever protocol it took."""

from __future__ import annotations

from components.errors import ServingError
from serving.answers import first_line
from serving.client_config import ClientConfig

UNAVAILABLE = "UNAVAILABLE"
NOT_FOUND = "NOT_FOUND"
DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
INVALID_ARGUMENT = "INVALID_ARGUMENT"
FAILED_PRECONDITION = "FAILED_PRECONDITION"
UNIMPLEMENTED = "UNIMPLEMENTED"
CANCELLED = "CANCELLED"
_MENDING = {
    "UNAUTHENTICATED": "check the token that is sent, and the client's certificate",
    "PERMISSION_DENIED": "check the rights of the token that is sent",
    "RESOURCE_EXHAUSTED": "send fewer tickers a request (max_tickers), or look at the server's load",
    UNIMPLEMENTED: "check that the address is the port of a TensorFlow Serving, and of this protocol",
    CANCELLED: "keep the client open until its calls have ended",
}
_BATCHING_SIGN = "Batched output tensor"
"""What TensorFlow Serving says of outputs without a row for each ticker."""
_PLAIN_SIGN = "WRONG_VERSION_NUMBER"
"""What OpenSSL calls an answer that is none of TLS."""
_TLS_SIGNS = ("ssl", "tls", "certificate", "handshake")


class CallError(ServingError):
    """A call that failed.

    Attributes:
      code: name of gRPC's status code, of REST, too.
      details: the first line of what the server, or the library, said.
    """

    def __init__(self, config: ClientConfig, code: str, details: str, timeout_seconds: float) -> None:
        """Words the message.

        Args:
          config: who was asked.
          code: name of gRPC's status code.
          details: why, perhaps in several lines.
          timeout_seconds: what the call had.
        """
        self.code = code
        self.details = first_line(details)
        super().__init__(_explain(config, code, self.details, timeout_seconds))


def _explain(config: ClientConfig, code: str, details: str, timeout_seconds: float) -> str:
    address = config.address
    if code == UNAVAILABLE:
        mending = _mend_connection(config, details)
        return f"{address} must be a server that can be reached, got: {details}; {mending}"
    if code == DEADLINE_EXCEEDED:
        return (
            f"{address} must answer within {timeout_seconds:g} s, got no answer; allow more time, "
            "or look at the server's load"
        )
    if code == NOT_FOUND:
        return (
            f"{address} must serve the model {config.model_name}, got: {details}; check the model's "
            "name and the versions under the server's model base path"
        )
    return f"{address} must answer the request, got {code}: {details}; {_mend(config, code, details)}"


def _mend(config: ClientConfig, code: str, details: str) -> str:
    if config.label and code == INVALID_ARGUMENT and config.label in details:
        return "check the label, which an operator gives to a version"
    if _BATCHING_SIGN in details:
        return "ask with by_rows, as this server joins requests into batches"
    return _MENDING.get(code, "check the request, and that the model is one of marketcast")


def _mend_connection(config: ClientConfig, details: str) -> str:
    if not config.is_secure:
        return "check the address and whether the server wants TLS, or start one with `marketcast serve`"
    if _PLAIN_SIGN in details:
        return "check the port; this one seems to speak plain text, as grpc:// and http:// do"
    if any(sign in details.lower() for sign in _TLS_SIGNS):
        return "check the server's certificate and the roots that it must go back to, and the client's own"
    return "check the address, whether the server speaks TLS, and the client's certificate"
