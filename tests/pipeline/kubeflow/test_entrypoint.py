import json
import subprocess
import sys

import pytest

from pipeline.kubeflow import entrypoint
from tests.pipeline.kubeflow.bridge import launcher_inputs

REQUIRED = ["--executor_class_path=a.B", "--json_serialized_invocation_args", "{}"]


def test_what_is_not_tfx_s_flag_goes_to_beam_in_its_order():
    beam = ["--runner=DirectRunner", "--direct_num_workers", "2", "--json_other=1", "--executor=x"]
    flags, rest = entrypoint.parse_flags([*beam[:2], *REQUIRED, *beam[2:]])
    assert (flags.executor_class_path, flags.json_serialized_invocation_args) == ("a.B", "{}")
    assert flags.json_serialized_inputs_spec_args == ""
    assert rest == ["--runner=DirectRunner", "--direct_num_workers", "2", "--json_other=1", "--executor=x"]


def test_a_missing_flag_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as ended:
        entrypoint.main(REQUIRED[:1])
    assert ended.value.code == 2
    assert "--json_serialized_invocation_args" in capsys.readouterr().err


def test_a_broken_input_is_one_line_before_tfx_is_imported():
    given = launcher_inputs.read_real("StatisticsGen")
    flags = ["--executor_class_path=a.B", "--json_serialized_invocation_args", given]
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline.kubeflow.entrypoint", *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()  # TensorFlow would say more
    assert line.startswith("error: input 'examples' must have a type of TFX")
    assert ended.stdout == ""


@pytest.fixture(name="launcher", scope="module")
def fixture_launcher(tmp_path_factory):
    from tests.pipeline.kubeflow import bridged_components
    from tests.pipeline.kubeflow.fake_launcher import FakeLauncher

    folder = tmp_path_factory.mktemp("bridge")
    return FakeLauncher(bridged_components.compile_spec(folder), folder)


def run(launcher, name, **parameters):
    ended = launcher.run(name, **parameters)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert "secret-1" not in ended.stdout + ended.stderr, "the store's session must not be logged"
    return ended


def metadata_of(launcher, name, key):
    return launcher.recorded[name, key]["metadata"]


@pytest.mark.tf
def test_ours_and_tfx_s_components_through_the_bridge(launcher):
    for name in ("BarsExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator"):
        run(launcher, name)
    examples = metadata_of(launcher, "BarsExampleGen", "examples")
    assert json.loads(examples["split_names"]) == ["train", "eval", "test"]
    assert examples["num_bars"] > 0
    assert examples["span"] > 20000000
    assert {folder.name for folder in launcher.stored("BarsExampleGen", "examples").iterdir()} == {
        "Split-train",
        "Split-eval",
        "Split-test",
    }
    assert json.loads((launcher.stored("BarsExampleGen", "report") / "ingest_report.json").read_text())
    assert (launcher.stored("SchemaGen", "schema") / "schema.pbtxt").is_file()
    anomalies = launcher.stored("ExampleValidator", "anomalies")
    assert len([file for file in anomalies.rglob("*") if file.is_file()]) == 3
    written = list((launcher.folder / "StatisticsGen").rglob("output_metadata.json"))
    assert "secret" not in written[0].read_text()


@pytest.mark.tf
def test_the_driver_of_a_file_based_example_gen_is_run(launcher):
    run(launcher, "CsvExampleGen")
    metadata = metadata_of(launcher, "CsvExampleGen", "examples")
    assert metadata["input_fingerprint"].startswith("split:single_split,num_files:1,")
    assert {"span", "custom:span"} & set(metadata)
    assert list(launcher.stored("CsvExampleGen", "examples").glob("Split-train/*.gz"))


@pytest.mark.tf
def test_values_links_empty_folders_and_metadata_go_from_task_to_task(launcher):
    run(launcher, "Producer")
    assert launcher.stored("Producer", "word").read_text() == "HELLO"
    metadata = metadata_of(launcher, "Producer", "folder")
    assert metadata["current_model"] == launcher.recorded["Producer", "folder"]["uri"]
    assert metadata["flag"] == 1
    run(launcher, "Consumer")
    report = (launcher.stored("Consumer", "report") / "report.txt").read_text()
    assert report.splitlines() == [
        "HELLO",
        "weights",
        "[]",
        "True",
        "[1.0, 2.0]",
        "{'struct': {'time': 3.0}}",
        "1",
    ]


@pytest.mark.tf
def test_no_champion_is_said_in_metadata(launcher):
    run(launcher, "ChampionResolver")
    assert metadata_of(launcher, "ChampionResolver", "champion")["absent"] == 1


@pytest.mark.tf
def test_a_dangling_link_fails_the_task_by_name(launcher):
    ended = launcher.run("Producer", text="dangle")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("error: output 'folder' must hold no dangling link")


@pytest.mark.tf
def test_an_error_that_a_user_can_mend_is_the_last_line_and_the_exit_code(launcher):
    ended = launcher.run("BarsExampleGen", data="missing.csv")
    assert ended.returncode == 4
    assert ended.stderr.splitlines()[-1].startswith("error: ")
    assert "missing.csv" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    assert not list((launcher.folder / "BarsExampleGen").rglob("*output_metadata*"))
