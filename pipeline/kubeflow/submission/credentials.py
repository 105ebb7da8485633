"""Who the caller is: a token out of the environment or a file, never out of the command line.

A message names where a token came from, never the token.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
from typing import Any

from components.errors import ConfigError

TOKEN_VARIABLE = "KFP_TOKEN"
IN_CLUSTER_VARIABLE = "KF_PIPELINES_SA_TOKEN_PATH"
IN_CLUSTER_FILE = "/var/run/secrets/kubeflow/pipelines/token"
"""Where the token for KFP is mounted in a pod. Source: kfp.client, KF_PIPELINES_SA_TOKEN_PATH."""

_TOKEN = re.compile(r"[!-~]+")


@dataclasses.dataclass(frozen=True)
class FileToken:
    """A token read anew for each request: files in a pod are renewed while a run is watched.

    kfp.Client takes any object with this hook. kfp's own ServiceAccountTokenVolumeCredentials does the same
    without a look at the content, and a line break in it ends in an error that shows the token.

    Attributes:
      path: file that holds the token alone.
      flag: what made us read it, for messages.
    """

    path: str
    flag: str

    def refresh_api_key_hook(self, configuration: Any) -> None:
        """Puts the token into the configuration of kfp's HTTP client."""
        configuration.api_key["authorization"] = self.read()

    def read(self) -> str:
        """Reads the token.

        Raises:
          ConfigError: the file cannot be read, or holds no token.
        """
        try:
            text = pathlib.Path(self.path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "bytes that are no text"
            raise ConfigError(
                f"{self.flag} must lead to a file with a token, got '{self.path}' ({reason}); check the path"
            ) from None
        return check_token(text, f"'{self.path}'")


def find_credentials(token_file: str, in_cluster: bool) -> FileToken | str:
    """Finds out how the caller proves itself: a file's token, a token, or an empty text for nothing.

    Args:
      token_file: path that --token-file gave; empty for none.
      in_cluster: whether --in-cluster was given.
    Raises:
      ConfigError: both were given, or the file holds no token.
    """
    if token_file and in_cluster:
        raise ConfigError("--token-file must be given without --in-cluster, got both; leave one out")
    if token_file or in_cluster:
        path = token_file or os.environ.get(IN_CLUSTER_VARIABLE) or IN_CLUSTER_FILE
        credentials = FileToken(path, "--token-file" if token_file else "--in-cluster")
        credentials.read()
        return credentials
    token = os.environ.get(TOKEN_VARIABLE, "")
    return check_token(token, TOKEN_VARIABLE) if token.strip() else ""


def check_token(text: str, place: str) -> str:
    """The token in a text, without white space around it.

    Raises:
      ConfigError: it is empty, or has what no HTTP header can carry.
    """
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        got = "nothing" if not token else "something with spaces, line breaks or other characters"
        raise ConfigError(f"{place} must hold a token in one word, got {got}; write the token alone")
    return token
