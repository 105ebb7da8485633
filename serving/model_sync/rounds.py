"""One round of the sync: copies what is wanted and missing, then deletes what is no longer wanted."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Sequence

from serving.model_sync.choice import choose_deleted
from serving.model_sync.config import SyncConfig
from serving.model_sync.copying import copy_version
from serving.model_sync.metrics import SyncMetrics
from serving.model_sync.problems import (
    EmptySourceError,
    ForeignVersionError,
    IncompleteVersionError,
    MissingVersionError,
    SyncError,
    TargetError,
    VersionError,
    WantedError,
)
from serving.model_sync.source import Source, open_source
from serving.model_sync.target import State, Target, explain

_log = logging.getLogger("marketcast.sync")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a round came to.

    Attributes:
      whole: versions in the target that can be served, oldest first.
      problems: what is not as it must be; half-pushed versions among them.
    """

    whole: Sequence[int]
    problems: Sequence[SyncError]

    @property
    def reasons(self) -> list[str]:
        """Of the problems that are failures."""
        return [one.reason for one in self.problems if not isinstance(one, IncompleteVersionError)]


class Sync:
    """Mirrors one source to one target; remembers what it has verified and told."""

    def __init__(
        self,
        config: SyncConfig,
        metrics: SyncMetrics,
        read_named_versions: Callable[[str, str], set[int]],
    ) -> None:
        """Touches nothing yet.

        Args:
          config: what is mirrored.
          metrics: told of everything.
          read_named_versions: of a models.config and a model, see serving.model_sync.wanted.
        """
        self._config = config
        self._metrics = metrics
        self._read_named_versions = read_named_versions
        self._target = Target(config.target)
        self._source: Source | None = None
        self._told: set[str] = set()

    def run_round(self) -> Outcome:
        """Does what is to be done now; what goes wrong stands in the outcome and, once, in the log."""
        problems: list[SyncError] = []
        whole: list[int] = []
        try:
            with self._target.hold(self._metrics.beat), explain(self._target.path):
                self._mirror(problems)
        except SyncError as error:
            problems.append(error)
        try:
            with explain(self._target.path):
                whole = self._target.find_whole()
        except TargetError as error:
            problems.append(error)
        outcome = Outcome(whole, problems)
        self._tell(problems)
        self._metrics.observe_round(whole, outcome.reasons, len(problems) - len(outcome.reasons))
        return outcome

    def _mirror(self, problems: list[SyncError]) -> None:
        """Does the round under the lock; appends what concerns one version, raises what concerns all."""
        self._source = self._source or open_source(self._config.source, self._config.endpoint)
        listed = self._source.list_versions()
        self._metrics.observe_source(listed)
        if not listed:
            raise EmptySourceError(
                f"{self._config.source} must hold versions, got none; push one, or check the prefix"
            )
        named = self._find_named(problems)
        always = {*self._config.always, *(named or ())}
        self._target.remove_leftovers(listed)
        to_resume = self._copy(self._source, listed, always, problems)
        self._target.remove_leftovers(to_resume)
        if named is not None:
            self._delete(listed, always)

    def _find_named(self, problems: list[SyncError]) -> set[int] | None:
        """The versions that the servers name; None where that cannot be said, and nothing may go."""
        if not self._config.models_config:
            return set()
        try:
            return self._read_named_versions(self._config.models_config, self._config.model_name)
        except WantedError as error:
            problems.append(error)
            return None

    def _copy(
        self, source: Source, listed: Sequence[int], always: set[int], problems: list[SyncError]
    ) -> set[int]:
        """Copies the named versions, and of the newest that can be had as many as are kept.

        Returns:
          Those that are wanted and could not be copied.
        """
        states = self._target.scan()
        problems += [
            MissingVersionError(
                f"version {version} that a server may name must be in {self._config.source}, got no such "
                "version; push it, or name another"
            )
            for version in sorted(always - set(listed))
            if states.get(version) is not State.WHOLE
        ]
        failed, num_newest = set(), 0
        for version in sorted(listed, reverse=True):
            if num_newest < self._config.num_kept or version in always:
                try:
                    self._ensure(source, version, states.get(version))
                    num_newest += 1
                except VersionError as error:
                    problems.append(error)
                    failed.add(version)
        return failed

    def _ensure(self, source: Source, version: int, state: State | None) -> None:
        """Sees to it that a version is in the target."""
        if state is State.WHOLE:
            return
        if state is State.FOREIGN:
            raise ForeignVersionError(
                f"{self._target.path / str(version)} must be a version with its manifest, got one without; "
                "it is left alone, move it away"
            )
        start = time.monotonic()
        copy_version(source, self._target, version, self._metrics.observe_bytes)
        seconds = time.monotonic() - start
        _log.info("version %d is in place after %.1f s", version, seconds, extra={"version": version})

    def _delete(self, listed: Sequence[int], always: set[int]) -> None:
        states = self._target.scan()
        ours = [version for version, state in states.items() if state is not State.FOREIGN]
        whole = [version for version, state in states.items() if state is State.WHOLE]
        for version in choose_deleted(ours, whole, listed, always, self._config.num_kept):
            self._target.delete(version)
            self._metrics.observe_deletion()
            _log.info("version %d is deleted", version, extra={"version": version})

    def _tell(self, problems: Sequence[SyncError]) -> None:
        """Logs what was not so at the round before."""
        messages = {str(one) for one in problems}
        for one in problems:
            if str(one) not in self._told:
                level = logging.INFO if isinstance(one, IncompleteVersionError) else logging.ERROR
                _log.log(level, "%s", one)
        if self._told and not messages:
            _log.info("all is well again")
        self._told = messages
