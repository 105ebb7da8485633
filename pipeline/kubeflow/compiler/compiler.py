"""Compiles the pipeline for open-source Kubeflow Pipelines: TFX's compiler, then what it leaves undone."""

from __future__ import annotations

import dataclasses
import difflib
import tempfile
from collections.abc import Collection, Iterable

from tfx.orchestration import data_types, pipeline
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from components.errors import ConfigError
from pipeline import dag
from pipeline.config import BeamConfig, PipelineConfig
from pipeline.kubeflow.compiler.config import REUSING_STEPS
from pipeline.kubeflow.compiler.plans import PLANS, TRAINING, Plan
from pipeline.kubeflow.compiler.platform import make_platform
from pipeline.kubeflow.compiler.spec import complete_spec
from pipeline.kubeflow.entrypoint import SHARED_FOLDER_FLAG
from pipeline.kubeflow.package import Json, Package

COMMAND = ["python", "-m", "pipeline.kubeflow.entrypoint"]


def compile_pipeline(config: PipelineConfig, plan: Plan = TRAINING) -> Package:
    """Compiles a pipeline; the same config gives the same package.

    Args:
      config: everything the runs depend on; contract's *_PARAMETER become parameters of the pipeline, with
        the config's values as their defaults.
      plan: which pipeline.
    Raises:
      ConfigError: the config names a step that no pipeline has.
    """
    defaults = plan.defaults(config)
    parameters = {
        name: data_types.RuntimeParameter(name=name, ptype=type(value), default=value)
        for name, value in defaults.items()
    }
    known = {step for plan in PLANS.values() for step in (*plan.steps, *plan.optional_steps)}
    _check_steps(config.kubeflow.named_steps(), known)
    config.kubeflow.check_results_folder(set(REUSING_STEPS) & set(plan.steps))
    shared = dataclasses.replace(config, beam=share_artifacts(config.beam, plan.steps))
    spec = _compile_with_tfx(shared, parameters, plan)
    tasks = spec["root"]["dag"]["tasks"]
    completed = complete_spec(spec, defaults, config.kubeflow)
    labels = {
        name: spec["components"][task["componentRef"]["name"]]["executorLabel"]
        for name, task in tasks.items()
    }
    return Package(completed, make_platform(labels, config.kubeflow))


def share_artifacts(beam: BeamConfig, steps: Collection[str]) -> BeamConfig:
    """Tells the entrypoint of each of these steps whose workers are elsewhere where they see its artifacts.

    Raises:
      ConfigError: there are such components and no shared folder.
    """
    away = [name for name in beam.away if name in steps]
    if away and not beam.shared_folder:
        raise ConfigError(
            f"beam.shared_folder must be given for {', '.join(away)}, whose runner is not DirectRunner, "
            "got ''; give the path of a volume mounted in the pods and in Beam's workers, or a gs:// folder"
        )
    flag = f"{SHARED_FOLDER_FLAG}={beam.shared_folder}"
    shared = {name: (flag, *beam.arguments_of(name)) for name in away}
    return dataclasses.replace(beam, component_args={**beam.component_args, **shared})


def _compile_with_tfx(config: PipelineConfig, parameters: dag.Parameters, plan: Plan) -> Json:
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
                pipeline_name=f"{config.name}{plan.suffix}",
                pipeline_root=unused_root,
                components=plan.create(config, parameters),
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
