"""What the machine's pip and uv are set to, as secrets of the build: an address may hold a password."""

from __future__ import annotations

import os
import pathlib
import shlex
import subprocess
import sys
from collections.abc import Mapping

from pipeline import install

PASSED_ON = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_HTTP_TIMEOUT")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
SYSTEM_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
CERTIFICATES_INSIDE = "/run/secrets/ca_bundle"
"""Where engines mount the secret of that name."""


def read_settings() -> dict[str, str]:
    """The environment, completed by pip's configuration where this Python has pip."""
    try:
        return {**install.uv_environment(sys.executable), **os.environ}
    except subprocess.CalledProcessError:
        return dict(os.environ)


def write_secrets(folder: pathlib.Path, settings: Mapping[str, str]) -> dict[str, pathlib.Path]:
    """Writes the secrets that the Dockerfile knows.

    Args:
      folder: where to.
      settings: as read_settings returns them.
    Returns:
      The files by the secret's name; `ca_bundle` only when the machine has certificates in a file.
    """
    passed_on = {name: settings[name] for name in PASSED_ON if settings.get(name)}
    index = passed_on.get("UV_DEFAULT_INDEX") or passed_on.get("UV_INDEX_URL")
    if index:
        passed_on["PIP_INDEX_URL"] = index
    secrets = {}
    certificates = pathlib.Path(settings.get("SSL_CERT_FILE") or SYSTEM_CERTIFICATES)
    if certificates.is_file():
        secrets["ca_bundle"] = certificates
        passed_on.update(SSL_CERT_FILE=CERTIFICATES_INSIDE, PIP_CERT=CERTIFICATES_INSIDE)
    secrets["package_settings"] = folder / "package_settings"
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(passed_on.items())]
    secrets["package_settings"].write_text("".join(lines), encoding="utf-8")
    return secrets


def proxies() -> dict[str, str]:
    """Build arguments that every engine knows and keeps out of the image's history."""
    return {name: os.environ[name] for name in PROXIES if os.environ.get(name)}
