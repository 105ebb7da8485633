"""The whole pipeline, compiled for Kubeflow and rehearsed: in containers, then as subprocesses."""

from __future__ import annotations

import json
import pathlib

import pytest

from components import contract
from components.push.record import VERDICT_KEY
from pipeline.image.build import TAG_FILE
from tests.conftest import ROOT, run_marketcast

NUM_STEPS = 11
pytestmark = pytest.mark.container

VOLUME = "marketcast-models"
MODELS = "marketcast"
"""Folder in the volume that versions are pushed to."""


class Rehearsed:
    """A rehearsal that ended well: what it printed, and what its tasks left."""

    def __init__(self, folder: pathlib.Path, name: str, *flags: str) -> None:
        self.folder = folder / name
        volume = f"--volume={VOLUME}={folder / 'volume'}"
        arguments = ["rehearse", "pipeline.yaml", "--json", f"--run-folder={self.folder}", volume, *flags]
        self.ended = run_marketcast(folder, *arguments)
        assert self.ended.returncode == 0, self.ended.stdout + self.ended.stderr
        self.report = json.loads(self.ended.stdout)

    def metadata(self, task: str, key: str) -> dict[str, object]:
        state = json.loads((self.folder / "state.json").read_text())
        return state["done"][task]["outputs"]["artifacts"][key]["metadata"]


@pytest.fixture(name="folder", scope="module")
def fixture_folder(tmp_path_factory):
    """A working folder with the compiled package."""
    folder = tmp_path_factory.mktemp("rehearsal")
    tag_file = ROOT / TAG_FILE
    if not tag_file.exists():
        pytest.fail(f"{TAG_FILE} must name the image to test, got no such file; run `make image`")
    compiled = run_marketcast(folder, "compile", f"--image={tag_file.read_text().strip()}")
    assert compiled.returncode == 0, compiled.stderr
    return folder


@pytest.fixture(name="first", scope="module")
def fixture_first(folder):
    return Rehearsed(folder, "first", "--as=container")


@pytest.fixture(name="second", scope="module")
def fixture_second(folder, first):
    return Rehearsed(folder, "second", "--as=subprocess")


def versions(folder):
    return sorted((path for path in (folder / "volume" / MODELS).iterdir() if path.name.isdigit()), key=str)


def test_each_task_runs_in_a_container_and_the_model_is_pushed(folder, first):
    assert [task["state"] for task in first.report["tasks"]] == ["SUCCEEDED"] * NUM_STEPS
    assert first.metadata("ChampionResolver", "champion")["absent"] == 1
    pushed = first.metadata("Pusher", "pushed_model")
    assert pushed["pushed"] == 1
    record = json.loads(
        (versions(folder)[0] / contract.ASSETS_EXTRA / contract.RECORD_FILE).read_text(encoding="utf-8")
    )
    assert record["versions"]["tfx"].startswith("1.21."), "the image carries the current set"
    assert record[VERDICT_KEY]["blessed"]


def test_the_embedded_server_serves_it(folder, first):
    asked = run_marketcast(
        folder, "forecast", "--ticker", "AAPL", "--json", f"--model-base-path={folder / 'volume' / MODELS}"
    )
    assert asked.returncode == 0, asked.stderr
    [forecast] = json.loads(asked.stdout)["forecasts"]
    assert forecast["ticker"] == "AAPL"


def test_a_second_run_with_the_host_s_tfx_finds_the_champion(folder, first, second):
    champion = second.metadata("ChampionResolver", "champion")
    assert champion["absent"] == 0
    assert champion["champion_version"] == versions(folder)[0].name
    metrics = next(second.folder.glob("store/minio/**/Evaluator/*/evaluation/metrics.json"))
    assert json.loads(metrics.read_text())["champion"], "the champion was judged beside the candidate"


def test_a_task_that_fails_fails_the_rehearsal_with_its_last_lines(folder):
    ended = run_marketcast(
        folder,
        "rehearse",
        "pipeline.yaml",
        "--as=container",
        "--run-folder=failed",
        "--param=data=nowhere.csv",
    )
    assert ended.returncode == 1
    assert "error: source.path must lead to files" in ended.stdout
    assert "'nowhere.csv'" in ended.stdout
    assert "BarsExampleGen     failed" in ended.stdout
