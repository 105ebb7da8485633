"""What may keep a version from being mirrored."""

from __future__ import annotations

from components.errors import ServingError


class SyncError(ServingError):
    """Something is not as it must be.

    Attributes:
      reason: one of REASONS; a label of the metrics.
    """

    reason = "source"


class SourceError(SyncError):
    """The source cannot be read."""


class EmptySourceError(SyncError):
    """The source can be read and has no version: a wrong prefix, or nothing was pushed yet."""

    reason = "empty"


class VersionError(SyncError):
    """One version cannot be had; others can."""


class DamagedVersionError(VersionError):
    """A version is not what its manifest says; it must never be served."""

    reason = "damaged"


class MissingVersionError(VersionError):
    """A version that is named has not been pushed."""

    reason = "missing"


class ForeignVersionError(VersionError):
    """The target has a folder of this number that no sync and no push has made."""

    reason = "foreign"


class TargetError(SyncError):
    """The target cannot be read or written."""

    reason = "target"


class WantedError(SyncError):
    """It cannot be said which versions the servers name."""

    reason = "config"


class IncompleteVersionError(VersionError):
    """A version is still being pushed; no failure, time mends it."""

    reason = "incomplete"


REASONS = tuple(
    kind.reason
    for kind in (
        SourceError,
        EmptySourceError,
        DamagedVersionError,
        MissingVersionError,
        ForeignVersionError,
        TargetError,
        WantedError,
    )
)
"""The reasons that count as failures."""
COSTLY_REASONS = (SourceError.reason, DamagedVersionError.reason, TargetError.reason)
"""Those after which another try costs something, and is put off longer and longer."""
