"""Executors that take over what an earlier run made of the same content, and keep what they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components import contract
from components.reuse.keys import digest_folder, make_key
from components.reuse.results import KeptResults

Artifacts = Mapping[str, Sequence[types.Artifact]]


class ReusingExecutor(base_executor.BaseExecutor):
    """Goes before a component's own executor in the bases of a class, and calls it only where it must.

    The result must be a function of the inputs' files, the parameters and the code.
    """

    USED_SPLITS: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Input -> its splits that the result depends on; of the other inputs all files count."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Copies the result of an earlier run, or makes it; see BaseExecutor."""
        kept = open_results(exec_properties)
        if kept is None:
            super().Do(input_dict, output_dict, exec_properties)
            return
        step = type(self).__name__
        outputs = {key: artifact_utils.get_single_instance(found) for key, found in output_dict.items()}
        folders = {key: artifact.uri for key, artifact in outputs.items()}
        key = make_key(
            properties=list_properties(exec_properties),
            inputs={
                name: digest_input(found, self.USED_SPLITS.get(name)) for name, found in input_dict.items()
            },
        )
        notes = kept.fetch(step, key, folders)
        if notes is not None:
            for name, artifact in outputs.items():
                _restore_properties(artifact, notes[name])
            return
        super().Do(input_dict, output_dict, exec_properties)
        if self.is_final(outputs):
            notes = {name: _read_properties(artifact) for name, artifact in outputs.items()}
            kept.keep(step, key, folders, notes)

    def is_final(self, outputs: Mapping[str, types.Artifact]) -> bool:
        """Whether the same work would give the same result at any time; others are not kept.

        Args:
          outputs: what the component's own executor has made.
        """
        return True


def open_results(exec_properties: Mapping[str, Any]) -> KeptResults | None:
    """The results that earlier runs kept; None where the runner names no folder, or no code."""
    folder = exec_properties.get(contract.RESULTS_PROPERTY)
    return KeptResults(folder) if folder and exec_properties.get(contract.CODE_PROPERTY) else None


def list_properties(exec_properties: Mapping[str, Any]) -> dict[str, str]:
    """All parameters as text, the code among them, without where results are kept."""
    return {name: str(value) for name, value in exec_properties.items() if name != contract.RESULTS_PROPERTY}


def digest_input(artifacts: Iterable[types.Artifact], splits: Sequence[str] | None = None) -> list[str]:
    """Fingerprints of what the artifacts of an input hold, of some splits or of all their files."""
    digests = []
    for artifact in artifacts:
        folders = [artifact.uri] if splits is None else _split_folders(artifact, splits)
        digests += [digest_folder(folder) for folder in folders]
        digests.append(str(artifact.get_int_custom_property(contract.ABSENT_PROPERTY)))
    return digests


def _split_folders(artifact: types.Artifact, splits: Sequence[str]) -> list[str]:
    return [artifact_utils.get_split_uri([artifact], split) for split in splits]


def _read_properties(artifact: types.Artifact) -> dict[str, int]:
    """The whole numbers that an executor has put on an artifact; ours put nothing else there."""
    properties = artifact.mlmd_artifact.custom_properties
    return {name: value.int_value for name, value in properties.items() if value.HasField("int_value")}


def _restore_properties(artifact: types.Artifact, properties: Mapping[str, int]) -> None:
    for name, value in properties.items():
        artifact.set_int_custom_property(name, value)
    artifact.set_int_custom_property(contract.REUSED_PROPERTY, 1)
