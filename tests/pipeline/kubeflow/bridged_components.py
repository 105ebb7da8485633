"""A small pipeline for the bridge: real components of ours and of TFX, the odd ones, and one that fails."""

import dataclasses
import pathlib

from tfx.components import CsvExampleGen, StatisticsGen
from tfx.orchestration import pipeline
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from components.ingest.bars import ValidationConfig
from components.ingest.component import BarsExampleGen
from components.ingest.statistics_gen import SplitStatisticsGen
from pipeline.kubeflow.package import Package, read_package
from tests.beam_arguments import BEAM_ARGUMENTS
from tests.components.ingest.shipped import SHIPPED_CHUNKS, SHIPPED_SOURCE
from tests.pipeline.kubeflow.odd_components import Consumer, Producer

MISSING_SOURCE = dataclasses.replace(SHIPPED_SOURCE, path="missing.csv")
TEST_PACKAGE = "tests.pipeline.kubeflow."
"""Left out of import paths in the tasks: other distributions install a package `tests` too."""


def compile_package(folder: pathlib.Path) -> Package:
    """Compiles the components as TFX does."""
    (folder / "csv").mkdir()
    (folder / "csv" / "rows.csv").write_text("a,b\n" + "".join(f"{row},{row * row}\n" for row in range(30)))
    bars = BarsExampleGen(SHIPPED_SOURCE, ValidationConfig(), SHIPPED_CHUNKS)
    counted = SplitStatisticsGen(bars.outputs["examples"]).with_id("Counted")
    again = SplitStatisticsGen(bars.outputs["examples"]).with_id("CountedAgain")
    again.add_upstream_node(counted)
    missing = BarsExampleGen(MISSING_SOURCE, ValidationConfig(), SHIPPED_CHUNKS).with_id("Missing")
    rows = CsvExampleGen(input_base=str(folder / "csv"))
    statistics = StatisticsGen(examples=rows.outputs["examples"])
    producer = Producer(text="hello")
    consumer = Consumer(**{key: producer.outputs[key] for key in ("word", "folder", "empty")})
    config = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
        use_pipeline_spec_2_1=True,
        default_image="marketcast:test",
        default_commands=["python", "-m", "pipeline.kubeflow.entrypoint"],
    )
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        config=config, output_dir=str(folder), output_filename="pipeline.yaml"
    )
    runner.run(
        pipeline.Pipeline(
            pipeline_name="bridged",
            pipeline_root=str(folder / "unused"),
            components=[bars, counted, again, missing, rows, statistics, producer, consumer],
            beam_pipeline_args=list(BEAM_ARGUMENTS),
        )
    )
    file = folder / "pipeline.yaml"
    file.write_text(file.read_text().replace(TEST_PACKAGE, ""))
    return read_package(str(file))
