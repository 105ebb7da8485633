"""Rules of the house: what a package of marketcast keeps beside KFP's own rules."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from pipeline.kubeflow.check.pipeline_view import PipelineView, Task, dig, executor_place
from pipeline.kubeflow.check.violation import Violation, accepted, broken
from pipeline.kubeflow.package import Json

ENTRYPOINT = ["python", "-m", "pipeline.kubeflow.entrypoint"]
_CLASS_FLAG = "--executor_class_path"
_INVOCATION = ["--json_serialized_invocation_args", "{{$}}"]
_OUTWARD = re.compile(
    r"(\w*ExampleGen|ChampionResolver|Pusher|RunPublisher)(\W.*)?"
    r"|components\.(ingest\.executor|champion|publish|push)\..*|.*\bexample_gen\..*|.*\bpusher\..*"
)
"""Names and executors of steps whose result depends on more than KFP's cache sees."""


def check_entrypoints(view: PipelineView) -> Iterator[Violation]:
    """Every container starts the bridge between KFP's launcher and TFX."""
    for label, container in _containers(view):
        place = f"{executor_place(label)}.container"
        if container.get("command") != ENTRYPOINT:
            got = next(iter(container.get("command", [])), "none")
            how = f"must be {' '.join(ENTRYPOINT)}, got {got!r} and its like; compile with default_commands"
            said = accepted("TFX's own container entry point fails on KFP's artifact types and URIs")
            yield broken("entrypoint", f"{place}.command", how, said)
        args = container.get("args", [])
        if _CLASS_FLAG not in args or _INVOCATION not in [args[i : i + 2] for i in range(len(args))]:
            how = (
                f"must hold {_CLASS_FLAG} and {' '.join(_INVOCATION)}, got {len(args)} others; compile again"
            )
            said = accepted("the task fails: it does not learn what to run")
            yield broken("entrypoint", f"{place}.args", how, said)


def check_images(view: PipelineView) -> Iterator[Violation]:
    """Every image can be named again: a tag other than latest, or a digest."""
    for label, container in _containers(view):
        image = container.get("image", "")
        name = image.rsplit("/", 1)[-1]
        if image and (name.endswith(":latest") or not set(":@") & set(name)):
            how = f"must have a tag other than latest, or a digest, got {image!r}; set kubeflow.image"
            said = accepted("two runs of one package may run different code")
            yield broken("image", f"{executor_place(label)}.container.image", how, said)


def _containers(view: PipelineView) -> list[tuple[str, Json]]:
    executors = view.used_executors().items()
    return [(label, executor["container"]) for label, executor in executors if "container" in executor]


def check_caching(view: PipelineView) -> Iterator[Violation]:
    """What looks outside is never taken from KFP's cache."""
    for task in view.tasks():
        if dig(task.spec, "cachingOptions").get("enableCache") and _looks_outside(view, task):
            how = "must not be on for a step that reads or writes outside, got enableCache; switch it off"
            said = accepted("new bars, or another champion, at the same place are a cache hit: cached: true")
            yield broken("caching", f"{task.place}.cachingOptions", how, said)


def _looks_outside(view: PipelineView, task: Task) -> bool:
    container = dig(view.executors, task.component.get("executorLabel", ""), "container")
    args = container.get("args", [])
    classes = [value for flag, value in itertools.pairwise(args) if flag == _CLASS_FLAG]
    names = (task.name, task.component_name, *classes)
    return "lifecycle" in container or any(_OUTWARD.fullmatch(name) for name in names)
