"""serving.rollout: labels of a server that follows models.config move by TensorFlow Serving's two steps."""

from __future__ import annotations

import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from components import contract
from components.errors import ConfigError, MarketcastError, ServingError
from serving.answers import AVAILABLE
from serving.config_store import FileStore
from serving.rollout import find_previous
from tests.serving.rollout_scene import Scene

pytestmark = pytest.mark.tf
TIMEOUT_SECONDS = 60.0


@pytest.fixture
def scene(exported, tmp_path):
    """Version 1 is stable and served; version 2 is pushed, blessed, and not served."""
    made = Scene(exported, tmp_path)
    made.push(1)
    made.push(2)
    made.configure([1], {"stable": 1})
    with made.serve():
        yield made


def test_a_canary_answers_beside_the_stable_version(scene):
    scene.rollout().start_canary(2)
    assert (scene.ask("stable"), scene.ask("canary")) == ("tiny-1", "tiny-2")
    assert scene.configured() == ([1, 2], {"stable": 1, "canary": 2})


def test_a_promotion_moves_stable_to_the_canary_and_ends_it(scene):
    scene.rollout().start_canary(2)
    assert scene.rollout().promote() == 2
    assert scene.ask("stable") == "tiny-2"
    assert scene.configured() == ([1, 2], {"stable": 2})


def test_every_change_leaves_a_line(scene):
    scene.rollout().promote(2)
    assert scene.steps() == [("promote", "versions", [1], [1, 2]), ("promote", "stable", 1, 2)]
    lines = scene.audit()
    assert {(line["actor"], line["reason"], line["model"]) for line in lines} == {
        ("ann@desk", "because", contract.MODEL_NAME)
    }
    assert lines[0]["config_after"] == lines[1]["config_before"] != lines[1]["config_after"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", line["time"]) for line in lines)


def test_a_promotion_to_what_is_stable_changes_nothing(scene):
    before = scene.config_file.read_text()
    assert scene.rollout().promote(1) == 1
    assert scene.config_file.read_text() == before
    assert scene.steps() == []


def test_no_request_by_label_fails_during_a_promotion(scene):
    promoted = threading.Event()

    def ask_on():
        answers = []
        while not promoted.is_set():
            answers.append(scene.ask("stable"))
        return answers

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        askers = [pool.submit(ask_on) for _ in range(2)]
        try:
            scene.rollout().promote(2)
            scene.rollout().roll_back()
        finally:
            promoted.set()
        answers = [answer for asker in askers for answer in asker.result()]
    assert set(answers) == {"tiny-1", "tiny-2"}


def test_a_rollback_returns_to_the_version_before(scene):
    scene.push(3)
    scene.rollout().promote(2)
    scene.rollout().promote(3)
    assert scene.rollout().roll_back() == 2
    assert scene.ask("stable") == "tiny-2"
    assert scene.rollout().roll_back() == 1
    assert scene.ask("stable") == "tiny-1"
    with pytest.raises(ConfigError, match="must have an earlier stable version"):
        scene.rollout().roll_back()
    assert scene.ask("stable") == "tiny-1"


def test_a_version_that_the_gate_refused_is_not_promoted(scene):
    scene.push(3, is_blessed=False)
    before = scene.config_file.read_text()
    for act in ("promote", "start_canary", "pin"):
        with pytest.raises(ServingError, match=r"version 3 must be blessed .* skill_ewma_h1 must be above 0"):
            getattr(scene.rollout(), act)(3)
    assert scene.config_file.read_text() == before


def test_a_version_whose_files_changed_is_not_promoted(scene):
    graph = scene.base_path / "2" / "saved_model.pb"
    graph.write_bytes(graph.read_bytes() + b"!")
    before = scene.config_file.read_text()
    with pytest.raises(ServingError, match=r"version 2 must be whole, got: .*saved_model.pb"):
        scene.rollout().promote(2)
    assert scene.config_file.read_text() == before


def test_a_version_that_does_not_load_is_taken_back(scene, tmp_path):
    """Its copy of the record is fine, its graph is not: only the server finds out."""
    folder = scene.push(3)
    record = tmp_path / "record.json"
    record.write_bytes((folder / contract.ASSETS_EXTRA / contract.RECORD_FILE).read_bytes())
    (folder / "saved_model.pb").write_bytes(b"no graph")
    with pytest.raises(ServingError, match=r"waiting for version 3 to be loaded"):
        scene.rollout(record=str(record), timeout_seconds=3.0).promote(3)
    assert scene.configured() == ([1], {"stable": 1})
    assert scene.steps()[-1] == ("promote", "versions taken back", [1, 3], [1])
    assert scene.ask("stable") == "tiny-1"


def test_a_version_that_is_nowhere_is_not_promoted(scene):
    before = scene.config_file.read_text()
    with pytest.raises(ServingError, match="version 9"):
        scene.rollout().promote(9)
    assert scene.config_file.read_text() == before


def test_a_promotion_needs_a_version(scene):
    with pytest.raises(ConfigError, match="must name a version, or there must be a canary"):
        scene.rollout().promote()


def test_old_versions_are_let_go_but_the_one_before(scene):
    scene.push(3)
    scene.rollout(num_kept=2).promote(2)
    scene.rollout(num_kept=2).promote(3)
    assert scene.configured() == ([2, 3], {"stable": 3})
    assert scene.steps()[-1] == ("promote", "versions retired", [1, 2, 3], [2, 3])
    wait_until(lambda: scene.states()[1] == "END")


def test_a_labelled_version_is_never_let_go(scene):
    scene.push(3)
    scene.rollout().start_canary(2)
    scene.rollout(num_kept=1).promote(3)
    assert scene.configured() == ([1, 2, 3], {"stable": 3, "canary": 2})


def test_a_pin_serves_one_version_until_the_next_promotion(scene):
    scene.rollout().start_canary(2)
    scene.rollout().pin(2)
    assert scene.configured() == ([2], {"stable": 2})
    wait_until(lambda: scene.states() == {1: "END", 2: AVAILABLE})
    scene.push(3)
    scene.rollout().promote(3)
    assert scene.ask("stable") == "tiny-3"


def test_a_policy_of_the_newest_becomes_one_of_named_versions(exported, tmp_path):
    scene = Scene(exported, tmp_path)
    scene.push(1)
    scene.configure()
    with scene.serve():
        scene.push(2)
        wait_until(lambda: scene.states().get(2) == AVAILABLE)
        scene.rollout().promote(2)
        assert scene.configured() == ([2], {"stable": 2})
        scene.push(3)
        scene.rollout().start_canary(3)
        assert (scene.ask("stable"), scene.ask("canary")) == ("tiny-2", "tiny-3")


def test_other_models_stay_as_they_are(scene, exported, tmp_path):
    other = f"config {{ name: 'other' base_path: '{tmp_path}/other' model_platform: 'tensorflow' }}"
    scene.configure([1], {"stable": 1}, other)
    scene.rollout().promote(2)
    assert re.search(rf'name: "other"\s+base_path: "{tmp_path}/other"', scene.config_file.read_text())


def test_the_second_of_two_rollouts_is_refused(scene):
    with (
        FileStore(str(scene.config_file)).hold(),
        pytest.raises(MarketcastError, match=f"held by the rollout of process {os.getpid()}"),
    ):
        scene.rollout().promote(2)
    scene.rollout().promote(2)


def test_an_edit_by_hand_during_a_rollout_is_kept(scene):
    store = FileStore(str(scene.config_file))
    content = store.read()
    scene.configure([2], {"stable": 2})
    with pytest.raises(MarketcastError, match="must not change during a rollout"):
        store.write(content, "something else", {"action": "promote"})
    assert "specific {  versions: 2 }" in scene.config_file.read_text()
    assert scene.steps() == []


def test_a_killed_rollout_is_run_again(exported, tmp_path):
    """The first one is killed while it waits for a server that does not follow; labels have not moved."""
    scene = Scene(exported, tmp_path)
    scene.push(1)
    scene.push(2)
    scene.configure([1], {"stable": 1})
    with scene.serve(poll_seconds=0):
        command = [sys.executable, "-m", "pipeline.cli", "rollout", "promote", "2"]
        flags = ["--config-file", str(scene.config_file), "--address", scene.address]
        process = subprocess.Popen([*command, *flags], stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if line.startswith("waiting for version 2 to be loaded"):
                break
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert scene.configured() == ([1, 2], {"stable": 1})
        assert scene.ask("stable") == "tiny-1"
    with scene.serve():
        scene.rollout().promote(2)
        assert scene.ask("stable") == "tiny-2"
    assert [step[:2] for step in scene.steps()] == [("promote", "versions"), ("promote", "stable")]


def wait_until(condition):
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("moves", "stable", "expected"),
    [
        ([], 1, None),
        ([("promote", None, 1)], 1, None),
        ([("promote", None, 1), ("promote", 1, 2)], 2, 1),
        ([("promote", 1, 2), ("promote", 2, 3), ("rollback", 3, 2)], 2, 1),
        ([("promote", 1, 2), ("rollback", 2, 1), ("promote", 1, 3)], 3, 1),
        ([("promote", 1, 2), ("pin", 2, 5)], 5, 2),
        ([("promote", 1, 2)], None, None),
    ],
)
def test_the_version_before(moves, stable, expected):
    audit = [{"changed": "stable", "action": a, "from": f, "to": t} for a, f, t in moves]
    audit.append({"changed": "canary", "action": "canary", "from": 7, "to": stable})
    assert find_previous(audit, stable) == expected
