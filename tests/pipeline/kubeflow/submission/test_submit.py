"""`marketcast submit` over kfp.Client: what it sends, and what the user sees."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess

import pytest
from click.testing import Result

from pipeline.kubeflow.submission import connection, version
from tests.pipeline.kubeflow.submission.conftest import COMMIT, DEFAULTS, Marketcast
from tests.pipeline.kubeflow.submission.kfp_server import HTML, Fault, KfpServer, run_update, task

HAS_CHANGES = version.has_changes
"""The real one: the fixtures of this folder put another in its place."""
TOKEN = "eyJhbGciOiJSUzI1NiJ9.secret"


def _refusal(result: Result) -> tuple[int, str]:
    """Exit code and the one line of an error."""
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert result.stdout == ""
    return result.exit_code, line.removeprefix("error: ")


def test_a_run_gets_every_parameter_and_keeps_the_caching_of_the_package(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    result = marketcast(
        "submit", package, "--param", "seed=7", "--param", "as_of=2024-01-31",
        "--pipeline-root", "s3://bucket/root", "--service-account", "pipeline-runner", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    [created] = kfp.sent("^POST /runs$")
    [stored] = kfp.store["pipeline_versions"]
    body = dict(created.body)
    assert re.fullmatch(
        r"marketcast 0123456789ab \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [0-9a-f]{4}", body.pop("display_name")
    )
    assert body == {
        "experiment_id": kfp.store["experiments"][0]["experiment_id"],
        "pipeline_version_reference": {
            "pipeline_id": kfp.store["pipelines"][0]["pipeline_id"],
            "pipeline_version_id": stored["pipeline_version_id"],
        },
        "runtime_config": {
            "parameters": {**DEFAULTS, "as_of": "2024-01-31", "seed": 7},
            "pipeline_root": "s3://bucket/root",
        },
        "service_account": "pipeline-runner",
    }
    report = json.loads(result.stdout)
    run_id = kfp.store["runs"][0]["run_id"]
    assert (report["run_id"], report["version"]) == (run_id, "0123456789ab")
    assert report["url"] == f"{kfp.host}/#/runs/details/{run_id}"
    assert report["parameters"] == body["runtime_config"]["parameters"]
    assert f"see      {kfp.host}/#/runs/details/{run_id}" in result.stderr.splitlines()


def test_the_file_goes_as_it_is_with_its_platform_document(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    assert marketcast("submit", package).exit_code == 0
    assert list(kfp.uploads.values()) == [package.read_bytes()]
    assert kfp.store["pipelines"][0]["display_name"] == "marketcast"
    assert kfp.store["experiments"][0]["display_name"] == "marketcast"


def test_the_same_package_is_uploaded_once(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    first, second = marketcast("submit", package), marketcast("submit", package)
    assert "version  0123456789ab (new)" in first.stderr
    assert "version  0123456789ab (was there)" in second.stderr
    assert len(kfp.sent("POST /pipelines/upload_version")) == 1
    references = [run["pipeline_version_reference"] for run in kfp.store["runs"]]
    assert len(references) == 2
    assert references[0] == references[1]


def test_another_package_of_the_same_commit_is_another_version(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    marketcast("submit", package)
    package.write_text(package.read_text() + "# other resources\n")
    digest = version.hash_package(str(package))[:12]
    for state in ("new", "was there"):
        assert f"version  0123456789ab-{digest} ({state})" in marketcast("submit", package).stderr
    assert len({run["pipeline_version_reference"]["pipeline_version_id"] for run in kfp.store["runs"]}) == 2


def test_names_of_versions_where_the_commit_does_not_say_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = "f" * 64
    assert version.name_version(digest) == COMMIT[:12]
    monkeypatch.setattr(version, "has_changes", lambda: True)
    assert version.name_version(digest) == f"{COMMIT[:12]}-{'f' * 12}"
    monkeypatch.setattr(version, "find_commit", lambda: "unknown")
    assert version.name_version(digest) == f"package-{'f' * 12}"


def test_only_sources_change_what_a_commit_says(tmp_path: pathlib.Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    assert HAS_CHANGES(tmp_path), "no checkout"
    source = tmp_path / "pipeline" / "dag.py"
    source.parent.mkdir()
    source.write_text("one\n")
    git("init")
    git("add", ".")
    git("commit", "--message", "one")
    (tmp_path / "pipeline.yaml").write_text("compiled\n")
    assert not HAS_CHANGES(source.parent)
    source.write_text("two\n")
    assert HAS_CHANGES(source.parent)
    git("checkout", ".")
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "new.py").write_text("")
    assert HAS_CHANGES(source.parent)


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ("sead=1", "did you mean seed? (KFP would say: parameter(s) provided are not required by pipeline: sead)"),  # noqa: E501
        ("seed=x", "parameter seed must be a whole number, got 'x'; mend it (KFP would say: input parameter seed requires type double or integer, but the parameter value is not of number value type)"),  # noqa: E501
        ("seed", "--param must be NAME=VALUE, got 'seed'; such as --param seed=2"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_refused_before_anything_is_sent(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path, param: str, message: str
) -> None:
    exit_code, line = _refusal(marketcast("submit", package, "--param", param))
    assert exit_code == 4
    assert line.endswith(message)
    assert kfp.requests == []


@pytest.mark.parametrize("route", ["GET /healthz", "GET /pipelines", "POST /pipelines$", "POST /pipelines/upload_version", "POST /experiments", "POST /runs"])  # noqa: E501 # fmt: skip
@pytest.mark.parametrize(
    "fault",
    [
        Fault("", 503, times=3),
        Fault("", 429, times=2),
        Fault("", 0, times=2),
        Fault("", 0, times=1, is_done=True),
        Fault("", 502, times=1, body=HTML, content_type="text/html", is_done=True),
    ],
    ids=["503", "429", "reset", "reset after it was done", "502 after it was done"],
)
def test_passing_faults_are_tried_again_and_nothing_is_made_twice(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path, route: str, fault: Fault
) -> None:
    kfp.faults.append(Fault(route, fault.status, fault.body, fault.times, fault.is_done))
    result = marketcast("submit", package)
    assert result.exit_code == 0, result.output
    assert kfp.faults[0].times == 0
    assert {kind: len(items) for kind, items in kfp.store.items()} == {
        "experiments": 1, "pipelines": 1, "pipeline_versions": 1, "runs": 1, "recurring_runs": 0,
    }  # fmt: skip


def test_a_fault_that_does_not_pass_ends_the_command(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    kfp.faults.append(Fault("POST /runs", 503, times=100))
    exit_code, line = _refusal(marketcast("submit", package))
    assert exit_code == 5
    assert line == (
        f"{kfp.host} must create the run, got 'upstream connect error or disconnect/reset before headers' "
        "(503); try again later"
    )
    assert len(kfp.sent("POST /runs")) == 1 + len(connection.WAITS_SECONDS)


def test_no_request_is_tried_more_often_than_said(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    kfp.faults.append(Fault("GET /pipelines", 0, times=100))
    exit_code, line = _refusal(marketcast("submit", package))
    assert exit_code == 5
    assert line.startswith(f"{kfp.host} must answer the request to list pipelines, got '")
    assert len(kfp.sent("GET /pipelines")) == 1 + len(connection.WAITS_SECONDS)


def test_an_answer_that_does_not_come_ends_the_wait(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "TIMEOUT_SECONDS", (1, 0.3))
    kfp.faults.append(Fault("POST /runs", 200, "{}", seconds=1.0, is_done=True))
    result = marketcast("submit", package)
    assert result.exit_code == 0, result.output
    assert len(kfp.store["runs"]) == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [(400, "KFP must accept the request to create the run, got 'no' (400); mend it"),
     (500, "must create the run, got 'no' (500); look at the log of its server")],
)  # fmt: skip
def test_a_lasting_refusal_is_not_tried_again(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path, status: int, message: str
) -> None:
    body = json.dumps({"error": "no", "code": 3, "message": "no", "details": []})
    kfp.faults.append(Fault("POST /runs", status, body, times=9))
    _, line = _refusal(marketcast("submit", package))
    assert line.endswith(message)
    assert len(kfp.sent("POST /runs")) == 1


def test_a_package_that_kfp_refuses_is_told_in_its_words(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    said = "Failed to create a pipeline version: InvalidInputError: unknown template format"
    body = json.dumps({"error_message": said, "error_details": f"{said}\n/go/src/server.go:131"})
    kfp.faults.append(Fault("POST /pipelines/upload_version", 400, body))
    exit_code, line = _refusal(marketcast("submit", package))
    assert exit_code == 4
    assert line == f"KFP must accept the request to upload {package}, got '{said}' (400); mend it"
    assert kfp.store["runs"] == []


def test_a_package_that_breaks_a_rule_is_not_sent(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    package.write_text(package.read_text().replace("schemaVersion: 2.1.0", "schemaVersion: 2.0.0"))
    result = marketcast("submit", package)
    assert result.exit_code == 4
    assert "2.0.0" in result.stderr
    assert kfp.requests == []


def test_a_token_comes_from_the_environment_or_a_file_and_is_never_shown(
    kfp: KfpServer,
    marketcast: Marketcast,
    package: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
) -> None:
    kfp.token = TOKEN
    exit_code, line = _refusal(marketcast("submit", package))
    assert exit_code == 5
    assert line == (
        f"{kfp.host} must know the caller to tell its health, got 'Request header error: there is no user "
        "identity header.' (401); give a valid token by --token-file or KFP_TOKEN, in a pod --in-cluster"
    )
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with_file = marketcast("submit", package, "--token-file", tmp_path / "token")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    in_cluster = marketcast("submit", package, "--in-cluster")
    monkeypatch.setenv("KFP_TOKEN", TOKEN)
    with_variable = marketcast("submit", package)
    for result in (with_file, in_cluster, with_variable):
        assert result.exit_code == 0, result.output
        assert TOKEN not in result.output
    assert len(kfp.store["runs"]) == 3


@pytest.mark.parametrize("text", ["", f"{TOKEN} {TOKEN}", f"{TOKEN}\nX-Other: 1", f"{TOKEN}é"])
def test_a_broken_token_is_refused_without_being_shown(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path, tmp_path: pathlib.Path, text: str
) -> None:
    (tmp_path / "token").write_text(text)
    exit_code, line = _refusal(marketcast("submit", package, "--token-file", tmp_path / "token"))
    assert exit_code == 4
    assert "must hold a token in one word" in line
    assert "secret" not in line
    assert kfp.requests == []


def test_no_option_takes_a_token(marketcast: Marketcast, package: pathlib.Path) -> None:
    assert marketcast("submit", package, "--token", TOKEN).exit_code == 2


def test_a_web_page_is_not_kfp(kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path) -> None:
    for status in (200, 404):
        kfp.faults.append(Fault("GET /healthz", status, HTML, content_type="text/html"))
        exit_code, line = _refusal(marketcast("submit", package))
        assert exit_code == 5
        assert line.startswith(f"{kfp.host} must be KFP's API, got a web page")
        assert "if it is a login page, give a valid token" in line


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1 must be reachable to tell its health, got 'Conn"),
        ("http://kfp.invalid", "http://kfp.invalid must be a host that is known, got no address for it"),
        ("kfp.example.com", "submit.host must be a URL such as https://kubeflow.example.com/pipeline"),
        ("https://me:secret@kfp", "submit.host must be a URL without user and password"),
    ],
)  # fmt: skip
def test_a_wrong_host_is_one_line(
    marketcast: Marketcast, package: pathlib.Path, host: str, message: str
) -> None:
    _, line = _refusal(marketcast("submit", package, "--host", host))
    assert line.startswith(message)
    assert "secret" not in line


def test_a_certificate_of_an_unknown_authority_is_told_as_such_and_can_be_given(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    certificate = kfp.use_tls(tmp_path)
    exit_code, line = _refusal(marketcast("submit", package, "--host", kfp.host))
    assert exit_code == 5
    assert line.startswith(f"{kfp.host} must have a certificate that can be verified, got ")
    assert "self-signed certificate" in line
    result = marketcast("submit", package, "--host", kfp.host, "--ca-certificate", certificate)
    assert result.exit_code == 0, result.output


def test_where_kfp_serves_many_users_the_namespace_goes_with_every_request(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    kfp.is_multi_user = True
    assert _refusal(marketcast("submit", package))[1].startswith(
        "submit.namespace must be given, got nothing"
    )
    exit_code, line = _refusal(marketcast("submit", package, "--namespace", "team-b"))
    assert exit_code == 5
    assert "experiments in namespace team-b, got 'User 'alice' is not authorized" in line
    assert marketcast("submit", package, "--namespace", "team-a").exit_code == 0
    assert [item["namespace"] for kind in ("experiments", "pipelines") for item in kfp.store[kind]] == [
        "team-a",
        "team-a",
    ]


def test_submit_and_watch_end_as_the_run_does(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    for state, exit_code in (("SUCCEEDED", 0), ("FAILED", 1)):
        kfp.scripts["next"] = [run_update("RUNNING", task("Trainer", "RUNNING")), run_update(state)]
        result = marketcast("submit", package, "--watch", "--json")
        assert result.exit_code == exit_code
        assert json.loads(result.stdout)["state"] == state
