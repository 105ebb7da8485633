"""An artifact's metadata, between the form KFP hands over or takes and the form TFX reads or writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.kubeflow.bridge.bridge_error import BridgeError

KFP_KEYS = frozenset({"display_name", "store_session_info", "_kfp_workspace"})
"""What KFP adds for itself. store_session_info names the store's endpoint and secret: never logged, never
copied on."""

_WRAPPERS: dict[str, type] = {"list": list, "struct": dict}
"""KFP stores a list as {"list": [...]} and a struct as {"struct": {...}}, and hands them over like that.

Source: StructValueToMLMDValue in KFP's backend/src/v2/metadata/converter.go.
"""
_TYPED_VALUES: dict[str, type] = {"stringValue": str, "intValue": int, "doubleValue": float}
_OLDER_FIELDS = ("properties", "customProperties", "custom_properties")

Metadata = dict[str, Any]


def read_metadata(artifact: Mapping[str, Any]) -> Metadata:
    """Metadata of an artifact as KFP hands it over, without KFP's own keys and wrappers.

    Booleans arrive as 0 and 1 and stay so; TFX reads them as integers.

    Args:
      artifact: a RuntimeArtifact. Older ones hold typed values in `properties` and `customProperties`.
    """
    metadata: Metadata = {}
    for field in _OLDER_FIELDS:
        typed = artifact.get(field) or {}
        metadata |= {key: _typed_value(value) for key, value in typed.items()}
    metadata |= artifact.get("metadata") or {}
    return {
        key: _unwrap(value) for key, value in metadata.items() if key not in KFP_KEYS and value is not None
    }


def write_metadata(metadata: Mapping[str, Any], translate: Callable[[str], str], owner: str) -> Metadata:
    """Metadata that KFP's launcher takes: no KFP keys, no nulls.

    Args:
      metadata: as the component left it.
      translate: applied to each text, keys included.
      owner: whose metadata, for messages.
    Raises:
      BridgeError: a list holds a null, or a number is not finite: nothing could stand for them.
    """
    cleaned: Metadata = {}
    for key, value in metadata.items():
        if key not in KFP_KEYS and value is not None:
            cleaned[translate(key)] = _clean(value, translate, f"metadata {key!r} of {owner}")
    return cleaned


def map_texts(value: Any, translate: Callable[[str], str]) -> Any:
    """Applies `translate` to each text in a JSON value, keys included."""
    if isinstance(value, str):
        return translate(value)
    if isinstance(value, list):
        return [map_texts(item, translate) for item in value]
    if isinstance(value, dict):
        return {translate(key): map_texts(item, translate) for key, item in value.items()}
    return value


def _typed_value(value: Mapping[str, Any]) -> Any:
    """{"intValue": "42"} -> 42."""
    return next((kind(value[field]) for field, kind in _TYPED_VALUES.items() if field in value), None)


def _unwrap(value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        (wrapper, inner), *_ = value.items()
        if wrapper in _WRAPPERS and isinstance(inner, _WRAPPERS[wrapper]):
            return inner
    return value


def _clean(value: Any, translate: Callable[[str], str], owner: str) -> Any:
    if isinstance(value, str):
        return translate(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise BridgeError(f"{owner} must be a finite number, got {value}; leave it out or write it as text")
    if isinstance(value, list):
        if None in value:
            raise BridgeError(f"{owner} must hold no null, got {value}; leave the element out")
        return [_clean(item, translate, owner) for item in value]
    if isinstance(value, dict):
        return {translate(k): _clean(v, translate, owner) for k, v in value.items() if v is not None}
    return value
