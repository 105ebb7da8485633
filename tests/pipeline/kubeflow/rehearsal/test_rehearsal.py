import json
import pathlib
import re
import time

import pytest

from components.errors import ConfigError
from pipeline.kubeflow.rehearsal.processes import Subprocesses
from pipeline.kubeflow.rehearsal.rehearsal import FAILED, SKIPPED, SUCCEEDED
from tests.pipeline.kubeflow.rehearsal.small_packages import make_importer, make_package, make_task, rehearse

MAKE = make_task("out('model').write_text('weights')", outputs=("model",))
FROM_MAKE = {"model": ("make", "model")}
USE = make_task("print(into('model').read_text())", artifacts=FROM_MAKE)


def is_running(process_id):
    """A process that has ended may stay in the list until its parent asks."""
    try:
        status = pathlib.Path(f"/proc/{process_id}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(") ")[2][0] != "Z"


def states(results):
    return {name: result.state for name, result in results.items()}


def log_of(folder, name):
    return (folder / "logs" / f"{name}.log").read_text()


@pytest.mark.parametrize("root", ["minio://mlpipeline/run-1", "s3://bucket/deep/run-1", "gs://bucket/run-1"])
def test_an_output_reaches_the_task_that_takes_it(tmp_path, root):
    results = rehearse(tmp_path, make_package({"use": USE, "make": MAKE}), root=root)
    assert results["make"].outputs.artifacts["model"]["uri"].startswith(f"{root}/make/")
    assert list(results) == ["make", "use"]
    assert states(results) == {"make": SUCCEEDED, "use": SUCCEEDED}
    assert log_of(tmp_path, "use") == "weights\n"


def test_the_true_exit_code_fails_the_task_and_those_after_it(tmp_path):
    broken = make_task("print('why'); sys.exit(3)", outputs=("model",))
    results = rehearse(tmp_path, make_package({"make": broken, "use": USE, "other": make_task("")}))
    assert states(results) == {"make": FAILED, "use": SKIPPED, "other": SUCCEEDED}
    assert "got 3" in results["make"].note
    assert results["use"].note == "make did not succeed"
    assert log_of(tmp_path, "make") == "why\n"


def test_a_task_sees_only_what_it_takes(tmp_path):
    listing = "print(sorted(str(p.relative_to(root)) for p in pathlib.Path(root).rglob('*') if p.is_file()))"
    rehearse(tmp_path, make_package({"make": MAKE, "look": make_task(listing, dependentTasks=["make"])}))
    assert log_of(tmp_path, "look") == "[]\n"


def test_parameters_are_the_run_s_and_the_package_s(tmp_path):
    show = make_task(
        "print(given['inputs']['parameterValues'])", parameters={"seed": "$seed", "fixed": 1.0, "text": ""}
    )
    definitions = {"seed": {"parameterType": "NUMBER_INTEGER"}}
    rehearse(tmp_path, make_package({"show": show}, definitions), {"seed": 7})
    assert log_of(tmp_path, "show") == "{'seed': 7, 'fixed': 1, 'text': ''}\n"


@pytest.mark.parametrize(("blessed", "state"), [(1, SUCCEEDED), (0, SKIPPED)])
def test_a_condition_is_honoured(tmp_path, blessed, state):
    judge = make_task(
        f"out('blessing').mkdir(); describe('blessing', blessed={blessed})", outputs=("blessing",)
    )
    condition = "inputs.artifacts['blessing'].artifacts[0].metadata['blessed'] == 1.0"
    push = make_task(
        "", artifacts={"blessing": ("judge", "blessing")}, triggerPolicy={"condition": condition}
    )
    results = rehearse(tmp_path, make_package({"judge": judge, "push": push}))
    assert results["push"].state == state


def test_a_task_for_the_end_runs_whatever_happened(tmp_path):
    broken = make_task("sys.exit(1)")
    last = make_task("", dependentTasks=["make"], triggerPolicy={"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"})
    results = rehearse(tmp_path, make_package({"make": broken, "last": last}))
    assert states(results) == {"make": FAILED, "last": SUCCEEDED}


def test_metadata_comes_as_kfp_s_store_hands_it_over(tmp_path):
    make = make_task(
        "out('model').mkdir(); describe('model', flag=True, many=[1, 2.5], deep={'a': 1}, text='x')",
        outputs=("model",),
    )
    use = make_task("print(json.dumps(given['inputs']['artifacts']['model']))", artifacts=FROM_MAKE)
    rehearse(tmp_path, make_package({"make": make, "use": use}))
    [artifact] = json.loads(log_of(tmp_path, "use"))["artifacts"]
    metadata = artifact["metadata"]
    assert type(metadata["flag"]) is int
    assert metadata.pop("store_session_info")
    assert metadata == {
        "display_name": "model",
        "flag": 1,
        "many": {"list": [1.0, 2.5]},
        "deep": {"struct": {"a": 1.0}},
        "text": "x",
    }
    assert artifact["type"] == {"instanceSchema": ""}


def test_an_empty_folder_vanishes_on_the_way(tmp_path):
    make = make_task("(out('model') / 'empty').mkdir(parents=True)", outputs=("model",))
    use = make_task("print(into('model').exists())", artifacts=FROM_MAKE)
    results = rehearse(tmp_path, make_package({"make": make, "use": use}))
    assert "no file" in results["make"].note
    assert log_of(tmp_path, "use") == "False\n"


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("note('')", "must be an ExecutorOutput"),
        ("note('{}}')", "must be an ExecutorOutput"),
        ("note('{\"artefacts\": {}}')", "must be an ExecutorOutput"),
        ('note(\'{"artifacts": {}, "artifacts": {}}\')', "duplicate field 'artifacts'"),
        ("describe('model', a=float('nan'))", "NaN, which is no JSON"),
        ('note(\'{"artifacts": {"other": null}}\')', r"null at \$.artifacts.other"),
        ("describe('model', a=[1, {'b': None}])", r"metadata.a.1.b"),
        ("pathlib.Path(given['outputs']['outputFile']).write_bytes(b'\\xff')", "must be an ExecutorOutput"),
        ("describe('model', uri='minio://other/place')", "must stay below minio://mlpipeline"),
        ("describe('model', a=None)", r"null at \$.artifacts.model.artifacts.0.metadata.a"),
        ("describe('model', uri=str(out('model')))", "unrecognized uri format"),
        ("out('model').mkdir(); os.symlink('/etc', out('model') / 'link')", "no link to a folder, got link"),
        ("out('model').mkdir(); os.symlink('/nowhere', out('model') / 'link')", "no dangling link, got link"),
    ],
)
def test_what_the_launcher_refuses_or_loses_fails(tmp_path, script, complaint):
    results = rehearse(tmp_path, make_package({"make": make_task(script, outputs=("model",))}))
    assert results["make"].state == FAILED
    assert re.search(complaint, results["make"].note)


def test_no_output_file_and_empty_lists_in_it_are_fine(tmp_path):
    empty = make_task("note(json.dumps({'artifacts': {'model': {}}, 'parameterValues': {}}))", ("model",))
    results = rehearse(tmp_path, make_package({"none": make_task("", ("model",)), "empty": empty}))
    assert states(results) == {"none": SUCCEEDED, "empty": SUCCEEDED}
    assert results["none"].note == "output model has no file; the task that takes it finds no path there"


def test_a_program_that_is_not_there_fails_the_task(tmp_path):
    package = make_package({"make": MAKE})
    package.spec["deploymentSpec"]["executors"]["make-run"]["container"]["command"] = ["no-such-program"]
    note = rehearse(tmp_path, package)["make"].note
    assert note.startswith("the task's program must start, got")
    del package.spec["deploymentSpec"]["executors"]["make-run"]["container"]["command"]
    package.spec["deploymentSpec"]["executors"]["make-run"]["container"]["args"] = []
    assert "command and arguments are empty" in rehearse(tmp_path, package)["make"].note


def test_output_parameters_reach_the_task_that_takes_them(tmp_path):
    make = make_task(
        "result('score').write_text('0.5'); note(json.dumps({'parameterValues': {'best': 3, 'odd': 1}}))",
        results={"score": "NUMBER_DOUBLE", "best": "NUMBER_INTEGER"},
    )
    use = make_task(
        "print(given['inputs']['parameterValues'])",
        parameters={"score": ("make", "score"), "best": ("make", "best")},
    )
    results = rehearse(tmp_path, make_package({"make": make, "use": use}))
    assert results["make"].outputs.parameters == {"score": 0.5, "best": 3}
    assert log_of(tmp_path, "use") == "{'score': 0.5, 'best': 3}\n"


def test_an_output_parameter_that_was_not_written_fails_the_task(tmp_path):
    make = make_task("", results={"score": "NUMBER_DOUBLE"})
    note = rehearse(tmp_path, make_package({"make": make}))["make"].note
    assert note.startswith("output parameter score must be written, got no file /tmp/kfp/outputs/score")


def test_an_artifact_is_imported_from_the_store(tmp_path):
    use = make_task(
        "print(json.dumps(given['inputs']['artifacts'])); print(into('model').read_text())",
        artifacts={"model": ("bring", "model")},
    )
    package = make_package({"bring": make_importer("s3://models/best", "model", version=7.0), "use": use})
    assert "copy it there" in rehearse(tmp_path, package)["bring"].note
    (tmp_path / "store" / "s3" / "models").mkdir(parents=True)
    (tmp_path / "store" / "s3" / "models" / "best").write_text("weights")
    results = rehearse(tmp_path, package)
    assert states(results) == {"bring": SUCCEEDED, "use": SUCCEEDED}, log_of(tmp_path, "use")
    given, weights = log_of(tmp_path, "use").splitlines()
    assert weights == "weights"
    metadata = json.loads(given)["model"]["artifacts"][0]["metadata"]
    assert metadata["version"] == 7
    assert json.loads(metadata["store_session_info"])["Params"] == {"fromEnv": "true"}


def test_a_link_to_a_file_is_followed(tmp_path):
    script = "out('model').mkdir(); (out('model') / 'a').write_text('x'); os.symlink('a', out('model') / 'b')"
    use = make_task("print((into('model') / 'b').read_text())", artifacts=FROM_MAKE)
    rehearse(tmp_path, make_package({"make": make_task(script, outputs=("model",)), "use": use}))
    assert log_of(tmp_path, "use") == "x\n"


def test_outputs_that_were_not_declared_are_dropped(tmp_path):
    script = """
out('model').write_text('x')
note(json.dumps({'artifacts': {'other': {'artifacts': [{'uri': 'x'}]}}}))
"""
    results = rehearse(tmp_path, make_package({"make": make_task(script, outputs=("model",))}))
    assert list(results["make"].outputs.artifacts) == ["model"]


def test_an_output_key_that_is_not_there_fails_the_task_that_takes_it(tmp_path):
    use = make_task("", artifacts={"model": ("make", "modle")})
    results = rehearse(tmp_path, make_package({"make": MAKE, "use": use}))
    assert results["use"].state == FAILED
    assert "got 'modle'" in results["use"].note


def test_a_volume_keeps_what_is_put_there(tmp_path):
    script = "pathlib.Path(given['inputs']['parameterValues']['place'], 'v1').write_text('x')"
    push = make_task(script, parameters={"place": "/models"})
    mount = {"pvcMount": [{"constant": "models", "mountPath": "/models"}]}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"push-run": mount}}}}}
    results = rehearse(
        tmp_path, make_package({"push": push}, platform=platform), volumes={"models": tmp_path / "kept"}
    )
    assert results["push"].state == SUCCEEDED, log_of(tmp_path, "push")
    assert (tmp_path / "kept" / "v1").read_text() == "x"


def test_a_secret_comes_from_the_environment_or_is_asked_for(tmp_path, monkeypatch):
    secret = {
        "secretAsEnv": [{"secretName": "s", "keyToEnv": [{"secretKey": "k", "envVar": "DATABASE_URL"}]}]
    }
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"show-run": secret}}}}}
    show = make_task("print(os.environ['DATABASE_URL'])", dependentTasks=["make"])
    package = make_package({"make": MAKE, "show": show}, platform=platform)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(ConfigError, match="the variable DATABASE_URL must be set"):
        rehearse(tmp_path, package)
    assert not (tmp_path / "logs").exists(), "it is asked for before any task runs"
    monkeypatch.setenv("DATABASE_URL", "postgresql://here")
    rehearse(tmp_path, package)
    assert log_of(tmp_path, "show") == "postgresql://here\n"


def test_it_goes_on_from_the_task_that_failed(tmp_path):
    make = make_task(
        "print('x', file=open('made', 'a')); out('model').write_text('weights')", outputs=("model",)
    )
    use = make_task("sys.exit(0 if pathlib.Path('mended').exists() else 1)", artifacts=FROM_MAKE)
    package = make_package({"make": make, "use": use})
    assert states(rehearse(tmp_path, package)) == {"make": SUCCEEDED, "use": FAILED}
    (tmp_path / "mended").touch()
    results = rehearse(tmp_path, package, resume=True)
    assert states(results) == {"make": SUCCEEDED, "use": SUCCEEDED}
    assert results["make"].resumed
    assert (tmp_path / "made").read_text() == "x\n", "make ran once"


def test_what_ran_for_a_failed_task_runs_again_once_that_is_mended(tmp_path):
    make = make_task("sys.exit(0 if pathlib.Path('mended').exists() else 1)")
    tell = make_task(
        "print('x', file=open('told', 'a'))",
        dependentTasks=["make"],
        triggerPolicy={"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
    )
    package = make_package({"make": make, "tell": tell})
    assert states(rehearse(tmp_path, package)) == {"make": FAILED, "tell": SUCCEEDED}
    (tmp_path / "mended").touch()
    results = rehearse(tmp_path, package, resume=True)
    assert states(results) == {"make": SUCCEEDED, "tell": SUCCEEDED}
    assert (tmp_path / "told").read_text() == "x\nx\n"


def test_artifacts_have_numbers_of_their_own_after_a_resume_too(tmp_path):
    more = make_task(
        "out('model').write_text('x'); sys.exit(0 if pathlib.Path('mended').exists() else 1)",
        outputs=("model",),
        artifacts=FROM_MAKE,
    )
    package = make_package({"make": MAKE, "more": more})
    rehearse(tmp_path, package)
    (tmp_path / "mended").touch()
    results = rehearse(tmp_path, package, resume=True)
    assert [results[name].outputs.artifacts["model"]["name"] for name in results] == ["1", "2"]


def test_a_task_for_the_end_that_takes_what_was_not_left_fails(tmp_path):
    last = make_task("", artifacts=FROM_MAKE, triggerPolicy={"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"})
    results = rehearse(tmp_path, make_package({"make": make_task("sys.exit(1)", ("model",)), "last": last}))
    assert results["last"].note.startswith("task last must take an output that make left, got 'model'")


def test_a_task_that_runs_again_finds_nothing_of_its_first_time(tmp_path):
    script = """
files = [path for path in pathlib.Path(root).rglob('*') if path.is_file()]
out('model').write_text('x')
sys.exit(len(files) or not pathlib.Path('mended').exists())
"""
    package = make_package({"make": make_task(script, outputs=("model",))})
    assert states(rehearse(tmp_path, package)) == {"make": FAILED}
    (tmp_path / "mended").touch()
    assert states(rehearse(tmp_path, package, resume=True)) == {"make": SUCCEEDED}


@pytest.mark.parametrize("changed", ["package", "arguments"])
def test_it_does_not_go_on_with_something_else(tmp_path, changed):
    definitions = {"seed": {"parameterType": "NUMBER_INTEGER"}}
    rehearse(tmp_path, make_package({"make": MAKE}, definitions), {"seed": 1})
    tasks = {"make": MAKE, "more": make_task("")} if changed == "package" else {"make": MAKE}
    arguments = {"seed": 2 if changed == "arguments" else 1}
    with pytest.raises(ConfigError, match=f"--resume must go on with the same {changed}"):
        rehearse(tmp_path, make_package(tasks, definitions), arguments, resume=True)


def test_a_task_that_hangs_is_ended_with_its_children(tmp_path):
    script = """
import subprocess
child = subprocess.Popen(['sleep', '60'])
print(child.pid, flush=True)
child.wait()
"""
    results = rehearse(
        tmp_path, make_package({"hang": make_task(script)}), processes=Subprocesses(tmp_path, 2.0)
    )
    assert "must end within 2 s" in results["hang"].note
    child = int(log_of(tmp_path, "hang"))
    deadline = time.monotonic() + 10.0
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)
