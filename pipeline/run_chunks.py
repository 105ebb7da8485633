"""What `marketcast ingest --chunks` does: bars in, a folder of chunk examples and their report out."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import logging
import time
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from components import progress
from components.errors import MarketcastError
from pipeline import failures, quiet
from pipeline.console import RunConsole

if TYPE_CHECKING:
    from components.ingest.chunk_folder import Engine

SPARK = "spark"
LISTS = ("tickers", "unknown_sectors")
"""What of the report grows with the universe: it stands in the folder's ingest_report.json alone."""


@dataclasses.dataclass(frozen=True)
class ChunkOptions:
    """What the command was given.

    Attributes:
      config_file: YAML; empty for none.
      overrides: `key.path=value`.
      folder: of the examples; must not be there yet.
      engine: `local` or SPARK.
      spark_master: URL; empty for spark-submit's, or this machine where there is none.
    """

    config_file: str
    overrides: tuple[str, ...]
    folder: str
    engine: str
    spark_master: str


def run(options: ChunkOptions, as_json: bool) -> int:
    """Cuts the bars and tells the user about it.

    Args:
      options: what to do.
      as_json: print one JSON object on standard output, and the lines for people on standard error.
    Returns:
      The exit code: 0 done, 4 bad input or configuration, 130 interrupted, 1 else.
    """
    result: dict[str, Any] = {"exit_code": 1, "error": None, "chunks": options.folder, "report": None}
    with quiet.divert_output() as output:
        console = RunConsole(output.stderr if as_json else output.stdout)
        progress.set_listener(console.progressed)
        try:
            report = _run(options, console)
            result["report"] = {key: value for key, value in report.items() if key not in LISTS}
            result["exit_code"] = 0
        except KeyboardInterrupt:
            console.stopped("stopped")
            console.say("interrupted; nothing was written")
            result |= {"exit_code": failures.INTERRUPTED_EXIT_CODE, "error": "interrupted"}
        except Exception as error:
            console.stopped("failed")
            logging.getLogger(__name__).exception("the ingest failed")
            known = failures.find_user_error(error)
            result["exit_code"] = known.exit_code if known else MarketcastError.exit_code
            result["error"] = str(known) if known else failures.first_line(error)
            console.say(f"error: {result['error']}")
            if not known:
                traceback.print_exc(file=output.stderr)
        finally:
            progress.set_listener(None)
        if as_json:
            print(json.dumps(result), file=output.stdout)
    return int(result["exit_code"])


def _run(options: ChunkOptions, console: RunConsole) -> dict[str, Any]:
    from components.ingest import chunk_folder
    from components.ingest.report import describe
    from pipeline.environment import load_ingest_sections

    sections = load_ingest_sections(options.config_file, options.overrides)
    with _open_engine(options) as engine:
        console.started("chunks")
        start = time.monotonic()
        report = chunk_folder.write_chunk_folder(
            sections.source, sections.validation, sections.chunks, options.folder, engine
        )
        console.finished(time.monotonic() - start, describe(report))
    console.say(f"examples: {options.folder}")
    return report


@contextlib.contextmanager
def _open_engine(options: ChunkOptions) -> Iterator[Engine]:
    if options.engine != SPARK:
        from components.ingest import local_engine

        yield local_engine.run
        return
    from components.ingest import spark_engine
    from pipeline import spark_session

    with spark_session.open_context(options.spark_master) as context:
        yield functools.partial(spark_engine.run, context)
