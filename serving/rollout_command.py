"""What `marketcast rollout` does: finds store, servers and records, and prints how all stands."""

from __future__ import annotations

import dataclasses
import getpass
import json
import os
import shutil
import socket
from typing import Any, TextIO

import rich.box
import rich.console
import rich.table

from components import contract
from components.errors import ConfigError, MarketcastError, ServingError
from components.push import publish
from serving import blessing
from serving.config_store import ConfigStore, FileStore
from serving.connection_flags import ConnectionFlags
from serving.model_config import ModelConfig, choose_kept
from serving.rollout import NUM_KEPT, Change, Rollout
from serving.server_group import ServerGroup, find_addresses

TIMEOUT_SECONDS = 180.0
"""A kubelet brings a changed ConfigMap into its pods within a minute or two."""
PLAIN_WIDTH = 120
NUM_AUDIT_LINES = 3


@dataclasses.dataclass(frozen=True)
class RolloutOptions:
    """Where everything is.

    Attributes:
      config_file: the servers' models.config; or, instead,
      config_map: a ConfigMap with that key, and its
      namespace and context: empty for those of the kubeconfig.
      addresses: host:port of each server, or dns:///name:port for all of a name.
      connection: certificates and token for them.
      model_name: what clients call the model.
      model_base_path: folder of the versions as seen from here; empty takes the configuration's.
      record: a copy of the record.json of the version that is to be promoted, where its folder cannot be
        seen from here.
      num_kept: versions that stay.
      timeout_seconds: how long the servers may take to follow.
      actor: who does it; empty takes user@host.
      reason: why, for the audit.
    """

    config_file: str = ""
    config_map: str = ""
    namespace: str = ""
    context: str = ""
    addresses: tuple[str, ...] = ()
    connection: ConnectionFlags = dataclasses.field(default_factory=ConnectionFlags)
    model_name: str = contract.MODEL_NAME
    model_base_path: str = ""
    record: str = ""
    num_kept: int = NUM_KEPT
    timeout_seconds: float = TIMEOUT_SECONDS
    actor: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if bool(self.config_file) == bool(self.config_map):
            raise ConfigError(
                "a rollout must be given --config-file or --config-map, got "
                f"{'both' if self.config_file else 'neither'}; name the one that the servers follow"
            )
        if self.num_kept < 1:
            raise ConfigError(f"--keep must be at least 1, got {self.num_kept}; keep the stable version")


def make_rollout(options: RolloutOptions, notes: TextIO) -> Rollout:
    """The rollout that the options describe; `notes` gets a line for each step."""
    actor = options.actor or f"{getpass.getuser()}@{socket.gethostname()}"
    store = _make_store(options)

    def check(version: int) -> None:
        blessing.check_blessed(_read_version(options, store, version))

    return Rollout(
        store, _make_servers(options, notes), check, Change(actor, options.reason), options.num_kept
    )


def show_status(options: RolloutOptions, output: TextIO, as_json: bool) -> None:
    """Prints each version: where it is loaded, its labels, and what its record says.

    Raises:
      MarketcastError: the configuration cannot be read, or a server cannot be reached.
    """
    store = _make_store(options)
    content = store.read()
    config = ModelConfig(content.text, options.model_name, store.origin)
    servers = find_addresses(options.addresses)
    states = _make_servers(options, output).states()
    base_path = options.model_base_path or config.base_path
    numbers = {*(config.versions or ()), *config.labels.values(), *publish.list_versions(base_path)}
    numbers |= {version for found in states.values() for version in found}
    rows = [_describe(version, config, states, base_path) for version in sorted(numbers, reverse=True)]
    if as_json:
        described = {
            "config": store.origin,
            "model": options.model_name,
            "versions": rows,
            "audit": list(content.audit),
        }
        json.dump(described, output, indent=1)
        output.write("\n")
        return
    _print(rows, servers, content.audit, output)


def prune(options: RolloutOptions, is_meant: bool, output: TextIO) -> None:
    """Deletes the folders of old versions that nobody serves; or tells which it would delete.

    The newest ones stay, so many in all, and every version that the configuration names.

    Raises:
      ConfigError: the folder of the versions cannot be seen from here.
    """
    store = _make_store(options)
    with store.hold():
        config = ModelConfig(store.read().text, options.model_name, store.origin)
        base_path = options.model_base_path or config.base_path
        present = publish.list_versions(base_path)
        if not present:
            raise ConfigError(
                f"--model-base-path must hold versions, got none under {base_path}; name their folder as "
                "seen from here"
            )
        needed = {*(config.versions or ()), *config.labels.values()}
        leaving = [v for v in present if v not in choose_kept(present, needed, options.num_kept)]
        for version in leaving:
            if is_meant:
                _delete(base_path, version)
            output.write(
                f"{'deleted' if is_meant else 'would delete'} {os.path.join(base_path, str(version))}\n"
            )
    if leaving and not is_meant:
        output.write("nothing is deleted yet; add --yes\n")
    elif not leaving:
        output.write("nothing to delete\n")


def _delete(base_path: str, version: int) -> None:
    """Takes a version away at once, then its files: no server ever sees half of it."""
    hidden = os.path.join(base_path, f".deleting-{version}")
    os.rename(os.path.join(base_path, str(version)), hidden)
    shutil.rmtree(hidden)


def _make_store(options: RolloutOptions) -> ConfigStore:
    if options.config_file:
        return FileStore(options.config_file)
    from serving.config_map_store import ConfigMapStore

    return ConfigMapStore(options.config_map, options.namespace, options.context)


def _make_servers(options: RolloutOptions, notes: TextIO) -> ServerGroup:
    def tell(line: str) -> None:
        notes.write(f"{line}\n")
        notes.flush()

    addresses = find_addresses(options.addresses)
    return ServerGroup(addresses, options.model_name, options.timeout_seconds, tell, options.connection)


def _read_version(options: RolloutOptions, store: ConfigStore, version: int) -> blessing.PushedVersion:
    """What is known of a version that is to be promoted."""
    if options.record:
        return blessing.read_record(options.record, version)
    base_path = options.model_base_path
    if not base_path:
        base_path = ModelConfig(store.read().text, options.model_name, store.origin).base_path
    if not os.path.isdir(base_path):
        raise ServingError(
            f"version {version} must be seen to be blessed, got no folder {base_path} here; give "
            "--model-base-path, or with --record a copy of the version's assets.extra/record.json"
        )
    return blessing.read_version(base_path, version)


def _describe(
    version: int, config: ModelConfig, states: dict[str, dict[int, str]], base_path: str
) -> dict[str, Any]:
    """One version as JSON types."""
    try:
        record: dict[str, Any] | None = blessing.describe(blessing.read_version(base_path, version))
        problem = ""
    except MarketcastError as error:
        record, problem = None, str(error)
    return {
        "version": version,
        "labels": [label for label, named in config.labels.items() if named == version],
        "in_config": config.versions is None or version in config.versions,
        "states": {address: found.get(version, "") for address, found in states.items()},
        "record": record,
        "problem": problem if os.path.isdir(os.path.join(base_path, str(version))) else "",
    }


def _print(rows: list[dict[str, Any]], servers: tuple[str, ...], audit: Any, output: TextIO) -> None:
    console = rich.console.Console(file=output, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    for title in ("version", "labels", *servers, "blessed", "skill", "pushed"):
        table.add_column(title)
    for row in rows:
        record = row["record"] or {}
        skill = record.get("skill")
        table.add_row(
            str(row["version"]),
            " ".join(row["labels"]),
            *(row["states"][server] for server in servers),
            "damaged" if row["problem"] else {True: "yes", False: "no", None: ""}[record.get("is_blessed")],
            "" if skill is None else f"{skill:+.2%}",
            record.get("pushed_at", ""),
        )
    console.print(table)
    for line in audit[-NUM_AUDIT_LINES:]:
        console.print(
            f"{line['time']} {line['actor']} {line['action']}: {line['changed']} "
            f"{line['from']} -> {line['to']}{'  ' + line['reason'] if line['reason'] else ''}"
        )
