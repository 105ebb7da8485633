import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.kubeflow.bridge.artifact_metadata import read_metadata, write_metadata
from pipeline.kubeflow.bridge.bridge_error import BridgeError

NAMES = st.text("abcä日_ ", max_size=5)
SCALARS = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), NAMES)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=8)


def keep(text):
    return text


def hand_over(value):
    """What KFP's store makes of a value on the way from one task to the next."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list):
        return {"list": value}
    return {"struct": value} if isinstance(value, dict) else value


@given(st.dictionaries(NAMES, JSON))
def test_metadata_comes_through_the_store_as_it_was(metadata):
    written = write_metadata(metadata, keep, "output 'x'")
    read = read_metadata({"metadata": {key: hand_over(value) for key, value in written.items()}})
    assert read == metadata  # True == 1: a boolean arrives as a number


def test_lists_and_structs_are_unwrapped_once():
    given_metadata = {"a": {"list": [1]}, "b": {"struct": {"struct": {"c": 1}}}, "d": {"list": 3}}
    assert read_metadata({"metadata": given_metadata}) == {
        "a": [1],
        "b": {"struct": {"c": 1}},
        "d": {"list": 3},
    }


def test_kfp_s_own_keys_go_neither_way():
    own = {"display_name": "model", "store_session_info": "{secret}", "_kfp_workspace": True}
    assert read_metadata({"metadata": own | {"span": 0}}) == {"span": 0}
    assert write_metadata(own | {"span": 0}, keep, "output 'x'") == {"span": 0}


def test_older_typed_properties_count_as_metadata():
    artifact = {
        "properties": {"span": {"intValue": "7"}},
        "customProperties": {"rate": {"doubleValue": 0.5}, "state": {"stringValue": "x"}, "none": {}},
    }
    assert read_metadata(artifact) == {"span": 7, "rate": 0.5, "state": "x"}


def test_nulls_are_left_out_at_each_level():
    metadata = {"a": None, "b": {"c": None, "d": {"e": None}}, "f": [{"g": None}]}
    written = write_metadata(metadata, keep, "output 'x'")
    assert written == {"b": {"d": {}}, "f": [{}]}
    assert "null" not in json.dumps(written)


@pytest.mark.parametrize("value", [[1, None], {"deep": [None]}, float("nan"), [float("-inf")]])
def test_what_the_launcher_cannot_read_is_refused_by_name(value):
    with pytest.raises(BridgeError, match=r"metadata 'loss' of output 'model' must"):
        write_metadata({"loss": value}, keep, "output 'model'")


def test_texts_are_translated_keys_too():
    written = write_metadata({"a": {"b": ["c"]}}, str.upper, "output 'x'")
    assert written == {"A": {"B": ["C"]}}
