"""What --batching_parameters_file says."""

from __future__ import annotations

import dataclasses
import os

from components.errors import ConfigError
from serving.model_server.text_files import read_message
from serving.protos import server_files_pb2

FLAG = "batching_parameters_file"


@dataclasses.dataclass(frozen=True)
class BatchingParameters:
    """How requests are joined; the defaults are TensorFlow Serving's.

    Attributes:
      max_batch_size: most rows in a batch.
      batch_timeout_micros: how long a batch waits for more rows.
      max_enqueued_batches: batches that wait for a thread, for each kind of request; more are refused.
      num_batch_threads: batches that run at the same time.
      allowed_batch_sizes: a batch is filled up to one of these sizes; rising, the last one is
        max_batch_size. Empty leaves batches as they are.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = dataclasses.field(default_factory=lambda: os.cpu_count() or 1)
    allowed_batch_sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
            if (value := getattr(self, name)) < 1:
                raise ConfigError(f"--{FLAG}: {name} must be at least 1, got {value}; mend the file")
        if self.batch_timeout_micros < 0:
            raise ConfigError(
                f"--{FLAG}: batch_timeout_micros must be zero or more, got {self.batch_timeout_micros}; "
                "mend the file"
            )
        sizes = self.allowed_batch_sizes
        if sizes and (list(sizes) != sorted(set(sizes)) or sizes[0] < 1 or sizes[-1] != self.max_batch_size):
            raise ConfigError(
                f"--{FLAG}: allowed_batch_sizes must rise from 1 or more to max_batch_size "
                f"{self.max_batch_size}, got {list(sizes)}; mend the file"
            )

    def round_up(self, num_rows: int) -> int:
        """The smallest allowed size that holds so many rows."""
        return next((size for size in self.allowed_batch_sizes if size >= num_rows), num_rows)


def read_batching_parameters(path: str) -> BatchingParameters:
    """Reads the file; an empty path gives the defaults.

    Its thread_pool_name and pad_variable_length_inputs change nothing here: rows of different lengths go
    into different batches.

    Raises:
      ConfigError: the file is missing, cannot be parsed, or says something that cannot be.
    """
    if not path:
        return BatchingParameters()
    message = read_message(FLAG, path, server_files_pb2.BatchingParameters())
    given = {
        name: getattr(message, name).value
        for name in ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
        if message.HasField(name)
    }
    return BatchingParameters(**given, allowed_batch_sizes=tuple(message.allowed_batch_sizes))
