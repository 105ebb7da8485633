"""serving.model_server.rest: JSON to arrays and back, as strictly as TensorFlow Serving."""

from __future__ import annotations

import json

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from serving.model_server.rest.json_tensors import parse_body, read_tensors, shorten, write_tensors
from serving.model_server.rest.json_values import JsonError, read_array

FLOAT = (np.dtype(np.float32), "float32")
TYPES = {"float": FLOAT, "int": (np.dtype(np.int32), "int32"), "text": (np.dtype(object), "string")}
TYPES |= {"bool": (np.dtype(np.bool_), "bool"), "byte": (np.dtype(np.uint8), "uint8")}


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("float", "1", np.float32(1)),
        ("float", "[[1, 2.5], [NaN, -Infinity]]", [[1, 2.5], [np.nan, -np.inf]]),
        ("float", "[]", np.empty(0)),
        ("float", "[[], []]", np.empty((2, 0))),
        ("float", "0.1", np.float32(0.1)),
        ("int", "[[-2147483648], [2147483647]]", [[-(2**31)], [2**31 - 1]]),
        ("bool", "[true, false]", [True, False]),
    ],
)
def test_values_become_arrays_of_the_signatures_type(kind, text, expected):
    array = read_array(json.loads(text), *TYPES[kind])
    assert array.dtype == TYPES[kind][0]
    np.testing.assert_array_equal(array, np.asarray(expected, TYPES[kind][0]))


def test_strings_become_bytes_and_base64_is_decoded():
    array = read_array(["AAPL", {"b64": "/w=="}, {"b64": "YQ"}, "é"], *TYPES["text"])
    assert array.tolist() == [b"AAPL", b"\xff", b"a", "é".encode()]
    assert read_array("x", *TYPES["text"]).item() == b"x"


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("float", '"1"', r'JSON Value: "1" Type: String is not of expected type: float32'),
        ("float", "[1, null]", "JSON Value: null Type: Null is not of expected type: float32"),
        ("float", "[1.0, true]", "JSON Value: true Type: True is not of expected type: float32"),
        ("float", "[[1, 2], [3]]", "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
        ("float", "[1, [2]]", "Encountered list at unexpected level: 1 expected < 1"),
        (
            "float",
            "[[1], 2]",
            "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
        ),
        ("float", "16777216", "Cannot convert JSON value: 16777216 to float32 without loss of precision"),
        ("float", "1e39", "Cannot convert JSON value: 1e.39 to float32 without loss of precision"),
        ("float", str(10**400), "without loss of precision"),
        ("float", '{"b64": "YQ=="}', "is not of expected type: float32"),
        ("int", "1.0", "JSON Value: 1.0 Type: Number is not of expected type: int32"),
        ("int", "2147483648", "is not of expected type: int32"),
        ("byte", "256", "is not of expected type: uint8"),
        ("bool", "1", "JSON Value: 1 Type: Number is not of expected type: bool"),
        ("text", "1", "is not of expected type: string"),
        ("text", '{"b64": 1}', "not formatted correctly for base64 data"),
        ("text", '{"b64": "?"}', "Unable to base64 decode"),
    ],
)
def test_what_does_not_fit_is_refused_in_tensorflow_servings_words(kind, text, message):
    with pytest.raises(JsonError, match=message):
        read_array(json.loads(text), *TYPES[kind])


def read(text, **types):
    return read_tensors(parse_body(text.encode()), {name: TYPES[kind] for name, kind in types.items()})


def test_rows_are_stacked_and_columns_taken_as_they_are():
    expected = {"x": [[1, 2], [3, 4]], "t": [b"a", b"b"]}
    rows = '{"instances": [{"x": [1, 2], "t": "a"}, {"x": [3, 4], "t": "b"}]}'
    columns = '{"inputs": {"x": [[1, 2], [3, 4]], "t": ["a", "b"], "other": 1}}'
    for text, by_rows in ((rows, True), (columns, False)):
        arrays, came_by_rows = read(text, x="float", t="text")
        assert ({name: array.tolist() for name, array in arrays.items()}, came_by_rows) == (expected, by_rows)


def test_an_only_input_needs_no_name():
    for text in (
        '{"instances": [[1], [2]]}',
        '{"instances": [{"x": [1]}, {"x": [2]}]}',
        '{"inputs": [[1], [2]]}',
    ):
        assert read(text, x="float")[0]["x"].tolist() == [[1], [2]]
    assert read('{"instances": [{"b64": "YQ=="}]}', x="text")[0]["x"].tolist() == [b"a"]
    assert read('{"inputs": {"b64": "YQ=="}}', x="text")[0]["x"].item() == b"a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "JSON Parse error: The document is empty"),
        ("\x00", "JSON Parse error"),
        ("[" * 100_000, "JSON Parse error"),
        ("[]", r"JSON Value: \[\] Is not object"),
        ("{}", "Missing 'inputs' or 'instances' key"),
        ('{"inputs": 1, "instances": 1}', "expecting only one of 'inputs' or 'instances' keys"),
        ('{"instances": 1}', "Excepting 'instances' to be an list/array"),
        ('{"instances": []}', "No values in 'instances' array"),
        ('{"instances": [1]}', "instances is a plain list, but expecting list of objects"),
        ('{"inputs": [1]}', "inputs is a plain value/list, but expecting an object"),
        ('{"inputs": {"x": 1}}', "Missing named input: t in 'inputs' object"),
        ('{"instances": [{"x": 1, "t": "a"}, 2]}', "Expecting object but got list at item 1 of input list"),
        ('{"instances": [{"x": 1}]}', "element: 0 of 'instances' list.* keys must be equal to: t,x"),
        ('{"instances": [{"x": 1, "t": "a", "y": 1}]}', "JSON object: does not have named input: y"),
        (
            '{"instances": [{"x": [1], "t": "a"}, {"x": [1, 2], "t": "a"}]}',
            r"element: 1 key: x .*Expecting shape \[1\]",
        ),
    ],
)
def test_a_wrong_body_is_refused(text, message):
    with pytest.raises(JsonError, match=message):
        read(text, x="float", t="text")


def test_answers_are_written_by_columns_and_by_rows():
    outputs = {"y": np.array([[1, 2], [3, 4]], np.float32), "name": np.array([b"a", b"b"], object)}
    assert write_tensors(outputs, by_rows=False) == {
        "outputs": {"name": ["a", "b"], "y": [[1.0, 2.0], [3.0, 4.0]]}
    }
    assert write_tensors(outputs, by_rows=True) == {
        "predictions": [{"name": "a", "y": [1.0, 2.0]}, {"name": "b", "y": [3.0, 4.0]}]
    }
    assert write_tensors({"y": np.array([1, 2])}, by_rows=True) == {"predictions": [1, 2]}
    assert write_tensors({"y": np.array(7)}, by_rows=False) == {"outputs": 7}
    assert write_tensors({"y_bytes": np.array([b"\xff"], object)}, by_rows=False) == {
        "outputs": [{"b64": "/w=="}]
    }


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"a": np.zeros(2), "b": np.zeros(3)}, "Tensor name: b has inconsistent batch size: 3 expecting: 2"),
        ({"a": np.array(1.0)}, "Tensor name: a has no shape information"),
        ({}, "Cannot convert empty tensor map"),
    ],
)
def test_rows_need_outputs_with_rows(outputs, message):
    with pytest.raises(JsonError, match=message):
        write_tensors(outputs, by_rows=True)


@hypothesis.given(st_numpy.arrays(np.float32, st.integers(0, 20), elements=st.floats(width=32)))
def test_a_float_is_written_with_few_digits_and_read_back_to_the_bit(values):
    text = json.dumps(shorten(values).tolist())
    again = np.array(json.loads(text), np.float64).astype(np.float32)
    np.testing.assert_array_equal(again, values)
    for word in text.strip("[]").split(", "):
        if not 1e-12 < abs(float(word or 0)) < 1e12:
            continue
        digits = word.lstrip("-").split("e")[0].replace(".", "").strip("0")
        assert not digits.isdigit() or len(digits) <= 9, word


def test_a_fifth_is_written_so():
    assert (
        json.dumps(shorten(np.array([0.2, 1e-7, 123456.7], np.float32)).tolist())
        == "[0.2, 1e-07, 123456.703]"
    )
