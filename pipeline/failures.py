"""How a command ends badly: the error that a user can mend, found in whatever was raised; an exit code."""

from __future__ import annotations

import re

from components import errors

INTERRUPTED_EXIT_CODE = 130
"""Of a command that the user stopped: 128 and the number of SIGINT, as shells have it."""

_STEP_SUFFIX = re.compile(r" \[while running '.*?'\]")
_ERROR_LINE = re.compile(r"^(?:components\.errors\.)(\w+): (.+)$", re.MULTILINE)


def find_user_error(error: BaseException) -> errors.MarketcastError | None:
    """Looks along an error's causes for a MarketcastError.

    Beam adds the step to a message, and hands an error of a worker on as the text of its traceback.

    Args:
      error: what was raised.
    Returns:
      The error, without Beam's addition; None when it was something else.
    """
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        if isinstance(current, errors.MarketcastError):
            return type(current)(_STEP_SUFFIX.sub("", str(current)))
        if lines := _ERROR_LINE.findall(str(current)):
            name, message = lines[-1]
            kind = getattr(errors, name, None)
            if isinstance(kind, type) and issubclass(kind, errors.MarketcastError):
                return kind(_STEP_SUFFIX.sub("", message))
        current = current.__cause__ or current.__context__
    return None


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its type when it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
