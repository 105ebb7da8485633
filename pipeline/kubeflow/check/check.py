"""The check of a compiled package: every rule that KFP keeps, and above all those that it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipeline.kubeflow.check import (
    conditions,
    containers,
    documents,
    graph,
    house,
    pods,
    run_values,
    schema,
    secrets,
    wiring,
)
from pipeline.kubeflow.check.pipeline_view import PipelineView
from pipeline.kubeflow.check.violation import Violation, raise_on
from pipeline.kubeflow.package import Json, is_platform

Rule = Callable[[PipelineView], Iterator[Violation]]

KFP_RULES: tuple[Rule, ...] = (
    documents.check_head,
    documents.check_pipeline_root,
    graph.check_names,
    graph.check_components,
    graph.check_dependencies,
    graph.check_shared_containers,
    wiring.check_artifacts,
    wiring.check_parameters,
    wiring.check_channels,
    wiring.check_definitions,
    wiring.check_types,
    wiring.check_dag_outputs,
    run_values.check_arguments,
    run_values.check_defaults,
    conditions.check_conditions,
    containers.check_containers,
    containers.check_placeholders,
    containers.check_importers,
    containers.check_iterators,
    pods.check_labels,
    pods.check_pods,
)
"""They hold for any pipeline on open-source KFP."""
HOUSE_RULES: tuple[Rule, ...] = (
    run_values.check_startable,
    house.check_entrypoints,
    house.check_images,
    house.check_caching,
    secrets.check_secrets,
)
"""They hold for packages of marketcast."""


def check_documents(
    package: list[Json],
    arguments: Mapping[str, Any] | None = None,
    pipeline_root: str | None = None,
    rules: tuple[Rule, ...] = KFP_RULES + HOUSE_RULES,
) -> list[Violation]:
    """Checks the documents of a compiled package.

    Args:
      package: its YAML documents as JSON, as the file has them.
      arguments: values given for a run; None where there is no run yet.
      pipeline_root: given for a run; None for the cluster's default.
      rules: which to apply, beside those of the file and of KFP's schema.
    Returns:
      What is wrong, in the order of the rules; empty for a sound package.
    """
    violations = list(documents.check_kinds(package))
    specs = [document for document in package if documents.is_spec(document)]
    if len(specs) != 1:
        return violations
    spec, executors, unread = schema.read_spec(specs[0])
    violations += unread
    pods_read: Json = {}
    for document in filter(is_platform, package):
        pods_of_document, unread = schema.read_platform(document)
        pods_read |= pods_of_document
        violations += unread
    if spec is not None:
        view = PipelineView(spec, executors, pods_read, arguments, pipeline_root)
        violations += [violation for rule in rules for violation in rule(view)]
    return list(dict.fromkeys(violations))


def require_sound(
    package: list[Json],
    name: str,
    arguments: Mapping[str, Any] | None = None,
    pipeline_root: str | None = None,
) -> None:
    """Refuses a package that breaks a rule.

    Args:
      package: see `check_documents`.
      name: what the error calls it, such as its file.
      arguments: see `check_documents`.
      pipeline_root: see `check_documents`.
    Raises:
      PackageError: lists everything that is wrong.
    """
    raise_on(check_documents(package, arguments, pipeline_root), name)
