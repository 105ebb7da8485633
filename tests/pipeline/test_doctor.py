"""The doctor: each thing that is missing, with how to mend it."""

import importlib.metadata
import json

import pytest

from pipeline import doctor, platform_probe
from tests.pipeline.test_platform_probe import BARE_312, PYTHON_311, machine


def find(where, monkeypatch):
    monkeypatch.setattr(doctor, "IMPORTS", ("json",))
    return {finding.name: finding for finding in doctor.find_all(where)}


def test_what_is_missing_is_named_with_its_package(monkeypatch):
    findings = find(machine((2, 41), BARE_312, compiler=""), monkeypatch)
    assert findings["set"].value == "current: glibc 2.41 is at least 2.39"
    assert findings["headers"] == doctor.Finding(
        "headers", f"no {platform_probe.HEADERS}", "apt-get install python3.12-dev python3.12-venv"
    )
    assert findings["compiler"] == doctor.Finding(
        "compiler", f"no {platform_probe.COMPILER}", "apt-get install g++"
    )


def test_a_machine_that_nothing_fits_is_told_at_once(monkeypatch):
    findings = find(machine(None, PYTHON_311), monkeypatch)
    assert list(findings) == ["platform"]
    assert "use the container image" in findings["platform"].remedy


def test_a_full_disk_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor, "FREE_BYTES", 10**18)
    assert "free " in find(machine((2, 36), PYTHON_311), monkeypatch)["disk"].remedy


def test_installed_versions_are_held_against_the_lock():
    click = importlib.metadata.version("click")
    good = f"# a lock\nclick=={click}\n    # via us\nold-thing==1.0 ; python_full_version < '3.0'\n"
    assert doctor.compare_with_lock(good) == doctor.Finding("packages", "1, all as locked")
    bad = doctor.compare_with_lock("click==0.0.1\nno-such-thing==1.0\n")
    assert bad.value == f"click {click} (lock: 0.0.1), no-such-thing missing (lock: 1.0)"
    assert bad.remedy == "make clean setup"


@pytest.mark.parametrize(("name", "imports"), [("json", True), ("no_such_package", False)])
def test_imports_are_tried_in_a_process_of_their_own(monkeypatch, name, imports):
    monkeypatch.setattr(doctor, "IMPORTS", (name,))
    [finding] = doctor._import_all()
    assert (finding.remedy == "") is imports
    assert imports or "No module named 'no_such_package'" in finding.value


def test_json_is_one_object_and_problems_end_with_1(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "find_all", lambda _: iter([doctor.Finding("disk", "1 GB", "free 5 GB")]))
    assert doctor.examine(as_json=True) == 1
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "findings": [{"name": "disk", "value": "1 GB", "remedy": "free 5 GB"}],
    }


def test_the_image_is_not_asked_for_what_only_a_set_up_needs(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    findings = find(machine((2, 41), BARE_312, compiler=""), monkeypatch)
    assert list(findings) == ["platform", "set", "python", "json"]
