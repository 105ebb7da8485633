"""A small pipeline for the bridge: real components of ours and of TFX, and two that use odd corners."""

import os
import pathlib

from tfx.components import CsvExampleGen, StatisticsGen
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration import pipeline
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner
from tfx.types import standard_artifacts

from components.champion.component import ChampionResolver
from components.ingest.bars import ValidationConfig
from components.ingest.component import BarsExampleGen, IngestReport
from components.ingest.validator import StrictExampleValidator
from pipeline.dag import SCHEMA_FILE
from tests.components.ingest.shipped import SHIPPED_CHUNKS, SHIPPED_SOURCE

BEAM_ARGS = ["--runner=DirectRunner", "--direct_running_mode=in_memory"]


@component
def Producer(
    word: OutputArtifact[standard_artifacts.String],
    folder: OutputArtifact[standard_artifacts.Model],
    empty: OutputArtifact[standard_artifacts.Model],
    text: Parameter[str],
):
    if text == "dangle":
        os.symlink("nowhere", os.path.join(folder.uri, "lost"))
    word.value = text.upper()
    elsewhere = pathlib.Path(os.getcwd(), "elsewhere")
    elsewhere.mkdir(exist_ok=True)
    (elsewhere / "weights ä [1].txt").write_text("weights")
    os.symlink(elsewhere, os.path.join(folder.uri, "linked"))
    folder.set_string_custom_property("current_model", folder.uri)
    folder.set_json_value_custom_property("sizes", [1, 2])
    folder.set_json_value_custom_property("shape", {"struct": {"time": 3, "none": None}})
    folder.set_json_value_custom_property("flag", True)


@component
def Consumer(
    word: InputArtifact[standard_artifacts.String],
    folder: InputArtifact[standard_artifacts.Model],
    empty: InputArtifact[standard_artifacts.Model],
    report: OutputArtifact[standard_artifacts.ModelEvaluation],
):
    lines = [
        word.read(),
        pathlib.Path(folder.uri, "linked", "weights ä [1].txt").read_text(),
        str(os.listdir(empty.uri)),
        str(folder.get_string_custom_property("current_model") == folder.uri),
        str(folder.get_json_value_custom_property("sizes")),
        str(folder.get_json_value_custom_property("shape")),
        str(folder.get_int_custom_property("flag")),
    ]
    pathlib.Path(report.uri, "report.txt").write_text("\n".join(lines))


def compile_spec(folder: pathlib.Path) -> pathlib.Path:
    """Compiles the components as TFX does, and returns the YAML file."""
    (folder / "csv").mkdir()
    (folder / "csv" / "rows.csv").write_text("a,b\n" + "".join(f"{row},{row * row}\n" for row in range(30)))
    IngestReport.TYPE_NAME = "marketcast.IngestReport"
    bars = BarsExampleGen(SHIPPED_SOURCE, ValidationConfig(), SHIPPED_CHUNKS)
    statistics = StatisticsGen(examples=bars.outputs["examples"])
    schema = ImportSchemaGen(schema_file=SCHEMA_FILE).with_id("SchemaGen")
    validator = StrictExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    producer = Producer(text="hello")
    consumer = Consumer(**{key: producer.outputs[key] for key in ("word", "folder", "empty")})
    champion = ChampionResolver(str(folder / "models"))
    rows = CsvExampleGen(input_base=str(folder / "csv"))
    config = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
        use_pipeline_spec_2_1=True, default_image="marketcast:test"
    )
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        config=config, output_dir=str(folder), output_filename="pipeline.yaml"
    )
    runner.run(
        pipeline.Pipeline(
            pipeline_name="bridged",
            pipeline_root=str(folder / "unused"),
            components=[bars, statistics, schema, validator, producer, consumer, champion, rows],
            beam_pipeline_args=BEAM_ARGS,
        )
    )
    return folder / "pipeline.yaml"
