import dataclasses
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from components import contract
from pipeline.kubeflow import entrypoint
from pipeline.kubeflow.bridge.locations import RESULTS_VARIABLE
from pipeline.kubeflow.rehearsal.processes import Subprocesses
from pipeline.kubeflow.rehearsal.records import SECRET_NAME
from pipeline.kubeflow.rehearsal.rehearsal import SUCCEEDED
from pipeline.kubeflow.rehearsal.store import ObjectStore
from tests.pipeline.kubeflow.bridge import launcher_inputs
from tests.pipeline.kubeflow.rehearsal.small_packages import rehearse

ROOT = pathlib.Path(__file__).parents[3]
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


@dataclasses.dataclass(frozen=True)
class Bridged:
    """A rehearsal of the real components, each task a subprocess with twins of its own."""

    folder: pathlib.Path
    results: dict[str, Any]

    def outputs(self, task, key):
        """Metadata of an output, and where it is in the store."""
        artifact = self.results[task].outputs.artifacts[key]
        return artifact["metadata"], ObjectStore(self.folder / "store").find(artifact["uri"])

    def log(self, task):
        return (self.folder / "logs" / f"{task}.log").read_text()


@pytest.fixture(name="bridged", scope="module")
def fixture_bridged(tmp_path_factory):
    from tests.pipeline.kubeflow import bridged_components

    folder = tmp_path_factory.mktemp("bridged")
    package = bridged_components.compile_package(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{pathlib.Path(__file__).parent}")
        patch.setenv(RESULTS_VARIABLE, str(folder / "results"))
        return Bridged(folder, rehearse(folder, package, processes=Subprocesses(folder, 300.0)))


@pytest.mark.tf
def test_every_task_but_the_one_that_cannot_ends_well(bridged):
    states = {name: result.state for name, result in bridged.results.items()}
    failed = [name for name, state in states.items() if state != SUCCEEDED]
    assert failed == ["Missing"], "\n".join(bridged.log(name)[-2000:] for name in failed)
    logs = [bridged.log(name) for name in states]
    assert not [log for log in logs if SECRET_NAME in log], "the store's session must not be logged"
    written = list((bridged.folder / "twins").rglob("output_metadata.json"))
    assert len(written) == len(states) - 1
    assert not [file for file in written if "secret" in file.read_text()]


@pytest.mark.tf
def test_ours_goes_through_the_bridge(bridged):
    metadata, examples = bridged.outputs("BarsExampleGen", "examples")
    assert json.loads(metadata["split_names"]) == ["train", "eval", "test"]
    assert metadata["num_bars"] > 0
    assert metadata["span"] > 20000000
    assert {folder.name for folder in examples.iterdir()} == {"Split-train", "Split-eval", "Split-test"}
    _, report = bridged.outputs("BarsExampleGen", "report")
    assert json.loads((report / "ingest_report.json").read_text())


@pytest.mark.tf
def test_what_a_task_keeps_another_takes(bridged):
    generated = [
        [
            split
            for split in contract.SPLITS
            if f"Generating statistics for split {split}." in bridged.log(task)
        ]
        for task in ("Counted", "CountedAgain")
    ]
    assert generated == [list(contract.SPLITS), [contract.TEST_SPLIT]]
    first, second = (
        {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*.pb")}
        for _, folder in (bridged.outputs(task, "statistics") for task in ("Counted", "CountedAgain"))
    )
    assert len(first) == len(contract.SPLITS) and first.keys() == second.keys()
    for split in (contract.TRAIN_SPLIT, contract.EVAL_SPLIT):
        path = pathlib.Path(f"Split-{split}", "FeatureStats.pb")
        assert first[path] == second[path]


@pytest.mark.tf
def test_tfx_s_own_go_through_it_and_the_driver_of_a_file_based_example_gen_is_run(bridged):
    metadata, examples = bridged.outputs("CsvExampleGen", "examples")
    assert metadata["input_fingerprint"].startswith("split:single_split,num_files:1,")
    assert {"span", "custom:span"} & set(metadata)
    assert list(examples.glob("Split-train/*.gz"))
    _, statistics = bridged.outputs("StatisticsGen", "statistics")
    assert {file.parent.name for file in statistics.rglob("*.pb")} == {"Split-train", "Split-eval"}


@pytest.mark.tf
def test_values_links_empty_folders_and_metadata_go_from_task_to_task(bridged):
    _, word = bridged.outputs("Producer", "word")
    assert word.read_text() == "HELLO"
    metadata, _ = bridged.outputs("Producer", "folder")
    assert metadata["current_model"] == bridged.results["Producer"].outputs.artifacts["folder"]["uri"]
    assert metadata["flag"] == 1
    _, report = bridged.outputs("Consumer", "report")
    assert (report / "report.txt").read_text().splitlines() == [
        "HELLO",
        "weights",
        "[]",
        "True",
        "[1.0, 2.0]",
        "{'struct': {'time': 3.0}}",
        "1",
    ]


@pytest.mark.tf
def test_an_error_that_a_user_can_mend_is_the_last_line_and_the_exit_code(bridged):
    assert "must end with exit code 0, got 4" in bridged.results["Missing"].note
    last = bridged.log("Missing").splitlines()[-1]
    assert last.startswith("error: ")
    assert "missing.csv" in last
    assert "Traceback" not in bridged.log("Missing")
    assert not list((bridged.folder / "twins" / "Missing").rglob("*output_metadata*"))
