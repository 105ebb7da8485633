"""Brings a package to KFP: one pipeline by its name, one version of it for each package."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from pipeline.kubeflow.submission.connection import Connection
from pipeline.kubeflow.submission.version import add_digest

PAGE_SIZE = 100
DIGEST_MARK = "package sha256:"
"""Begins a version's description: what tells a package from another one of the same commit."""


@dataclasses.dataclass(frozen=True)
class Upload:
    """What is to be brought to KFP.

    Attributes:
      file: the package, sent as it is, with its platform document.
      pipeline: name of the pipeline.
      version: name of the version.
      digest: SHA-256 of the package, hex.
    """

    file: str
    pipeline: str
    version: str
    digest: str


@dataclasses.dataclass(frozen=True)
class Version:
    """A version that KFP holds.

    Attributes:
      pipeline_id: of its pipeline.
      version_id: its own.
      name: its name.
      is_new: whether this upload made it.
    """

    pipeline_id: str
    version_id: str
    name: str
    is_new: bool


def name_filter(name: str) -> str:
    """KFP's filter for one display name. Source: backend/api/v2beta1/filter.proto of KFP; 1 is EQUALS."""
    return json.dumps({"predicates": [{"operation": 1, "key": "display_name", "stringValue": name}]})


def upload_version(connection: Connection, upload: Upload) -> Version:
    """Uploads a package, unless KFP has that very package already.

    A commit makes several packages (other resources, another image), so a version of the same name is ours
    only if its description has our digest; another one gets the digest into its name.

    Raises:
      MarketcastError: KFP refuses the package, or cannot be used.
    """
    pipeline_id = _find_or_create_pipeline(connection, upload.pipeline)
    existing = find_version(connection, pipeline_id, upload.version)
    if existing is not None and upload.digest not in (existing.description or ""):
        upload = dataclasses.replace(upload, version=add_digest(upload.version, upload.digest))
        existing = find_version(connection, pipeline_id, upload.version)
    if existing is not None:
        return Version(pipeline_id, existing.pipeline_version_id, upload.version, is_new=False)
    created = connection.create(
        f"upload {upload.file}",
        lambda: find_version(connection, pipeline_id, upload.version),
        connection.client.pipeline_uploads.upload_pipeline_version,
        upload.file,
        name=upload.version,
        pipelineid=pipeline_id,
        description=f"{DIGEST_MARK}{upload.digest}",
    )
    return Version(pipeline_id, created.pipeline_version_id, upload.version, is_new=True)


def find_version(connection: Connection, pipeline_id: str, name: str) -> Any | None:
    """The version of a name; None where there is none."""
    found = connection.call(
        "list the pipeline's versions",
        connection.client.pipelines.pipeline_service_list_pipeline_versions,
        pipeline_id,
        filter=name_filter(name),
        page_size=PAGE_SIZE,
    )
    return next((v for v in found.pipeline_versions or [] if v.display_name == name), None)


def _find_or_create_pipeline(connection: Connection, name: str) -> str:
    """The pipeline's id. Made empty: KFP's upload of a pipeline would call its first version like itself."""
    found = _find_pipeline(connection, name)
    if found is None:
        body = connection.models.V2beta1Pipeline(display_name=name, namespace=connection.namespace or None)
        found = connection.create(
            f"create the pipeline {name}",
            lambda: _find_pipeline(connection, name),
            connection.client.pipelines.pipeline_service_create_pipeline,
            body,
        )
    return str(found.pipeline_id)


def _find_pipeline(connection: Connection, name: str) -> Any | None:
    found = connection.call(
        "list pipelines",
        connection.client.pipelines.pipeline_service_list_pipelines,
        namespace=connection.namespace or None,
        filter=name_filter(name),
        page_size=PAGE_SIZE,
    )
    return next((pipeline for pipeline in found.pipelines or [] if pipeline.display_name == name), None)
