"""Any edit of the code that makes artifacts changes its fingerprint, and nothing else does."""

import pytest

from components import provenance
from pipeline.code_fingerprint import fingerprint_code, fingerprint_folder


@pytest.fixture(name="package")
def fixture_package(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "model.py").write_text("units = 50\n")
    (tmp_path / "schema.pbtxt").write_text("feature {}\n")
    return tmp_path


def test_an_edit_a_new_name_and_another_version_change_it(package):
    seen = [fingerprint_folder(package, ["tfx 1"]), fingerprint_folder(package, ["tfx 2"])]
    (package / "train" / "model.py").write_text("units = 51\n")
    seen.append(fingerprint_folder(package, ["tfx 1"]))
    (package / "train" / "model.py").rename(package / "train" / "network.py")
    seen.append(fingerprint_folder(package, ["tfx 1"]))
    (package / "schema.pbtxt").write_text("feature { name: 'x' }\n")
    seen.append(fingerprint_folder(package, ["tfx 1"]))
    assert len(set(seen)) == len(seen)


def test_compiled_files_do_not(package):
    before = fingerprint_folder(package, [])
    (package / "train" / "__pycache__").mkdir()
    (package / "train" / "__pycache__" / "model.cpython-311.pyc").write_bytes(b"x")
    assert fingerprint_folder(package, []) == before


def test_the_code_at_hand_has_one():
    assert len(fingerprint_code()) == 64
    assert fingerprint_code() == fingerprint_code()


@pytest.mark.parametrize("package", ["tfx", "tfx-bsl", "pandas", "pyarrow", "exchange_calendars", "python"])
def test_a_release_of_what_the_code_stands_on_changes_it(monkeypatch, package):
    before = fingerprint_code()
    versions = provenance.list_versions()
    monkeypatch.setattr(provenance, "list_versions", lambda: versions | {package: versions[package] + ".1"})
    assert fingerprint_code() != before
