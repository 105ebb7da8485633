"""Two components that take no time, and a pipeline of them; main() is a program that runs it."""

import os
import pathlib
import sys
import time

import apache_beam as beam
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration import metadata, pipeline
from tfx.types import standard_artifacts

from components import progress
from components.errors import InputError
from pipeline import quiet, run_lock
from pipeline.console import RunConsole
from pipeline.local_runner import LocalRunner

MESSAGE = "bars must rise, got a fall; raise them"


def refuse(_):
    raise InputError(MESSAGE)


@component
def Numbers(numbers: OutputArtifact[standard_artifacts.Examples], last: Parameter[int]):
    pathlib.Path(numbers.uri, "numbers.txt").write_text(" ".join(map(str, range(last))))
    pathlib.Path(numbers.uri, "beam_flags.txt").write_text(" ".join(sys.argv[1:]))
    os.write(2, b"noise from C++\n")


@component
def Total(
    numbers: InputArtifact[standard_artifacts.Examples],
    total: OutputArtifact[standard_artifacts.Model],
    trouble: Parameter[str],
):
    for done in range(3):
        progress.report("adding", done + 1, 3)
    if trouble == "fail":
        raise RuntimeError("the first line\nthe second line")
    if trouble == "refuse":
        raise InputError(MESSAGE)
    if trouble == "refuse in beam":
        with beam.Pipeline(
            argv=["--runner=DirectRunner", "--direct_running_mode=in_memory"]
        ) as beam_pipeline:
            _ = beam_pipeline | beam.Create([1]) | beam.Map(refuse)
    if trouble == "sleep":
        pathlib.Path("asleep").touch()
        time.sleep(60)
    numbers_text = pathlib.Path(numbers.uri, "numbers.txt").read_text()
    pathlib.Path(total.uri, "total.txt").write_text(str(sum(map(int, numbers_text.split()))))


def create(folder: pathlib.Path, trouble: str = "", last: int = 4) -> pipeline.Pipeline:
    numbers = Numbers(last=last)
    total = Total(numbers=numbers.outputs["numbers"], trouble=trouble)
    return pipeline.Pipeline(
        pipeline_name="tiny",
        pipeline_root=str(folder / "pipeline"),
        components=[numbers, total],
        enable_cache=True,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(folder / "metadata.sqlite")
        ),
    )


def main() -> None:
    """Arguments: the folder, and where there is to be trouble."""
    folder, trouble = pathlib.Path(sys.argv[1]), sys.argv[2]
    with quiet.divert_output() as output, run_lock.hold(str(folder / "lock")):
        output.write_to(str(folder / "log"))
        console = RunConsole(output.stdout)
        progress.set_listener(console.progressed)
        LocalRunner(
            console.started, lambda result: console.finished(0.0, "reused" if result.reused else "")
        ).run(create(folder, trouble))
