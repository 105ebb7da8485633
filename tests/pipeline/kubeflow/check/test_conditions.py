"""Conditions: the grammar of CEL, and what a task's condition may speak of."""

from __future__ import annotations

import pytest

from pipeline.kubeflow.check.cel import CelError, Node, parse
from pipeline.kubeflow.package import Json
from tests.pipeline.kubeflow.check.two_tasks import assert_broken, check_kfp, executors, tasks

PLACE = "root.dag.tasks[use].triggerPolicy.condition"
BLESSED = "inputs.artifacts['data'].artifacts[0].metadata['blessed'] == 1"
WORD = "inputs.parameter_values['word']"


def with_condition(condition: str):
    def change(package: list[Json]) -> None:
        tasks(package)["use"]["triggerPolicy"] = {"condition": condition}

    return change


@pytest.mark.parametrize(
    "condition",
    [
        BLESSED,
        f"{BLESSED} && !({WORD} == 'no')",
        f"({BLESSED}) && ({WORD} != \"a'b\") || {WORD} in ['x', 'y',]",
        f"int({WORD}) > 1 && double({WORD}) <= -2.5e3",
        f"{WORD}.startsWith('a') ? true : size({WORD}) % 2 == 0",
        "has(inputs.parameter_values.word)",
        f"{WORD}",
        "inputs.artifacts['data'].artifacts[0].uri == r'a\\b'",
        f"[1, 2].exists(x, x == int({WORD})) // a remark",
        f"{{'a': 1}}['a'] == 1u && {WORD} == b'x' && null == null",
        f"parseJson({WORD}).a.b[0] == 0x1F",
        f"'{{' == {WORD} && '''long 'text' ''' != {WORD}",
    ],
)
def test_a_whole_condition_is_none(condition: str) -> None:
    assert check_kfp(with_condition(condition)) == []


@pytest.mark.parametrize(
    "condition",
    [
        "inputs.((== 'x'",
        f"{BLESSED} &&",
        f"({BLESSED}",
        f"{BLESSED})",
        f"{WORD} = 'x'",
        f"{WORD} === 'x'",
        f"{WORD} == 'x",
        f"{WORD} and {WORD}",
        f"{WORD} == 'x' & true",
        "inputs.parameter_values['word'",
        f"{WORD} ? true",
        "inputs.import == 1",
        "",
        "#",
        "[1, 2",
        "{'a' 1}",
        "(" * 5000 + "true",
    ],
)
def test_a_broken_condition_is_found(condition: str) -> None:
    if condition:
        assert_broken(check_kfp(with_condition(condition)), "condition", PLACE, "at run time")
    with pytest.raises((CelError, RecursionError)):
        parse(condition)


@pytest.mark.parametrize(
    ("condition", "got", "consequence"),
    [
        ("inputs.parameter_values['nope'] == 'x'", "inputs.parameter_values['nope']", "no such key"),
        ("inputs.artifacts['nope'].artifacts[0].uri == ''", "inputs.artifacts['nope']", "no such key"),
        ("inputs.parameter_values.nope == 'x'", "inputs.parameter_values['nope']", "no such key"),
        ("inputs.parameters['word'] == 'x'", "inputs.parameters", "no such key"),
        ("outputs.artifacts == ''", "'outputs'", "fails to compile"),
        ("word == 'x'", "'word'", "fails to compile"),
        (f"exactly({WORD})", "'exactly'", "fails to compile"),
        ("inputs.artifacts['data'].metadata['blessed'] == 1", "'metadata'", "fails to compile"),
        ("inputs.artifacts['data'].artifacts[0].blessed == 1", "'blessed'", "fails to compile"),
        ("'yes'", "a literal", "return type is not bool"),
        (f"int({WORD}) + 1", "a binary", "return type is not bool"),
        (f"[{WORD}]", "a list", "return type is not bool"),
    ],
)
def test_a_condition_about_what_is_not_there_is_found(condition: str, got: str, consequence: str) -> None:
    violations = check_kfp(with_condition(condition))
    assert_broken(violations, "condition", PLACE, consequence)
    assert f"got {got};" in violations[0].message


def test_an_importer_takes_no_condition() -> None:
    def change(package: list[Json]) -> None:
        with_condition("true")(package)
        executors(package)["exec-use"] = {"importer": {"artifactUri": {"constant": "gs://bucket/data"}}}

    assert_broken(check_kfp(change), "condition", PLACE, "on importer task is not supported")


def test_operators_bind_as_cel_says() -> None:
    a, b, c = (Node("name", name) for name in "abc")
    assert parse("a || b && c") == Node("binary", "||", (a, Node("binary", "&&", (b, c))))
    assert parse("a - b - c") == Node("binary", "-", (Node("binary", "-", (a, b)), c))
    assert parse("!a.b[c]") == Node("unary", "!", (Node("index", "[]", (Node("select", "b", (a,)), c)),))
    assert parse("a ? b : c") == Node("choice", "?", (a, b, c))
    assert parse("a.b(c)") == Node("call", "b", (a, c))
