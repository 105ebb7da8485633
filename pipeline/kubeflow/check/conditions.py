"""Rules of conditions: KFP compiles a task's CEL expression at run time only, in the task's driver."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.kubeflow.check.cel import CelError, Node, parse
from pipeline.kubeflow.check.pipeline_view import PipelineView, Task, dig
from pipeline.kubeflow.check.violation import Violation, accepted, broken, refused_run

RULE = "condition"
_INPUTS = "inputs"
_KINDS = {"artifacts": "artifacts", "parameter_values": "parameters"}
"""Field of ExecutorInput.Inputs that the driver fills -> field of the task's inputs."""
_ARTIFACT_FIELDS = frozenset({"name", "type", "uri", "properties", "custom_properties", "metadata"})
_FUNCTIONS = re.compile(
    "int|uint|double|string|bool|bytes|type|dyn|size|has|matches|startsWith|endsWith|contains|"
    "timestamp|duration|all|exists|exists_one|map|filter|parseJson|getDate|getDayOfMonth|"
    "getDayOfWeek|getDayOfYear|getFullYear|getHours|getMilliseconds|getMinutes|getMonth|getSeconds"
)
_MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
"""Their first argument is the name of a variable."""
_TYPES = re.compile("int|uint|double|string|bool|bytes|list|map|type|null_type")
_NOT_BOOLEAN_SIGNS = frozenset("+-*/%")
_FAILS = accepted("at run time the task's driver fails to compile it, and the run with it")
_NO_KEY = accepted("at run time the task's driver fails: no such key")


def check_conditions(view: PipelineView) -> Iterator[Violation]:
    """Conditions are whole, boolean, and about inputs of their task."""
    for task in view.tasks():
        condition = dig(task.spec, "triggerPolicy").get("condition", "")
        if condition:
            yield from _check(task, condition)
            if "importer" in view.executors.get(task.component.get("executorLabel", ""), {}):
                how = "must not stand on an importer, got one; put it on the tasks that take the artifact"
                said = refused_run("triggerPolicy.condition on importer task is not supported")
                yield broken(RULE, _place(task), how, said)


def _place(task: Task) -> str:
    return f"{task.place}.triggerPolicy.condition"


def _check(task: Task, condition: str) -> Iterator[Violation]:
    try:
        node = parse(condition)
    except (CelError, RecursionError) as error:
        reason = "too deep a nesting" if isinstance(error, RecursionError) else error
        yield broken(RULE, _place(task), f"must be a CEL expression, got {reason}; correct it", _FAILS)
        return
    if not _may_be_boolean(node):
        how = f"must be true or false, got a {node.kind}; compare it with something"
        said = accepted("at run time the task's driver fails: return type is not bool")
        yield broken(RULE, _place(task), how, said)
    variables = {n.parts[1].text for n in node.walk() if n.text in _MACROS and len(n.parts) > 1}
    for part in node.walk():
        yield from _check_name(task, part, variables)
        yield from _check_reference(task, part)


def _may_be_boolean(node: Node) -> bool:
    if node.kind == "literal":
        return node.text == "bool"
    if node.kind in ("unary", "binary"):
        return node.text not in _NOT_BOOLEAN_SIGNS
    return node.kind not in ("list", "map")


def _check_name(task: Task, node: Node, variables: set[str]) -> Iterator[Violation]:
    known = {_INPUTS} | variables
    if node.kind == "name" and node.text not in known and not _TYPES.fullmatch(node.text):
        how = f"must speak of {_INPUTS} only, got {node.text!r}; write it as {_INPUTS}.parameter_values[...]"
        yield broken(RULE, _place(task), how, _FAILS)
    if node.kind == "call" and not _FUNCTIONS.fullmatch(node.text):
        how = f"must call functions that CEL has, got {node.text!r}; use another"
        yield broken(RULE, _place(task), how, _FAILS)


def _check_reference(task: Task, node: Node) -> Iterator[Violation]:
    if node.kind == "select" and node.parts[0] == Node("name", _INPUTS) and node.text not in _KINDS:
        how = f"must speak of {' or '.join(_KINDS)}, got {_INPUTS}.{node.text}; the driver fills no other"
        yield broken(RULE, _place(task), how, _NO_KEY)
    kind, key = _input_of(node)
    if kind and key not in dig(task.spec, "inputs", _KINDS[kind]):
        how = f"must speak of an input of its task, got {_INPUTS}.{kind}[{key!r}]; make it one"
        yield broken(RULE, _place(task), how, _NO_KEY)
    if node.kind == "select" and _is_artifact(node.parts[0]) and node.text not in _ARTIFACT_FIELDS:
        how = f"must speak of a field that artifacts have, got {node.text!r}; metadata holds its properties"
        yield broken(RULE, _place(task), how, _FAILS)
    is_read = node.kind in ("select", "index") and _input_of(node.parts[0])[0] == "artifacts"
    if is_read and (node.kind == "index" or node.text != "artifacts"):
        how = f"must take .artifacts[0] of an input, got {node.text!r}; an input is a list of artifacts"
        yield broken(RULE, _place(task), how, _FAILS)


def _input_of(node: Node) -> tuple[str, str]:
    """inputs.artifacts['model'] -> ('artifacts', 'model'); ('', '') for anything else."""
    if node.kind == "index" and node.parts[1].kind == "literal" and node.parts[1].text == "text":
        owner, key = node.parts[0], node.parts[1].value
    elif node.kind == "select":
        owner, key = node.parts[0], node.text
    else:
        return "", ""
    is_inputs = owner.kind == "select" and owner.parts[0] == Node("name", _INPUTS) and owner.text in _KINDS
    return (owner.text, key) if is_inputs else ("", "")


def _is_artifact(node: Node) -> bool:
    """Whether a node is inputs.artifacts['model'].artifacts[0]."""
    if node.kind != "index" or node.parts[0].kind != "select" or node.parts[0].text != "artifacts":
        return False
    return _input_of(node.parts[0].parts[0])[0] == "artifacts"
