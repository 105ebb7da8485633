"""serving.model_server.served_model: versions come, go and break while requests are answered."""

from __future__ import annotations

import concurrent.futures
import shutil
import threading
import time

import pytest

from components import contract
from components.push import manifest
from serving.answers import AVAILABLE
from serving.bars import take_latest_bars
from serving.client import ForecastClient
from tests.serving.conftest import push, serving
from tests.serving.sample_bars import make_frame

pytestmark = pytest.mark.tf
TIMEOUT_SECONDS = 60.0


def wait_for(condition):
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def states(client):
    return {status.version: status.state for status in client.status()}


@pytest.fixture
def client(server):
    with ForecastClient(server.address) as connected:
        yield connected


@pytest.fixture
def unwatched(exported, base_path):
    """A server with version 1 that looks for versions when it is told to, and its client."""
    push(exported, 1, base_path)
    with serving(base_path, poll_wait_seconds=0) as server, ForecastClient(server.address) as client:
        yield server, client


def test_no_request_is_lost_in_a_swap(server, client, exported, base_path):
    bars = make_frame(1)
    swapped_twice = threading.Event()

    def ask_on():
        answers = []
        while not swapped_twice.is_set():
            answer = client.forecast(bars)
            answers.append((answer.served_version, answer.model_version))
        return answers

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        askers = [pool.submit(ask_on) for _ in range(4)]
        try:
            for version in (2, 3):
                push(exported, version, base_path)
                wait_for(lambda version=version: client.forecast(bars).served_version == version)
        finally:
            swapped_twice.set()
        answers = [answer for asker in askers for answer in asker.result()]
    assert {version for version, _ in answers} >= {1, 3}
    assert all(name == f"tiny-{version}" for version, name in answers)
    assert states(client) == {3: AVAILABLE, 2: "END", 1: "END"}


def test_a_half_copied_version_is_not_served(unwatched, exported, base_path):
    model, client = unwatched
    half = base_path / "2"
    for part in ("variables", contract.ASSETS_EXTRA):
        shutil.copytree(exported[2] / part, half / part)
    model.poll()
    assert states(client) == {1: AVAILABLE}, "without its graph it is no version yet"
    for name in ("fingerprint.pb", "saved_model.pb"):
        shutil.copy(exported[2] / name, half / name)
    model.poll()
    assert client.forecast(make_frame()).served_version == 2


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / "variables" / "variables.index").unlink(),
        lambda folder: (folder / "saved_model.pb").write_bytes(b"\x00rubbish"),
    ],
    ids=["variables missing", "graph broken"],
)
@pytest.mark.parametrize("with_manifest", [True, False])
def test_a_broken_version_is_reported_and_the_old_one_stays(
    unwatched, exported, base_path, harm, with_manifest
):
    model, client = unwatched
    staged = base_path / ".staged"
    shutil.copytree(exported[2], staged)
    if not with_manifest:
        (staged / manifest.MANIFEST_PATH).unlink()
    harm(staged)
    staged.rename(base_path / "2")
    model.poll()
    newest, old = client.status()
    assert (newest.version, newest.state, old.state) == (2, "END", AVAILABLE)
    assert newest.error
    assert client.forecast(make_frame()).served_version == 1
    model.poll()
    shutil.rmtree(base_path / "2")
    push(exported, 2, base_path)
    model.poll()
    assert client.forecast(make_frame()).served_version == 2, "mended, it is tried again"


def test_a_changed_byte_is_found_by_the_manifest(unwatched, exported, base_path):
    model, client = unwatched
    staged = base_path / ".staged"
    shutil.copytree(exported[2], staged)
    with open(staged / "fingerprint.pb", "ab") as file:
        file.write(b"\x00")
    staged.rename(base_path / "2")
    model.poll()
    newest = client.status()[0]
    assert (newest.version, newest.state) == (2, "END")
    assert "fingerprint.pb must have sha256" in newest.error


def test_at_start_the_newest_good_version_is_served(exported, base_path):
    for version in (1, 2, 3):
        push(exported, version, base_path)
    (base_path / "3" / "saved_model.pb").write_bytes(b"")
    with serving(base_path) as server, ForecastClient(server.address) as client:
        assert client.forecast(make_frame()).served_version == 2
        assert states(client) == {3: "END", 2: AVAILABLE}


def test_without_its_folder_a_version_gives_way_to_an_older_one_or_stays(unwatched, exported, base_path):
    model, client = unwatched
    push(exported, 2, base_path)
    model.poll()
    assert states(client) == {2: AVAILABLE, 1: "END"}
    shutil.rmtree(base_path / "2")
    model.poll()
    assert client.forecast(make_frame()).served_version == 1
    shutil.rmtree(base_path / "1")
    model.poll()
    assert client.forecast(make_frame()).served_version == 1
    assert states(client) == {1: AVAILABLE}


@pytest.mark.parametrize(("num_bars", "state"), [(contract.LOOKBACK, AVAILABLE), (9, "END")])
def test_the_warm_up_is_replayed_before_a_version_answers(unwatched, exported, base_path, num_bars, state):
    from tests.serving import tiny_model

    model, client = unwatched
    latest = take_latest_bars(make_frame())
    bars = {name: column[:, :num_bars] for name, column in latest.columns.items()}
    staged = base_path / ".staged"
    shutil.copytree(exported[2], staged)
    tiny_model.add_warmup(staged, {contract.TICKER: list(latest.tickers), **bars})
    tiny_model.add_manifest(staged)
    staged.rename(base_path / "2")
    model.poll()
    newest = client.status()[0]
    assert (newest.version, newest.state) == (2, state)
    assert ("at least 260 bars" in newest.error) == (state == "END")
