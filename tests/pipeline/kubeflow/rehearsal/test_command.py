import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from components.errors import ConfigError, MarketcastError
from pipeline import run_lock
from pipeline.kubeflow.package import Package, write_package
from pipeline.kubeflow.rehearsal.command import RehearsalOptions, rehearse, rehearse_package
from pipeline.kubeflow.rehearsal.run_folder import LOCK_FILE
from tests.conftest import ROOT, run_marketcast
from tests.pipeline.kubeflow.rehearsal.small_packages import make_importer, make_package, make_task

MAKE = make_task("out('model').write_text('weights')", outputs=("model",))
PROGRAM = """
import sys
from pipeline.kubeflow.package import read_package
from pipeline.kubeflow.rehearsal.command import RehearsalOptions, rehearse_package
file, folder = sys.argv[1:]
sys.exit(rehearse_package(read_package(file), RehearsalOptions(file, run_folder=folder)))
"""


def options(folder, **changed):
    return RehearsalOptions("", run_folder=str(folder), workdir=str(folder.parent), **changed)


def start(package, folder):
    """The rehearsal as a process that can be interrupted."""
    file = str(folder.parent / "package.yaml")
    write_package(package, file)
    command = [sys.executable, "-c", PROGRAM, file, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder.parent, env=environment)


def wait_for(condition):
    deadline = time.monotonic() + 30.0
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def test_each_task_is_a_line_and_a_row_of_the_summary(tmp_path, capsys):
    use = make_task("", artifacts={"model": ("make", "model")}, triggerPolicy={"condition": "false"})
    package = make_package({"make": MAKE, "use": use})
    assert rehearse_package(package, options(tmp_path / "run")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[::2] == ["make", "s"]
    assert lines[1].endswith("skipped, its condition does not hold")
    assert lines[3].split() == ["task", "state", "seconds", "log"]
    name, state, _, log = lines[4].split()
    assert (name, state, pathlib.Path(log).read_text()) == ("make", "succeeded", "")
    assert lines[5].split()[:2] == ["use", "skipped"]
    assert len(lines[5].split()) == 3, "what did not run has no log"
    assert lines[7].startswith("2 tasks in ")


def test_the_last_lines_of_a_failed_task_are_on_the_screen(tmp_path, capsys):
    script = "print(*(f'line {number}' for number in range(30)), sep='\\n'); sys.exit(3)"
    assert rehearse_package(make_package({"make": make_task(script)}), options(tmp_path / "run")) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["make", "failed"]
    assert [line.strip() for line in lines[1:21]] == [f"line {number}" for number in range(10, 30)]
    assert lines[21] == "error: task make must end with exit code 0, got 3; its last lines say why"
    assert lines[-1].startswith("failed: make; mend it, and the same command with --resume")


def test_json_is_all_that_standard_output_gets(tmp_path, capsys):
    script = "out('model').write_text('x'); result('score').write_text('0.5')"
    task = make_task(script, outputs=("model",), results={"score": "NUMBER_DOUBLE"})
    assert rehearse_package(make_package({"make": task}), options(tmp_path / "run", as_json=True)) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert (report["outcome"], report["folder"]) == ("succeeded", str(tmp_path / "run"))
    [task] = report["tasks"]
    assert (task["name"], task["state"], task["parameters"]) == ("make", "SUCCEEDED", {"score": 0.5})
    uri = task["artifacts"]["model"]
    assert uri.startswith("minio://mlpipeline/v2/artifacts/small/")
    assert (tmp_path / "run" / "store" / uri.replace("://", "/")).read_text() == "x"
    assert "make" in captured.err


def test_parameters_and_the_place_of_artifacts_are_given(tmp_path):
    definitions = {"seed": {"parameterType": "NUMBER_INTEGER", "defaultValue": 1, "isOptional": True}}
    show = make_task("print(given['inputs']['parameterValues'])", ("model",), parameters={"seed": "$seed"})
    given = options(tmp_path / "run", params=("seed=7",), pipeline_root="s3://bucket/kfp/")
    assert rehearse_package(make_package({"show": show}, definitions), given) == 0
    assert (tmp_path / "run" / "logs" / "show.log").read_text() == "{'seed': 7}\n"
    state = json.loads((tmp_path / "run" / "state.json").read_text())
    assert state["root"].startswith("s3://bucket/kfp/small/")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_rehearsal_ends_its_task_and_goes_on_later(tmp_path, number):
    # An earlier rehearsal of the same package must not pass for the interrupted one.
    folder = tmp_path / "run"
    script = """
print('x', file=open('ran', 'a'))
if pathlib.Path('wait').exists():
    print(os.getpid(), file=open('started', 'w'), flush=True)
    import time; time.sleep(60)
"""
    package = make_package({"make": make_task(script)})
    assert rehearse_package(package, options(folder)) == 0
    (tmp_path / "wait").touch()
    started = tmp_path / "started"
    with start(package, folder) as process:
        wait_for(lambda: started.exists() and started.read_text().endswith("\n"))
        process.send_signal(number)
        screen, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "--resume goes on from here" in screen
    wait_for(lambda: not pathlib.Path("/proc", started.read_text().strip()).exists())
    (tmp_path / "wait").unlink()
    assert rehearse_package(package, options(folder, resume=True)) == 0
    assert (tmp_path / "ran").read_text() == "x\n" * 3


def test_a_new_rehearsal_leaves_what_is_not_of_the_one_before(tmp_path):
    folder = tmp_path / "run"
    mount = {"pvcMount": [{"constant": "models", "mountPath": "/models"}]}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"push-run": mount}}}}}
    push = make_task(
        "p = pathlib.Path(given['inputs']['parameterValues']['to'], 'all'); print('x', file=p.open('a'))",
        parameters={"to": "/models"},
    )
    package = make_package({"make": MAKE, "push": push}, platform=platform)
    (folder / "store" / "s3" / "mine").mkdir(parents=True)
    for _ in range(2):
        assert rehearse_package(package, options(folder)) == 0
    assert (folder / "volumes" / "models" / "all").read_text() == "x\nx\n"
    assert (folder / "store" / "s3" / "mine").exists()
    assert len(list((folder / "store" / "minio").rglob("model"))) == 1


def test_one_that_could_not_start_is_not_gone_on_with(tmp_path, monkeypatch):
    secret = {"secretAsEnv": [{"secretName": "s", "keyToEnv": [{"secretKey": "k", "envVar": "TOKEN"}]}]}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"make-run": secret}}}}}
    package = make_package({"make": MAKE}, platform=platform)
    monkeypatch.setenv("TOKEN", "x")
    assert rehearse_package(package, options(tmp_path / "run")) == 0
    monkeypatch.delenv("TOKEN")
    with pytest.raises(ConfigError, match="the variable TOKEN must be set"):
        rehearse_package(package, options(tmp_path / "run"))
    monkeypatch.setenv("TOKEN", "x")
    with pytest.raises(ConfigError, match="--resume must find an earlier rehearsal"):
        rehearse_package(package, options(tmp_path / "run", resume=True))


def test_two_rehearsals_do_not_share_a_folder(tmp_path):
    folder = tmp_path / "run"
    with (
        run_lock.hold(str(folder / LOCK_FILE)),
        pytest.raises(MarketcastError, match="--run-folder FOLDER"),
    ):
        rehearse_package(make_package({"make": MAKE}), options(folder))


@pytest.mark.parametrize("volume", ["models", "models=", "other=/tmp"])
def test_a_volume_that_the_package_does_not_have_is_refused(tmp_path, volume):
    with pytest.raises(ConfigError, match="--volume must be CLAIM=FOLDER, the claim among none"):
        rehearse_package(make_package({"make": MAKE}), options(tmp_path / "run", volumes=(volume,)))


def test_there_must_be_something_to_resume(tmp_path):
    with pytest.raises(ConfigError, match="--resume must find an earlier rehearsal"):
        rehearse_package(make_package({"make": MAKE}), options(tmp_path / "run", resume=True))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"componentRef": {"name": "more"}}, "got a pipeline of its own"),
        ({"parameterIterator": {}}, "got a parameterIterator"),
        ({"inputs": {"parameters": {"x": {"taskFinalStatus": {}}}}}, "got taskFinalStatus"),
    ],
)
def test_what_a_rehearsal_does_not_know_is_refused_before_a_task_runs(tmp_path, change, complaint):
    package = make_package({"make": MAKE, "last": make_task("")})
    package.spec["components"]["more"] = {"dag": {}}
    package.spec["root"]["dag"]["tasks"]["last"].update(change)
    with pytest.raises(ConfigError, match=complaint):
        rehearse_package(package, options(tmp_path / "run"))
    assert not (tmp_path / "run" / "logs").exists()


def test_the_package_is_checked_first(tmp_path):
    file = str(tmp_path / "package.yaml")
    write_package(Package(make_package({"bring": make_importer("/tmp/x", "model")}).spec, {}), file)
    with pytest.raises(ConfigError, match="schemaVersion"):
        rehearse(RehearsalOptions(file, run_folder=str(tmp_path / "run")))
    assert not (tmp_path / "run").exists()


def test_the_command_says_what_is_wrong_in_one_go(tmp_path):
    ended = run_marketcast(tmp_path, "rehearse", "nowhere.yaml")
    assert ended.returncode == 4
    assert ended.stderr.startswith("error: the package must be a readable file, got ")
    helped = run_marketcast(tmp_path, "rehearse", "--help").stdout
    assert "Nothing is reused" in helped
    assert "--workdir" in helped
