"""A compiled package: the YAML file that KFP takes, a pipeline spec and at most one platform document."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import Any

import yaml

from components.errors import ConfigError

SUFFIX = ".yaml"
"""KFP's client takes a .json for a PipelineJob of Vertex, and refuses it."""

Json = dict[str, Any]


class PackageError(ConfigError):
    """A compiled package cannot be read, or breaks a rule of KFP."""


@dataclasses.dataclass(frozen=True)
class Package:
    """What a compiled package says.

    Attributes:
      spec: PipelineSpec as JSON.
      platform: PlatformSpec as JSON; empty where the package has no platform document.
    """

    spec: Json
    platform: Json


def read_documents(file: str) -> list[Json]:
    """Reads the YAML documents of a file, whatever they are.

    Raises:
      PackageError: the file cannot be read, or holds no YAML mappings.
    """
    try:
        text = pathlib.Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PackageError(f"the package must be a readable file, got {error}; check the path") from error
    return parse_documents(text, file)


def parse_documents(text: str, name: str) -> list[Json]:
    """Reads YAML documents; empty ones are passed over, as KFP does.

    Args:
      text: the documents.
      name: what refusals call them.
    Raises:
      PackageError: no YAML, or a document that is no mapping.
    """
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        first_line = " ".join(str(error).split())
        raise PackageError(f"{name} must be YAML, got {first_line}; compile it again") from error
    for number, document in enumerate(documents, start=1):
        if not isinstance(document, dict):
            raise PackageError(
                f"{name} must hold YAML mappings, got {type(document).__name__} as document {number}; "
                "compile it again"
            )
    return documents


def is_platform(document: Json) -> bool:
    """Tells a platform document from a pipeline spec."""
    return "platforms" in document


def read_package(file: str) -> Package:
    """Reads a package that the check has passed.

    Raises:
      PackageError: the file does not hold one pipeline spec and at most one platform document.
    """
    documents = read_documents(file)
    specs = [document for document in documents if not is_platform(document)]
    platforms = [document for document in documents if is_platform(document)]
    if len(specs) != 1 or len(platforms) > 1:
        raise PackageError(
            f"{file} must hold one pipeline spec and at most one platform document, "
            f"got {len(specs)} and {len(platforms)}; compile it again"
        )
    return Package(specs[0], platforms[0] if platforms else {})


def format_package(package: Package) -> str:
    """The package as YAML; the same package gives the same text."""
    documents = [package.spec, *([package.platform] if package.platform else [])]
    return "---\n".join(
        yaml.safe_dump(document, sort_keys=True, allow_unicode=True, width=1000) for document in documents
    )


def write_package(package: Package, file: str) -> None:
    """Writes the package in one step: half a file is never seen.

    Raises:
      PackageError: the file's name does not end in SUFFIX, or it cannot be written.
    """
    if not file.endswith(SUFFIX):
        raise PackageError(
            f"the package's file must end in {SUFFIX}, got '{file}'; KFP refuses any other name"
        )
    temporary = f"{file}.new"
    try:
        pathlib.Path(temporary).write_text(format_package(package), encoding="utf-8")
        os.replace(temporary, file)
    except OSError as error:
        raise PackageError(f"the package's file must be writable, got {error}; check the path") from error
