"""Pipelines that TFX compiles without a word and that open-source KFP cannot run as they are."""

import pathlib

from tfx import types
from tfx.dsl.component.experimental.annotations import Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.components.common import resolver
from tfx.dsl.experimental.conditionals import conditional
from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
from tfx.orchestration import data_types, pipeline
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner
from tfx.types import standard_artifacts

from tests.pipeline.kubeflow.odd_components import Consumer, Producer


@component
def Echo(text: Parameter[str]):
    print(text)


def compile_odd(folder: pathlib.Path) -> pathlib.Path:
    """A run-time parameter, a dynamic execution property, a resolver, conditions; returns the YAML file."""
    text = data_types.RuntimeParameter(name="text", ptype=str, default="hello")
    producer = Producer(text=text)
    echo = Echo(text=producer.outputs["word"].future()[0].value)
    latest = resolver.Resolver(
        strategy_class=LatestArtifactStrategy, folder=types.Channel(type=standard_artifacts.Model)
    ).with_id("latest")
    with conditional.Cond(producer.outputs["folder"].future()[0].property("blessed") == 1):
        consumer = Consumer(**{key: producer.outputs[key] for key in ("word", "folder", "empty")})
        if_blessed = Echo(text="blessed").with_id("if-blessed")
    return _compile(folder, [producer, echo, latest, consumer, if_blessed])


def compile_with_exit_handler(folder: pathlib.Path) -> pathlib.Path:
    """A run-time parameter of a pipeline that has an exit handler; returns the YAML file."""
    text = data_types.RuntimeParameter(name="text", ptype=str, default="hello")
    return _compile(folder, [Producer(text=text)], Echo(text="bye"))


def _compile(folder, components, exit_handler=None):
    config = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
        use_pipeline_spec_2_1=True, default_image="marketcast:test"
    )
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        config=config, output_dir=str(folder), output_filename="pipeline.yaml"
    )
    if exit_handler is not None:
        runner.set_exit_handler(exit_handler)
    runner.run(
        pipeline.Pipeline(pipeline_name="odd", pipeline_root=str(folder / "unused"), components=components)
    )
    return folder / "pipeline.yaml"
