"""serving.config_map_store against a small API server over HTTP, found by a kubeconfig."""

from __future__ import annotations

import http.server
import json
import threading

import pytest
import yaml

from components.errors import ConfigError, MarketcastError, ServingError
from serving.config_map_store import ConfigMapStore
from serving.config_store import AUDIT_KEY, CONFIG_KEY, MAX_AUDIT_LINES

PATH = "/api/v1/namespaces/forecasts/configmaps/models"
TOKEN = "a-token"


class ApiServer:
    """One ConfigMap; refuses what Kubernetes refuses."""

    def __init__(self) -> None:
        self.data = {CONFIG_KEY: "first", "monitoring.config": "stays"}
        self.revision = 7
        self.refusal = 0

    def answer(self, method: str, path: str, token: str, body: dict) -> tuple[int, dict]:
        if self.refusal or token != f"Bearer {TOKEN}":
            return self.refusal or 401, {"reason": "Forbidden"}
        if path != PATH:
            return 404, {"reason": "NotFound"}
        if method == "PATCH":
            if body["metadata"].get("resourceVersion", str(self.revision)) != str(self.revision):
                return 409, {"reason": "Conflict"}
            self.data |= body["data"]
            self.revision += 1
        return 200, {"metadata": {"name": "models", "resourceVersion": str(self.revision)}, "data": self.data}


@pytest.fixture
def api(tmp_path, monkeypatch):
    """The server, and a kubeconfig that names it."""
    state = ApiServer()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization", "")
            code, found = state.answer(self.command, self.path, token, json.loads(body or b"{}"))
            sent = json.dumps(found).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_PATCH = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path / "kubeconfig", address)))
        yield state
        server.shutdown()


def write_kubeconfig(path, address):
    contexts = {"desk": {"namespace": "forecasts"}, "bare": {}}
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "here", "cluster": {"server": address}}],
                "users": [{"name": "ann", "user": {"token": TOKEN}}],
                "contexts": [
                    {"name": name, "context": {"cluster": "here", "user": "ann", **more}}
                    for name, more in contexts.items()
                ],
                "current-context": "desk",
            }
        )
    )
    return path


def test_configuration_and_audit_change_in_one_object(api):
    store = ConfigMapStore("models")
    store.write(store.read(), "second", {"action": "promote"})
    content = store.read()
    assert (content.text, content.audit) == ("second", ({"action": "promote"},))
    assert api.data["monitoring.config"] == "stays"


def test_a_change_by_somebody_else_is_not_overwritten(api):
    store = ConfigMapStore("models")
    content = store.read()
    store.write(content, "by another", {"action": "pin"})
    with pytest.raises(MarketcastError, match="must not change during a rollout, got a change by somebody"):
        store.write(content, "second", {"action": "promote"})
    assert store.read().text == "by another"
    assert len(store.read().audit) == 1


def test_the_audit_does_not_outgrow_the_object(api):
    api.data[AUDIT_KEY] = "".join(f'{{"number": {number}}}\n' for number in range(MAX_AUDIT_LINES))
    store = ConfigMapStore("models")
    store.write(store.read(), "second", {"number": MAX_AUDIT_LINES})
    audit = store.read().audit
    assert [line["number"] for line in audit] == list(range(1, MAX_AUDIT_LINES + 1))


def test_the_namespace_is_the_contexts_unless_it_is_named(api):
    assert ConfigMapStore("models").origin == "configmap/models of namespace forecasts"
    with pytest.raises(ConfigError, match="namespace default must be there, got none"):
        ConfigMapStore("models", context="bare").read()
    assert ConfigMapStore("models", "forecasts", "bare").read().text == "first"


def test_an_unknown_context_is_one_line(api):
    with pytest.raises(ConfigError, match="--context must be one of desk, bare, got nowhere"):
        ConfigMapStore("models", context="nowhere")


def test_an_object_without_the_key_is_one_line(api):
    del api.data[CONFIG_KEY]
    with pytest.raises(ConfigError, match=r"must have the key models.config, got monitoring.config; add it"):
        ConfigMapStore("models").read()


def test_a_damaged_audit_is_one_line(api):
    api.data[AUDIT_KEY] = '{"fine": 1}\nnot fine\n'
    with pytest.raises(ConfigError, match=r"got 'not fine' in line 2; take it out"):
        ConfigMapStore("models").read()


def test_an_account_without_rights_is_one_line(api):
    api.refusal = 403
    with pytest.raises(ServingError, match=r"must let this user read and change .*, got 403"):
        ConfigMapStore("models").read()


def test_a_cluster_that_is_away_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:9")))
    with pytest.raises(
        ServingError, match=r"at http://127.0.0.1:9 must be one that can be reached, got .*refused; check"
    ):
        ConfigMapStore("models").read()


def test_no_cluster_at_all_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="a cluster must be known from a kubeconfig or from inside a pod"):
        ConfigMapStore("models")
