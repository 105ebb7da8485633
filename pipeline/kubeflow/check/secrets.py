"""The rule that no secret stands in a package, in any form; messages name its place and never show it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from pipeline.kubeflow.check.pipeline_view import PipelineView, executor_place, pod_place
from pipeline.kubeflow.check.violation import Violation, accepted, broken

RULE = "secret"
_WORDS = re.compile("password|passwd|pwd|passphrase|secret|token|credentials?|apikey")
_PAIRS = frozenset({("access", "key"), ("api", "key"), ("private", "key"), ("account", "key")})
_SPEAKS_OF_ONE = re.compile("name|file|path|ref|arn|uri|url|type|length|count|limit|parameter|optional")
"""Last words of names that hold no secret but speak of one, such as secretName."""
_SCHEMA_NAMES = frozenset({"secretKey", "configMapKey"})
"""Fields of the platform document that name a key in a Secret."""
_TRANSPARENT = frozenset({"runtimeValue", "constant", "constantValue", "stringValue", "defaultValue"})
"""Fields between the name of a parameter and its value."""
_FORMS = {
    "a URL with a password": re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@'\"]*:(?![{$])[^/\s@'\"]+@"),
    "a key id of AWS": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a token of GitHub": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,})"),
    "a key of Google": re.compile(r"\bAIza[0-9A-Za-z_-]{35}"),
    "a signed token": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"),
    "a variable with a secret's name": re.compile(
        r"\b[A-Z0-9_]*(PASSWORD|SECRET|TOKEN|ACCESS_KEY|API_KEY)=['\"]?[^\s'\"${]"
    ),
    "a flag with a secret's name": re.compile(
        r"--[\w-]*(password|secret|token|access[_-]key|api[_-]key)[= ]['\"]?[^\s'\"${-]"
    ),
}


def check_secrets(view: PipelineView) -> Iterator[Violation]:
    """No plain secret in the spec, the platform document or the values of a run."""
    spec = {key: value for key, value in view.spec.items() if key != "deploymentSpec"}
    for key, value in spec.items():
        yield from _search(key, key, value)
    for label, executor in view.executors.items():
        yield from _search(executor_place(label), "", executor)
    for label, pod in view.pods.items():
        yield from _search(pod_place(label), "", pod)
    for name, value in (view.arguments or {}).items():
        yield from _search(f"argument {name}", name, value)
    yield from _search("pipeline root", "", view.pipeline_root)


def _search(place: str, name: str, value: Any) -> Iterator[Violation]:
    """Searches a value for secrets; `name` is what the package calls it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            inner_name = value["name"] if key == "value" and isinstance(value.get("name"), str) else key
            yield from _search(_join(place, key), name if key in _TRANSPARENT else inner_name, inner)
    elif isinstance(value, list | tuple):
        for index, (before, inner) in enumerate(itertools.pairwise(["", *value])):
            yield from _search(f"{place}[{index}]", _flag_before(before, inner) or name, inner)
    elif isinstance(value, str):
        yield from _search_text(place, name, value)


def _flag_before(before: Any, text: Any) -> str:
    """The flag, such as --password, whose value a text of the arguments is; empty where it is none's."""
    texts = isinstance(before, str) and isinstance(text, str)
    is_value = texts and before.startswith("--") and "=" not in before and not text.startswith("--")
    return before if is_value else ""


def _join(place: str, key: str) -> str:
    return f"{place}[{key}]" if place.endswith(("tasks", "components")) else f"{place}.{key}"


def _search_text(place: str, name: str, text: str) -> Iterator[Violation]:
    found = [form for form, pattern in _FORMS.items() if pattern.search(text)]
    if is_secret_name(name) and text and not text.startswith(("{{$", "$")):
        found.append(f"a text of {len(text)} letters under a secret's name")
    for form in found[:1]:
        how = f"must hold no secret, got {form}; put it in a Kubernetes Secret, see kubeflow.secrets"
        said = accepted("whoever may read runs, pods or the object store reads the secret")
        yield broken(RULE, place, how, said)
    inner = _read_json(text)
    if not found and inner is not None:
        yield from _search(place, name, inner)


def _read_json(text: str) -> Any:
    """What a text of JSON holds: TFX writes whole configurations as one."""
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def is_secret_name(name: str) -> bool:
    """Whether a value of that name would be a secret: db_password is one, secretName is none."""
    if name in _SCHEMA_NAMES:
        return False
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    words = [word.lower() for word in re.split(r"[^a-zA-Z0-9]+", spaced) if word]
    if not words or _SPEAKS_OF_ONE.fullmatch(words[-1]):
        return False
    return any(_WORDS.fullmatch(word) for word in words) or bool(_PAIRS & set(itertools.pairwise(words)))
