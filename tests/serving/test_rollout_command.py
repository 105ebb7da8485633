"""`marketcast rollout`, as it is typed."""

from __future__ import annotations

import json

import click.testing
import pytest

from components import contract
from components.errors import ConfigError
from pipeline.cli import main
from serving.server_group import find_addresses
from tests.serving.rollout_scene import Scene

pytestmark = pytest.mark.tf


@pytest.fixture
def scene(exported, tmp_path):
    """Version 1 is stable, 2 is blessed, 3 is not."""
    made = Scene(exported, tmp_path)
    made.push(1)
    made.push(2)
    made.push(3, is_blessed=False)
    made.configure([1], {"stable": 1})
    with made.serve():
        yield made


def call(scene, *arguments):
    given = ["rollout", *arguments, "--config-file", str(scene.config_file)]
    addresses = [] if arguments[0] == "prune" and "--address" in arguments else ["--address", scene.address]
    return click.testing.CliRunner().invoke(main, [*given, *addresses])


def test_canary_promote_and_rollback(scene):
    assert call(scene, "canary", "2").output.endswith("canary is version 2\n")
    done = call(scene, "promote", "--reason", "good bands", "--actor", "ann")
    assert (done.exit_code, done.stdout) == (0, "stable is version 2\n")
    assert call(scene, "rollback").stdout == "stable is version 1\n"
    assert scene.ask("stable") == "tiny-1"
    assert ("ann", "good bands") in {(line["actor"], line["reason"]) for line in scene.audit()}


def test_status_shows_labels_states_and_verdicts(scene):
    call(scene, "promote", "2", "--actor", "ann")
    lines = call(scene, "status").stdout.splitlines()
    rows = [line.split() for line in lines if line.strip()[:2] in ("1 ", "2 ", "3 ")]
    cells = {row[0]: row[1:] for row in rows}
    assert cells == {
        "3": ["no", "+1.34%", "2026-01-02T03:04:05+00:00"],
        "2": ["stable", "AVAILABLE", "yes", "+1.34%", "2026-01-02T03:04:05+00:00"],
        "1": ["AVAILABLE", "yes", "+1.34%", "2026-01-02T03:04:05+00:00"],
    }
    assert lines[-1].endswith("ann promote: stable 1 -> 2")


def test_status_for_machines(scene):
    found = json.loads(call(scene, "status", "--json").stdout)
    assert [row["version"] for row in found["versions"]] == [3, 2, 1]
    assert found["versions"][2]["labels"] == ["stable"]
    assert found["versions"][2]["states"] == {scene.address: "AVAILABLE"}
    assert found["versions"][0]["record"]["is_blessed"] is False
    assert found["model"] == contract.MODEL_NAME


def test_status_tells_a_damaged_version(scene):
    graph = scene.base_path / "2" / "saved_model.pb"
    graph.write_bytes(b"damaged")
    found = json.loads(call(scene, "status", "--json").stdout)
    assert "saved_model.pb" in found["versions"][1]["problem"]


def test_a_refusal_is_one_line_and_changes_nothing(scene):
    refused = call(scene, "promote", "3")
    assert refused.exit_code == 5
    assert refused.stderr.startswith("error: version 3 must be blessed to be promoted")
    assert refused.stderr.count("\n") == 1
    assert scene.audit() == ()


def test_prune_deletes_what_nobody_serves_when_it_is_meant(scene):
    scene.configure([1], {"stable": 1})
    told = call(scene, "prune", "--keep", "1")
    assert told.stdout.splitlines() == [
        f"would delete {scene.base_path}/2",
        f"would delete {scene.base_path}/3",
        "nothing is deleted yet; add --yes",
    ]
    assert sorted(path.name for path in scene.base_path.iterdir()) == ["1", "2", "3"]
    assert call(scene, "prune", "--keep", "1", "--yes").stdout.startswith("deleted ")
    assert sorted(path.name for path in scene.base_path.iterdir()) == ["1"]
    assert call(scene, "prune", "--keep", "1").stdout == "nothing to delete\n"


def test_a_rollout_needs_one_place(scene):
    for flags in ([], ["--config-file", "a", "--config-map", "b"]):
        refused = click.testing.CliRunner().invoke(main, ["rollout", "promote", "1", *flags])
        assert refused.exit_code == 4
        assert "must be given --config-file or --config-map" in refused.stderr


def test_a_rollout_needs_servers(scene):
    refused = click.testing.CliRunner().invoke(
        main, ["rollout", "promote", "2", "--config-file", str(scene.config_file)]
    )
    assert (refused.exit_code, refused.stderr) == (
        4,
        "error: --address must name a server, got none; give the host:port of each of them\n",
    )


def test_all_servers_of_a_name_are_meant():
    assert find_addresses(["dns:///localhost:8500"])[-1].endswith(":8500")
    assert find_addresses(["a:1", "b:2", "a:1"]) == ("a:1", "b:2")
    for wrong in ("dns:///no.such.name.invalid:1", "dns:///localhost"):
        with pytest.raises(ConfigError, match="--address must be a name and a port that are known"):
            find_addresses([wrong])
