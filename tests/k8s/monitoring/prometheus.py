"""A real Prometheus that scrapes what the ServiceMonitors name, once a second, and a sidecar's stand-in."""

from __future__ import annotations

import contextlib
import http.server
import json
import math
import pathlib
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping

import yaml

from tests.k8s.manifests import Document
from tests.k8s.monitoring.component import find_tool
from tests.serving.conftest import free_port

NAMESPACE, POD = "marketcast", "marketcast-serving-0"
"""What prometheus-operator would learn of the target from Kubernetes."""
TIMEOUT_SECONDS = 60.0
PAUSE_SECONDS = 0.3


class Prometheus:
    """Asks the HTTP interface of a Prometheus."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get(self, path: str, **parameters: str) -> Document:
        """The data of an answer."""
        url = f"http://{self._address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def ask(self, query: str) -> dict[tuple[tuple[str, str], ...], float]:
        """The numbers that a query gives now, by their labels; NaN is none."""
        found = self.get("query", query=query)["result"]
        values = {tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in found}
        return {labels: value for labels, value in values.items() if not math.isnan(value)}

    def wait_for(self, query: str) -> dict[tuple[tuple[str, str], ...], float]:
        """The same, once there is any."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if values := self.ask(query):
                return values
            time.sleep(PAUSE_SECONDS)
        raise AssertionError(f"a query must give data, got none: {query}")


def make_config(monitors: list[Document], targets: Mapping[str, str], rules_file: pathlib.Path) -> Document:
    """Prometheus' configuration, as prometheus-operator makes it of ServiceMonitors.

    Args:
      monitors: of which each has one endpoint.
      targets: name of the Service, which is the job -> host:port.
      rules_file: rules in Prometheus' own form.
    """
    jobs = {
        monitor["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]: monitor for monitor in monitors
    }
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules_file)],
        "scrape_configs": [
            {
                "job_name": job,
                "metrics_path": monitor["spec"]["endpoints"][0]["path"],
                "static_configs": [
                    {"targets": [targets[job]], "labels": {"namespace": NAMESPACE, "pod": POD}}
                ],
            }
            for job, monitor in jobs.items()
        ],
    }


@contextlib.contextmanager
def running(config: Document, folder: pathlib.Path) -> Iterator[Prometheus]:
    """A Prometheus with a configuration."""
    file, log = folder / "prometheus.yaml", folder / "prometheus.log"
    file.write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        find_tool("prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with log.open("w") as told, subprocess.Popen(command, stdout=told, stderr=told) as process:
        try:
            _wait_until_ready(address, process, log)
            yield Prometheus(address)
        finally:
            process.terminate()


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: pathlib.Path) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError):
            urllib.request.urlopen(f"http://{address}/-/ready", timeout=5).close()
            return
        time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"Prometheus must start:\n{log.read_text()}")


@contextlib.contextmanager
def telling(metrics: Mapping[str, float], path: str) -> Iterator[str]:
    """A server that tells metrics, in place of the sidecar; yields its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == path else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write("".join(f"{name} {value}\n" for name, value in metrics.items()).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
