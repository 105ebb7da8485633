"""Evaluates the conditions of tasks: as much of CEL as compilers of pipelines write.

Macros, lists, maps and methods are left out, and refused.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.kubeflow.check.cel import CelError, Node, parse
from pipeline.kubeflow.rehearsal.errors import TaskError

_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "in": lambda value, values: value in values,
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "double": float,
    "string": lambda value: value if isinstance(value, str) else json.dumps(value),
    "bool": lambda value: value in (True, "true"),
    "size": len,
}
_NAMED = {"true": True, "false": False, "null": None}


def condition_holds(condition: str, scope: Mapping[str, Any]) -> bool:
    """Tells whether a condition is true.

    Args:
      condition: expression of CEL.
      scope: the variables, by name.
    Raises:
      TaskError: it is no expression, takes what is not there, or is no boolean.
    """
    try:
        return _boolean(_evaluate(parse(condition), scope))
    except (CelError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise TaskError(
            f"the condition {condition} must be true or false, got {type(error).__name__}: {error}; "
            "KFP's driver fails too"
        ) from error


def _evaluate(node: Node, scope: Mapping[str, Any]) -> Any:
    if node.kind == "literal":
        return _read_literal(node)
    if node.kind == "name":
        return _NAMED[node.text] if node.text in _NAMED else scope[node.text]
    if node.text in ("&&", "||"):
        # The right side is not looked at where the left one decides.
        decided = _boolean(_evaluate(node.parts[0], scope))
        return decided if decided is (node.text == "||") else _boolean(_evaluate(node.parts[1], scope))
    if node.kind == "choice":
        return _evaluate(node.parts[1 if _boolean(_evaluate(node.parts[0], scope)) else 2], scope)
    values = [_evaluate(part, scope) for part in node.parts]
    return _combine(node, values)


def _combine(node: Node, values: list[Any]) -> Any:
    if node.kind == "binary":
        return _BINARY[node.text](*values)
    if node.kind == "unary":
        return not _boolean(values[0]) if node.text == "!" else -values[0]
    if node.kind == "select":
        return values[0][node.text]
    if node.kind == "index":
        return values[0][values[1]]
    if node.kind == "call" and node.text in _FUNCTIONS and len(values) == 1:
        return _FUNCTIONS[node.text](values[0])
    raise CelError(f"a {node.kind} {node.text}, which a rehearsal does not know")


def _read_literal(node: Node) -> Any:
    if node.text == "text":
        return re.sub(r"\\(.)", r"\1", node.value)
    if node.text == "number":
        return float(node.value) if re.search(r"[.eE]", node.value) else int(node.value.rstrip("u"), 0)
    return {"bool": node.value == "true", "null": None}[node.text]


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither")
    return value
