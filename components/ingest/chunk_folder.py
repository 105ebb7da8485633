"""A folder of chunk files with its report: made whole, or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from components import contract
from components.errors import InputError
from components.ingest import chunk_job, sources
from components.ingest.bars import ValidationConfig
from components.ingest.chunk_job import ChunkJob, JobNotes
from components.ingest.chunks import ChunkConfig
from components.ingest.findings import raise_refused
from components.ingest.report import QUARANTINE_FILE, REPORT_FILE, build_report, collect_quarantined
from components.ingest.row_files import ROWS_FOLDER
from components.ingest.shards import shard_path
from components.ingest.source_config import SourceConfig

Engine = Callable[[ChunkJob, Sequence[str]], JobNotes]
"""Does a job's two steps for all its files and shards; see local_engine.run."""
_FOLDER_MODE = 0o755


def write_chunk_folder(
    source: SourceConfig,
    validation: ValidationConfig,
    chunks: ChunkConfig,
    folder: str,
    engine: Engine,
) -> dict[str, Any]:
    """Cuts a source into the files that BarsExampleGen makes of it, report and quarantine beside them.

    Args:
      source: where the bars are.
      validation: what happens to bad rows.
      chunks: how bars are cut and split.
      folder: must not be there yet, or be empty; appears when all is in it. May be a link to such a one.
      engine: does the work; the bytes are the same whichever it is.
    Returns:
      The report; see report.build_report.
    Raises:
      InputError: the bars are refused, or the folder is taken or cannot be written; nothing is left behind.
    """
    target = _find_target(folder)
    with _telling_of(target), contextlib.ExitStack() as cleanup:
        staging = _make_staging(target)
        cleanup.callback(shutil.rmtree, staging, ignore_errors=True)
        job, files = chunk_job.plan_job(source, validation, chunks, str(staging))
        others = sources.digest_others(source)
        notes = engine(job, files)
        findings = [finding for unit in notes.units for finding in unit.findings]
        findings += [finding for shard in notes.shards for finding in shard.findings]
        raise_refused(findings)
        chunk_job.check_written(job.folder, _list_files(job))
        quarantined = collect_quarantined(findings, source)
        tickers = quarantined[source.file_column(contract.TICKER)]
        summaries = [summary for shard in notes.shards for summary in shard.summaries]
        digests = {file: digest for unit in notes.units for file, digest in unit.digests.items()}
        fingerprint = sources.join_digests(source, digests, others)
        report = build_report(summaries, findings, tickers, fingerprint, chunks.as_of)
        (staging / QUARANTINE_FILE).write_text(quarantined.to_csv(index=False), encoding="utf-8")
        (staging / REPORT_FILE).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        for passing in (chunk_job.ATTEMPTS_FOLDER, ROWS_FOLDER):
            shutil.rmtree(staging / passing, ignore_errors=True)
        os.replace(staging, target)
    return report


def _find_target(folder: str) -> pathlib.Path:
    """Returns where the folder is to be: free, and of a file system with its neighbours, for the rename."""
    if "://" in folder:
        raise InputError(
            f"--chunks must name a folder of this machine or a mounted volume, got {folder}; copy from "
            "there to an object store"
        )
    target = pathlib.Path(os.path.realpath(folder))
    if os.path.ismount(target):
        raise InputError(
            f"--chunks must name a folder that is not there yet, got {target}, where a volume is mounted; "
            "name a folder in it"
        )
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise InputError(
            f"--chunks must name a folder that is not there yet, got {target}, which is not empty; name "
            "another, or take it away"
        )
    return target


@contextlib.contextmanager
def _telling_of(target: pathlib.Path) -> Iterator[None]:
    """Makes one InputError of a disk that is full, and the like."""
    try:
        yield
    except ConnectionError:  # Of an engine elsewhere.
        raise
    except OSError as error:
        raise InputError(
            f"--chunks must name a folder that can be written, got {target}: {error.strerror or error}; make "
            "room there, or name another"
        ) from error


def _list_files(job: ChunkJob) -> list[str]:
    """Paths within the folder of all that shall be there."""
    return [
        shard_path(split, index, job.num_shards)
        for split in contract.SPLITS
        for index in range(job.num_shards)
    ]


def _make_staging(target: pathlib.Path) -> pathlib.Path:
    """Makes a folder beside the target, so that a rename puts it there."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = pathlib.Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        staging.chmod(_FOLDER_MODE)
        return staging
    except OSError as error:
        raise InputError(
            f"--chunks must name a folder that can be made, got {target}: {error.strerror}; name another"
        ) from error
