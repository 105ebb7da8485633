"""What can go wrong between this command and KFP's API."""

from __future__ import annotations

from components.errors import MarketcastError


class SubmissionError(MarketcastError):
    """KFP cannot be used: it does not know the caller, or what answers is not KFP."""

    exit_code = 5


class UnreachableError(SubmissionError):
    """KFP does not answer, or answers that it cannot at present; later it may."""


class NoHostError(UnreachableError):
    """Nothing answers at the host's address."""


class ServerFaultError(SubmissionError):
    """KFP failed at what it was asked."""


class RefusedError(MarketcastError):
    """KFP understood and refuses what it was given."""

    exit_code = 4


class ConflictError(RefusedError):
    """What was to be created is there already."""


class MissingError(RefusedError):
    """KFP has no such thing."""


class RunFailedError(MarketcastError):
    """A run ended, and not well.

    Attributes:
      state: KFP's word for it.
    """

    def __init__(self, message: str, state: str) -> None:
        super().__init__(message)
        self.state = state
