"""What an answer of KFP's API, or none, means to the user; knows HTTP, not kfp."""

from __future__ import annotations

import json
from collections.abc import Iterator

from components.errors import MarketcastError
from pipeline.kubeflow.submission.errors import (
    ConflictError,
    MissingError,
    NoHostError,
    RefusedError,
    ServerFaultError,
    SubmissionError,
    UnreachableError,
)

TRANSIENT_STATUSES = (429, 502, 503, 504)
"""Statuses after which the same request may be answered."""
CONFLICT = 409
NOT_FOUND = 404
MAX_QUOTE = 600

_TOKEN_HINT = "give a valid token by --token-file or KFP_TOKEN, in a pod --in-cluster"
_HOST_HINT = "check --host; it is the address in the browser up to /#, often ending in /pipeline"


def describe_status(status: int, body: str, host: str, doing: str) -> MarketcastError:
    """The error for an answer that is no success.

    Args:
      status: of HTTP.
      body: of the answer.
      host: who answered.
      doing: what was asked of it, such as `create the run`.
    """
    said = quote_message(body)
    if status == 401:
        return SubmissionError(f"{host} must know the caller to {doing}, got {said} (401); {_TOKEN_HINT}")
    if status == 403:
        return SubmissionError(
            f"{host} must allow the caller to {doing}, got {said} (403); "
            "check --namespace, and the rights of the token's account in it"
        )
    if status in TRANSIENT_STATUSES:
        return UnreachableError(f"{host} must {doing}, got {said} ({status}); try again later")
    if is_page(body):
        return not_kfp(host, f"a web page ({status})")
    if status >= 500:
        return ServerFaultError(f"{host} must {doing}, got {said} ({status}); look at the log of its server")
    kind = {CONFLICT: ConflictError, NOT_FOUND: MissingError}.get(status, RefusedError)
    return kind(f"KFP must accept the request to {doing}, got {said} ({status}); mend it")


def not_kfp(host: str, got: str) -> SubmissionError:
    """The error for an answer that KFP's API never gives, such as the page of a login."""
    return SubmissionError(
        f"{host} must be KFP's API, got {got}; {_HOST_HINT}; if it is a login page, {_TOKEN_HINT}"
    )


def describe_failure(error: BaseException, host: str, doing: str) -> SubmissionError:
    """The error for a request that got no answer at all."""
    names = {type(cause).__name__ for cause in _causes(error)}
    last = list(_causes(error))[-1]
    reason = shorten(str(getattr(last, "strerror", None) or last))
    if "NameResolutionError" in names or "gaierror" in names:
        return NoHostError(f"{host} must be a host that is known, got no address for it; check --host")
    if names & {"SSLError", "SSLCertVerificationError", "CertificateError"}:
        return SubmissionError(
            f"{host} must have a certificate that can be verified, got {reason}; "
            "check the https:// of --host, or give the authority's certificate by --ca-certificate"
        )
    if names & {"NewConnectionError", "ConnectionRefusedError", "ConnectTimeoutError"}:
        return NoHostError(
            f"{host} must be reachable to {doing}, got '{reason}'; check --host, and that KFP or its "
            "port-forward runs"
        )
    if "ReadTimeoutError" in names:
        return NoHostError(f"{host} must {doing}, got no answer in time; check --host, or try again later")
    return UnreachableError(f"{host} must answer the request to {doing}, got '{reason}'; try again later")


def quote_message(body: str) -> str:
    """KFP's own words in an answer's body, in quotes."""
    try:
        answer = json.loads(body)
    except ValueError:
        return f"'{shorten(body)}'" if body.strip() and not is_page(body) else "no reason"
    if not isinstance(answer, dict):
        return f"'{shorten(body)}'"
    # grpc-gateway puts it under message, older ones under error too; KFP's upload under error_message.
    for key in ("message", "error_message", "error"):
        if isinstance(answer.get(key), str) and answer[key].strip():
            return f"'{shorten(answer[key])}'"
    return "no reason"


def is_page(body: str) -> bool:
    """Whether a body is HTML."""
    return body.lstrip()[:1] == "<"


def shorten(text: str) -> str:
    """A text in one line that fits a message."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_QUOTE else f"{line[:MAX_QUOTE]}..."


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what led to it; urllib3 keeps that in `reason`, or among the arguments."""
    current: object = error
    while isinstance(current, BaseException):
        yield current
        inner = [argument for argument in current.args if isinstance(argument, BaseException)]
        current = getattr(current, "reason", None) or current.__cause__ or next(iter(inner), None)
