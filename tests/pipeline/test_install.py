"""The set-up: what it depends on, what it hands to uv, and the two locks."""

import ast
import importlib.util
import pathlib
import re
import sys

import pytest

from pipeline import install, platform_probe

ROOT = pathlib.Path(__file__).parent.parent.parent
LOCKS = [install.lock_file(name) for name in platform_probe.PYTHONS]
CHOICE = platform_probe.Choice(
    "wide", platform_probe.Interpreter("/usr/bin/python3.11", (3, 11, 2), True, True), ""
)
ENVIRONMENT = ("UV_DEFAULT_INDEX", "SSL_CERT_FILE", "PIP_INDEX_URL", "PIP_CERT")


@pytest.fixture(name="checkout")
def fixture_checkout(tmp_path, monkeypatch):
    (tmp_path / "requirements").mkdir()
    for name in ("requirements/wide.txt", "pyproject.toml", "setup.py"):
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["requirements/wide.txt", "pyproject.toml", "setup.py"])
def test_the_state_changes_with_each_file(checkout, name):
    before = install.state(CHOICE)
    assert install.state(CHOICE) == before
    (checkout / name).write_text("something else")
    assert install.state(CHOICE) != before


def test_the_state_changes_with_python_and_place(checkout, monkeypatch):
    before = install.state(CHOICE)
    newer = CHOICE.interpreter._replace(version=(3, 11, 9))
    assert install.state(CHOICE._replace(interpreter=newer)) != before
    (checkout / "moved").mkdir()
    for name in ("requirements", "pyproject.toml", "setup.py"):
        (checkout / name).rename(checkout / "moved" / name)
    monkeypatch.chdir("moved")
    assert install.state(CHOICE) != before


def test_a_torn_stamp_counts_as_none(checkout):
    assert install.read_stamp() == {}
    install.VENV.mkdir()
    install.STAMP.write_text('{"set": "wi')
    assert install.read_stamp() == {}


@pytest.mark.parametrize("package", ["tensorflow", "tfx", "apache_beam", "numpy"])
def test_the_packages_are_compiled(package):
    source = importlib.util.find_spec(package).origin
    assert pathlib.Path(importlib.util.cache_from_source(source)).is_file()


def test_pips_index_and_certificates_reach_uv(monkeypatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("PIP_CERT", "/etc/company's.pem")
    handed = install.uv_environment(sys.executable)
    assert handed["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert handed["SSL_CERT_FILE"] == "/etc/company's.pem"


def test_what_the_user_set_for_uv_stays(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://other.example/simple")
    assert "UV_DEFAULT_INDEX" not in install.uv_environment(sys.executable)


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_a_lock_pins_everything_and_names_no_host(lock):
    lines = [line for line in (ROOT / lock).read_text().splitlines() if not line.lstrip().startswith("#")]
    assert lines
    for line in lines:
        assert re.fullmatch(r"[\w.-]+==[\w.+!-]+( ; python_full_version .*)?", line), line


@pytest.mark.parametrize("name", ["Makefile", "pyproject.toml", "requirements", ".ci/run"])
def test_set_up_files_name_no_host(name):
    path = ROOT / name
    for file in path.iterdir() if path.is_dir() else [path]:
        assert "://" not in file.read_text(), file


def test_the_lock_holds_the_uv_that_installs_it():
    for lock in LOCKS:
        assert re.fullmatch(r"uv==[\d.]+", install.pinned("uv", ROOT / lock))


@pytest.mark.parametrize("module", [install, platform_probe], ids=lambda module: module.__name__)
def test_an_old_python_can_read_the_set_up_and_needs_no_package_for_it(module):
    tree = ast.parse(pathlib.Path(module.__file__).read_text(), feature_version=(3, 7))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names | {"pipeline"}
