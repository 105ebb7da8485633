"""The conditions of a compiled pipeline: the part of the Common Expression Language that compilers write.

Grammar: https://github.com/google/cel-spec/blob/master/doc/langdef.md, without macros and ternaries.
"""

from __future__ import annotations

import dataclasses
import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.kubeflow.package import PackageError

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)
      |(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      |(?P<name>[A-Za-z_]\w*)
      |(?P<symbol>&&|\|\||[=!<>]=|[-+*/%!<>.,()\[\]]))""",
    re.VERBOSE,
)
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SUMS: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub}
_PRODUCTS: dict[str, Callable[[Any, Any], Any]] = {
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "double": float,
    "string": lambda value: value if isinstance(value, str) else json.dumps(value),
    "bool": lambda value: value in (True, "true"),
    "size": len,
}
_CONSTANTS = {"true": True, "false": False, "null": None}

Scope = Mapping[str, Any]
Evaluate = Callable[[Scope], Any]


@dataclasses.dataclass(frozen=True)
class Condition:
    """A parsed condition.

    Attributes:
      text: as it was written.
      references: each way into the variables, such as ("inputs", "artifacts", "model").
    """

    text: str
    references: tuple[tuple[str, ...], ...]
    _evaluate: Evaluate

    def holds(self, scope: Scope) -> bool:
        """Tells whether it is true.

        Args:
          scope: the variables, by their first name.
        Raises:
          PackageError: it takes what is not there, or is no boolean.
        """
        try:
            value = self._evaluate(scope)
        except (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError) as error:
            raise PackageError(
                f"the condition {self.text} must find its values, got {type(error).__name__} ({error}); "
                "mend the condition"
            ) from error
        if not isinstance(value, bool):
            raise PackageError(f"the condition {self.text} must be true or false, got {value!r}; mend it")
        return value


def parse_condition(text: str) -> Condition:
    """Parses a condition.

    Raises:
      PackageError: it is no expression of the language.
    """
    parser = _Parser(text)
    evaluate = parser.parse()
    return Condition(text, tuple(parser.references), evaluate)


class _Parser:
    """Recursive descent; each method returns what evaluates its part."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._tokenize(text)
        self._position = 0
        self.references: list[tuple[str, ...]] = []

    def parse(self) -> Evaluate:
        evaluate = self._binary_or()
        if self._peek() != ("end", ""):
            raise self._error()
        return evaluate

    def _tokenize(self, text: str) -> list[tuple[str, str]]:
        tokens, position, end = [], 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if not match:
                raise PackageError(
                    f"the condition {text} must be an expression of CEL, "
                    f"got {text[position:].strip()!r} in it; mend it"
                )
            kind = str(match.lastgroup)
            tokens.append((kind, match[kind]))
            position = match.end()
        return [*tokens, ("end", "")]

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._position]

    def _accept(self, *symbols: str) -> str:
        kind, text = self._peek()
        if kind == "symbol" and text in symbols:
            self._position += 1
            return text
        return ""

    def _expect(self, symbol: str) -> None:
        if not self._accept(symbol):
            raise self._error()

    def _error(self) -> PackageError:
        found = self._peek()[1] or "its end"
        return PackageError(
            f"the condition {self._text} must be an expression of CEL, got {found!r} out of place; mend it"
        )

    def _binary_or(self) -> Evaluate:
        parts = [self._binary_and()]
        while self._accept("||"):
            parts.append(self._binary_and())
        return parts[0] if len(parts) == 1 else lambda scope: any(_truth(part(scope)) for part in parts)

    def _binary_and(self) -> Evaluate:
        parts = [self._comparison()]
        while self._accept("&&"):
            parts.append(self._comparison())
        return parts[0] if len(parts) == 1 else lambda scope: all(_truth(part(scope)) for part in parts)

    def _comparison(self) -> Evaluate:
        return self._operation(self._sum, _COMPARISONS)

    def _sum(self) -> Evaluate:
        return self._operation(self._product, _SUMS)

    def _product(self) -> Evaluate:
        return self._operation(self._unary, _PRODUCTS)

    def _operation(
        self, operand: Callable[[], Evaluate], operations: Mapping[str, Callable[[Any, Any], Any]]
    ) -> Evaluate:
        left = operand()
        while symbol := self._accept(*operations):
            left = _apply(operations[symbol], left, operand())
        return left

    def _unary(self) -> Evaluate:
        if self._accept("!"):
            negated = self._unary()
            return lambda scope: not _truth(negated(scope))
        if self._accept("-"):
            positive = self._unary()
            return lambda scope: -positive(scope)
        return self._primary()

    def _primary(self) -> Evaluate:
        if self._accept("("):
            inner = self._binary_or()
            self._expect(")")
            return inner
        kind, text = self._peek()
        if kind in ("symbol", "end"):
            raise self._error()
        self._position += 1
        if kind == "number":
            number = float(text) if re.search(r"[.eE]", text) else int(text)
            return lambda _: number
        if kind == "string":
            literal = re.sub(r"\\(.)", r"\1", text[1:-1])
            return lambda _: literal
        if text in _CONSTANTS:
            return lambda _: _CONSTANTS[text]
        return self._call(text) if self._accept("(") else self._way(text)

    def _call(self, name: str) -> Evaluate:
        if name not in _FUNCTIONS:
            raise PackageError(
                f"the condition {self._text} must call among {', '.join(_FUNCTIONS)}, got {name}(); mend it"
            )
        argument = self._binary_or()
        self._expect(")")
        return lambda scope: _FUNCTIONS[name](argument(scope))

    def _way(self, name: str) -> Evaluate:
        """`name.field['key'][0]`."""
        steps: list[Any] = []
        while symbol := self._accept(".", "["):
            kind, text = self._peek()
            self._position += 1
            if symbol == "." and kind == "name":
                steps.append(text)
            elif symbol == "[" and kind == "string":
                steps.append(text[1:-1])
                self._expect("]")
            elif symbol == "[" and kind == "number":
                steps.append(int(text))
                self._expect("]")
            else:
                self._position -= 1
                raise self._error()
        self.references.append((name, *map(str, steps)))
        return lambda scope: _follow(scope[name], steps)


def _apply(operation: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda scope: operation(left(scope), right(scope))


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is not true or false")
    return value


def _follow(value: Any, steps: Sequence[Any]) -> Any:
    for step in steps:
        value = value[step]
    return value
