"""docs/config.md out of the dataclasses: `python -m pipeline.config_reference > docs/config.md`."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline import settings
from pipeline.attribute_docs import attribute_docs
from pipeline.config import PipelineConfig
from pipeline.environment import KUBEFLOW, LOCAL, read_environment

HEADER = """# Configuration

Made by `make docs` from the dataclasses that read it; edit those.

Three layers are read, a later one wins key by key: `pipeline/environments/local.yaml` (of the Kubeflow
commands `kubeflow.yaml` beside it), the file of `--config FILE`, and each `--set key.path=value` (the value
is YAML; none at all is empty text). Keys that none of them gives keep the defaults below. Unknown keys are
refused.

```yaml
source:
  path: prices/*.parquet
  columns: {close: Close}
train:
  seed: 2
```
"""


def render() -> str:
    """Returns the whole page."""
    environment = {**read_environment(KUBEFLOW), **read_environment(LOCAL)}
    lines = [HEADER, *_render_section(PipelineConfig, "", environment)]
    return "\n".join(lines) + "\n"


def _render_section(cls: type, path: str, environment: Mapping[str, Any]) -> Iterator[str]:
    """A table of a dataclass's own keys, then the sections below it."""
    hints = typing.get_type_hints(cls)
    docs = attribute_docs(cls)
    fields = [field for field in dataclasses.fields(cls) if settings.is_key(field)]
    if path:
        yield f"## {path}\n\n{(cls.__doc__ or '').splitlines()[0]}\n"
    plain = [field for field in fields if not dataclasses.is_dataclass(hints[field.name])]
    yield "| key | type | default | |\n|---|---|---|---|"
    for field in plain:
        key = _join(path, field.name)
        default = _default(field, environment)
        yield f"| `{key}` | {settings.describe_type(hints[field.name])} | `{default}` | {docs[field.name]} |"
    yield ""
    for field in fields:
        if dataclasses.is_dataclass(hints[field.name]):
            below = environment.get(field.name, {})
            yield from _render_section(hints[field.name], _join(path, field.name), below)
        elif entry := _dataclass_of_entries(hints[field.name]):
            yield from _render_section(entry, _join(path, field.name, "NAME"), {})


def _dataclass_of_entries(hint: Any) -> type | None:
    """What stands at each name of a Mapping, where that is a section of its own."""
    entry = typing.get_args(hint)[-1] if typing.get_origin(hint) is Mapping else None
    return entry if dataclasses.is_dataclass(entry) and isinstance(entry, type) else None


def _join(*keys: str) -> str:
    return ".".join(filter(None, keys))


def _default(field: dataclasses.Field[Any], environment: Mapping[str, Any]) -> str:
    """The default as YAML has it; what local.yaml gives where it gives one."""
    if field.name in environment:
        value = _plain(environment[field.name])
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        value = field.default
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(str, value))}]"
    if value is dataclasses.MISSING:
        return "must be given"
    return str(value) if value != "" else '""'


def _plain(value: settings.Tree | settings.Leaf) -> Any:
    return value.value if isinstance(value, settings.Leaf) else {k: _plain(v) for k, v in value.items()}


if __name__ == "__main__":
    print(render(), end="")
