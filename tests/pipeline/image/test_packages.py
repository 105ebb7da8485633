"""The package settings of the machine on their way into the build."""

import subprocess

from pipeline.image import packages


def exported(file):
    """What a shell makes of the settings."""
    command = ["sh", "-c", f'. "{file}"; env -0']
    output = subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in output.split("\0") if "=" in line)


def test_an_index_reaches_uv_and_pip_whatever_letters_it_has(tmp_path):
    index = "https://me:it's $HOME@index.example/simple"
    secrets = packages.write_secrets(tmp_path, {"UV_DEFAULT_INDEX": index, "UV_INDEX": "", "SECRET": "x"})
    environment = exported(secrets["package_settings"])
    assert (environment["UV_DEFAULT_INDEX"], environment["PIP_INDEX_URL"]) == (index, index)
    assert not {"SECRET", "UV_INDEX"} & set(environment)


def test_certificates_go_in_as_a_file(tmp_path):
    bundle = tmp_path / "ours.pem"
    bundle.write_text("a certificate")
    secrets = packages.write_secrets(tmp_path, {"SSL_CERT_FILE": str(bundle)})
    assert secrets["ca_bundle"] == bundle
    environment = exported(secrets["package_settings"])
    assert environment["SSL_CERT_FILE"] == environment["PIP_CERT"] == "/run/secrets/ca_bundle"


def test_without_certificates_none_are_named(tmp_path):
    secrets = packages.write_secrets(tmp_path, {"SSL_CERT_FILE": str(tmp_path / "gone.pem")})
    assert list(secrets) == ["package_settings"]
    assert "SSL_CERT_FILE" not in exported(secrets["package_settings"])


def test_proxies_are_those_that_are_set(monkeypatch):
    for name in packages.PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    assert packages.proxies() == {"https_proxy": "http://proxy:3128"}
