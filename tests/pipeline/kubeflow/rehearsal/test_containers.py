"""Tasks in containers of the image that `make image` built last."""

import json
import subprocess

import pytest

from pipeline.kubeflow.rehearsal.processes import Containers, find_engine
from pipeline.kubeflow.rehearsal.rehearsal import FAILED, SUCCEEDED
from tests.conftest import ROOT
from tests.pipeline.kubeflow.rehearsal.small_packages import make_package, make_task, rehearse

pytestmark = pytest.mark.container

PROBE = """
import socket, tempfile
def can_write(folder):
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
folders = ("/", "/app", "/data", "/opt/venv", "/models", os.environ["HOME"], os.environ["TMPDIR"])
interfaces = sorted(name for _, name in socket.if_nameindex())
print(json.dumps({
    "user": os.getuid(), "interfaces": interfaces, "root": "MARKETCAST_TWIN_ROOT" in os.environ,
    "data": pathlib.Path("data/raw/stock_prices.csv").exists(), "secret": os.environ["DATABASE_URL"],
    "writable": [folder for folder in folders if can_write(folder)],
}))
pathlib.Path("/models/version").write_text("1")
"""


@pytest.fixture(name="image", scope="module")
def fixture_image():
    tag_file = ROOT / "build" / "image-tag"
    if not tag_file.exists():
        pytest.fail(f"{tag_file} must name the image to test, got no such file; run `make image`")
    return tag_file.read_text().strip()


@pytest.fixture(name="containers")
def fixture_containers(image):
    return Containers(find_engine(), image, 60.0)


def list_rehearsal_containers(engine):
    command = [engine, "ps", "--all", "--filter", "name=rehearsal-", "--format", "{{.Names}}"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_a_task_sees_a_strict_pod(tmp_path, containers, monkeypatch):
    pod = {
        "pvcMount": [{"constant": "models", "mountPath": "/models"}],
        "secretAsEnv": [{"secretName": "s", "keyToEnv": [{"secretKey": "k", "envVar": "DATABASE_URL"}]}],
    }
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"probe-run": pod}}}}}
    monkeypatch.setenv("DATABASE_URL", "postgresql://here")
    results = rehearse(
        tmp_path,
        make_package({"probe": make_task(PROBE)}, platform=platform),
        volumes={"models": tmp_path / "kept"},
        processes=containers,
    )
    log = (tmp_path / "logs" / "probe.log").read_text()
    assert results["probe"].state == SUCCEEDED, log
    assert json.loads(log) == {
        "user": 1000,
        "interfaces": ["lo"],
        "root": False,
        "data": True,
        "secret": "postgresql://here",
        "writable": ["/models", "/tmp", "/tmp"],
    }
    assert (tmp_path / "kept" / "version").read_text() == "1"


@pytest.mark.parametrize("root", ["minio://mlpipeline/run-1", "s3://bucket/run-1", "gs://bucket/run-1"])
def test_artifacts_and_parameters_go_from_container_to_container(tmp_path, containers, root):
    make = make_task(
        "out('model').mkdir(); (out('model') / 'ä [1]').write_text('weights'); "
        "result('score').write_text('0.5'); describe('model', flag=True)",
        outputs=("model",),
        results={"score": "NUMBER_DOUBLE"},
    )
    use = make_task(
        "print((into('model') / 'ä [1]').read_text(), given['inputs']['parameterValues']['score'])",
        artifacts={"model": ("make", "model")},
        parameters={"score": ("make", "score")},
        triggerPolicy={"condition": "inputs.artifacts['model'].artifacts[0].metadata['flag'] == 1.0"},
    )
    results = rehearse(tmp_path, make_package({"make": make, "use": use}), processes=containers, root=root)
    assert [result.state for result in results.values()] == [SUCCEEDED, SUCCEEDED], results
    assert (tmp_path / "logs" / "use.log").read_text() == "weights 0.5\n"


def test_a_container_s_exit_code_is_the_task_s(tmp_path, containers):
    package = make_package({"make": make_task("print('why'); sys.exit(3)")})
    result = rehearse(tmp_path, package, processes=containers)["make"]
    assert (result.state, "got 3" in result.note) == (FAILED, True)
    assert (tmp_path / "logs" / "make.log").read_text() == "why\n"


def test_a_container_that_takes_too_long_is_gone(tmp_path, image):
    before = list_rehearsal_containers(find_engine())
    package = make_package({"hang": make_task("import time; time.sleep(600)")})
    result = rehearse(tmp_path, package, processes=Containers(find_engine(), image, 3.0))["hang"]
    assert "must end within 3 s" in result.note
    assert result.seconds < 10, "it was not waited for"
    assert list_rehearsal_containers(find_engine()) <= before


def test_an_image_that_is_not_there_is_named(tmp_path):
    containers = Containers(find_engine(), "localhost/no-such-image:1", 60.0)
    result = rehearse(tmp_path, make_package({"make": make_task("")}), processes=containers)["make"]
    assert result.state == FAILED
    assert "no-such-image" in (tmp_path / "logs" / "make.log").read_text()
