import pytest

from pipeline.kubeflow.rehearsal.conditions import condition_holds
from pipeline.kubeflow.rehearsal.errors import TaskError

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
        ("'b' in inputs.parameter_values['flags']", True),
        ("inputs.parameter_values['flags'][1] == 'b'", True),
        ("inputs.parameter_values['share'] * 2 - 1 >= 0", True),
        ("inputs.parameter_values['seed'] > 5 ? true : 1 / 0 == 1", True),
        ("-1 + 2 * 3 == 5", True),
        (r"'it\'s' == inputs.artifacts['blessing'].artifacts[0].metadata['name']", True),
        ("true", True),
        ("false || !true", False),
    ],
)
def test_conditions_by_hand(text, holds):
    assert condition_holds(text, SCOPE) is holds


@pytest.mark.parametrize(
    "text",
    [
        "a ==",
        "(true",
        "f(1)",
        "missing == 1",
        "inputs.artifacts['other'] == 1",
        "1 && true",
        "1 + 'a' == 2",
        "1 + 2",
    ],
)
def test_what_is_neither_true_nor_false_fails_the_task(text):
    with pytest.raises(TaskError, match="must be true or false"):
        condition_holds(text, SCOPE)
