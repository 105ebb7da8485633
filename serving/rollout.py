"""Moves the labels of a served model from version to version, by TensorFlow Serving's two-step rule.

A label can only move to a version that is loaded already. So each move first has the servers load the version
beside the others, waits until all have, and only then moves the label. Interrupted anywhere, a move is run
again and goes on where it stopped.
Source: https://www.tensorflow.org/tfx/serving/serving_config, "Assigning string labels to model versions".
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Mapping

from components.errors import ConfigError, ServingError
from serving.config_store import AuditLine, ConfigStore, Content
from serving.model_config import ModelConfig, choose_kept
from serving.server_group import ServerGroup

STABLE, CANARY = "stable", "canary"
PROMOTE, ROLL_BACK, PIN, CANARY_ACTION = "promote", "rollback", "pin", "canary"
NUM_KEPT = 3


@dataclasses.dataclass(frozen=True)
class Change:
    """Who changes something, and why; for the audit.

    Attributes:
      actor: user@host, or what was given.
      reason: free text.
    """

    actor: str
    reason: str = ""


class Rollout:
    """The versions and labels of one model, in a store that servers follow."""

    def __init__(
        self,
        store: ConfigStore,
        servers: ServerGroup,
        check: Callable[[int], None],
        change: Change,
        num_kept: int = NUM_KEPT,
    ) -> None:
        """Prepares it.

        Args:
          store: the configuration.
          servers: those that follow it.
          check: raises unless a version may be promoted.
          change: who changes it.
          num_kept: versions that stay loaded, the labelled ones among them.
        """
        self._store = store
        self._servers = servers
        self._check = check
        self._change = change
        self._num_kept = num_kept

    def start_canary(self, version: int) -> None:
        """Lets `canary` name a version, beside `stable`.

        Raises:
          MarketcastError: the version is not blessed or does not load, or the store refuses.
        """
        with self._store.hold():
            self._check(version)
            self._load(CANARY_ACTION, version)
            self._move(CANARY_ACTION, {CANARY: version})

    def promote(self, version: int | None = None) -> int:
        """Lets `stable` name a version; by default the canary.

        Returns:
          The version.
        Raises:
          MarketcastError: there is no canary, the version is not blessed or does not load, or the store
            refuses.
        """
        with self._store.hold():
            if version is None:
                version = self._read()[1].labels.get(CANARY)
            if version is None:
                raise ConfigError(
                    f"a promotion must name a version, or there must be a {CANARY}, got neither; see "
                    "`marketcast rollout status`"
                )
            self._check(version)
            self._load(PROMOTE, version)
            self._move(PROMOTE, {STABLE: version}, leaving={CANARY: version})
            self._retire(PROMOTE, version)
        return version

    def roll_back(self) -> int:
        """Lets `stable` name the version that it named before.

        Returns:
          That version.
        Raises:
          MarketcastError: there was none before, it does not load, or the store refuses.
        """
        with self._store.hold():
            content, config = self._read()
            version = find_previous(content.audit, config.labels.get(STABLE))
            if version is None:
                raise ConfigError(
                    f"{self._store.origin} must have an earlier {STABLE} version in its audit, got none; "
                    "name one with `marketcast rollout promote VERSION`"
                )
            self._load(ROLL_BACK, version)
            self._move(ROLL_BACK, {STABLE: version})
        return version

    def pin(self, version: int) -> None:
        """Serves just one version, as `stable`, until the next promotion.

        Raises:
          MarketcastError: the version is not blessed or does not load, or the store refuses.
        """
        with self._store.hold():
            self._check(version)
            self._load(PIN, version)
            self._move(PIN, {STABLE: version}, leaving=self._read()[1].labels)
            content, config = self._read()
            if config.versions != (version,):
                self._write(content, config, config.replace([version], {STABLE: version}), PIN, "versions")

    def _load(self, action: str, version: int) -> None:
        """Step one: has every server load a version, and waits for it; if one does not, all is as before."""
        content, config = self._read()
        served = self._list_served(config)
        changed = config.replace({*served, version}, config.labels)
        if config.versions is None or version not in served:
            self._write(content, config, changed, action, "versions")
        try:
            self._servers.await_available(version)
        except ServingError:
            if version not in served:
                content, now = self._read()
                self._write(content, now, now.replace(served, now.labels), action, "versions taken back")
            raise

    def _move(self, action: str, labels: Mapping[str, int], leaving: Mapping[str, int] | None = None) -> None:
        """Step two: moves labels, and waits until every server answers by them.

        Args:
          action: for the audit.
          labels: label -> the version it is to name.
          leaving: label -> version; such a label is taken away if it names that version.
        """
        content, config = self._read()
        stay = {
            label: version
            for label, version in config.labels.items()
            if (leaving or {}).get(label) != version or label in labels
        }
        changed = config.replace(config.versions or (), {**stay, **labels})
        if changed.labels != config.labels:
            self._write(content, config, changed, action, next(iter(labels)))
        for label, version in labels.items():
            self._servers.await_label(label, version)

    def _retire(self, action: str, version: int) -> None:
        """Step three: lets go of the oldest versions; labelled ones and the one before this stay."""
        content, config = self._read()
        served = config.versions or ()
        previous = find_previous(content.audit, version)
        needed = {*config.labels.values(), *([previous] if previous is not None else [])}
        kept = choose_kept(served, needed, self._num_kept)
        if kept != list(served):
            self._write(content, config, config.replace(kept, config.labels), action, "versions retired")

    def _list_served(self, config: ModelConfig) -> set[int]:
        """The versions that are served now, whatever the policy."""
        if config.versions is not None:
            return set(config.versions)
        return self._servers.list_available() | set(config.labels.values())

    def _read(self) -> tuple[Content, ModelConfig]:
        content = self._store.read()
        return content, ModelConfig(content.text, self._servers.model_name, self._store.origin)

    def _write(
        self, content: Content, before: ModelConfig, after: ModelConfig, action: str, what: str
    ) -> None:
        """Stores a change with its audit line."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        line = {
            "time": now,
            "actor": self._change.actor,
            "reason": self._change.reason,
            "action": action,
            "model": self._servers.model_name,
            "changed": what,
            "from": before.labels.get(what) if what in after.labels else list(before.versions or ()),
            "to": after.labels.get(what) if what in after.labels else list(after.versions or ()),
            "config_before": before.fingerprint,
            "config_after": after.fingerprint,
        }
        self._store.write(content, after.text, line)
        self._servers.tell(f"{action}: {what} {line['from'] or 'none'} -> {line['to']}")


def find_previous(audit: Iterable[AuditLine], stable: int | None) -> int | None:
    """The version that `stable` named before it named this one; None where the audit knows none.

    A move back is no move forward: after a rollback from 3 to 2 the version before 2 is what it was, and
    not 3.
    """
    before: dict[int, int | None] = {}
    for line in audit:
        if line.get("changed") == STABLE and line.get("action") != ROLL_BACK:
            before[line["to"]] = line["from"]
    return None if stable is None else before.get(stable)
