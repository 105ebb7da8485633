import pytest

from components.errors import ConfigError
from pipeline.kubeflow.rehearsal.errors import TaskError
from pipeline.kubeflow.rehearsal.parameters import (
    fit_input,
    hand_over,
    parse_arguments,
    read_output,
    resolve_arguments,
)

DEFINITIONS = {
    "data": {"parameterType": "STRING", "defaultValue": "bars.csv", "isOptional": True},
    "seed": {"parameterType": "NUMBER_INTEGER", "defaultValue": 1, "isOptional": True},
    "flag": {"parameterType": "BOOLEAN", "defaultValue": False, "isOptional": True},
}


def test_texts_stay_texts_and_the_rest_is_json():
    parsed = parse_arguments(["data=2024", "seed=2", "flag=true", "other=a=b"], DEFINITIONS)
    assert parsed == {"data": "2024", "seed": 2, "flag": True, "other": "a=b"}


def test_defaults_are_filled_in():
    assert resolve_arguments({"seed": 5}, DEFINITIONS) == {"data": "bars.csv", "seed": 5, "flag": False}


def test_an_optional_parameter_without_a_value_is_left_out():
    assert resolve_arguments({}, {"x": {"parameterType": "STRING", "isOptional": True}}) == {}


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"sede": 1}, "not required by pipeline"),
        ({"seed": "1"}, r"seed must be a number \(NUMBER_INTEGER\), got '1'"),
        ({"seed": True}, "seed must be a number"),
        ({"data": 1}, r"data must be a text \(STRING\), got 1"),
        ({"flag": 1}, "flag must be true or false"),
    ],
)
def test_what_kfp_refuses_is_refused(given, complaint):
    with pytest.raises(ConfigError, match=complaint):
        resolve_arguments(given, DEFINITIONS)


def test_a_required_parameter_must_be_given():
    with pytest.raises(ConfigError, match="n is not optional, yet has neither default value"):
        resolve_arguments({}, {"n": {"parameterType": "NUMBER_INTEGER"}})


@pytest.mark.parametrize("assignment", ["seed", "seed=x"])
def test_a_flag_that_cannot_be_read_is_refused(assignment):
    with pytest.raises(ConfigError, match="seed"):
        parse_arguments([assignment], DEFINITIONS)


def test_whole_numbers_are_handed_over_without_a_point():
    assert repr(hand_over([1.0, {"a": 2.0}, 1.5])) == "[1, {'a': 2}, 1.5]"


@pytest.mark.parametrize(
    ("value", "kind", "handed_over"),
    [
        ("x", "STRING", "x"),
        (3.0, "STRING", "3"),
        (True, "STRING", "true"),
        ([1.0], "STRING", "[1]"),
        (3.0, "NUMBER_DOUBLE", 3),
        (0.5, "NUMBER_INTEGER", 0.5),
        ({"a": 1.0}, "STRUCT", {"a": 1}),
    ],
)
def test_the_driver_makes_texts_of_what_a_text_is_wanted_for(value, kind, handed_over):
    given = fit_input("x", value, {"parameterType": kind})
    assert (given, type(given)) == (handed_over, type(handed_over))


@pytest.mark.parametrize(("value", "kind"), [("3", "NUMBER_INTEGER"), (1, "BOOLEAN"), ("[]", "LIST")])
def test_the_driver_refuses_a_value_of_another_type(value, kind):
    with pytest.raises(TaskError, match=f"type mismatch: expect {kind}"):
        fit_input("x", value, {"parameterType": kind})


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("a\n", "STRING", "a\n"),
        (" 3\n", "NUMBER_INTEGER", 3),
        ("0.25", "NUMBER_DOUBLE", 0.25),
        ("True", "BOOLEAN", True),
        ("f", "BOOLEAN", False),
        ("[1]", "LIST", [1]),
        ('{"a": 1}', "STRUCT", {"a": 1}),
    ],
)
def test_output_parameters_are_read_by_their_type(text, kind, value):
    assert read_output("x", text, {"parameterType": kind}) == value


@pytest.mark.parametrize(
    ("text", "kind"),
    [("3.5", "NUMBER_INTEGER"), ("yes", "BOOLEAN"), ("{}", "LIST"), ("[", "STRUCT"), ("", "NUMBER_DOUBLE")],
)
def test_an_output_parameter_of_another_type_is_refused(text, kind):
    with pytest.raises(TaskError, match="failed to read output parameter"):
        read_output("x", text, {"parameterType": kind})
