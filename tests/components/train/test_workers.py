import json
import socket
import threading

import pytest

from components.errors import ConfigError, MarketcastError
from components.train.workers import Worker, meet, read_worker

TWO = ["a:1", "b:2"]


def describe(cluster, job="worker", index=0):
    return json.dumps({"cluster": cluster, "task": {"type": job, "index": index}})


def free_ports(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [own.getsockname()[1] for own in sockets]
    for own in sockets:
        own.close()
    return ports


def test_without_a_chief_the_first_worker_is_one():
    assert [read_worker(describe({"worker": TWO}, index=i)).is_chief for i in (0, 1)] == [True, False]


def test_a_chief_of_its_own_stands_before_the_workers():
    cluster = {"chief": ["c:0"], "worker": TWO}
    assert read_worker(describe(cluster, "chief")) == Worker(("c:0", "a:1", "b:2"), 0)
    assert read_worker(describe(cluster, "worker")) == Worker(("c:0", "a:1", "b:2"), 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "be set for each worker .* got nothing; .*train.strategy to none"),
        ("{", "be JSON"),
        ("[]", "be JSON"),
        ('{"cluster": {"worker": ["a:1"]}}', "be JSON with a task"),
        (describe({"worker": ["a"]}), "be JSON with a task and a cluster of host:port addresses"),
        (describe({"worker": TWO}, index=2), "name a task that is in its cluster, got worker 2"),
        (describe({"worker": TWO}, "chief"), "name a task that is in its cluster, got chief 0"),
        (describe({"worker": TWO, "ps": ["p:1"]}), "have the jobs chief and worker alone, got ps"),
    ],
)
def test_a_wrong_description_is_refused(text, reason):
    with pytest.raises(ConfigError, match=f"TF_CONFIG must {reason}"):
        read_worker(text)


def test_workers_meet_whoever_comes_last():
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(2))
    first = threading.Thread(target=meet, args=(Worker(addresses, 0), 20.0))
    first.start()
    with socket.create_server(("127.0.0.1", int(addresses[1].split(":")[1]))):
        first.join(20.0)
    assert not first.is_alive()


def test_a_worker_that_never_comes_is_named():
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(2))
    with pytest.raises(MarketcastError, match=rf"worker {addresses[1]} must come up within 1 s"):
        meet(Worker(addresses, 0), 1.0)


def test_a_port_in_use_is_told():
    with socket.create_server(("", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(MarketcastError, match=f"{address} must be free"):
            meet(Worker((address,), 0), 1.0)
