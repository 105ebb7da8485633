"""What TFX's compiler leaves out of a pipeline spec, or gets wrong for open-source Kubeflow Pipelines."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pipeline.kubeflow.bridge.locations import RESULTS_VARIABLE
from pipeline.kubeflow.compiler.config import REUSING_STEPS, KubeflowConfig, StepConfig
from pipeline.kubeflow.package import Json

_RESOURCES = {
    "cpu_request": "resourceCpuRequest",
    "cpu_limit": "resourceCpuLimit",
    "memory_request": "resourceMemoryRequest",
    "memory_limit": "resourceMemoryLimit",
}
"""Field of StepConfig -> field of ResourceSpec; KFP knows the text ones since 2.4, the numbers are older."""


def complete_spec(spec: Json, defaults: Mapping[str, Any], config: KubeflowConfig) -> Json:
    """Puts back what TFX drops: defaults of parameters, and resources; tells steps where results are kept.

    Args:
      spec: PipelineSpec as TFX compiles it.
      defaults: parameter of the pipeline -> its value where a run gives none.
      config: what the steps ask for.
    Returns:
      A new PipelineSpec.
    """
    completed = copy.deepcopy(spec)
    parameters = completed["root"]["inputDefinitions"]["parameters"]
    for name, value in defaults.items():
        parameters[name] |= {"defaultValue": value, "isOptional": True}
    for name, task in completed["root"]["dag"]["tasks"].items():
        component = completed["components"][task["componentRef"]["name"]]
        container = completed["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
        if resources := describe_resources(config.step(name)):
            container["resources"] = resources
        if config.results_folder and name in REUSING_STEPS:
            container["env"] = [{"name": RESULTS_VARIABLE, "value": config.results_folder}]
    return completed


def describe_resources(step: StepConfig) -> Json:
    """ResourceSpec of a step; empty where it asks for nothing."""
    resources: Json = {theirs: getattr(step, ours) for ours, theirs in _RESOURCES.items()}
    resources = {name: value for name, value in resources.items() if value}
    if step.gpus:
        resources["accelerator"] = {"resourceType": step.gpu_type, "resourceCount": str(step.gpus)}
    return resources
