"""Ten thousand requests that no client should send: each is refused with the right code; nothing breaks."""

from __future__ import annotations

import collections
import concurrent.futures

import grpc
import pytest

from components import contract
from tests.serving.conftest import push
from tests.serving.model_server import malformed
from tests.serving.model_server.server_process import running

pytestmark = pytest.mark.tf
NUM_CASES = 10_000
NUM_CLIENTS = 8
GOOD_EVERY = 100
SEED = 5
BIG = 100_000_000
MEMORY_BOUND = 300_000_000
"""What the process may grow by; three bodies of BIG that stay break it."""
UNBOUNDED = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))


@pytest.fixture(scope="module")
def server(exported, tmp_path_factory):
    base_path = tmp_path_factory.mktemp("malformed") / contract.MODEL_NAME
    base_path.mkdir()
    push(exported, 1, base_path)
    with running(base_path, base_path.parent / "log") as process:
        yield process


@pytest.fixture
def send(server):
    """Sends bytes to a method: (method, body) -> (code, answered bytes)."""
    with grpc.insecure_channel(server.address, options=UNBOUNDED) as channel:

        def call(method, body):
            try:
                return "OK", channel.unary_unary(method)(body, timeout=60.0)
            except grpc.RpcError as error:
                return error.code().name, b""

        yield call


def test_each_is_refused_with_its_code_and_good_ones_are_answered(server, send):
    expected = send(malformed.PREDICT, malformed.good_request())
    assert expected[0] == "OK"
    wrong, seen = [], collections.Counter()

    def check(case):
        code, _ = send(case.method, case.body)
        seen[code] += 1
        if code not in case.codes:
            wrong.append((case.kind, case.codes, code))

    def ask_well():
        if send(malformed.PREDICT, malformed.good_request()) != expected:
            wrong.append("a good request was answered wrongly")

    before = server.memory_bytes()
    with concurrent.futures.ThreadPoolExecutor(NUM_CLIENTS) as pool:
        asked = []
        for number, case in enumerate(malformed.make_cases(NUM_CASES, SEED)):
            asked.append(pool.submit(check, case))
            if number % GOOD_EVERY == 0:
                asked.append(pool.submit(ask_well))
        for future in asked:
            future.result()
    assert not wrong, f"{len(wrong)} of {NUM_CASES}, the first: {wrong[:5]}"
    assert seen.total() == NUM_CASES
    assert set(seen) >= {"INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "INTERNAL", "UNIMPLEMENTED"}
    assert server.memory_bytes() - before < MEMORY_BOUND
    assert "traceback" not in server.log.read_text().lower()


def test_messages_of_100_megabytes_leave_nothing_behind(server, send):
    """The first ones are not counted: the allocator keeps what it will need again."""
    request = make_big_request()

    def send_big():
        assert send(malformed.PREDICT, b"\xff" * BIG)[0] == "INTERNAL"
        assert send(malformed.PREDICT, request)[0] == "INVALID_ARGUMENT"

    for _ in range(3):
        send_big()
    before = server.memory_bytes()
    for _ in range(6):
        send_big()
    assert server.memory_bytes() - before < MEMORY_BOUND
    assert send(malformed.PREDICT, malformed.good_request())[0] == "OK"


def make_big_request():
    """A fine message; its column is no column of bars."""
    request = malformed.predict_pb2.PredictRequest.FromString(malformed.good_request())
    tensor = request.inputs[contract.CLOSE]
    tensor.tensor_content = b"\x00" * BIG
    tensor.tensor_shape.dim[0].size, tensor.tensor_shape.dim[1].size = BIG // 4, 1
    return request.SerializeToString()
