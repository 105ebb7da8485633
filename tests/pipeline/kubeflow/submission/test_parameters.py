"""Parameters of a run in the types of the package."""

from __future__ import annotations

from typing import Any

import pytest

from components.errors import ConfigError
from pipeline.kubeflow.submission.parameters import parse_value, resolve_parameters


def _spec(**definitions: dict[str, Any]) -> dict[str, Any]:
    return {"root": {"inputDefinitions": {"parameters": definitions}}}


def test_defaults_are_filled_in_and_what_was_given_wins() -> None:
    spec = _spec(
        text={"parameterType": "STRING", "defaultValue": "a=b"},
        number={"parameterType": "NUMBER_INTEGER", "defaultValue": 0},
        free={"parameterType": "STRING", "isOptional": True},
    )
    assert resolve_parameters(spec, []) == {"text": "a=b", "number": 0}
    assert resolve_parameters(spec, ["text=", "number=-3", "free=x=y"]) == {
        "text": "",
        "number": -3,
        "free": "x=y",
    }
    assert resolve_parameters({}, []) == {}


@pytest.mark.parametrize(
    ("type_name", "text", "value"),
    [
        ("STRING", "1", "1"),
        ("NUMBER_INTEGER", "+12", 12),
        ("NUMBER_DOUBLE", "1e-3", 0.001),
        ("BOOLEAN", "false", False),
        ("LIST", "[1, null]", [1, None]),
        ("STRUCT", '{"a": {}}', {"a": {}}),
    ],
)
def test_values_have_the_type_of_the_package(type_name: str, text: str, value: object) -> None:
    parsed = parse_value("n", type_name, text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("type_name", "text", "kfp_says"),
    [
        ("NUMBER_INTEGER", "1.5", "requires type double or integer"),
        ("NUMBER_INTEGER", "1_000", "requires type double or integer"),
        ("NUMBER_INTEGER", "", "requires type double or integer"),
        ("NUMBER_INTEGER", "9007199254740993", "requires type double or integer"),
        ("NUMBER_DOUBLE", "nan", "requires type double or integer"),
        ("BOOLEAN", "True", "requires type bool"),
        ("LIST", "{}", "requires type list"),
        ("LIST", "[NaN]", "requires type list"),
        ("STRUCT", "[]", "requires type struct"),
        ("STRUCT", "{", "requires type struct"),
    ],
)
def test_another_type_is_refused_in_kfps_words(type_name: str, text: str, kfp_says: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse_value("n", type_name, text)
    assert f"(KFP would say: input parameter n {kfp_says}" in str(refusal.value)


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        ([], "parameter n must have a value, got none; give --param n=VALUE (KFP would say: parameter n is not optional"),  # noqa: E501
        (["n=1", "n=2"], "--param n must be given once, got it again"),
        (["=1"], "--param must be NAME=VALUE, got '=1'"),
        (["N=1"], "--param must name one of n, got 'N'; take it out"),
    ],
)  # fmt: skip
def test_a_wrong_assignment_is_refused(assignments: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        resolve_parameters(_spec(n={"parameterType": "NUMBER_INTEGER"}), assignments)
    assert str(refusal.value).startswith(message)
