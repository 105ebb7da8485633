"""A rollout's surroundings: versions with records, a models.config, and a server that follows it."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re

from components import contract
from components.push import manifest
from serving.client import ForecastClient
from serving.config_store import AUDIT_KEY, FileStore
from serving.rollout_command import RolloutOptions, make_rollout
from tests.serving.conftest import push, serving
from tests.serving.sample_bars import make_frame

POLL_SECONDS = 0.05


def push_with_record(exported, version, base_path, is_blessed=True) -> pathlib.Path:
    """Pushes a version whose record tells the gate's verdict."""
    folder = push(exported, version, base_path)
    reasons = [] if is_blessed else ["skill_ewma_h1 must be above 0, got -0.02"]
    record = {
        "push": {"version": version, "time": "2026-01-02T03:04:05+00:00"},
        "verdict": {"blessed": is_blessed, "reasons": reasons},
        "metrics": {"skill_ewma_h1": 0.0134},
    }
    (folder / contract.ASSETS_EXTRA / contract.RECORD_FILE).write_text(json.dumps(record))
    manifest.write_manifest(str(folder))
    return folder


class Scene:
    """A folder with versions and their models.config, and what a server that follows it answers."""

    def __init__(self, exported, folder: pathlib.Path) -> None:
        self.exported = exported
        self.base_path = folder / contract.MODEL_NAME
        self.base_path.mkdir()
        self.config_file = folder / "models.config"
        self.notes: list[str] = []
        self.address = ""

    def push(self, version: int, is_blessed: bool = True) -> pathlib.Path:
        return push_with_record(self.exported, version, self.base_path, is_blessed)

    def configure(self, versions=(), labels=None, other: str = "") -> None:
        """Writes models.config; without versions the policy is the servers' default, the newest one."""
        policy = "".join(f" versions: {version}" for version in versions)
        policy = f"model_version_policy {{ specific {{ {policy} }} }}" if versions else ""
        named = "".join(
            f" version_labels {{ key: '{key}' value: {value} }}" for key, value in (labels or {}).items()
        )
        self.config_file.write_text(
            f"model_config_list {{ config {{ name: '{contract.MODEL_NAME}' base_path: '{self.base_path}' "
            f"model_platform: 'tensorflow' {policy} {named} }} {other} }}"
        )

    @contextlib.contextmanager
    def serve(self, poll_seconds: float = POLL_SECONDS):
        """A server that follows models.config; with zero it reads the file once."""
        flags = {
            "model_config_file": str(self.config_file),
            "model_config_file_poll_wait_seconds": poll_seconds,
            "allow_version_labels_for_unavailable_models": True,
        }
        with serving(self.base_path, **flags) as server:
            self.address = server.address
            yield server

    def options(self, **changes) -> RolloutOptions:
        given = {
            "config_file": str(self.config_file),
            "addresses": (self.address,),
            "timeout_seconds": 20.0,
            "actor": "ann@desk",
            "reason": "because",
        }
        return RolloutOptions(**{**given, **changes})

    def rollout(self, **changes):
        return make_rollout(self.options(**changes), self)

    def write(self, text: str) -> None:
        """Takes a rollout's notes, as a stream does."""
        self.notes.append(text)

    def flush(self) -> None:
        """As a stream has it."""

    def ask(self, label: str = "") -> str:
        """The model version that answers, by a label or by default."""
        with ForecastClient(self.address, label=label) as client:
            return str(client.forecast(make_frame(1)).model_version)

    def states(self) -> dict[int, str]:
        with ForecastClient(self.address) as client:
            return {status.version: status.state for status in client.status()}

    def audit(self):
        return FileStore(str(self.config_file)).read().audit

    def steps(self) -> list[tuple[str, str, object, object]]:
        """The audit, as (action, what changed, from, to)."""
        return [(line["action"], line["changed"], line["from"], line["to"]) for line in self.audit()]

    def configured(self) -> tuple[list[int], dict[str, int]]:
        """Versions and labels of models.config, read without the code under test."""
        text = self.config_file.read_text()
        versions = [int(number) for number in re.findall(r"versions: (\d+)", text)]
        labels = re.findall(r'key: "(\w+)"\s+value: (\d+)', text)
        return versions, {label: int(version) for label, version in labels}

    @property
    def audit_file(self) -> pathlib.Path:
        return self.config_file.with_name(AUDIT_KEY)
