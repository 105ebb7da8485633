"""The rehearsal of an exported model: replays its golden requests, tries bad ones, takes the time.

Runs in a process of its own, `python -m components.rehearse.replay --model DIR --report FILE`, so that
nothing of the code that trained the model can help it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import textwrap
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from components import contract
from components.rehearse import comparison, report, requests

if TYPE_CHECKING:
    from components.rehearse.loaded_model import LoadedModel

NUM_UNTIMED_REQUESTS = 10
"""Forecasts before the first that is timed."""
MAX_MESSAGE_LETTERS = 400
"""TensorFlow's messages go on for pages; what went wrong stands at their beginning."""
SIGNATURES = (contract.FORECAST_SIGNATURE, contract.DEFAULT_SIGNATURE)


@dataclasses.dataclass(frozen=True)
class RehearsalConfig:
    """What the exported model must reach.

    Attributes:
      latency_budget_ms: greatest median time of a forecast of one ticker in process, after warming up.
      num_timed_requests: forecasts timed, at least 1.
      tolerance: greatest difference from a golden quantile, as a share of the band's width.
      timeout_seconds: the whole rehearsal must end within it, loading TensorFlow included.
    """

    latency_budget_ms: float = 50.0
    num_timed_requests: int = 100
    tolerance: float = 1e-5
    timeout_seconds: float = 600.0

    def __post_init__(self) -> None:
        for name in ("latency_budget_ms", "timeout_seconds"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"rehearsal.{name} must be positive, got {getattr(self, name)}; raise it")
        if self.num_timed_requests < 1:
            raise ValueError(
                f"rehearsal.num_timed_requests must be at least 1, got {self.num_timed_requests}; raise it"
            )
        if not 0.0 <= self.tolerance < 1.0:
            raise ValueError(
                f"rehearsal.tolerance must be in [0, 1), got {self.tolerance}; 1e-5 leaves room for rounding"
            )


class Rehearsal:
    """One rehearsal: runs the checks in order, and stops where the later ones would make no sense."""

    def __init__(self, model_dir: str, config: RehearsalConfig) -> None:
        """Prepares the rehearsal of the SavedModel at `model_dir`."""
        self._model_dir = model_dir
        self._config = config
        self._figures: dict[str, float] = {"latency_budget_ms": config.latency_budget_ms}
        self._model: LoadedModel
        self._golden: requests.GoldenForecasts

    def run(self) -> report.RehearsalReport:
        """Runs it.

        Returns:
          The report; figures are load_seconds, first_forecast_ms, latency_p50_ms, latency_p95_ms,
          latency_budget_ms and largest_difference (from the golden quantiles, as a share of the band).
        """
        checks = []
        for name, check in self._steps():
            checks.append(_run_check(name, check))
            if not checks[-1].passed and check in (self._load, self._check_signatures):
                break
        return report.RehearsalReport(tuple(checks), self._figures)

    def _steps(self) -> Iterator[tuple[str, Callable[[], list[str]]]]:
        yield "the model loads in a clean process", self._load
        yield "its signatures are the contract's", self._check_signatures
        yield "golden requests get the golden forecasts", self._replay_golden
        yield "many rows, longer rows and tf.Examples get the same forecasts", self._replay_variants
        yield "bad requests are refused", self._check_refusals
        yield "a forecast is fast enough", self._check_latency

    def _load(self) -> list[str]:
        self._golden = requests.read_golden(self._model_dir)
        from components.rehearse.loaded_model import LoadedModel

        start = time.perf_counter()
        self._model = LoadedModel(self._model_dir)
        self._figures["load_seconds"] = time.perf_counter() - start
        return []

    def _check_signatures(self) -> list[str]:
        return [
            problem
            for signature in SIGNATURES
            for problem in comparison.check_signature(signature, self._model.inputs(signature))
        ]

    def _replay_golden(self) -> list[str]:
        problems, differences = [], []
        for request, expected in zip(self._golden.requests, self._golden.expected, strict=True):
            start = time.perf_counter()
            answer = self._model.ask(contract.FORECAST_SIGNATURE, requests.to_arrays(request))
            self._figures.setdefault("first_forecast_ms", 1000.0 * (time.perf_counter() - start))
            found = self._compare(answer, expected)
            problems += [f"{request[contract.TICKER][0]}: {problem}" for problem in found]
            if not found:
                differences.append(comparison.largest_difference(answer, expected))
        self._figures["largest_difference"] = max(differences, default=float("inf"))
        return problems

    def _replay_variants(self) -> list[str]:
        joined = requests.join_requests(self._golden.requests)
        expected = comparison.join_forecasts(self._golden.expected)
        problems = []
        for signature in SIGNATURES:
            for title, request in (("together", joined), ("longer", requests.lengthen(joined))):
                answer, found = self._model.ask(signature, request), []
                if signature == contract.DEFAULT_SIGNATURE:
                    found = comparison.check_rows(answer, len(expected[contract.LAST_CLOSE]))
                    answer = answer if found else comparison.share_rows(answer)
                found = found or self._compare(answer, expected)
                problems += [f"golden requests {title} through {signature}: {problem}" for problem in found]
        return problems

    def _compare(self, answer: requests.Arrays, expected: requests.Forecast) -> list[str]:
        num_rows = len(expected[contract.LAST_CLOSE])
        return comparison.check_answer(answer, num_rows) or comparison.compare_forecasts(
            answer, expected, self._config.tolerance
        )

    def _check_refusals(self) -> list[str]:
        from components.rehearse.loaded_model import INVALID_ARGUMENT

        problems = []
        for title, request in requests.spoil(requests.to_arrays(self._golden.requests[0])).items():
            for signature in SIGNATURES:
                status = self._model.status(signature, request)
                if status != INVALID_ARGUMENT:
                    problems.append(
                        f"{signature} with {title} must be {INVALID_ARGUMENT}, got {status}; "
                        "assert it in the graph"
                    )
        return problems

    def _check_latency(self) -> list[str]:
        request = requests.to_arrays(self._golden.requests[0])
        timed = []
        for _ in range(NUM_UNTIMED_REQUESTS + self._config.num_timed_requests):
            start = time.perf_counter()
            self._model.ask(contract.FORECAST_SIGNATURE, request)
            timed.append(1000.0 * (time.perf_counter() - start))
        median, late = np.percentile(timed[NUM_UNTIMED_REQUESTS:], [50, 95])
        self._figures |= {"latency_p50_ms": float(median), "latency_p95_ms": float(late)}
        if median <= self._config.latency_budget_ms:
            return []
        budget = f"{self._config.latency_budget_ms:g} ms"
        raise_it = "make the network smaller, or raise rehearsal.latency_budget_ms"
        return [f"a forecast must take at most {budget}, got {median:.1f} ms; {raise_it}"]


def _run_check(name: str, check: Callable[[], list[str]]) -> report.Check:
    """Runs a check; whatever it raises is a problem of the model, and no reason to end without a report."""
    try:
        return report.Check(name, tuple(check()))
    except Exception as error:
        message = textwrap.shorten(str(error), MAX_MESSAGE_LETTERS)
        got = f"{type(error).__name__}: {message}"
        return report.Check(name, (f"'{name}' must run to its end, got {got}; mend the export",))


def main() -> None:
    """Reads the command line, rehearses, writes the report."""
    parser = argparse.ArgumentParser(description="Rehearses an exported model.")
    parser.add_argument("--model", required=True, help="folder of the SavedModel")
    parser.add_argument("--report", required=True, help="JSON file to write")
    parser.add_argument("--config", default="{}", help="JSON of RehearsalConfig; defaults fill it up")
    arguments = parser.parse_args()
    config = RehearsalConfig(**json.loads(arguments.config))
    report.write_report(Rehearsal(arguments.model, config).run(), arguments.report)


if __name__ == "__main__":
    main()
