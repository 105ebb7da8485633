"""A tiny pipeline through the runner: what is told, reused, taken up again."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from components.errors import InputError, MarketcastError
from pipeline import failures, run_lock

pytestmark = pytest.mark.tf

ROOT = pathlib.Path(__file__).parent.parent.parent


@pytest.fixture(name="tiny")
def fixture_tiny():
    from tests.pipeline import tiny_pipeline

    return tiny_pipeline


def run(tiny, folder, code="", **settings):
    from pipeline.local_runner import LocalRunner

    started, results = [], []
    LocalRunner(started.append, results.append, code=code).run(tiny.create(folder, **settings))
    assert started == [result.node_id for result in results]
    return results


def read_total(result):
    return pathlib.Path(result.outputs["total"][0].uri, "total.txt").read_text()


def test_components_run_once_and_are_reused(tiny, tmp_path):
    first = run(tiny, tmp_path)
    assert [(r.node_id, r.reused) for r in first] == [("Numbers", False), ("Total", False)]
    assert read_total(first[1]) == "6"
    second = run(tiny, tmp_path)
    assert [r.reused for r in second] == [True, True]
    assert read_total(second[1]) == "6"


def test_a_changed_parameter_runs_again(tiny, tmp_path):
    run(tiny, tmp_path)
    changed = run(tiny, tmp_path, last=5)
    assert [r.reused for r in changed] == [False, False]
    assert read_total(changed[1]) == "10"


def test_changed_code_runs_again(tiny, tmp_path):
    run(tiny, tmp_path, code="before")
    assert [r.reused for r in run(tiny, tmp_path, code="before")] == [True, True]
    assert [r.reused for r in run(tiny, tmp_path, code="after")] == [False, False]


def test_our_command_line_does_not_reach_beam(tiny, tmp_path, monkeypatch):
    ours = ["marketcast", "run", "--runner=NoSuchRunner"]
    monkeypatch.setattr(sys, "argv", ours)
    numbers, _ = run(tiny, tmp_path)
    # TFX's operators take what is in sys.argv while a component runs for flags of Beam.
    assert pathlib.Path(numbers.outputs["numbers"][0].uri, "beam_flags.txt").read_text() == ""
    assert sys.argv == ours


@pytest.mark.parametrize("trouble", ["refuse", "refuse in beam"])
def test_a_users_error_comes_out_of_the_framework_whole(tiny, tmp_path, trouble):
    with pytest.raises(Exception, match="Total failed") as failure:
        run(tiny, tmp_path, trouble=trouble)
    error = failures.find_user_error(failure.value)
    assert isinstance(error, InputError)
    assert str(error) == tiny.MESSAGE


def test_another_error_is_named_with_its_component_and_first_line(tiny, tmp_path):
    from pipeline.local_runner import NodeError

    with pytest.raises(NodeError) as failure:
        run(tiny, tmp_path, trouble="fail")
    assert str(failure.value) == "Total failed: the first line"
    assert failures.find_user_error(failure.value) is None
    assert not list(tmp_path.glob("pipeline/Total/total/*/*"))


@contextlib.contextmanager
def sleeping_program(folder):
    """The tiny pipeline as a program, in the middle of its second component."""
    # Not with -m: the executors' class paths are part of the cache key, and must not start with __main__.
    program_text = "from tests.pipeline import tiny_pipeline; tiny_pipeline.main()"
    command = [sys.executable, "-c", program_text, str(folder), "sleep"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as program:
        try:
            while not (folder / "asleep").exists():
                assert program.poll() is None, program.communicate()
                time.sleep(0.1)
            yield program
        finally:
            program.kill()


def test_a_running_run_keeps_others_out_and_a_killed_one_is_simply_run_again(tiny, tmp_path):
    lock = str(tmp_path / "lock")
    with sleeping_program(tmp_path) as program:
        with (
            pytest.raises(MarketcastError, match=f"held by the run of process {program.pid}"),
            run_lock.hold(lock),
        ):
            pass
        program.send_signal(signal.SIGKILL)
        shown = program.communicate()[0]
    assert shown == "  Numbers               0.0 s\n"
    assert "noise from C++" in (tmp_path / "log").read_text()
    with run_lock.hold(lock):
        assert pathlib.Path(lock).read_text() == str(os.getpid())
        again = run(tiny, tmp_path)
    assert [r.reused for r in again] == [True, False]
    assert read_total(again[1]) == "6"
