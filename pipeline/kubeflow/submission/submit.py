"""Sends a package: check, version, run."""

from __future__ import annotations

import dataclasses
import datetime
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.kubeflow.check import check
from pipeline.kubeflow.package import Package, read_documents, read_package
from pipeline.kubeflow.submission.config import SubmitConfig
from pipeline.kubeflow.submission.connection import Connection
from pipeline.kubeflow.submission.experiment import find_or_create_experiment
from pipeline.kubeflow.submission.parameters import resolve_parameters
from pipeline.kubeflow.submission.upload import PAGE_SIZE, Upload, Version, name_filter, upload_version
from pipeline.kubeflow.submission.version import hash_package, name_version


@dataclasses.dataclass(frozen=True)
class Submission:
    """A package ready to be sent; nothing of it was sent yet.

    Attributes:
      upload: the package and its names.
      parameters: every parameter of the pipeline with its value.
    """

    upload: Upload
    parameters: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class SubmittedRun:
    """A run that KFP has taken.

    Attributes:
      run_id: KFP's.
      name: shown in KFP's pages.
      version: of the pipeline.
      url: of its page.
    """

    run_id: str
    name: str
    version: Version
    url: str


def prepare(file: str, assignments: Sequence[str], pipeline_root: str) -> Submission:
    """Reads and checks a package and its parameters.

    Args:
      file: the compiled package.
      assignments: `NAME=VALUE`, as typed.
      pipeline_root: of the run; empty for KFP's own.
    Raises:
      ConfigError: KFP would refuse the package or a parameter, or misread it.
    """
    package = check_package(file, pipeline_root)
    parameters = resolve_parameters(package.spec, assignments)
    digest = hash_package(file)
    upload = Upload(file, package.spec["pipelineInfo"]["name"], name_version(digest), digest)
    return Submission(upload, parameters)


def check_package(file: str, pipeline_root: str) -> Package:
    """The one place that a package passes before anything of it is sent.

    Raises:
      ConfigError: it breaks a rule.
    """
    check.require_sound(read_documents(file), file, pipeline_root=pipeline_root or None)
    return read_package(file)


def submit(connection: Connection, config: SubmitConfig, submission: Submission) -> SubmittedRun:
    """Makes a run of a package.

    Raises:
      MarketcastError: KFP refuses, or cannot be used.
    """
    # First what shows whether the namespace is the caller's.
    experiment_id = find_or_create_experiment(connection, config.experiment)
    version = upload_version(connection, submission.upload)
    name = name_run(submission.upload.pipeline, version.name)
    models = connection.models
    body = models.V2beta1Run(
        experiment_id=experiment_id,
        display_name=name,
        pipeline_version_reference=refer_to(connection, version),
        runtime_config=configure_run(connection, config, submission),
        service_account=config.service_account or None,
    )
    run = connection.create(
        "create the run",
        lambda: _find_run(connection, experiment_id, name),
        connection.client.runs.run_service_create_run,
        body,
    )
    return SubmittedRun(run.run_id, name, version, link_to_run(connection.host, run.run_id))


def refer_to(connection: Connection, version: Version) -> Any:
    """The body that names a version. A run of a version keeps the caching of each task as compiled."""
    return connection.models.V2beta1PipelineVersionReference(
        pipeline_id=version.pipeline_id, pipeline_version_id=version.version_id
    )


def configure_run(connection: Connection, config: SubmitConfig, submission: Submission) -> Any:
    """The body that holds parameters and root."""
    return connection.models.V2beta1RuntimeConfig(
        parameters=dict(submission.parameters), pipeline_root=config.pipeline_root or None
    )


def name_run(pipeline: str, version: str) -> str:
    """A name that no other run has, so that a run is found again after a lost answer."""
    now = datetime.datetime.now(datetime.UTC)
    return f"{pipeline} {version} {now:%Y-%m-%d %H:%M:%S} {secrets.token_hex(2)}"


def link_to_run(host: str, run_id: str) -> str:
    """The run's page."""
    return f"{host.rstrip('/')}/#/runs/details/{run_id}"


def _find_run(connection: Connection, experiment_id: str, name: str) -> Any | None:
    found = connection.call(
        "list runs",
        connection.client.runs.run_service_list_runs,
        experiment_id=experiment_id,
        filter=name_filter(name),
        page_size=PAGE_SIZE,
    )
    return next((run for run in found.runs or [] if run.display_name == name), None)
