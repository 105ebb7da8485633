"""Progress of long work, told to whoever listens; a component needs to know nothing of screens."""

from collections.abc import Callable

ProgressListener = Callable[[str, int, int], None]
"""Called with what is being done, how many units are done, and how many there are."""


def _ignore(label: str, done: int, total: int) -> None:
    """Nobody listens."""


_listener: ProgressListener = _ignore


def set_listener(listener: ProgressListener | None) -> None:
    """Sends later reports to `listener`; None silences them."""
    global _listener
    _listener = listener or _ignore


def report(label: str, done: int, total: int) -> None:
    """Reports that `done` of `total` units of the work called `label` are done."""
    _listener(label, done, total)
