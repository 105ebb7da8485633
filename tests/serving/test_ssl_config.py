"""serving.ssl_config: a Secret of cert-manager becomes the file that a server reads, over a real socket."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest

from components.errors import ConfigError
from serving import ssl_config
from serving.connect import connect
from serving.model_server.credentials import read_credentials
from serving.tls import TlsConfig
from tests.serving.certificates import Authority
from tests.serving.conftest import push, serving
from tests.serving.sample_bars import make_frame

AUTHORITY = Authority("ours")
SERVER, CLIENT = AUTHORITY.issue(), AUTHORITY.issue()


@pytest.fixture
def secret(tmp_path):
    """The folder where a Secret of cert-manager is mounted."""
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / ssl_config.KEY_FILE).write_bytes(SERVER.private_key)
    (folder / ssl_config.CERTIFICATE_FILE).write_bytes(SERVER.certificate)
    (folder / ssl_config.AUTHORITY_FILE).write_bytes(AUTHORITY.certificate)
    return folder


def run(folder, target):
    """The exit code."""
    return ssl_config.main([f"--from={folder}", f"--to={target}"])


def test_the_server_reads_it_and_nobody_else(secret, tmp_path):
    target = tmp_path / "ssl.config"
    assert run(secret, target) == 0
    assert read_credentials(str(target)) is not None
    assert stat.S_IMODE(target.stat().st_mode) == 0o400
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["ssl.config"]


def test_it_can_be_written_anew(secret, tmp_path):
    target = tmp_path / "ssl.config"
    assert run(secret, target) == run(secret, target) == 0


@pytest.mark.parametrize(
    "name", [ssl_config.KEY_FILE, ssl_config.CERTIFICATE_FILE, ssl_config.AUTHORITY_FILE]
)
def test_a_file_that_is_missing_or_empty_is_told(name, secret, tmp_path, capsys):
    target = tmp_path / "ssl.config"
    (secret / name).write_bytes(b"")
    assert run(secret, target) == ConfigError.exit_code
    (secret / name).unlink()
    assert run(secret, target) == ConfigError.exit_code
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2 and all(name in line for line in told)
    assert not target.exists()


def test_a_key_of_another_certificate_is_told_before_a_server_starts(secret, tmp_path, capsys):
    target = tmp_path / "ssl.config"
    (secret / ssl_config.KEY_FILE).write_bytes(CLIENT.private_key)
    assert run(secret, target) == ConfigError.exit_code
    [told] = capsys.readouterr().err.splitlines()
    assert "must hold a key and its certificate" in told and "PRIVATE" not in told
    assert not [file for file in tmp_path.iterdir() if file.is_file()]


def test_a_place_that_cannot_be_written_is_told(secret, tmp_path, capsys):
    assert run(secret, tmp_path / "missing" / "ssl.config") == ConfigError.exit_code
    [told] = capsys.readouterr().err.splitlines()
    assert told.startswith("error: --to must be a file that can be written")


def test_it_imports_no_tensorflow():
    code = f"import {ssl_config.__name__}, sys; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.tf
def test_a_server_with_it_lets_in_who_has_a_certificate_of_the_authority(secret, exported, tmp_path):
    base_path = tmp_path / "models"
    base_path.mkdir()
    push(exported, 1, base_path)
    target = tmp_path / "ssl.config"
    assert run(secret, target) == 0
    proof = TlsConfig(AUTHORITY.certificate, CLIENT.certificate, CLIENT.private_key)
    with (
        serving(base_path, ssl_config_file=str(target)) as server,
        connect(f"grpcs://{server.address}", tls=proof, timeout_seconds=20) as client,
    ):
        assert client.forecast(make_frame(1)).served_version == 1
