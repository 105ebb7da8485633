"""Two thousand REST requests that no client should send: each is refused in JSON, and nothing breaks."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import gzip
import http.client
import json
import random
import socket

import pytest

from components import contract
from serving.bars import take_latest_bars
from tests.serving.conftest import free_port, push
from tests.serving.model_server.server_process import running
from tests.serving.sample_bars import make_frame

pytestmark = pytest.mark.tf
NUM_CASES = 2_000
NUM_CLIENTS = 4
GOOD_EVERY = 50
SEED = 6
MODEL = f"/v1/models/{contract.MODEL_NAME}"
PREDICT = f"{MODEL}:predict"
MEMORY_BOUND = 300_000_000


@pytest.fixture(scope="module")
def server(exported, tmp_path_factory):
    base_path = tmp_path_factory.mktemp("malformed") / contract.MODEL_NAME
    base_path.mkdir()
    push(exported, 1, base_path)
    with running(base_path, base_path.parent / "log", rest_api_port=free_port()) as process:
        yield process


def make_good():
    latest = take_latest_bars(make_frame())
    inputs = {contract.TICKER: list(latest.tickers), **{k: v.tolist() for k, v in latest.columns.items()}}
    return {"signature_name": contract.FORECAST_SIGNATURE, "inputs": inputs}


GOOD = json.dumps(make_good()).encode()


def break_body(chance):
    """A good body with one thing wrong that every JSON parser or TensorFlow Serving refuses."""
    body = json.loads(GOOD)
    column = body["inputs"][contract.CLOSE]
    match chance.randrange(9):
        case 0:
            column[0][chance.randrange(260)] = chance.choice(["x", None, [], {}, True, -1.0, 0])
        case 1:
            del column[0][chance.randrange(100) :]
        case 2:
            del body["inputs"][chance.choice(sorted(body["inputs"]))]
        case 3:
            column[0] = {"a": column[0]}
        case 4:
            body["instances"] = column
        case 5:
            body["signature_name"] = chance.choice([1, None, [], "no such signature", {"a": 1}])
        case 6:
            body["inputs"][contract.CLOSE] = chance.choice([None, "x", {"b64": "!"}, {"b64": 7}, [[]], {}])
        case 7:
            body["inputs"] = chance.choice([None, 7, "x", [], [[[]]], {}])
        case 8:
            body["inputs"][contract.TICKER] = chance.choice([7, [7, 8], [["A", "B"]], [{"b64": "***"}, "B"]])
    return json.dumps(body).encode()


def break_text(chance):
    """Bytes that are no JSON."""
    match chance.randrange(6):
        case 0:
            return GOOD[: chance.randrange(1, len(GOOD))]
        case 1:
            return chance.randbytes(chance.choice([1, 50, 5000]))
        case 2:
            return b"[" * chance.choice([1, 1_000, 100_000])
        case 3:
            return b'{"a":' * 50_000
        case 4:
            return GOOD.replace(b'"inputs"', b'"inputs\xff\xfe"')
        case _:
            return GOOD + chance.choice([b"}", b"x", b"{}", b"\x00"])


def make_case(number):
    """(method, path, headers, body, statuses that are right)."""
    chance = random.Random(f"{SEED}:{number}")
    match number % 6:
        case 0 | 1:
            return "POST", PREDICT, {}, break_body(chance), {400}
        case 2:
            return "POST", PREDICT, {}, break_text(chance), {400}
        case 3:
            path = chance.choice(["/", "/v1", "/v1/models", f"{MODEL}:frobnicate", "/v2/models/x", "/%00%ff"])
            return chance.choice(["GET", "POST", "PUT", "DELETE", "PATCH"]), path, {}, b"", {400, 404, 405}
        case 4:
            version = chance.choice(["7", "-1", "99999999999999999999", "x", "", "1/2"])
            path = f"{MODEL}/{chance.choice(['versions', 'labels'])}/{version}:predict"
            return "POST", path, {}, GOOD, {400, 404}
        case _:
            coding = chance.choice(["gzip", "deflate"])
            body = chance.choice([GOOD, gzip.compress(GOOD)[:-200], b"", chance.randbytes(99)])
            return "POST", PREDICT, {"Content-Encoding": coding}, body, {400, 415}


def ask(server, method, path, headers, body):
    """One request over a connection of its own: a server may close one that brought rubbish."""
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()


def test_each_is_refused_in_json_and_good_ones_are_answered(server):
    expected = ask(server, "POST", PREDICT, {}, GOOD)
    assert expected[0] == 200
    wrong, seen = [], collections.Counter()

    def check(number):
        method, path, headers, body, statuses = make_case(number)
        status, answer = ask(server, method, path, headers, body)
        seen[status] += 1
        told = json.loads(answer) if method != "HEAD" else {"error": "-"}
        if status not in statuses or set(told) != {"error"} or not told["error"]:
            wrong.append((number, method, path, headers, body[-150:], status, answer[:100]))
        if number % GOOD_EVERY == 0 and ask(server, "POST", PREDICT, {}, GOOD) != expected:
            wrong.append((number, "a good request was answered wrongly"))

    check(0)
    before = server.memory_bytes()
    with concurrent.futures.ThreadPoolExecutor(NUM_CLIENTS) as pool:
        list(pool.map(check, range(NUM_CASES)))
    assert not wrong, f"{len(wrong)} of {NUM_CASES}, the first: {wrong[:5]}"
    assert seen[400] > NUM_CASES / 2
    assert seen[404] > 0
    assert server.memory_bytes() - before < MEMORY_BOUND
    assert "traceback" not in server.log.read_text().lower()


@pytest.mark.parametrize(
    "sent",
    [
        b"rubbish\r\n\r\n",
        b"POST " + PREDICT.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST " + PREDICT.encode() + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    ],
    ids=["no HTTP", "no length", "no chunk", "long path", "TLS"],
)
def test_what_is_no_http_ends_its_own_connection_only(server, sent):
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=30) as connection:
        connection.sendall(sent)
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.") and b" 400 " in answer[:20]
    assert ask(server, "GET", MODEL, {}, b"")[0] == 200


def test_a_body_that_never_comes_holds_nobody_up(server):
    with socket.create_connection(("127.0.0.1", server.rest_port)) as connection:
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"
        connection.sendall(head.encode() + b"{")
        assert ask(server, "POST", PREDICT, {}, GOOD)[0] == 200
