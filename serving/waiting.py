"""The wait for a server that has loaded a version of the model."""

from __future__ import annotations

from collections.abc import Sequence

from components.errors import ServingError
from serving.answers import AVAILABLE, VersionStatus, describe_statuses, find_available
from serving.call_error import DEADLINE_EXCEEDED, INVALID_ARGUMENT, NOT_FOUND, UNAVAILABLE, CallError
from serving.client_config import ClientConfig
from serving.inquiry import Deadline

PAUSE_SECONDS = 0.1
_NOT_YET = (UNAVAILABLE, NOT_FOUND, DEADLINE_EXCEEDED)


class Wait:
    """Remembers why the version is not there yet."""

    def __init__(self, config: ClientConfig, timeout_seconds: float) -> None:
        """Starts the time.

        Args:
          config: who is asked.
          timeout_seconds: limit of the wait.
        """
        self.deadline = Deadline(timeout_seconds)
        self._config = config
        self._reason = "no answer"

    def find(self, statuses: Sequence[VersionStatus]) -> int | None:
        """The version that would answer, if there is one: the one of the config, or the newest."""
        self._reason = describe_statuses(statuses)
        wanted = self._config.version
        if wanted is None:
            return find_available(statuses)
        return wanted if any(s.version == wanted and s.state == AVAILABLE for s in statuses) else None

    def excuse(self, error: CallError) -> None:
        """Passes over an error that time may mend.

        Raises:
          CallError: the error, if it is of another kind.
        """
        # Of a label that no version has yet, TensorFlow Serving says that the argument is invalid.
        may_mend = (*_NOT_YET, INVALID_ARGUMENT) if self._config.label else _NOT_YET
        if error.code not in may_mend:
            raise error
        if error.code != DEADLINE_EXCEEDED:  # The last look is cut short; what came before it says more.
            self._reason = error.details or error.code

    def pause_seconds(self) -> float:
        """How long to sleep before the next look."""
        return min(PAUSE_SECONDS, self.deadline.left())

    def give_up(self) -> ServingError:
        """The error for a wait that was in vain; says what the server answered last."""
        config = self._config
        version = ""
        if config.label:
            version = f" with the label {config.label}"
        elif config.version is not None:
            version = f" {config.version}"
        return ServingError(
            f"{config.address} must have a version{version} of {config.model_name} within "
            f"{self.deadline.seconds:g} s, got: {self._reason}; look at the server's log"
        )
