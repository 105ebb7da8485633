"""Rules of containers and importers: what KFP's driver and launcher, and then Kubernetes, can start."""

from __future__ import annotations

import decimal
import re
from collections.abc import Iterator

from pipeline.kubeflow.check.pipeline_view import PipelineView, dig, executor_place
from pipeline.kubeflow.check.quantities import read_quantity
from pipeline.kubeflow.check.violation import Violation, accepted, broken, refused_run
from pipeline.kubeflow.package import Json

_RESOURCES = ("cpu", "memory")
_OLD_UNITS = {"cpu": "", "memory": "G"}
"""What KFP writes behind a number of the older fields."""
_PLACEHOLDER = re.compile(r"\{\{\$\.(inputs|outputs)\.(artifacts|parameters)\[['\"](.+?)['\"]\]")
_RESOURCE_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[a-zA-Z0-9]([-\w.]*[a-zA-Z0-9])?")
_STORES = ("gs://", "s3://", "minio://", "oci://")
_NO_POD = accepted("the pod cannot be made, and the task waits or fails")
_DRIVER_FAILS = accepted("at run time the driver fails: quantities must match the regular expression")


def check_containers(view: PipelineView) -> Iterator[Violation]:
    """Containers have an image and a command, and nothing that KFP passes over."""
    for label, executor in view.used_executors().items():
        if "container" in executor:
            place = f"{executor_place(label)}.container"
            yield from _check_start(place, executor["container"])
            yield from _check_resources(f"{place}.resources", dig(executor["container"], "resources"))


def _check_start(place: str, container: Json) -> Iterator[Violation]:
    if not container.get("image"):
        yield broken("image", f"{place}.image", "must name an image, got none; give one", _NO_POD)
    if not container.get("command"):
        how = "must be given, got none; write the image's entrypoint out"
        said = accepted("the launcher takes the entrypoint's place and runs the first argument as a command")
        yield broken("command", f"{place}.command", how, said)
    if "lifecycle" in container:
        how = "must not be there, got preCacheCheck; do its work in the task and do not cache the task"
        said = accepted("it never runs: no span, no fingerprint of the files, so new files are a cache hit")
        yield broken("lifecycle", f"{place}.lifecycle", how, said)


def _check_resources(place: str, resources: Json) -> Iterator[Violation]:
    for kind in _RESOURCES:
        amounts = {}
        for bound in ("Request", "Limit"):
            field = f"resource{kind.capitalize()}{bound}"
            text = resources.get(field, "")
            amounts[bound] = read_quantity(text) if text else _old_amount(resources, kind, bound)
            if text and amounts[bound] is None and "{{$" not in text:
                how = f"must be a quantity such as 500m, 2 or 4Gi, got {text!r}; write it so"
                yield broken("resources", f"{place}.{field}", how, _DRIVER_FAILS)
        request, limit = amounts["Request"], amounts["Limit"]
        if request is not None and limit is not None and request > limit:
            how = f"must ask for no more {kind} than its limit, got {request} over {limit}; lower the request"
            yield broken("resources", place, how, _NO_POD)
    if "accelerator" in resources:
        yield from _check_accelerator(f"{place}.accelerator", resources["accelerator"])


def _old_amount(resources: Json, kind: str, bound: str) -> decimal.Decimal | None:
    number = resources.get(f"{kind}{bound}")
    return None if number is None else read_quantity(f"{number}{_OLD_UNITS[kind]}")


def _check_accelerator(place: str, accelerator: Json) -> Iterator[Violation]:
    kind = accelerator.get("resourceType") or accelerator.get("type", "")
    count = str(accelerator.get("resourceCount") or accelerator.get("count", ""))
    if not kind or not count or count == "0":
        how = f"must have a type and a count, got {kind!r} and {count!r}; give both or neither"
        yield broken("accelerator", place, how, accepted("the pod asks for no accelerator"))
    elif "{{$" not in kind and not _RESOURCE_NAME.fullmatch(kind):
        how = f"must be a resource with its domain, such as nvidia.com/gpu, got {kind!r}; write it so"
        yield broken("accelerator", place, how, _NO_POD)
    elif "{{$" not in count and not count.isdecimal():
        how = f"must be a whole number of devices, got {count!r}; write one"
        yield broken("accelerator", place, how, _DRIVER_FAILS)


def check_placeholders(view: PipelineView) -> Iterator[Violation]:
    """What the command asks the launcher to fill in is an input or output of the component."""
    seen = set()
    for task in view.tasks():
        label = task.component.get("executorLabel", "")
        container = dig(view.executors, label, "container")
        if task.component_name in seen:
            continue
        seen.add(task.component_name)
        texts = [*container.get("command", []), *container.get("args", [])]
        for side, kind, key in sorted({found for text in texts for found in _PLACEHOLDER.findall(text)}):
            if key not in dig(task.component, f"{side[:-1]}Definitions", kind):
                how = f"must ask for {side} of the component, got {side}.{kind} {key!r}; declare it"
                said = accepted("the command gets the placeholder itself")
                yield broken("placeholder", f"{executor_place(label)}.container", how, said)


def check_importers(view: PipelineView) -> Iterator[Violation]:
    """Importers bring in what the launcher can open."""
    for label, executor in view.used_executors().items():
        uri = dig(executor, "importer", "artifactUri").get("constant")
        if "importer" in executor and isinstance(uri, str) and not uri.startswith(_STORES):
            got = f"{uri.split('://')[0]}://" if "://" in uri else "a path"
            how = f"must be in an object store, got {got}; copy it there, or give a task its path"
            said = accepted("the importer succeeds and the task that takes the artifact fails")
            yield broken("importer", f"{executor_place(label)}.importer.artifactUri", how, said)


def check_iterators(view: PipelineView) -> Iterator[Violation]:
    """Loops go over a parameter that their task has."""
    for task in view.tasks():
        if "artifactIterator" in task.spec:
            how = "must not go over artifacts, got an artifactIterator; go over a list of names"
            said = refused_run("artifact iterator not implemented yet")
            yield broken("iterator", f"{task.place}.artifactIterator", how, said)
        items = dig(task.spec, "parameterIterator", "items").get("inputParameter")
        if items is not None and items not in dig(task.spec, "inputs", "parameters"):
            how = f"must go over an input of its task, got {items!r}; correct the name"
            said = accepted("at run time the driver fails: the value cannot be iterated")
            yield broken("iterator", f"{task.place}.parameterIterator", how, said)
