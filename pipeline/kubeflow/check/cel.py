"""Parses the Common Expression Language, which a task's condition is written in.

Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

LITERALS = {"true": "bool", "false": "bool", "null": "null"}
RESERVED = re.compile(
    "as|break|const|continue|else|for|function|if|import|in|let|loop|package|namespace|return|var|void|while"
)
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<text>[bBrR]{0,2}(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}
        |"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<number>0x[0-9a-fA-F]+u?|(?:[0-9]+\.[0-9]+|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?u?)
    |(?P<name>[_a-zA-Z][_a-zA-Z0-9]*)
    |(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
_LEVELS = (("||",), ("&&",), ("==", "!=", "<=", ">=", "<", ">", "in"), ("+", "-"), ("*", "/", "%"))
"""Operators of two operands, the loosest first."""
_END = ("end", "the end")


class CelError(ValueError):
    """An expression that is none; the message says where it breaks."""


@dataclasses.dataclass(frozen=True)
class Node:
    """A part of an expression.

    Attributes:
      kind: literal, name, select, index, call, unary, binary, choice, list or map.
      text: the literal's type; the name; the selected field; the function; the operator.
      parts: of which it is made; of a select, index or call on a value, that value first.
      value: of a literal, its letters.
    """

    kind: str
    text: str
    parts: tuple[Node, ...] = ()
    value: str = ""

    def walk(self) -> Iterator[Node]:
        """Yields this node and all below."""
        yield self
        for part in self.parts:
            yield from part.walk()


def parse(expression: str) -> Node:
    """Parses an expression.

    Raises:
      CelError: it is none.
    """
    parser = _Parser(_tokens(expression))
    node = parser.choice()
    parser.expect("the end")
    return node


def _tokens(expression: str) -> list[tuple[str, str]]:
    tokens = []
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None or match.lastgroup is None:
            raise CelError(f"{expression[position]!r} at letter {position + 1}")
        if match.lastgroup != "space":
            tokens.append((match.lastgroup, match[0]))
        position = match.end()
    return [*tokens, _END]


class _Parser:
    """Reads tokens from the left; each method reads one rule of the grammar."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._position = 0

    def choice(self) -> Node:
        condition = self._binary(0)
        if not self._take("?"):
            return condition
        yes = self._binary(0)
        self.expect(":")
        return Node("choice", "?", (condition, yes, self.choice()))

    def expect(self, sign: str) -> None:
        kind, text = self._peek()
        if text != sign or kind == "text":
            raise CelError(f"{text!r} where {sign!r} is wanted")
        self._position += 1

    def _peek(self) -> tuple[str, str]:
        return self._tokens[min(self._position, len(self._tokens) - 1)]

    def _take(self, *signs: str) -> str:
        kind, text = self._peek()
        if kind in ("sign", "name") and text in signs:
            self._position += 1
            return text
        return ""

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        node = self._binary(level + 1)
        while sign := self._take(*_LEVELS[level]):
            node = Node("binary", sign, (node, self._binary(level + 1)))
        return node

    def _unary(self) -> Node:
        if sign := self._take("!", "-"):
            return Node("unary", sign, (self._unary(),))
        return self._member()

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if self._take("."):
                name = self._name()
                if self._take("("):
                    node = Node("call", name, (node, *self._arguments()))
                else:
                    node = Node("select", name, (node,))
            elif self._take("["):
                node = Node("index", "[]", (node, self.choice()))
                self.expect("]")
            else:
                return node

    def _primary(self) -> Node:
        kind, text = self._peek()
        if kind in ("number", "text"):
            self._position += 1
            return Node("literal", kind, value=_unquote(text) if kind == "text" else text)
        if self._take("("):
            node = self.choice()
            self.expect(")")
            return node
        if self._take("["):
            return Node("list", "[]", self._list())
        if self._take("{"):
            return Node("map", "{}", self._map())
        name = self._name()
        if name in LITERALS:
            return Node("literal", LITERALS[name], value=name)
        return Node("call", name, self._arguments()) if self._take("(") else Node("name", name)

    def _name(self) -> str:
        kind, text = self._peek()
        if kind != "name" or RESERVED.fullmatch(text):
            raise CelError(f"{text!r} where a name or a value is wanted")
        self._position += 1
        return text

    def _arguments(self) -> tuple[Node, ...]:
        nodes: list[Node] = []
        while not self._take(")"):
            if nodes:
                self.expect(",")
            nodes.append(self.choice())
        return tuple(nodes)

    def _list(self) -> tuple[Node, ...]:
        nodes: list[Node] = []
        while not self._take("]"):
            nodes.append(self.choice())
            if self._peek()[1] != "]":
                self.expect(",")
        return tuple(nodes)

    def _map(self) -> tuple[Node, ...]:
        nodes: list[Node] = []
        while not self._take("}"):
            nodes.append(self.choice())
            self.expect(":")
            nodes.append(self.choice())
            if self._peek()[1] != "}":
                self.expect(",")
        return tuple(nodes)


def _unquote(text: str) -> str:
    """The letters of a literal text; escapes stay as they are, for names of inputs have none."""
    bare = text.lstrip("bBrR")
    quote = 3 if bare[:3] in ("'''", '"""') and len(bare) >= 6 else 1
    return bare[quote:-quote]
