"""Compiles the pipeline for open-source Kubeflow Pipelines: TFX's compiler, then what it leaves undone."""

from __future__ import annotations

import dataclasses
import difflib
import tempfile
from collections.abc import Iterable
from typing import Any

from tfx.orchestration import data_types, pipeline
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from components import contract
from components.errors import ConfigError
from pipeline import dag
from pipeline.config import BeamConfig, PipelineConfig
from pipeline.kubeflow.compiler.platform import make_platform
from pipeline.kubeflow.compiler.spec import complete_spec
from pipeline.kubeflow.entrypoint import SHARED_FOLDER_FLAG
from pipeline.kubeflow.package import Json, Package

COMMAND = ["python", "-m", "pipeline.kubeflow.entrypoint"]


def compile_pipeline(config: PipelineConfig) -> Package:
    """Compiles the pipeline; the same config gives the same package.

    Args:
      config: everything the runs depend on; contract's *_PARAMETER become parameters of the pipeline, with
        the config's values as their defaults.
    Raises:
      ConfigError: the config names a step that the pipeline does not have.
    """
    defaults = parameter_defaults(config)
    parameters = {
        name: data_types.RuntimeParameter(name=name, ptype=type(value), default=value)
        for name, value in defaults.items()
    }
    spec = _compile_with_tfx(dataclasses.replace(config, beam=share_artifacts(config.beam)), parameters)
    tasks = spec["root"]["dag"]["tasks"]
    _check_steps(config.kubeflow.named_steps(), tasks)
    completed = complete_spec(spec, defaults, config.kubeflow)
    labels = {
        name: spec["components"][task["componentRef"]["name"]]["executorLabel"]
        for name, task in tasks.items()
    }
    return Package(completed, make_platform(labels, config.kubeflow))


def parameter_defaults(config: PipelineConfig) -> dict[str, Any]:
    """What a run takes that gives no value of its own."""
    return {
        contract.DATA_PARAMETER: config.source.path,
        contract.METADATA_PARAMETER: config.source.metadata_path,
        contract.AS_OF_PARAMETER: config.chunks.as_of,
        contract.TRAIN_STEPS_PARAMETER: config.train.steps,
        contract.SEED_PARAMETER: config.train.seed,
        contract.PUSH_DESTINATION_PARAMETER: config.paths.model_base_path,
        contract.CHAMPION_LOCATION_PARAMETER: config.paths.model_base_path,
    }


def share_artifacts(beam: BeamConfig) -> BeamConfig:
    """Tells the entrypoint of each component whose workers are elsewhere where they see its artifacts.

    Raises:
      ConfigError: there are such components and no shared folder.
    """
    if beam.away and not beam.shared_folder:
        raise ConfigError(
            f"beam.shared_folder must be given for {', '.join(beam.away)}, whose runner is not DirectRunner, "
            "got ''; give the path of a volume mounted in the pods and in Beam's workers, or a gs:// folder"
        )
    flag = f"{SHARED_FOLDER_FLAG}={beam.shared_folder}"
    shared = {name: (flag, *beam.arguments_of(name)) for name in beam.away}
    return dataclasses.replace(beam, component_args={**beam.component_args, **shared})


def _compile_with_tfx(config: PipelineConfig, parameters: dag.Parameters) -> Json:
    runner_config = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
        use_pipeline_spec_2_1=True,  # the only schema version that KFP takes
        default_image=config.kubeflow.full_image,
        default_commands=COMMAND,
    )
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(config=runner_config)
    # The root is given when a run is submitted; TFX wants one now, in case a module file needs a place.
    with tempfile.TemporaryDirectory() as unused_root:
        job = runner.run(
            pipeline.Pipeline(
                pipeline_name=config.name,
                pipeline_root=unused_root,
                components=dag.create_components(config, parameters),
                # KFP's cache sees neither new bars nor a new champion, nor that an object has gone from
                # the store; and below an ingest that is never reused it would find nothing anyway.
                enable_cache=False,
            ),
            write_out=False,
        )
    spec: Json = job["pipelineSpec"]
    return spec


def _check_steps(named: Iterable[str], steps: Iterable[str]) -> None:
    known = sorted(steps)
    for name in sorted(named):
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            mend = f"did you mean {nearest[0]}?" if nearest else f"steps are {', '.join(known)}"
            raise ConfigError(f"kubeflow must name steps of the pipeline, got {name}; {mend}")
