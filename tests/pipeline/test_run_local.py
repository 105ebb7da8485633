"""How each way a run can end reads, and its exit code."""

import json
import pathlib
import shutil

import pytest

pytestmark = pytest.mark.tf


@pytest.fixture(name="run")
def fixture_run(tmp_path, monkeypatch, capfd):
    """Runs a story through `marketcast run --json`; returns exit code, report and the lines for people."""
    from pipeline import dag, run_local
    from tests.pipeline import judged_pipeline

    monkeypatch.chdir(tmp_path)

    def run(story, *overrides):
        monkeypatch.setattr(dag, "create_pipeline", lambda config: judged_pipeline.create(config, story))
        capfd.readouterr()
        exit_code = run_local.run("", overrides, as_json=True)
        shown = capfd.readouterr()
        report = json.loads(shown.out)
        assert report["exit_code"] == exit_code
        return exit_code, report, shown.err

    return run


def test_pushed_ends_with_0_and_all_there_is_to_know(run):
    exit_code, report, screen = run("pushed")
    assert (exit_code, report["outcome"], report["error"]) == (0, "pushed", None)
    assert report["verdict"]["blessed"]
    assert report["metrics"]["candidate"]["skill_ewma_h1"] == 0.005
    assert report["paths"]["model"] == "models/marketcast/17"
    assert pathlib.Path(report["paths"]["log"]).is_file()
    assert [c["name"] for c in report["components"]] == ["Evaluator", "Rehearsal", "Pusher"]
    assert [c["result"] for c in report["components"]] == ["blessed", "passed", "version 17"]
    assert "ok  pinball skill against EWMA-empirical" in screen
    assert "EWMA, normal (RiskMetrics)" in screen
    assert "blessed and pushed: models/marketcast/17" in screen
    assert "Traceback" not in screen


def test_a_second_run_reuses_the_verdict_and_ends_alike(run):
    run("pushed")
    exit_code, report, screen = run("pushed")
    assert exit_code == 0
    assert [c["name"] for c in report["components"] if c["reused"]] == ["Evaluator"]
    assert screen.count("reused, ") == 1


def test_a_rehearsal_that_failed_is_made_again(run):
    run("rehearsal fails")
    _, report, _ = run("rehearsal fails")
    assert [c["name"] for c in report["components"] if c["reused"]] == ["Evaluator"]


def test_the_code_is_read_before_it_is_loaded(run, monkeypatch):
    from pipeline import code_fingerprint, config

    order, load_config = [], config.load_config
    monkeypatch.setattr(code_fingerprint, "fingerprint_code", lambda: order.append("read") or "code")
    monkeypatch.setattr(config, "load_config", lambda *given: order.append("loaded") or load_config(*given))
    assert run("pushed")[0] == 0
    assert order == ["read", "loaded"]


def test_a_version_that_was_removed_is_pushed_again(run):
    run("pushed")
    shutil.rmtree("models")
    assert run("pushed")[0] == 0
    assert pathlib.Path("models/marketcast/17").is_dir()


def test_a_pushed_version_that_is_gone_is_said_to_be(run):
    exit_code, _, screen = run("vanished")
    assert exit_code == 1
    assert "error: the pushed version must be in models/marketcast/17, got nothing there" in screen


def test_refused_ends_with_3_and_the_reason(run):
    exit_code, report, screen = run("refused")
    assert (exit_code, report["outcome"], report["paths"]["model"]) == (3, "refused", None)
    assert "NO  pinball skill against EWMA-empirical" in screen
    assert report["verdict"]["reasons"][0].startswith("pinball skill against EWMA-empirical must be >= ")
    assert f"  {report['verdict']['reasons'][0]}\n" in screen
    assert not pathlib.Path("models").exists()


def test_a_failed_rehearsal_refuses_too(run):
    exit_code, report, screen = run("rehearsal fails")
    assert (exit_code, report["outcome"], report["verdict"]["blessed"]) == (3, "refused", True)
    assert "the rehearsal of the exported model must pass" in screen


def test_bad_input_ends_with_4_and_its_one_line(run):
    exit_code, report, screen = run("bad input")
    assert (exit_code, report["outcome"]) == (4, "failed")
    assert "error: bars.csv, line 3, column close must be positive, got -1; mend the row\n" in screen
    assert "Traceback" not in screen
    assert "InputError" in pathlib.Path(report["paths"]["log"]).read_text()


def test_a_crash_names_the_component_and_the_log(run):
    exit_code, report, screen = run("crash")
    assert exit_code == 1
    assert f"error: Evaluator failed: out of memory\nlog: {report['paths']['log']}\n" in screen
    assert "Traceback" not in screen
    assert "Traceback" in pathlib.Path(report["paths"]["log"]).read_text()


def test_an_interrupted_run_ends_with_130_and_can_be_run_again(run):
    exit_code, report, screen = run("interrupt")
    assert (exit_code, report["outcome"]) == (130, "interrupted")
    assert "Evaluator           stopped" in screen
    assert run("pushed")[0] == 0


def test_a_run_that_cannot_be_written_down_ends_with_5_and_keeps_its_model(run, monkeypatch):
    from components.database import schema
    from components.errors import DatabaseError
    from pipeline import publication

    def refuse(*_):
        raise DatabaseError("database d must let u in, got: refused; check database.*")

    monkeypatch.setattr(schema, "check_version", lambda _: None)
    monkeypatch.setattr(publication, "publish", refuse)
    exit_code, report, screen = run("pushed", "database.publish=always")
    assert (exit_code, report["outcome"], report["database"]) == (5, "pushed", None)
    assert report["error"] == "database d must let u in, got: refused; check database.*"
    assert screen.index("blessed and pushed: models/marketcast/17") < screen.index("error: database d")
    assert pathlib.Path("models/marketcast/17").is_dir()
