"""Each kind of bad input, through the command: exit code 4, one clear message, nothing left behind."""

from __future__ import annotations

import json

import pytest

from tests.conftest import run_marketcast
from tests.fixtures import bad_bars

pytestmark = pytest.mark.e2e

REFUSED = [bad for bad in bad_bars.BAD_INPUTS if bad.refused_by_default]


@pytest.fixture(name="command")
def fixture_command(tmp_path, monkeypatch, capfd):
    """Runs `marketcast` in this process, which imports TFX once for all; returns exit code and screen."""
    from pipeline.cli import main

    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> tuple[int, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        shown = capfd.readouterr()
        return int(ended.value.code or 0), shown.out + shown.err

    return command


def cuts(source) -> list[str]:
    settings = [
        f"source.path={source}",
        "source.metadata_path=''",
        f"chunks.eval_start='{bad_bars.EVAL_START}'",
        f"chunks.test_start='{bad_bars.TEST_START}'",
    ]
    return [part for setting in settings for part in ("--set", setting)]


@pytest.mark.parametrize("bad", REFUSED, ids=lambda bad: bad.name)
def test_bad_input_is_refused_in_plain_words(bad, command, tmp_path):
    folder = tmp_path / "bad"
    folder.mkdir()
    exit_code, screen = command("run", *cuts(bad.write(folder)))
    assert exit_code == 4, screen
    for fragment in bad.fragments:
        assert fragment in screen
    assert "Traceback" not in screen
    assert not (tmp_path / "models").exists()
    assert not list((tmp_path / "run").glob("pipeline/BarsExampleGen/examples/*"))


@pytest.mark.parametrize(
    ("setting", "fragment"),
    [
        ("train.stepz=3", "train.steps"),
        ("train.steps=many", "train.steps"),
        ("chunks.test_start='2001-01-01'", "chunks.test_start must be after eval_start"),
        ("validation.bad_price=ignore", "refuse"),
        ("validation.calendar=XNYC", "the nearest there: XNYS"),
    ],
)
def test_a_bad_setting_is_refused_in_plain_words(setting, fragment, command):
    exit_code, screen = command("run", "--set", setting)
    assert exit_code == 4, screen
    assert fragment in screen
    assert "Traceback" not in screen


def test_the_command_itself_ends_with_4_and_json_says_why(tmp_path):
    ended = run_marketcast(tmp_path, "run", "--json", "--set", "source.path=nowhere.csv")
    assert ended.returncode == 4
    report = json.loads(ended.stdout)
    assert report["exit_code"] == 4
    assert "nowhere.csv" in report["error"]
    assert "Traceback" not in ended.stderr
