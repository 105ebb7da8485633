"""The files that the server's flags name, in protobuf's text format."""

from __future__ import annotations

import pathlib
from typing import Any, TypeVar

from google.protobuf import text_format

from components.errors import ConfigError

Message = TypeVar("Message", bound=Any)


def read_message(flag: str, path: str, message: Message) -> Message:
    """Fills a message from a file.

    Args:
      flag: its name, for the error.
      path: the file's.
      message: an empty one; the file says its fields.
    Returns:
      The message.
    Raises:
      ConfigError: the file cannot be read, or is not that message in text format.
    """
    kind = message.DESCRIPTOR.name
    try:
        return text_format.Parse(pathlib.Path(path).read_text(encoding="utf-8"), message)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"--{flag} must name a file that can be read, got {error}; check the path"
        ) from error
    except text_format.ParseError as error:
        raise ConfigError(
            f"--{flag} must hold a {kind} in protobuf's text format, got {path}:{error}; mend that line"
        ) from error
