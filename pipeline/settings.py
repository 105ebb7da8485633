"""Reads YAML into nested frozen dataclasses; knows no key of marketcast.

A tree is {key: tree or Leaf}; each leaf remembers its place, so that a refusal can name it. Later
trees lie over earlier ones, key by key; a list is replaced as a whole.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, Union

import yaml

from components.errors import ConfigError

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Leaf:
    """A value and where it was written.

    Attributes:
      value: as YAML has it.
      place: what refusals call it.
      is_blank: nothing at all was written after the `=` of an override: text that is empty, where it is text.
    """

    value: Any
    place: str
    is_blank: bool = False


Tree = dict[str, Union["Tree", Leaf]]


class _Loader(yaml.SafeLoader):
    """YAML's scalars as people mean them: dates, `on` and `no` stay text, 2e-3 is a number.

    Source: the core schema of YAML 1.2, https://yaml.org/spec/1.2.2/#103-core-schema
    """


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern in (
    ("null", r"~|null|"),
    ("bool", r"true|false"),
    ("int", r"[-+]?(0|[1-9][0-9]*)"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), None)
_Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: float(node.value.replace(".inf", "inf")))


def read_yaml(text: str, name: str) -> Tree:
    """Parses a YAML document.

    Args:
      text: the document; empty is an empty tree.
      name: what refusals call it, such as its path.
    Raises:
      ConfigError: it is no YAML, no mapping, or holds a key twice.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{name}, line {line} must be YAML, got {error.problem}; mend the line") from error
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{name} must hold `key: value` lines, got {node.value!r}; write keys")
    return _mapping(node, name, "")


def read_override(assignment: str) -> Tree:
    """Parses `a.b=value`, the value being YAML; where there is none, it is empty text to a key of text.

    Raises:
      ConfigError: there is no `=`, or the value is no YAML.
    """
    path, equals, text = assignment.partition("=")
    keys = path.strip().split(".")
    name = f"--set {path.strip()}"  # Without the value: it may be a secret.
    if not equals or not all(keys):
        raise ConfigError(f"--set must be key.path=value, got {assignment!r}; such as --set train.seed=2")
    indented = "".join(f"{'  ' * depth}{key}:\n" for depth, key in enumerate(keys[:-1]))
    tree = read_yaml(f"{indented}{'  ' * (len(keys) - 1)}{keys[-1]}: {text}", name)
    return typing.cast(Tree, _rename(tree, name, not text.strip()))


def merge(trees: Iterable[Tree]) -> Tree:
    """Lays trees over one another, the last one on top."""
    merged: Tree = {}
    for tree in trees:
        for key, value in tree.items():
            below = merged.get(key)
            both = isinstance(value, dict) and isinstance(below, dict)
            merged[key] = merge([below, value]) if both else value  # type: ignore[list-item]
    return merged


def build(cls: type[T], tree: Tree, path: str = "") -> T:
    """Makes a dataclass, and the dataclasses in it, of a tree.

    Args:
      cls: a dataclass; keys that the tree lacks keep its defaults.
      tree: the tree of its keys.
      path: the dotted keys that lead to `tree`, for messages.
    Raises:
      ConfigError: an unknown key, a value of a wrong type, a key that must be given and is not, or
        the dataclass refuses its values.
    """
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls) if is_key(field)}  # type: ignore[arg-type]
    refuse_unknown(tree, list(fields), path)
    values = {key: _convert(hints[key], value, _join(path, key)) for key, value in tree.items()}
    for name, field in fields.items():
        if name in values:
            continue
        if dataclasses.is_dataclass(hints[name]):
            values[name] = build(typing.cast(type, hints[name]), {}, _join(path, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            missing = _join(path, name)
            raise ConfigError(f"{missing} must be given, got nothing; add it to the configuration file")
    try:
        return cls(**values)
    except ValueError as error:
        raise ConfigError(_with_place(str(error), tree, path)) from error


def refuse_unknown(tree: Tree, known: list[str], path: str = "") -> None:
    """Refuses a key that is none of those known.

    Args:
      tree: of the keys.
      known: their names.
      path: the dotted keys that lead to `tree`, for messages.
    Raises:
      ConfigError: there is one.
    """
    for key, value in tree.items():
        if key not in known:
            raise ConfigError(_unknown_key(_join(path, key), _place(value), path, known))


def is_key(field: dataclasses.Field[Any]) -> bool:
    """Whether a field is read; one that is not is filled in by the section around its own."""
    return bool(field.metadata.get("is_key", True))


def _mapping(node: yaml.MappingNode, name: str, path: str) -> Tree:
    tree: Tree = {}
    for key_node, value_node in node.value:
        place = f"{name}, line {key_node.start_mark.line + 1}"
        key = str(key_node.value)
        if key in tree:
            raise ConfigError(f"{_join(path, key)} must stand once, got it again in {place}; take one out")
        if isinstance(value_node, yaml.MappingNode):
            tree[key] = _mapping(value_node, name, _join(path, key))
        else:
            tree[key] = Leaf(_Loader("").construct_object(value_node, deep=True), place)
    return tree


def _rename(tree: Tree | Leaf, place: str, is_blank: bool) -> Tree | Leaf:
    """`tree` with `place` as the place of all its leaves."""
    if isinstance(tree, Leaf):
        return Leaf(tree.value, place, is_blank)
    return {key: _rename(value, place, is_blank) for key, value in tree.items()}


def _convert(hint: Any, value: Tree | Leaf, key: str) -> Any:
    """Checks a value against a field's type; only lists become tuples and whole numbers floats."""
    if dataclasses.is_dataclass(hint):
        if isinstance(value, Leaf) and value.value is not None:
            raise ConfigError(_wrong_type(key, value, "a section with keys of its own"))
        return build(typing.cast(type, hint), value if isinstance(value, dict) else {}, key)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is not None and issubclass(origin, Mapping):
        return _convert_mapping(arguments[1], value, key)
    if isinstance(value, dict):
        raise ConfigError(_wrong_type(key, Leaf(_plain(value), _place(value)), describe_type(hint)))
    if origin is tuple and isinstance(value.value, list):
        return tuple(_convert(arguments[0], Leaf(item, value.place), key) for item in value.value)
    if hint is float and type(value.value) is int:
        return float(value.value)
    if hint is str and value.is_blank:
        return ""
    if type(value.value) is not hint:
        raise ConfigError(_wrong_type(key, value, describe_type(hint)))
    return value.value


def _convert_mapping(hint: Any, value: Tree | Leaf, key: str) -> dict[str, Any]:
    if isinstance(value, Leaf):
        if value.value is None:
            return {}
        raise ConfigError(_wrong_type(key, value, describe_type(Mapping[str, hint])))
    return {name: _convert(hint, item, _join(key, name)) for name, item in value.items()}


def describe_type(hint: Any) -> str:
    """A field's type in words, such as `a whole number`."""
    if typing.get_origin(hint) is not None and issubclass(typing.get_origin(hint), Mapping):
        return "a section of `name: value` lines"
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    if typing.get_origin(hint) is tuple:
        return f"a list, each item {describe_type(typing.get_args(hint)[0])}"
    return names.get(hint, str(hint))


def _wrong_type(key: str, leaf: Leaf, expected: str) -> str:
    got = f"{leaf.value!r} ({type(leaf.value).__name__})" if leaf.value is not None else "nothing"
    return f"{key} must be {expected}, got {got}; change it in {leaf.place}"


def _unknown_key(key: str, place: str, path: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key.rsplit(".", 1)[-1], known, n=1, cutoff=0.5)
    keys = f"keys there are {', '.join(known)}"
    mend = f"did you mean {_join(path, nearest[0])}?" if nearest else keys
    return f"{key} must be a known key, got it in {place}; {mend}"


def _with_place(message: str, tree: Tree, path: str) -> str:
    """Adds to a dataclass's own refusal where the key that it starts with was written."""
    key = re.match(r"[\w.]+", message)
    name = key[0].removeprefix(f"{path}.") if key else ""
    return f"{message} ({_place(tree[name])})" if name in tree else message


def _place(value: Tree | Leaf) -> str:
    while not isinstance(value, Leaf):
        if not value:
            return "the configuration"
        value = next(iter(value.values()))
    return value.place


def _plain(value: Tree | Leaf) -> Any:
    return value.value if isinstance(value, Leaf) else {key: _plain(item) for key, item in value.items()}


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
