"""Versions vanish, break or come in pieces while eight clients ask: each gets its right answer."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import shutil
import threading
import time

import numpy as np
import pytest

from components.push import manifest
from serving.answers import AVAILABLE
from serving.connect import connect
from tests.serving.conftest import free_port, push, serving
from tests.serving.sample_bars import make_frame

pytestmark = pytest.mark.tf
NUM_CLIENTS = 8
TIMEOUT_SECONDS = 60.0
NUM_MORE = 4 * NUM_CLIENTS
"""Answers to wait for, so that some were asked for after what has just happened, on a busy machine, too."""
BARS = make_frame(2)
VARIABLES = "variables/variables.data-00000-of-00001"


@dataclasses.dataclass
class Load:
    """Clients that ask until they are told to stop, half over gRPC and half over REST."""

    stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    answers: list[tuple[int, str, bytes]] = dataclasses.field(default_factory=list)

    def ask(self, address):
        with connect(address, timeout_seconds=TIMEOUT_SECONDS, max_attempts=1) as client:
            while not self.stop.is_set():
                answer = client.forecast(BARS)
                prices = np.asarray(answer.price_quantiles, np.float32).tobytes()
                self.answers.append((answer.served_version, answer.model_version, prices))

    def wait_for_more(self):
        """Waits for NUM_MORE answers."""
        before = len(self.answers)
        self._wait(lambda: len(self.answers) >= before + NUM_MORE)

    def wait_for_answer(self, version):
        """Waits for an answer of a version."""
        self._wait(lambda: any(served == version for served, *_ in list(self.answers)))

    def _wait(self, has_come):
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not has_come():
            assert time.monotonic() < deadline, f"no such answer in {TIMEOUT_SECONDS:g} s"
            time.sleep(0.02)

    @contextlib.contextmanager
    def running(self, server):
        """Ends the clients at the end of the `with`, and raises what one of them met."""
        addresses = (server.address, f"http://127.0.0.1:{server.rest_port}")
        with concurrent.futures.ThreadPoolExecutor(NUM_CLIENTS) as pool:
            asking = [pool.submit(self.ask, addresses[index % 2]) for index in range(NUM_CLIENTS)]
            try:
                yield
            finally:
                self.stop.set()
            for one in asking:
                one.result(TIMEOUT_SECONDS)


def spoil_variables(folder):
    content = bytearray((folder / VARIABLES).read_bytes())
    for place in range(0, len(content), 3):
        content[place] ^= 0xFF
    (folder / VARIABLES).write_bytes(content)


def cut(name):
    def harm(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return harm


def empty(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "saved_model.pb").touch()


BROKEN = {
    "variables spoilt": spoil_variables,
    "variables cut": cut(VARIABLES),
    "graph cut": cut("saved_model.pb"),
    "index cut": cut("variables/variables.index"),
    "nothing but a name": empty,
}


@pytest.fixture
def load(exported, base_path):
    """A server with version 1, its status client, and eight clients that ask."""
    push(exported, 1, base_path)
    asked = Load()
    with (
        serving(base_path, rest_api_port=free_port()) as server,
        connect(server.address) as client,
        asked.running(server),
    ):
        yield asked, client


def wait_for(client, version, state):
    """The status of a version, once it is so."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        found = {status.version: status for status in client.status()}
        if version in found and found[version].state == state:
            return found[version]
        time.sleep(0.02)
    raise AssertionError(f"version {version} must become {state}, got {found}")


def check(load, versions):
    """Each answer is whole: of one of the versions, by its own name, with the very prices."""
    load.wait_for_more()
    found = {(version, name) for version, name, _ in load.answers}
    assert found == {(version, f"tiny-{version}") for version in versions}
    assert len({prices for *_, prices in load.answers}) <= 2, "JSON may round; more is a wrong answer"


@pytest.mark.parametrize("with_manifest", [True, False], ids=["manifest", "no manifest"])
@pytest.mark.parametrize("harm", BROKEN.values(), ids=BROKEN)
def test_a_broken_version_never_answers(harm, with_manifest, load, exported, base_path):
    asked, client = load
    staged = base_path / ".staged"
    shutil.copytree(exported[2], staged)
    if not with_manifest:
        (staged / manifest.MANIFEST_PATH).unlink()
    harm(staged)
    staged.rename(base_path / "2")
    assert wait_for(client, 2, "END").error
    check(asked, {1})


def test_a_version_copied_file_by_file_answers_when_it_is_whole(load, exported, base_path):
    asked, client = load
    # The graph first: the worst order, for with it the folder looks like a model.
    files = sorted(
        (path for path in exported[2].rglob("*") if path.is_file()),
        key=lambda path: path.name != "saved_model.pb",
    )
    for file in files:
        target = base_path / "2" / file.relative_to(exported[2])
        target.parent.mkdir(parents=True, exist_ok=True)
        content = file.read_bytes()
        for until in (len(content) // 2, len(content)):
            target.write_bytes(content[:until])
            time.sleep(0.1)
    wait_for(client, 2, AVAILABLE)
    asked.wait_for_answer(2)
    check(asked, {1, 2})


def test_a_version_that_is_deleted_or_overwritten_goes_on_or_gives_way(load, exported, base_path):
    asked, client = load
    push(exported, 2, base_path)
    wait_for(client, 2, AVAILABLE)
    asked.wait_for_answer(2)
    spoil_variables(base_path / "2")
    asked.wait_for_more()
    assert asked.answers[-1][0] == 2, "what is loaded does not care about its files"
    shutil.rmtree(base_path / "2")
    wait_for(client, 1, AVAILABLE)
    push(exported, 3, base_path)
    wait_for(client, 3, AVAILABLE)
    asked.wait_for_answer(3)
    for version in ("1", "3"):
        shutil.rmtree(base_path / version)
    check(asked, {1, 2, 3})
    assert asked.answers[-1][0] == 3
