"""The servers' configuration in a ConfigMap of a Kubernetes cluster, with its audit in the same object."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from components.errors import ConfigError, MarketcastError, ServingError
from serving.config_store import (
    AUDIT_KEY,
    CONFIG_KEY,
    MAX_AUDIT_LINES,
    AuditLine,
    Content,
    format_line,
    parse_audit,
)

CONFLICT = 409
NOT_FOUND = 404
TIMEOUT_SECONDS = 30.0
NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
"""In every pod, unless its account is kept out of it."""


class ConfigMapStore:
    """A ConfigMap that is mounted into the servers' pods.

    Configuration and audit change in one request, and only if nobody else has changed the object since it
    was read: the API server compares its resourceVersion.
    """

    def __init__(self, name: str, namespace: str = "", context: str = "") -> None:
        """Finds the cluster: that of the kubeconfig's context, or the one this pod runs in.

        Args:
          name: of the ConfigMap.
          namespace: empty takes the context's, or the pod's own.
          context: of the kubeconfig; empty takes the current one.
        Raises:
          ConfigError: there is no kubeconfig, and this is no pod.
        """
        self._api, own_namespace = _connect(context)
        self._name = name
        self._namespace = namespace or own_namespace

    @property
    def origin(self) -> str:
        """The object's name."""
        return f"configmap/{self._name} of namespace {self._namespace}"

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Holds nothing: the API server refuses the second of two changes."""
        yield

    def read(self) -> Content:
        """What is there now.

        Raises:
          ConfigError: there is no such ConfigMap, or it has no configuration.
          ServingError: the cluster refuses, or cannot be reached.
        """
        with self._explained():
            found = self._api.read_namespaced_config_map(
                self._name, self._namespace, _request_timeout=TIMEOUT_SECONDS
            )
        data = found.data or {}
        if CONFIG_KEY not in data:
            raise ConfigError(
                f"{self.origin} must have the key {CONFIG_KEY}, got {', '.join(data) or 'no key'}; add it"
            )
        audit = parse_audit(data.get(AUDIT_KEY, "").splitlines(), f"{AUDIT_KEY} of {self.origin}")
        return Content(data[CONFIG_KEY], audit, found.metadata.resource_version)

    def write(self, content: Content, text: str, line: AuditLine) -> None:
        """Replaces what was read.

        Raises:
          MarketcastError: somebody else has changed it since.
          ServingError: the cluster refuses, or cannot be reached.
        """
        lines = [*content.audit, line][-MAX_AUDIT_LINES:]
        body = {
            "metadata": {"resourceVersion": content.revision},
            "data": {CONFIG_KEY: text, AUDIT_KEY: "".join(map(format_line, lines))},
        }
        with self._explained():
            self._api.patch_namespaced_config_map(
                self._name, self._namespace, body, _request_timeout=TIMEOUT_SECONDS
            )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns what the cluster's client raises into one line."""
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        try:
            yield
        except ApiException as error:
            if error.status == CONFLICT:
                raise MarketcastError(
                    f"{self.origin} must not change during a rollout, got a change by somebody else; look at "
                    "it with `marketcast rollout status`, and run this again"
                ) from error
            if error.status == NOT_FOUND:
                raise ConfigError(
                    f"{self.origin} must be there, got none; check --config-map and --namespace"
                ) from error
            raise ServingError(
                f"the cluster must let this user read and change {self.origin}, got {error.status} "
                f"{error.reason}; check the rights of its account"
            ) from error
        except HTTPError as error:
            reason = str(getattr(error, "reason", error)).rpartition(": ")[2]
            raise ServingError(
                f"the cluster at {self._api.api_client.configuration.host} must be one that can be reached, "
                f"got {reason}; check the kubeconfig"
            ) from error


def _connect(context: str) -> tuple[Any, str]:
    """The API, and the namespace that is meant where none is named."""
    from kubernetes import client, config
    from kubernetes.config import ConfigException

    configuration = client.Configuration()
    # A rollout that is run again goes on where it stopped; one that hangs for minutes helps nobody.
    configuration.retries = 0
    # The library has read the variable when it was imported.
    kubeconfig = os.environ.get("KUBECONFIG") or None
    try:
        contexts, active = config.list_kube_config_contexts(kubeconfig)
        chosen = next((one for one in contexts if one["name"] == context), None) if context else active
        if chosen is None:
            raise ConfigError(
                f"--context must be one of {', '.join(one['name'] for one in contexts)}, got {context}; "
                "name one of them"
            )
        config.load_kube_config(kubeconfig, context or None, configuration)
        namespace = chosen["context"].get("namespace", "default")
    except ConfigException as error:
        try:
            config.load_incluster_config(configuration)
        except ConfigException:
            raise ConfigError(
                f"a cluster must be known from a kubeconfig or from inside a pod, got: {error}; set "
                "KUBECONFIG, or use --config-file"
            ) from error
        namespace = pathlib.Path(NAMESPACE_FILE).read_text(encoding="utf-8").strip()
    return client.CoreV1Api(client.ApiClient(configuration)), namespace
