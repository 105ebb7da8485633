"""A small pipeline for the bridge: real components of ours and of TFX, and the odd ones."""

import pathlib

from tfx.components import CsvExampleGen, StatisticsGen
from tfx.orchestration import pipeline
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from components.champion.component import ChampionResolver
from components.ingest.bars import ValidationConfig
from components.ingest.component import BarsExampleGen
from components.ingest.schema_gen import PackagedSchemaGen
from components.ingest.validator import StrictExampleValidator
from tests.components.ingest.shipped import SHIPPED_CHUNKS, SHIPPED_SOURCE
from tests.pipeline.kubeflow.odd_components import Consumer, Producer

BEAM_ARGS = ["--runner=DirectRunner", "--direct_running_mode=in_memory"]


def compile_spec(folder: pathlib.Path) -> pathlib.Path:
    """Compiles the components as TFX does, and returns the YAML file."""
    (folder / "csv").mkdir()
    (folder / "csv" / "rows.csv").write_text("a,b\n" + "".join(f"{row},{row * row}\n" for row in range(30)))
    bars = BarsExampleGen(SHIPPED_SOURCE, ValidationConfig(), SHIPPED_CHUNKS)
    statistics = StatisticsGen(examples=bars.outputs["examples"])
    schema = PackagedSchemaGen()
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
