"""Requests to KFP's API through kfp.Client: tried again where that helps, and errors of one line."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from components.errors import ConfigError
from pipeline.kubeflow.submission import answers
from pipeline.kubeflow.submission.config import SubmitConfig
from pipeline.kubeflow.submission.credentials import FileToken
from pipeline.kubeflow.submission.errors import ConflictError, MissingError, NoHostError, UnreachableError

T = TypeVar("T")

TIMEOUT_SECONDS = (10, 60)
"""To connect, and to answer; kfp.Client's own methods wait for ever."""
FIRST_TIMEOUT_SECONDS = (10, 15)
"""The same for the first question, which a wrong host may never answer."""
MAX_REDIRECTS = 5
WAITS_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Between two tries."""


@dataclasses.dataclass(frozen=True)
class Connection:
    """KFP's API, known to answer.

    Attributes:
      client: kfp.Client. Used are the services it holds (`runs`, `pipelines`, ...): unlike its own methods
        they take a timeout and print nothing. Arguments are named but for bodies: kfp 2.13 calls those
        `body`, kfp 2.16 `run` and so on.
      models: kfp_server_api, which has the classes of the bodies.
      host: as the user gave it, for messages and links.
      namespace: of the user; empty where KFP is installed for one.
    """

    client: Any
    models: Any
    host: str
    namespace: str

    def call(self, doing: str, method: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Calls a service; a passing fault is tried again. For what can be done twice without harm.

        Args:
          doing: what the call is to do, such as `read the run`.
          method: of a service.
          *arguments: its arguments.
          **named: its named arguments; those that are None are left out.
        Raises:
          MarketcastError: it cannot be done.
        """
        return _retry(lambda: self._request(doing, method, *arguments, **named))

    def create(
        self,
        doing: str,
        find: Callable[[], T | None],
        method: Callable[..., T],
        *arguments: Any,
        **named: Any,
    ) -> T:
        """Calls a service that creates something, so that never two of it are made.

        A fault may hide that KFP did it: before each further try we look whether it is there.

        Args:
          doing: what the call is to do, such as `create the run`.
          find: returns what the call makes, if it is there.
          method: of a service.
          *arguments: its arguments.
          **named: its named arguments; those that are None are left out.
        Raises:
          MarketcastError: it cannot be done.
        """
        tried = False

        def attempt() -> T:
            nonlocal tried
            found = find() if tried else None
            tried = True
            return self._request(doing, method, *arguments, **named) if found is None else found

        try:
            return _retry(attempt)
        except ConflictError:
            found = find()
            if found is None:
                raise
            return found

    def remove(self, doing: str, method: Callable[..., Any], identity: str) -> None:
        """Calls a service that deletes something; what is gone already is as good.

        Raises:
          MarketcastError: it cannot be done.
        """
        with contextlib.suppress(MissingError):
            self.call(doing, method, identity)

    def _request(self, doing: str, method: Callable[..., T], *arguments: Any, **named: Any) -> T:
        given = {name: value for name, value in named.items() if value is not None}
        with translate_errors(self.host, doing):
            return method(*arguments, **given, _request_timeout=TIMEOUT_SECONDS)


def connect(config: SubmitConfig, credentials: FileToken | str) -> Connection:
    """Asks the host whether it is KFP.

    Raises:
      MarketcastError: it cannot be reached, does not know the caller, or is not KFP; or it serves many
        users and no namespace is given.
    """
    import kfp
    import kfp_server_api

    with warnings.catch_warnings():
        # kfp tells everybody which servers it fits.
        warnings.simplefilter("ignore", FutureWarning)
        client = kfp.Client(
            host=config.host,
            existing_token=credentials if isinstance(credentials, str) and credentials else None,
            credentials=credentials if isinstance(credentials, FileToken) else None,
            ssl_ca_cert=config.ca_certificate or None,
            # Without a namespace the client asks KFP for its health, five times, with tracebacks. The
            # services do not look at this one.
            namespace="unused",
        )
    _leave_retries_to_us(client)
    is_multi_user = _retry(lambda: _ask_health(client, config.host), is_first=True)
    if is_multi_user and not config.namespace:
        raise ConfigError(
            f"submit.namespace must be given, got nothing, and {config.host} serves many users; "
            "give --namespace, the one that KFP's page shows at the top"
        )
    # Where KFP serves one user, it refuses lists of a namespace.
    return Connection(client, kfp_server_api, config.host, config.namespace if is_multi_user else "")


def _leave_retries_to_us(client: Any) -> None:
    """Takes from urllib3 its own tries, which multiply a wait and warn on the screen; not redirects."""
    import urllib3

    pool_manager = client.healthzs.healthz_service_get_healthz.__self__.api_client.rest_client.pool_manager
    pool_manager.connection_pool_kw["retries"] = urllib3.Retry(
        connect=0, read=0, status=0, other=0, redirect=MAX_REDIRECTS
    )


def _ask_health(client: Any, host: str) -> bool:
    """Whether KFP serves many users; raises if it is not KFP."""
    with translate_errors(host, "tell its health"):
        # Read by ourselves: out of an HTML page the generated client makes an object with no values.
        response = client.healthzs.healthz_service_get_healthz(
            _preload_content=False, _request_timeout=FIRST_TIMEOUT_SECONDS
        )
        text = response.data.decode(errors="replace")
    try:
        health = json.loads(text)
    except ValueError:
        health = None
    if not isinstance(health, dict):
        raise answers.not_kfp(host, "a web page" if answers.is_page(text) else f"'{answers.shorten(text)}'")
    return bool(health.get("multi_user"))


@contextlib.contextmanager
def translate_errors(host: str, doing: str) -> Iterator[None]:
    """Turns what kfp's client and urllib3 raise into errors for the user."""
    import kfp_server_api
    import urllib3

    try:
        with warnings.catch_warnings():
            # kfp's generated client calls a method of urllib3 that is on its way out.
            warnings.filterwarnings("ignore", r"HTTPResponse\.getheader", DeprecationWarning)
            yield
    except kfp_server_api.ApiException as error:
        if not error.status:
            raise answers.describe_failure(_ssl_error(error), host, doing) from error
        body = error.body if isinstance(error.body, str) else (error.body or b"").decode(errors="replace")
        raise answers.describe_status(error.status, body, host, doing) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise answers.describe_failure(error, host, doing) from error


def _ssl_error(error: Any) -> BaseException:
    """kfp's client wraps only faults of TLS that way."""
    return error.__context__ or error


def _retry(attempt: Callable[[], T], is_first: bool = False) -> T:
    """Calls until it works, does not help, or the waits are used up.

    Args:
      attempt: what to call.
      is_first: nothing came from the host yet: that it is unknown or refuses connections is not passing.
    """
    for wait in WAITS_SECONDS:
        try:
            return attempt()
        except UnreachableError as error:
            if is_first and isinstance(error, NoHostError):
                raise
            # Many clients must not come back in step.
            time.sleep(wait * random.uniform(0.8, 1.2))
    return attempt()
