"""What a dataclass's docstring says of its fields, for documents and command lines."""

from __future__ import annotations

import inspect
import re


def attribute_docs(cls: type) -> dict[str, str]:
    """Returns what the `Attributes:` section of a dataclass's docstring says of each field."""
    # From Python 3.13 on the compiler itself takes the indentation off docstrings.
    section = inspect.cleandoc(cls.__doc__ or "").partition("Attributes:\n")[2]
    docs: dict[str, str] = {}
    for name, text in re.findall(r"^  (\w+): ((?:.+\n?)(?:^    .+\n?)*)", section, re.MULTILINE):
        docs[name] = " ".join(text.split())
    return docs
