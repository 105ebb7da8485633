"""How versions are loaded and run."""

from __future__ import annotations

import dataclasses

from serving.model_server.batching import Batcher
from serving.model_server.metrics import Metrics


@dataclasses.dataclass(frozen=True)
class LoadOptions:
    """What TensorFlow Serving's flags of the same names say.

    Attributes:
      metrics: counts the loads.
      batcher: joins requests; None runs each by itself.
      enable_model_warmup: replay a version's warm-up requests before it answers.
      max_num_load_retries: how often a version that failed is tried again.
      load_retries_interval_micros: between two tries.
      intra_op_parallelism: threads inside one operation; 0 lets TensorFlow choose.
      inter_op_parallelism: operations at the same time; 0 lets TensorFlow choose.
    """

    metrics: Metrics
    batcher: Batcher | None = None
    enable_model_warmup: bool = True
    max_num_load_retries: int = 5
    load_retries_interval_micros: int = 60_000_000
    intra_op_parallelism: int = 0
    inter_op_parallelism: int = 0
