"""What a model sync mirrors, and how."""

from __future__ import annotations

import dataclasses
import os

from components import contract, object_store
from components.errors import ConfigError

NUM_KEPT = 3
EVERY_SECONDS = 15.0


@dataclasses.dataclass(frozen=True)
class SyncConfig:
    """What is mirrored, and how.

    Attributes:
      source: where versions are pushed to: s3://bucket/prefix, minio://bucket/prefix, gs://bucket/prefix, or
        a folder.
      target: folder that the servers read.
      num_kept: how many of the newest versions are mirrored, at least 1.
      always: versions that are mirrored beside these and never deleted.
      models_config: the servers' models.config; what it names is like `always`. Empty for none.
      model_name: the model there.
      endpoint: URL of the S3 or MinIO service; empty takes the environment's.
      is_once: one round, then the end; otherwise until a signal.
      every_seconds: between two rounds, above 0.
      metrics_port: of /metrics and /healthz, 0 for any free one; None for neither.
    """

    source: str
    target: str
    num_kept: int = NUM_KEPT
    always: tuple[int, ...] = ()
    models_config: str = ""
    model_name: str = contract.MODEL_NAME
    endpoint: str = ""
    is_once: bool = False
    every_seconds: float = EVERY_SECONDS
    metrics_port: int | None = None

    def __post_init__(self) -> None:
        is_url = "://" in self.source
        if not self.source or (is_url and not object_store.is_url(self.source)):
            raise ConfigError(
                f"--from must be {'://BUCKET/PREFIX, '.join(object_store.SCHEMES)}://BUCKET/PREFIX or a "
                f"folder, got {self.source!r}; mend it"
            )
        if not self.target or "://" in self.target:
            raise ConfigError(f"--to must be a local folder, got {self.target!r}; mount it and give its path")
        if not is_url and os.path.realpath(self.source) == os.path.realpath(self.target):
            raise ConfigError(f"--to must be another folder than --from, got {self.target} for both; mend it")
        if self.num_kept < 1:
            raise ConfigError(f"--keep must be at least 1, got {self.num_kept}; keep more")
        if not self.every_seconds > 0:
            raise ConfigError(f"--every must be above 0, got {self.every_seconds:g}; wait longer")
