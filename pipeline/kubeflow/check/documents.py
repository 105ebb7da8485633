"""Rules of the file: which YAML documents a package holds, and the spec's own head."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.kubeflow.check.pipeline_view import PipelineView, dig
from pipeline.kubeflow.check.violation import Violation, accepted, broken, refused
from pipeline.kubeflow.package import Json, is_platform

SCHEMA_VERSION = "2.1.0"
MAX_NAME_LETTERS = 57
"""Kubernetes cuts a generated name's stem, the name and a '-', after 58 letters.

Source: maxGeneratedNameLength in Kubernetes' apiserver/pkg/storage/names/generate.go.
"""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_KFP_NAME = re.compile(r"[a-z0-9]")
"""KFP's pattern is not anchored: one letter or digit is enough for it."""
_ROOT = re.compile(r"(gs|s3|minio)://[^/?]+(/[^?]*)?(\?.+)?")
_SPEC_FIELDS = {"pipelineInfo", "root", "components", "deploymentSpec", "schemaVersion", "sdkVersion"}
_SPEC_FIELDS |= {re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name) for name in _SPEC_FIELDS}
_NO_SPEC = refused("unknown template format: pipeline spec is invalid")


def is_spec(document: Json) -> bool:
    """Whether a document means to be a pipeline spec, broken or not."""
    return not is_platform(document) and bool(_SPEC_FIELDS & set(document))


def check_kinds(documents: list[Json]) -> Iterator[Violation]:
    """One pipeline spec, at most one platform document, and nothing else."""
    specs = sum(is_spec(document) for document in documents)
    platforms = sum(is_platform(document) for document in documents)
    if specs != 1:
        said = refused("multiple pipeline specs provided: pipeline spec is invalid") if specs else _NO_SPEC
        how = f"must hold one pipeline spec, got {specs}; compile it again"
        yield broken("documents", "package", how, said)
    if platforms > 1:
        how = f"must hold at most one platform document, got {platforms}; join them"
        said = refused("multiple platform specs provided: platform spec is invalid")
        yield broken("documents", "package", how, said)
    for number, document in enumerate(documents, start=1):
        yield from _check_kind(number, document)


def _check_kind(number: int, document: Json) -> Iterator[Violation]:
    if is_platform(document):
        known = document["platforms"] or {}
        if isinstance(known, dict) and set(known) != {"kubernetes"}:
            how = (
                f"must hold the platform kubernetes alone, got {sorted(map(str, known))}; rename or remove it"
            )
            said = accepted("it reads the platform kubernetes only and ignores every other")
            yield broken("documents", f"document[{number}].platforms", how, said)
    elif not is_spec(document):
        keys = ", ".join(sorted(map(str, document))) or "nothing"
        how = f"must be a pipeline spec or a platform document, got one with {keys}; take it out"
        said = accepted("it ignores the document, whatever it asks for")
        yield broken("documents", f"document[{number}]", how, said)


def check_head(view: PipelineView) -> Iterator[Violation]:
    """The schema version, the pipeline's name, a root."""
    version = view.spec.get("schemaVersion", "")
    if version != SCHEMA_VERSION:
        how = f"must be {SCHEMA_VERSION}, got {version!r}; compile with use_pipeline_spec_2_1=True"
        said = f"KFP only supports schema version 2.1.0, but the pipeline spec has version {version}"
        yield broken("schema-version", "schemaVersion", how, refused(f"{said}: pipeline spec is invalid"))
    if not dig(view.spec, "root", "dag", "tasks"):
        how = "must be a DAG with tasks, got none; compile it again"
        yield broken("component", "root", how, _NO_SPEC)
    yield from _check_name(dig(view.spec, "pipelineInfo").get("name", ""))


def _check_name(name: str) -> Iterator[Violation]:
    place = "pipelineInfo.name"
    if not _NAME.fullmatch(name):
        how = f"must be lower-case letters, digits and inner '-', got {name!r}; choose another pipeline name"
        if not name:
            said = _NO_SPEC
        elif _KFP_NAME.search(name):
            said = accepted("Kubernetes refuses the workflow of that name when a run starts")
        else:
            said = refused(
                "invalid v2 pipeline spec: name should consist of lower case alphanumeric characters, '-' or "
                "'.', and must start and end with an alphanumeric character: pipeline spec is invalid"
            )
        yield broken("pipeline-name", place, how, said)
    elif len(name) > MAX_NAME_LETTERS:
        how = f"must have at most {MAX_NAME_LETTERS} letters, got {len(name)}; choose a shorter one"
        said = accepted(
            "Kubernetes cuts the name, so runs of pipelines that begin alike cannot be told apart"
        )
        yield broken("pipeline-name", place, how, said)


def check_pipeline_root(view: PipelineView) -> Iterator[Violation]:
    """Where artifacts go: an object store that KFP's launcher can open."""
    roots = {"defaultPipelineRoot": view.spec.get("defaultPipelineRoot"), "pipeline root": view.pipeline_root}
    for place, root in roots.items():
        if root and not _ROOT.fullmatch(root):
            scheme = root.split("://")[0] if "://" in root else "no scheme"
            how = f"must be gs://, s3:// or minio:// with a bucket, got {scheme}; give such a folder"
            said = accepted("the first task's driver cannot open it, or its artifacts are lost with the pod")
            yield broken("pipeline-root", place, how, said)
