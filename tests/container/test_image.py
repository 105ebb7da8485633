"""The image that `make image` built last, run with care: read-only root, no network, uid 1000."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess

import pytest

from pipeline.image.build import TAG_FILE
from pipeline.image.engine import find_engine

pytestmark = pytest.mark.container

ROOT = pathlib.Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
CAREFUL = ["--read-only", "--tmpfs=/tmp", "--network=none", "--user=1000"]
BUILD_TOOLS = ["cc", "gcc", "g++", "c++", "ld", "as", "make", "cmake", "uv"]
DEVELOPMENT_TOOLS = ["pytest", "mypy", "ruff", "hypothesis", "import-linter", "uv"]
PARAMETERS = {
    "input_base": {"parameterType": "STRING"},
    "input_config": {"parameterType": "STRING"},
    "output_config": {"parameterType": "STRING"},
    "output_data_format": {"parameterType": "NUMBER_INTEGER"},
    "output_file_format": {"parameterType": "NUMBER_INTEGER"},
}
"""Of CsvExampleGen, as TFX compiles them."""


class Image:
    """The image in the engine's store."""

    def __init__(self) -> None:
        tag_file = ROOT / TAG_FILE
        if not tag_file.exists():
            pytest.fail(f"{TAG_FILE} must name the image to test, got no such file; run `make image`")
        self.name = tag_file.read_text().strip()
        self.engine = find_engine(os.environ.get("ENGINE", "")).name

    def inspect(self):
        command = [self.engine, "image", "inspect", self.name]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)[0]

    def run(self, *command, options=()):
        """Runs a command in a container; returns what it printed."""
        whole = [self.engine, "run", "--rm", *CAREFUL, *options, self.name, *command]
        ended = subprocess.run(whole, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}"
        return ended.stdout

    def python(self, program, options=()):
        return self.run("python", "-W", "ignore", "-c", program, options=options)


@pytest.fixture(name="image", scope="module")
def fixture_image():
    return Image()


def test_labels_say_commit_and_versions(image):
    labels = image.inspect()["Config"]["Labels"]
    lock = (ROOT / "requirements" / "current.txt").read_text()
    for name in ("tfx", "tensorflow", "kfp"):
        assert f"\n{name}=={labels[f'marketcast.{name}']}\n" in lock
    assert labels["org.opencontainers.image.version"] in image.name
    commit = labels["org.opencontainers.image.revision"]
    assert re.fullmatch("[0-9a-f]{40}(-dirty)?", commit)
    program = "from components.provenance import find_commit; print(find_commit())"
    assert image.python(program).strip() == commit


def test_no_command_gets_in_the_way_of_kubeflow_s(image):
    config = image.inspect()["Config"]
    assert not config.get("Entrypoint")
    assert config["Cmd"] == ["marketcast", "--help"]
    assert (config["User"], config["WorkingDir"]) == ("1000:1000", "/app")
    assert "Usage: marketcast" in image.run()


def test_no_build_tools_are_inside(image):
    assert (
        image.run("sh", "-c", f"for tool in {' '.join(BUILD_TOOLS)}; do command -v $tool; done; true") == ""
    )


def test_every_package_is_the_locked_one_and_none_is_for_development(image):
    program = (
        "import importlib.metadata as m\n"
        "for d in m.distributions(): print(d.name.lower().replace('_', '-').replace('.', '-'), d.version)"
    )
    installed = dict(line.split() for line in image.python(program).splitlines())
    assert installed.pop("marketcast") in image.name
    lock = (ROOT / "requirements" / "current.txt").read_text()
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    assert installed.items() <= locked.items()
    assert "tfx" in installed
    assert not set(DEVELOPMENT_TOOLS) & set(installed)


def test_tfx_imports_and_the_doctor_is_content(image):
    report = json.loads(image.run("marketcast", "doctor", "--json"))
    assert report["ok"], report
    values = {finding["name"]: finding["value"] for finding in report["findings"]}
    assert values["tfx.v1"] == "1.21.0 imports"
    assert values["python"].endswith("/opt/venv/bin/python")


def test_bytecode_is_there_already(image):
    program = (
        "import importlib.util, os, sys, click, tfx.version, components.contract\n"
        "for m in (click, tfx.version, components.contract): print(os.path.exists(m.__cached__))"
    )
    assert image.python(program).split() == ["True"] * 3


def test_only_the_folders_for_it_are_writable(image):
    writable = "for f in / /app /opt/venv /models /data /tmp $HOME; do [ -w $f ] && echo $f; done; true"
    without_read_only = ["--read-only=false"]
    assert image.run("sh", "-c", writable, options=without_read_only).split() == [
        "/models",
        "/data",
        "/tmp",
        "/tmp",
    ]


def test_the_shipped_data_is_where_the_configuration_says(image):
    image.run("sh", "-c", "cd data/raw && sha256sum --check SHA256SUMS")


def test_a_task_runs_as_kubeflow_hands_it_over(image, tmp_path):
    """CsvExampleGen on the ExecutorInput of KFP's own driver; its twins and data are the only volumes."""
    data, twins = tmp_path / "data", tmp_path / "minio"
    for folder in (data, twins):
        folder.mkdir()
        folder.chmod(0o777)
    (data / "rows.csv").write_text("a,b\n" + "1,2\n" * 50)
    given = (FIXTURES / "executor_inputs" / "CsvExampleGen.executor_input.json").read_text()
    volumes = [f"--volume={data}:/data:ro", f"--volume={twins}:/minio"]
    image.run(
        *["python", "-m", "pipeline.kubeflow.entrypoint"],
        "--executor_class_path=tfx.components.example_gen.csv_example_gen.executor.Executor",
        *["--json_serialized_invocation_args", given],
        *["--json_serialized_inputs_spec_args", json.dumps({"parameters": PARAMETERS})],
        options=volumes,
    )
    output_file = twins / pathlib.Path(json.loads(given)["outputs"]["outputFile"]).relative_to("/minio")
    (examples,) = json.loads(output_file.read_text())["artifacts"]["examples"]["artifacts"]
    assert examples["uri"].startswith("minio://")
    assert list((twins / examples["uri"].removeprefix("minio://")).glob("Split-train/*.gz"))
