import pytest

from components.errors import ConfigError
from pipeline.kubeflow.rehearsal.parameters import hand_over, parse_arguments, resolve_arguments

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
    assert repr(hand_over(1.0)) == "1"
    assert repr(hand_over(1.5)) == "1.5"
