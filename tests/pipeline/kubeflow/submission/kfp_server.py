"""A small KFP: the part of its v2beta1 HTTP API that `submit`, `schedule` and `runs` use, over real sockets.

It stands for the API server of KFP 2 behind its grpc-gateway. Paths, names and shapes are those of the
generated client (kfp_server_api 2.4 to 2.17) and of the server's source: proto field names in JSON, `{}` for
an empty list, int64 as text, 1970 for what has not ended, errors as {error, code, message, details}, those of
the upload endpoint as {error_message, error_details}; a run lists the tasks beside their pods. It checks what
KFP checks of a schema version and of names of parameters, in KFP's words. It runs nothing: a test says what
states a run goes through. It is no proof that KFP takes a package.
"""

from __future__ import annotations

import contextlib
import dataclasses
import email.message
import email.parser
import email.policy
import http.server
import json
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterable
from typing import Any

import yaml

EPOCH = "1970-01-01T00:00:00Z"
CREATED = "2026-11-23T09:00:00Z"
FINISHED = "2026-11-23T09:01:30Z"
HTML = "<!DOCTYPE html><html><body>Log in to Your Account</body></html>"
JSON_TYPE = "application/json"


@dataclasses.dataclass
class Fault:
    """What happens to the next requests of a kind instead of, or after, an honest answer.

    Attributes:
      route: regular expression that `METHOD /path` must hold.
      status: of the answer; 0 closes the connection without one.
      body: of the answer.
      times: so many requests.
      is_done: the request is carried out, and only the answer is lost.
      seconds: before the answer.
      content_type: of the answer.
    """

    route: str
    status: int = 503
    body: str = "upstream connect error or disconnect/reset before headers"
    times: int = 1
    is_done: bool = False
    seconds: float = 0.0
    content_type: str = "text/plain"


@dataclasses.dataclass(frozen=True)
class Request:
    """A request as it came.

    Attributes:
      route: `METHOD /path` below /apis/v2beta1.
      query: its parameters.
      headers: its headers, names in lower case.
      body: JSON, or the uploaded file's bytes.
    """

    route: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class RefusalError(Exception):
    """KFP's answer is an error."""

    def __init__(self, status: int, code: int, message: str, is_upload: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "error": message,
            "code": code,
            "message": message,
            "details": [{"@type": "type.googleapis.com/google.rpc.Status", "code": code, "message": message}],
        }
        if is_upload:
            self.body = {"error_message": message, "error_details": message}


class KfpServer:
    """The server; a context manager."""

    def __init__(self, token: str = "", is_multi_user: bool = False) -> None:
        self.token = token
        self.is_multi_user = is_multi_user
        self.namespaces = {"team-a"}
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.store: dict[str, list[dict[str, Any]]] = {
            name: [] for name in ("experiments", "pipelines", "pipeline_versions", "runs", "recurring_runs")
        }
        self.scripts: dict[str, list[dict[str, Any]]] = {}
        self.uploads: dict[str, bytes] = {}
        self._scheme = "http"
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"kfp": self})
        )
        self._server.daemon_threads = True

    def use_tls(self, folder: pathlib.Path) -> pathlib.Path:
        """From now on https, with a certificate that nobody knows; returns it."""
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        names = ["-subj", "/CN=kfp", "-addext", "subjectAltName=IP:127.0.0.1"]
        files = ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run([*command, *names, *files], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "https"
        return certificate

    @property
    def host(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> KfpServer:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def sent(self, route: str) -> list[Request]:
        """The requests whose route holds a regular expression."""
        return [request for request in self.requests if re.search(route, request.route)]

    def script_run(self, run_id: str, updates: Iterable[dict[str, Any]]) -> None:
        """Each reading of the run shows the next update; the last one stays."""
        self.scripts[run_id] = list(updates)

    def add_run(self, **fields: Any) -> dict[str, Any]:
        """A run that was made by somebody before."""
        run = {"run_id": str(uuid.uuid4()), "created_at": CREATED, "finished_at": EPOCH, "state": "RUNNING"}
        self.store["runs"].append({**run, **fields})
        return self.store["runs"][-1]

    def take_fault(self, route: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.route, route):
                    fault.times -= 1
                    return fault
        return None

    def answer(self, request: Request) -> Any:
        """Carries a request out, as KFP does."""
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            raise RefusalError(401, 16, "Request header error: there is no user identity header.")
        for method, pattern, function in _ROUTES:
            match = re.fullmatch(f"{method} {pattern}", request.route)
            if match:
                with self._lock:
                    return function(self, request, *match.groups())
        raise RefusalError(404, 5, "Not Found")

    def _get_health(self, request: Request) -> Any:
        return {"multi_user": self.is_multi_user}

    def _list(self, request: Request, kind: str) -> Any:
        return self._select(kind.replace("recurringruns", "recurring_runs"), request)

    def _list_versions(self, request: Request, pipeline_id: str) -> Any:
        return self._select("pipeline_versions", request, pipeline_id=pipeline_id)

    def _select(self, kind: str, request: Request, **fields: str) -> Any:
        if kind != "pipelines" and "experiment_id" not in request.query and "pipeline_id" not in fields:
            self._check_namespace(request.query.get("namespace", ""))
        found = [item for item in self.store[kind] if all(item.get(k) == v for k, v in fields.items())]
        if "experiment_id" in request.query:
            found = [i for i in found if i["experiment_id"] == request.query["experiment_id"]]
        if "filter" in request.query:
            [predicate] = json.loads(request.query["filter"])["predicates"]
            if (predicate["operation"], predicate["key"]) != (1, "display_name"):
                raise RefusalError(400, 3, "Failed to parse filter")
            found = [i for i in found if i["display_name"] == predicate["stringValue"]]
        if request.query.get("sort_by") == "created_at desc":
            found.sort(key=lambda item: item["created_at"], reverse=True)
        start, size = int(request.query.get("page_token") or 0), int(request.query.get("page_size") or 20)
        # The one list that the proto names in camel case.
        key = "recurringRuns" if kind == "recurring_runs" else kind
        page = {key: found[start : start + size], "total_size": len(found)} if found else {}
        return {**page, "next_page_token": str(start + size)} if start + size < len(found) else page

    def _check_namespace(self, namespace: str) -> None:
        if not self.is_multi_user and namespace:
            raise RefusalError(400, 3, "In single-user mode, the request cannot be filtered by namespace.")
        if self.is_multi_user and not namespace:
            raise RefusalError(400, 3, "Invalid input error: Namespace is empty")
        if self.is_multi_user and namespace not in self.namespaces:
            raise RefusalError(403, 7, f"User 'alice' is not authorized with reason: (namespace {namespace})")

    def _create_experiment(self, request: Request) -> Any:
        self._check_namespace(request.body.get("namespace", ""))
        return self._add("experiments", "experiment_id", request.body)

    def _create_pipeline(self, request: Request) -> Any:
        return self._add("pipelines", "pipeline_id", request.body)

    def _add(self, kind: str, key: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
        unique = ("experiments", "pipelines", "pipeline_versions")
        same = ("display_name", "namespace", "pipeline_id")
        item = {key: str(uuid.uuid4()), "created_at": CREATED, **body, **more}
        for other in self.store[kind] if kind in unique else []:
            if all(other.get(name) == item.get(name) for name in same if name != key):
                raise RefusalError(
                    409, 6, f"Already exist error: The name {item['display_name']} already exist"
                )
        self.store[kind].append(item)
        return item

    def _upload_version(self, request: Request) -> Any:
        documents = [d for d in yaml.safe_load_all(request.body) if d]
        spec = next((d for d in documents if "pipelineInfo" in d), {})
        if spec.get("schemaVersion") != "2.1.0":
            raise RefusalError(
                400,
                3,
                "Failed to create a pipeline version: InvalidInputError: KFP only supports schema version "
                f"2.1.0, but the pipeline spec has version {spec.get('schemaVersion')}: pipeline spec "
                "is invalid",
                is_upload=True,
            )
        platform = next((d for d in documents if "platforms" in d), None)
        stored = {"pipeline_spec": spec, "platform_spec": platform} if platform else spec
        version = self._add(
            "pipeline_versions",
            "pipeline_version_id",
            {"display_name": request.query["name"], "description": request.query.get("description", "")},
            pipeline_id=request.query["pipelineid"],
            pipeline_spec=stored,
        )
        self.uploads[version["pipeline_version_id"]] = request.body
        return version

    def _get_version(self, request: Request, pipeline_id: str, version_id: str) -> Any:
        return self._find("pipeline_versions", "pipeline_version_id", version_id, "PipelineVersion")

    def _find(self, kind: str, key: str, value: str, resource: str) -> dict[str, Any]:
        for item in self.store[kind]:
            if item[key] == value:
                return item
        raise RefusalError(404, 5, f"ResourceNotFoundError: {resource} {value} not found.")

    def _create_run(self, request: Request) -> Any:
        self._check_job(request.body)
        run = self._add("runs", "run_id", request.body, state="PENDING", finished_at=EPOCH)
        self.scripts.setdefault(run["run_id"], self.scripts.pop("next", []))
        return run

    def _create_recurring_run(self, request: Request) -> Any:
        self._check_job(request.body)
        trigger = request.body["trigger"]
        if "periodic_schedule" in trigger:
            # int64 is text in the JSON of protobuf.
            interval = str(trigger["periodic_schedule"]["interval_second"])
            trigger = {"periodic_schedule": {"interval_second": interval}}
        return self._add(
            "recurring_runs", "recurring_run_id", {**request.body, "trigger": trigger}, status="ENABLED"
        )

    def _check_job(self, body: dict[str, Any]) -> None:
        reference = body["pipeline_version_reference"]
        version = self._find(
            "pipeline_versions",
            "pipeline_version_id",
            reference["pipeline_version_id"],
            "PipelineVersion",
        )
        spec = version["pipeline_spec"].get("pipeline_spec", version["pipeline_spec"])
        known = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        extra = set(body["runtime_config"].get("parameters", {})) - set(known)
        if extra:
            raise RefusalError(
                400,
                3,
                "Failed to create a new run: InvalidInputError: invalid pipeline job inputs: Invalid input "
                f"error: parameter(s) provided are not required by pipeline: {', '.join(sorted(extra))}",
            )

    def _get_run(self, request: Request, run_id: str) -> Any:
        run = self._find("runs", "run_id", run_id, "Run")
        script = self.scripts.get(run_id)
        if script:
            run.update(script.pop(0) if len(script) > 1 else script[0])
        return run

    def _delete_recurring_run(self, request: Request, schedule_id: str) -> Any:
        self.store["recurring_runs"].remove(
            self._find("recurring_runs", "recurring_run_id", schedule_id, "Job")
        )
        return {}


def task(name: str, state: str, end: str | None = None, message: str = "") -> dict[str, Any]:
    """A task in the details of a run."""
    detail = {"display_name": name, "state": state, "start_time": CREATED, "end_time": end or EPOCH}
    return {**detail, "error": {"code": 2, "message": message}} if message else detail


def run_update(state: str, *tasks: dict[str, Any], finished: str = EPOCH) -> dict[str, Any]:
    """What a reading of a run shows; the tasks come among the pods that KFP lists beside them."""
    pods = [task("root", state), task("root-driver", "SUCCEEDED"), task("marketcast-x7k2p", state)]
    pods += [task(f"{item['display_name']}-driver", "SUCCEEDED") for item in tasks]
    pods += [task("executor", item["state"]) for item in tasks]
    return {
        "state": state,
        "finished_at": finished,
        "run_details": {"task_details": [*pods, *tasks]},
    }


_ID = "([^/:]+)"
_ROUTES = (
    ("GET", "/healthz", KfpServer._get_health),
    ("GET", "/(experiments|pipelines|runs|recurringruns)", KfpServer._list),
    ("POST", "/experiments", KfpServer._create_experiment),
    ("POST", "/pipelines", KfpServer._create_pipeline),
    ("POST", "/pipelines/upload_version", KfpServer._upload_version),
    ("GET", f"/pipelines/{_ID}/versions", KfpServer._list_versions),
    ("GET", f"/pipelines/{_ID}/versions/{_ID}", KfpServer._get_version),
    ("POST", "/runs", KfpServer._create_run),
    ("GET", f"/runs/{_ID}", KfpServer._get_run),
    ("POST", "/recurringruns", KfpServer._create_recurring_run),
    ("DELETE", f"/recurringruns/{_ID}", KfpServer._delete_recurring_run),
)


class _Handler(http.server.BaseHTTPRequestHandler):
    """Reads a request, notes it, and answers it or does what a fault says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    kfp: KfpServer

    def do_GET(self) -> None:
        request = self._read()
        self.kfp.requests.append(request)
        fault = self.kfp.take_fault(request.route)
        if fault is None:
            self._write(*self._answer(request), JSON_TYPE)
            return
        if fault.is_done:
            self._answer(request)
        time.sleep(fault.seconds)
        if fault.status:
            self._write(fault.status, fault.body, fault.content_type)
        else:
            self._reset()

    def do_POST(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def _read(self) -> Request:
        parts = urllib.parse.urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.headers.get("Content-Type", "")
        body = _read_upload(kind, raw) if kind.startswith("multipart/") else json.loads(raw or "null")
        path = parts.path.removeprefix("/apis/v2beta1")
        query = dict(urllib.parse.parse_qsl(parts.query))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(f"{self.command} {path}", query, headers, body)

    def _answer(self, request: Request) -> tuple[int, str]:
        try:
            return 200, json.dumps(self.kfp.answer(request))
        except RefusalError as refusal:
            return refusal.status, json.dumps(refusal.body)

    def _write(self, status: int, body: str, content_type: str) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        # The client may have lost its patience.
        with contextlib.suppress(ConnectionError):
            self.wfile.write(data)

    def _reset(self) -> None:
        # Closing without lingering makes the kernel send RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: Any) -> None:
        """Stays quiet."""


def _read_upload(content_type: str, raw: bytes) -> bytes:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + raw)
    [part] = [p for p in message.iter_parts() if isinstance(p, email.message.EmailMessage)]
    content = part.get_payload(decode=True)
    if part.get_param("name", header="content-disposition") != "uploadfile" or not isinstance(content, bytes):
        raise ValueError("the file must come as uploadfile")
    return content
