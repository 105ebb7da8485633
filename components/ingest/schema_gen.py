"""PackagedSchemaGen: the schema that the code carries, as an artifact."""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
from typing import Any, ClassVar

from tfx import types
from tfx.components.schema_gen.executor import DEFAULT_FILE_NAME
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs

from components.errors import ConfigError

NODE_ID = "SchemaGen"
SCHEMA_FILE = pathlib.Path(__file__).with_name("schema.pbtxt")
DIGEST_KEY = "schema_sha256"

Artifacts = dict[str, list[types.Artifact]]


class SchemaExecutor(base_executor.BaseExecutor):
    """Copies the schema of the running code."""

    def Do(  # noqa: N802 (TFX's name)
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Copies the schema; see BaseExecutor.

        Raises:
          ConfigError: the running code carries another schema than the one that the pipeline was made with.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        expected, found = exec_properties[DIGEST_KEY], digest_schema()
        if found != expected:
            raise ConfigError(
                f"{SCHEMA_FILE.name} must have the sha256 {expected}, got {found}; "
                "run the pipeline with the code that it was compiled with"
            )
        folder = artifact_utils.get_single_uri(output_dict[standard_component_specs.SCHEMA_KEY])
        os.makedirs(folder, exist_ok=True)
        shutil.copyfile(SCHEMA_FILE, os.path.join(folder, DEFAULT_FILE_NAME))


class PackagedSchemaGenSpec(types.ComponentSpec):
    """Parameter and output of PackagedSchemaGen."""

    PARAMETERS: ClassVar = {DIGEST_KEY: component_spec.ExecutionParameter(type=str)}
    INPUTS: ClassVar[dict[str, Any]] = {}
    OUTPUTS: ClassVar = {
        standard_component_specs.SCHEMA_KEY: component_spec.ChannelParameter(type=standard_artifacts.Schema)
    }


class PackagedSchemaGen(base_component.BaseComponent):
    """Hands on the schema kept in the code: no path, so that the container finds its own.

    Output: `schema` (standard Schema).
    """

    SPEC_CLASS = PackagedSchemaGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(SchemaExecutor)

    def __init__(self) -> None:
        """Makes the component; the schema's digest tells the cache when the schema has changed."""
        schema = types.Channel(type=standard_artifacts.Schema)
        spec = PackagedSchemaGenSpec(
            **{DIGEST_KEY: digest_schema(), standard_component_specs.SCHEMA_KEY: schema}
        )
        super().__init__(spec=spec)
        self.with_id(NODE_ID)


def digest_schema() -> str:
    """sha256 of the schema's file, in hex."""
    return hashlib.sha256(SCHEMA_FILE.read_bytes()).hexdigest()
