"""What the server counts, in Prometheus' text format and with TensorFlow Serving's names.

Source: prometheus_exporter.cc and servables/tensorflow/util.cc of TensorFlow Serving. The format is written
here since Prometheus' own client appends _total to the name of a counter.
"""

from __future__ import annotations

import bisect
import collections
import itertools
import threading
from collections.abc import Iterable

REQUEST_COUNT = ":tensorflow:serving:request_count"
REQUEST_LATENCY = ":tensorflow:serving:request_latency"
LOAD_ATTEMPT_COUNT = ":tensorflow:cc:saved_model:load_attempt_count"
LOAD_LATENCY = ":tensorflow:cc:saved_model:load_latency"
GRPC, REST = "GRPC", "REST"
OK = "OK"
BOUNDS_MICROS = tuple(10.0 * 1.8**power for power in range(33))
"""Upper bounds of the latencies' buckets, microseconds; the last bucket has none."""

Labels = tuple[tuple[str, str], ...]


class _Histogram:
    """How many values lie in each bucket, and their sum."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_MICROS) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect.bisect_left(BOUNDS_MICROS, value)] += 1
        self.sum += value


class Metrics:
    """Counters and histograms; any number of threads add to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, collections.Counter[Labels]] = collections.defaultdict(collections.Counter)
        self._latencies: dict[Labels, _Histogram] = collections.defaultdict(_Histogram)

    def observe_request(self, model: str, api: str, entrypoint: str, status: str, seconds: float) -> None:
        """Counts a request.

        Args:
          model: its name.
          api: Predict, Classify, Regress or MultiInference.
          entrypoint: GRPC or REST.
          status: name of gRPC's code.
          seconds: how long the answer took.
        """
        with self._lock:
            self._counters[REQUEST_COUNT][("model_name", model), ("status", status)] += 1
            labels = (("model_name", model), ("API", api), ("entrypoint", entrypoint))
            self._latencies[labels].add(seconds * 1e6)

    def observe_load(self, path: str, succeeded: bool, seconds: float) -> None:
        """Counts an attempt to load a version from a path."""
        status = "success" if succeeded else "fail"
        with self._lock:
            self._counters[LOAD_ATTEMPT_COUNT][("model_path", path), ("status", status)] += 1
            self._counters[LOAD_LATENCY][("model_path", path),] += round(seconds * 1e6)

    def format(self) -> str:
        """Everything counted so far, in Prometheus' text format."""
        with self._lock:
            lines = list(itertools.chain(self._format_counters(), self._format_latencies()))
        return "".join(f"{line}\n" for line in lines)

    def _format_counters(self) -> Iterable[str]:
        for name, values in sorted(self._counters.items()):
            yield f"# TYPE {name} counter"
            for labels, value in sorted(values.items()):
                yield f"{name}{{{_format_labels(labels)}}} {value}"

    def _format_latencies(self) -> Iterable[str]:
        if self._latencies:
            yield f"# TYPE {REQUEST_LATENCY} histogram"
        for labels, histogram in sorted(self._latencies.items()):
            text = _format_labels(labels)
            bounds = [*(f"{bound:g}" for bound in BOUNDS_MICROS), "+Inf"]
            totals = list(itertools.accumulate(histogram.counts))
            for bound, total in zip(bounds, totals, strict=True):
                yield f'{REQUEST_LATENCY}_bucket{{{text},le="{bound}"}} {total}'
            yield f"{REQUEST_LATENCY}_sum{{{text}}} {histogram.sum:.17g}"
            yield f"{REQUEST_LATENCY}_count{{{text}}} {totals[-1]}"


def _format_labels(labels: Labels) -> str:
    return ",".join(f'{name}="{_escape(value)}"' for name, value in labels)


def _escape(value: str) -> str:
    """A label's value as Prometheus wants it."""
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
