"""A server that speaks TensorFlow Serving's REST over real sockets, in the bodies that it sends."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import numpy as np

from components import contract
from tests.serving.stand_in import make_outputs

STATUS_BODY = """{
 "model_version_status": [%s
 ]
}
"""
VERSION_BODY = """
  {
   "version": "%d",
   "state": "AVAILABLE",
   "status": {
    "error_code": "OK",
    "error_message": ""
   }
  }"""
METADATA_BODY = """{
"model_spec":{
 "name": "marketcast",
 "signature_name": "",
 "version": "%d"
}
,
"metadata": {"signature_def": {
 "signature_def": {
  "forecast": {
   "inputs": {
    "close": {
     "dtype": "DT_FLOAT",
     "tensor_shape": {
      "dim": [
       {
        "size": "-1",
        "name": ""
       },
       {
        "size": "-1",
        "name": ""
       }
      ],
      "unknown_rank": false
     },
     "name": "forecast_close:0"
    }
   },
   "outputs": {
    "model_version": {
     "dtype": "DT_STRING",
     "tensor_shape": {
      "dim": [],
      "unknown_rank": false
     },
     "name": "StatefulPartitionedCall:3"
    }
   },
   "method_name": "tensorflow/serving/predict",
   "defaults": {
   }
  }
 }
}
}
}
"""
PATH = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?(/metadata|:predict)?")


@dataclasses.dataclass(frozen=True)
class Call:
    """What reached the server."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class RestStandIn:
    """Answers for some versions of a model, unless a hook has an answer of its own (status, body)."""

    def __init__(self) -> None:
        self.versions = [1]
        self.labels: dict[str, int] = {}
        self.calls: list[Call] = []
        self.before: Callable[[Call], tuple[int, str] | None] = lambda _: None
        self.num_connections = 0
        self.keeps_connections = True
        self.prefix = ""

    def count(self, ending: str) -> int:
        """How many calls came to a path of that ending."""
        return sum(call.path.endswith(ending) for call in self.calls)

    def answer(self, call: Call) -> tuple[int, str]:
        """Status and body."""
        self.calls.append(call)
        if (instead := self.before(call)) is not None:
            return instead
        match = PATH.fullmatch(call.path.removeprefix(self.prefix))
        if match is None or match[1] != contract.MODEL_NAME:
            return 404, _error(f"Could not find any versions of model {match and match[1]}")
        version = int(match[2]) if match[2] else self.labels.get(match[3], max(self.versions, default=0))
        if match[3] and match[3] not in self.labels:
            return 400, _error(f"Unrecognized servable version label: {match[3]}")
        if match[4] and version not in self.versions:
            return 404, _error(f"Servable not found for request: Specific({match[1]}, {version})")
        if match[4] == ":predict":
            return 200, _predict(json.loads(call.body), version)
        if match[4]:
            return 200, METADATA_BODY % version
        return 200, STATUS_BODY % ",".join(VERSION_BODY % one for one in self.versions)


def _error(message: str) -> str:
    return f'{{ "error": "{message}" }}'


def _predict(request: dict, version: int) -> str:
    assert request["signature_name"] == contract.FORECAST_SIGNATURE
    assert set(request["inputs"]) == {contract.TICKER, *contract.BAR_COLUMNS}
    outputs = make_outputs(np.array(request["inputs"][contract.CLOSE], np.float32), version)
    model_version = outputs.pop(contract.MODEL_VERSION).item().decode()
    values = {name: array.tolist() for name, array in outputs.items()}
    return json.dumps({"outputs": {**values, contract.MODEL_VERSION: model_version}}, indent=4)


@contextlib.contextmanager
def listening(
    stand_in: RestStandIn, context: ssl.SSLContext | None = None, address: str = "127.0.0.1:0"
) -> Iterator[str]:
    """Its host and port while it listens."""

    connections = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            stand_in.num_connections += 1
            connections.append(self.connection)

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            call = Call(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
            status, body = stand_in.answer(call)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())
            self.close_connection = not stand_in.keeps_connections

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with _Server(("127.0.0.1", int(address.rpartition(":")[2])), Handler) as server:
        if context is not None:
            # The handshake belongs to the connection's thread; one that fails must not stop the server.
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Clients that break off are what some tests are about."""
