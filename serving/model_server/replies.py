"""Answers that gRPC and REST share."""

from __future__ import annotations

from collections.abc import Mapping

from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from serving.answers import SIGNATURE_DEF_FIELD
from serving.model_server.servable import Servable
from serving.model_server.served_model import VersionState


def make_status(states: Mapping[int, VersionState]) -> get_model_status_pb2.GetModelStatusResponse:
    """How some versions stand, newest first."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for version in sorted(states, reverse=True):
        state = states[version]
        found = response.model_version_status.add(version=version, state=state.state)
        found.status.error_code = state.code
        found.status.error_message = state.error
    return response


def make_metadata(servable: Servable) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """The signatures of a version."""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in servable.signature_defs.items():
        signatures.signature_def[name].CopyFrom(signature)
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = servable.name
    response.model_spec.version.value = servable.version
    response.metadata[SIGNATURE_DEF_FIELD].Pack(signatures)
    return response
