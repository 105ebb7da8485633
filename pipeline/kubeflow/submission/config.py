"""Where a package is sent and under which names; the section `submit` of the configuration."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from components.errors import ConfigError
from pipeline import settings
from pipeline.environment import KUBEFLOW, read_layers

SECTION = "submit"
HOST_VARIABLE = "KF_PIPELINES_ENDPOINT"
"""Environment variable that kfp's own tools read the host from."""

ROOT_SCHEMES = ("gs://", "s3://", "minio://")
"""What KFP's launcher can open; it refuses other roots when the first task runs."""

_KUBERNETES_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


@dataclasses.dataclass(frozen=True)
class SubmitConfig:
    """Where a package is sent and under which names.

    Attributes:
      host: URL of KFP's API, such as https://kubeflow.example.com/pipeline; empty takes the
        environment variable KF_PIPELINES_ENDPOINT.
      namespace: of the user, where KFP is installed for many users; empty where it is not.
      experiment: name that KFP groups the runs under; made if missing.
      service_account: Kubernetes service account of the tasks; empty takes KFP's own.
      pipeline_root: URI (gs://, s3:// or minio://) under which the artifacts go; empty takes KFP's own.
      ca_certificate: PEM file of the authority that signed the host's certificate; empty takes the
        public ones.
    """

    host: str = ""
    namespace: str = ""
    experiment: str = "marketcast"
    service_account: str = ""
    pipeline_root: str = ""
    ca_certificate: str = ""

    def __post_init__(self) -> None:
        self._check_host()
        for name in ("namespace", "service_account"):
            value = getattr(self, name)
            if value and not _KUBERNETES_NAME.fullmatch(value):
                raise ValueError(
                    f"{SECTION}.{name} must be a Kubernetes name (a-z, 0-9, - and .), got '{value}'; mend it"
                )
        if not self.experiment.strip():
            raise ValueError(f"{SECTION}.experiment must be a name, got ''; such as marketcast")
        if self.pipeline_root and not self.pipeline_root.startswith(ROOT_SCHEMES):
            raise ValueError(
                f"{SECTION}.pipeline_root must start with {', '.join(ROOT_SCHEMES)}, "
                f"got '{self.pipeline_root}'; KFP's launcher opens nothing else"
            )

    def _check_host(self) -> None:
        parts = urlsplit(self.host)
        if parts.username or parts.password:
            raise ValueError(
                f"{SECTION}.host must be a URL without user and password, got both in one; "
                "give a token by --token-file or KFP_TOKEN"
            )
        if self.host and (parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment):
            raise ValueError(
                f"{SECTION}.host must be a URL such as https://kubeflow.example.com/pipeline, "
                f"got '{self.host}'; take it from the browser, up to /#"
            )


def load_submit_config(file: str, overrides: Sequence[str], flags: Mapping[str, str | None]) -> SubmitConfig:
    """Reads the section `submit` alone: a mistake in another one is no business of a submit.

    Args:
      file: a YAML file over the kubeflow environment; empty for none.
      overrides: `key.path=value`, the value being YAML.
      flags: field of SubmitConfig -> what the command line gave; None and empty give nothing.
    Raises:
      ConfigError: a file, a section's name, or a key or value of this section, is wrong; or there is no
        host.
    """
    section = read_layers(file, overrides, KUBEFLOW).get(SECTION, {})
    if isinstance(section, settings.Leaf):
        if section.value is not None:
            raise ConfigError(
                f"{SECTION} must be a section with keys of its own, got {section.value!r}; "
                f"change it in {section.place}"
            )
        section = {}
    given: settings.Tree = {
        name: settings.Leaf(text, f"--{name.replace('_', '-')}") for name, text in flags.items() if text
    }
    tree = settings.merge([section, given])
    if not _text(tree.get("host")) and os.environ.get(HOST_VARIABLE):
        tree["host"] = settings.Leaf(os.environ[HOST_VARIABLE], HOST_VARIABLE)
    config = settings.build(SubmitConfig, tree, SECTION)
    if not config.host:
        raise ConfigError(
            f"{SECTION}.host must be the URL of KFP's API, got nothing; "
            f"give --host, {SECTION}.host in the configuration, or {HOST_VARIABLE}"
        )
    return config


def _text(value: settings.Tree | settings.Leaf | None) -> object:
    return value.value if isinstance(value, settings.Leaf) else value
