import pytest

from pipeline.kubeflow.cel import parse_condition
from pipeline.kubeflow.package import PackageError

BLESSED = "inputs.artifacts['blessing'].artifacts[0].metadata['blessed']"
SCOPE = {
    "inputs": {
        "artifacts": {"blessing": {"artifacts": [{"metadata": {"blessed": 1, "name": "it's"}}]}},
        "parameter_values": {"seed": 7, "mode": "full", "flags": ["a", "b"], "share": 0.5},
    }
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (f"{BLESSED} == 1.0", True),
        (f"({BLESSED} == 1) && inputs.parameter_values['seed'] > 7", False),
        (f"!({BLESSED} == 0) || 1 / 0 == 1", True),
        ("inputs.parameter_values['mode'] == 'full'", True),
        ('inputs.parameter_values["mode"] != "full"', False),
        ("int(inputs.parameter_values['seed']) % 2 == 1", True),
        ("string(inputs.parameter_values['seed']) == '7'", True),
        ("size(inputs.parameter_values['flags']) == 2", True),
        ("inputs.parameter_values['flags'][1] == 'b'", True),
        ("inputs.parameter_values['share'] * 2 - 1 >= 0", True),
        ("-1 + 2 * 3 == 5", True),
        ("'it\\'s' == inputs.artifacts['blessing'].artifacts[0].metadata['name']", True),
        ("true", True),
        ("false || !true", False),
    ],
)
def test_conditions_by_hand(text, holds):
    assert parse_condition(text).holds(SCOPE) is holds


@pytest.mark.parametrize(
    "text",
    ["", "a ==", "(a == 1", "a == 1)", "a === 1", "a = 1", "'open", "a.['b']", "a[b]", "a && ", "@a", "f(1)"],
)
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(PackageError, match="the condition"):
        parse_condition(text)


@pytest.mark.parametrize(
    "text", ["missing == 1", "inputs.artifacts['other'] == 1", "1 && true", "1 + 'a' == 2"]
)
def test_what_finds_no_value_says_so(text):
    with pytest.raises(PackageError, match="must find its values"):
        parse_condition(text).holds(SCOPE)


def test_a_number_is_no_answer():
    with pytest.raises(PackageError, match="must be true or false, got 3"):
        parse_condition("1 + 2").holds({})


def test_its_ways_into_the_inputs_are_known():
    condition = parse_condition(f"{BLESSED} == 1 && inputs.parameter_values['seed'] == 2")
    assert [way[:3] for way in condition.references] == [
        ("inputs", "artifacts", "blessing"),
        ("inputs", "parameter_values", "seed"),
    ]
