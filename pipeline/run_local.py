"""A pipeline on this machine, and what the user sees of it; `marketcast run` is the one that trains."""

from __future__ import annotations

import abc
import dataclasses
import datetime
import importlib.metadata
import json
import logging
import math
import os
import time
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from components import progress
from components.errors import MarketcastError
from pipeline import code_fingerprint, failures, quiet, run_lock
from pipeline.console import RunConsole

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig
    from pipeline.local_runner import NodeResult

REFUSED_EXIT_CODE = 3
NEVER_REUSED = ("Pusher", "ForecastWriter", "Rehearsal")
"""What the first two made lies outside the run's folder and may have gone since; nothing is pushed twice. A
rehearsal that failed must be made again, and one that passed is taken over by its content."""
FRAMEWORKS = {"tfx": "TFX", "tensorflow": "TensorFlow"}


@dataclasses.dataclass
class RunReport:
    """A run as it goes; `--json` prints it at the end.

    Attributes:
      exit_code: of the command.
      outcome: pushed, refused or forecast, as the pipeline may end; else failed or interrupted.
      error: the one line of what failed.
      paths: log, run_root, model_base_path, and what was made: model, the pushed version, or forecasts.
      components: name, seconds, reused and result of each component that ended.
    """

    exit_code: int = 1
    outcome: str = "failed"
    error: str | None = None
    paths: dict[str, str | None] = dataclasses.field(default_factory=dict)
    components: list[dict[str, Any]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class TrainingReport(RunReport):
    """What there is to tell of a trained model besides.

    Attributes:
      verdict: of the gate, see verdict.Verdict.
      metrics: figures behind it, see results.EvaluationResults.
      database: run_id and the rows that were written, where the run is written to a database.
    """

    verdict: dict[str, Any] | None = None
    metrics: dict[str, Any] | None = None
    database: dict[str, Any] | None = None


def run(config_file: str, overrides: Sequence[str], as_json: bool) -> int:
    """Runs the pipeline and tells the user about it.

    Args:
      config_file: YAML; empty for none.
      overrides: `key.path=value`.
      as_json: print one JSON object on standard output, and the lines for people on standard error.
    Returns:
      The exit code: 0 blessed and pushed, 3 refused, 4 bad input or configuration, 130 interrupted, 1 else.
    """
    return go(_TrainingRun, config_file, overrides, as_json)


def go(kind: type[LocalRun], config_file: str, overrides: Sequence[str], as_json: bool) -> int:
    """Runs a pipeline of that kind to whatever end; see run."""
    with quiet.divert_output() as output:
        current = kind(output, RunConsole(output.stderr if as_json else output.stdout))
        current.go(config_file, overrides)
        if as_json:
            print(json.dumps(_without_nan(dataclasses.asdict(current.report))), file=output.stdout)
    return current.report.exit_code


class LocalRun(abc.ABC):
    """One run: its report, its console, its results."""

    def __init__(self, output: quiet.QuietOutput, console: RunConsole) -> None:
        self.report = self.start_report()
        self._output = output
        self._console = console
        self.results: dict[str, NodeResult] = {}

    @abc.abstractmethod
    def start_report(self) -> Any:
        """A RunReport of this kind of run."""

    def prepare(self, config: PipelineConfig) -> None:
        """Refuses what can be known to fail before anything slow is begun; nothing, if not overridden."""
        return

    @abc.abstractmethod
    def create_pipeline(self, config: PipelineConfig) -> Any:
        """Wires the components."""

    @abc.abstractmethod
    def conclude(self, config: PipelineConfig) -> Sequence[str]:
        """Completes the report once all components have ended; the lines for people."""

    def go(self, config_file: str, overrides: Sequence[str]) -> None:
        """Runs to whatever end; the report tells which."""
        progress.set_listener(self._console.progressed)
        try:
            self._run(config_file, overrides)
        except KeyboardInterrupt:
            self._console.stopped("stopped")
            self._console.say("interrupted; nothing is half-pushed, the same command takes up from here")
            self.report.exit_code = failures.INTERRUPTED_EXIT_CODE
            self.report.outcome = self.report.error = "interrupted"
        except Exception as error:
            self._console.stopped("failed")
            logging.getLogger(__name__).exception("the run failed")
            self._explain(error)
        finally:
            progress.set_listener(None)

    def _run(self, config_file: str, overrides: Sequence[str]) -> None:
        start = time.monotonic()
        self._console.started("loading")
        # Before the code is loaded: what an edit makes meanwhile must not count as made by the edited code.
        code = code_fingerprint.fingerprint_code()
        from pipeline.config import load_config

        config = load_config(config_file, overrides)
        self._open_log(config)
        self.prepare(config)
        with run_lock.hold(config.paths.lock):
            from pipeline.local_runner import LocalRunner

            pipeline = self.create_pipeline(config)
            versions = [f"{title} {importlib.metadata.version(name)}" for name, title in FRAMEWORKS.items()]
            self._console.finished(time.monotonic() - start, ", ".join(versions))
            LocalRunner(
                self._console.started, self._finish_component, NEVER_REUSED, code, config.paths.results
            ).run(pipeline)
        for line in [*self.conclude(config), f"log: {self.report.paths['log']}"]:
            self._console.say(line)

    def _open_log(self, config: PipelineConfig) -> None:
        started = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        log = os.path.join(config.paths.logs, f"{started}-{os.getpid()}.log")
        self._output.write_to(log)
        self.report.paths = {
            "log": log,
            "run_root": config.paths.run_root,
            "model_base_path": config.paths.model_base_path,
        }

    def _finish_component(self, result: NodeResult) -> None:
        from pipeline import outcome

        text = outcome.describe(result)
        self.results[result.node_id] = result
        self._console.finished(result.seconds, ", ".join(filter(None, ["reused" * result.reused, text])))
        self.report.components.append(
            {
                "name": result.node_id,
                "seconds": round(result.seconds, 3),
                "reused": result.reused,
                "result": text,
            }
        )

    def _explain(self, error: Exception) -> None:
        """Tells a failure in one line; the traceback is in the log, on the screen if there is no log yet."""
        user_error = failures.find_user_error(error)
        self.report.exit_code = user_error.exit_code if user_error else MarketcastError.exit_code
        self.report.error = str(user_error) if user_error else failures.first_line(error)
        self._console.say(f"error: {self.report.error}")
        if log := self.report.paths.get("log"):
            self._console.say(f"log: {log}")
        elif not user_error:
            traceback.print_exc(file=self._output.stderr)


class _TrainingRun(LocalRun):
    """Bars in; a blessed and pushed model out, or the reason why not."""

    report: TrainingReport

    def start_report(self) -> TrainingReport:
        return TrainingReport()

    def prepare(self, config: PipelineConfig) -> None:
        if config.is_published:
            from components.database import schema

            schema.check_version(config.database)

    def create_pipeline(self, config: PipelineConfig) -> Any:
        from pipeline import dag

        return dag.create_pipeline(config)

    def conclude(self, config: PipelineConfig) -> Sequence[str]:
        from pipeline import outcome

        end = outcome.conclude(self.results, config.gate)
        self.report.exit_code = 0 if end.pushed else REFUSED_EXIT_CODE
        self.report.outcome = "pushed" if end.pushed else "refused"
        self.report.verdict = end.verdict.to_json()
        self.report.metrics = dataclasses.asdict(end.results)
        self.report.paths["model"] = end.model_path or None
        lines = outcome.render(end)
        if not config.is_published:
            return lines
        from pipeline import publication

        for line in lines:  # They hold, whatever becomes of the writing.
            self._console.say(line)
        published = publication.publish(config, self.results)
        self.report.database = dataclasses.asdict(published)
        return [published.describe()]


def _without_nan(value: Any) -> Any:
    """JSON knows no NaN; null stands for it."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
