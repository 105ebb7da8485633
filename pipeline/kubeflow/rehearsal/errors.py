"""What ends a rehearsal."""

from __future__ import annotations

from components.errors import MarketcastError


class TaskError(MarketcastError):
    """A task failed, or left what KFP's launcher would refuse or lose."""
