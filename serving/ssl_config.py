"""`python -m serving.ssl_config --from FOLDER --to FILE`: a mounted Secret of cert-manager as an SSLConfig.

TensorFlow Serving's --ssl_config_file holds the text of the key and the certificates itself, in protobuf's
text format, while Kubernetes mounts a Secret as files.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
from collections.abc import Sequence

from google.protobuf import text_format

from components.errors import ConfigError, MarketcastError
from serving.model_server.credentials import read_credentials
from serving.protos import server_files_pb2

KEY_FILE = "tls.key"
CERTIFICATE_FILE = "tls.crt"
AUTHORITY_FILE = "ca.crt"
"""As cert-manager names them in a Secret."""


def make_ssl_config(folder: pathlib.Path) -> str:
    """An SSLConfig, in text format, that asks clients for a certificate of the same authority.

    Raises:
      ConfigError: a file is missing or empty.
    """
    texts = {name: _read(folder / name) for name in (KEY_FILE, CERTIFICATE_FILE, AUTHORITY_FILE)}
    config = server_files_pb2.SSLConfig(
        server_key=texts[KEY_FILE],
        server_cert=texts[CERTIFICATE_FILE],
        custom_ca=texts[AUTHORITY_FILE],
        client_verify=True,
    )
    return text_format.MessageToString(config)


def write_private(text: str, target: pathlib.Path) -> None:
    """Writes a file that its owner alone may read; it appears whole, and only if a server can use it.

    Raises:
      ConfigError: it holds no key with its certificate, or cannot be written.
    """
    unfinished = target.with_name(f".{target.name}.new")
    try:
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        read_credentials(str(unfinished))
        unfinished.replace(target)
    except OSError as error:
        raise ConfigError(f"--to must be a file that can be written, got {error}; mend the mount") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _read(file: pathlib.Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"--from must have {file.name}, got {error}; mount cert-manager's Secret there"
        ) from error
    if not text.strip():
        raise ConfigError(
            f"{file} must hold PEM, got an empty file; wait for cert-manager to fill its Secret"
        )
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m serving.ssl_config", description=__doc__)
    parser.add_argument("--from", dest="folder", type=pathlib.Path, required=True, metavar="FOLDER")
    parser.add_argument("--to", dest="target", type=pathlib.Path, required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        write_private(make_ssl_config(options.folder), options.target)
    except MarketcastError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
