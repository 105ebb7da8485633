"""What of a source an ingest need not take again: of a lake, everything before the test split.

A new day adds rows to the test split alone. The chunks of the other splits are kept, and of each ticker what
its newer rows need (see past), under a key of all that they were made of.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Sequence

from components import contract
from components.ingest import history, sources
from components.ingest.beam_chunks import PAST_SPLIT, IngestConfig
from components.ingest.beam_examples import PastFiles
from components.ingest.findings import Finding
from components.ingest.parts import Part
from components.ingest.shards import SPLIT_FOLDER, shard_path
from components.lake import lake_source
from components.reuse.keys import make_key
from components.reuse.results import KeptResults

STEP = "BarsBeforeTest"
_KEPT_SPLITS = (contract.TRAIN_SPLIT, contract.EVAL_SPLIT, PAST_SPLIT)


@dataclasses.dataclass(frozen=True)
class NewDays:
    """A source, divided at the first day of the test split.

    Attributes:
      kept: where what is before the day is kept.
      key: of that.
      files_before: those that have rows before it.
      files_after: those that have rows from it on.
    """

    kept: KeptResults
    key: str
    files_before: Collection[str]
    files_after: Sequence[str]


def divide(config: IngestConfig, kept: KeptResults, code: str) -> NewDays | None:
    """Divides a source; None where newer rows may change what was cut of older ones, or nobody can say.

    Args:
      config: of the ingest.
      kept: what earlier ingests left.
      code: fingerprint of the code.
    """
    source, chunks = config.source, config.chunks
    # Actions of a new day adjust all earlier prices; the market of a day is a sum over all tickers.
    if not source.is_lake or source.actions_path or config.market.enabled:
        return None
    if chunks.as_of and chunks.as_of < chunks.test_start:
        return None
    before, after = lake_source.divide_lake_files(source.path, source.known_on, chunks.test_start)
    cut = {name: value for name, value in dataclasses.asdict(chunks).items() if name != "as_of"}
    key = make_key(
        code=code,
        columns=dict(source.columns),
        validation=dataclasses.asdict(config.validation),
        chunks={**cut, "num_shards": config.num_shards},
        sectors=sources.digest_file(source.metadata_path) if source.metadata_path else "",
        bars=before,
    )
    return NewDays(kept, key, before.keys(), after)


def fetch_past(new_days: NewDays, config: IngestConfig, folder: str) -> IngestConfig | None:
    """Puts the kept chunks into a folder.

    Returns:
      The config of an ingest of what is new, into the same folder; None where nothing is kept.
    """
    if new_days.kept.fetch(STEP, new_days.key, _folders(folder)) is None:
        return None
    files = (shard_path(PAST_SPLIT, index, config.num_shards) for index in range(config.num_shards))
    past = PastFiles(
        config.chunks.test_day,
        tuple(os.path.join(folder, file) for file in files),
        tuple(map(Part, new_days.files_after)),
    )
    return dataclasses.replace(config, past=past)


def keep_past(new_days: NewDays, findings: Sequence[Finding], folder: str) -> None:
    """Keeps what an ingest with keeps_past has left in a folder, in the place of what is kept.

    Not where a row before the day was set aside by itself: nobody would find it again.
    """
    new_days.kept.drop(STEP, new_days.key)
    lost = {finding.file for finding in findings if finding.check not in history.CHECKS}
    if not lost & set(new_days.files_before):
        new_days.kept.keep(STEP, new_days.key, _folders(folder), {})


def _folders(folder: str) -> dict[str, str]:
    return {split: os.path.join(folder, SPLIT_FOLDER.format(split=split)) for split in _KEPT_SPLITS}
