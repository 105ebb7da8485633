"""Takes bars out of a lake that should never have been in it; what was known before still has them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from components import contract, progress
from components.errors import InputError
from components.ingest import rows, tables
from components.ingest.bars import EPOCH, Integers
from components.ingest.source_config import TEXT_COLUMNS, SourceConfig
from components.lake import bar_rows, commits, reading, revising
from components.lake.bar_rows import BarRows
from components.lake.commits import BarsFile, Snapshot
from components.lake.publishing import Draft, Renewal
from components.lake.storage import Storage


@dataclasses.dataclass(frozen=True)
class Withdrawal:
    """Bars that a lake is to hold no more.

    Attributes:
      bars: of which only ticker and day count.
      known_on: day on which it was known that they are none, YYYY-MM-DD.
    """

    bars: BarRows
    known_on: str


def read_withdrawn(file: str, source: SourceConfig) -> BarRows:
    """Reads which bars are to be taken out.

    Args:
      file: CSV or Parquet with a ticker and a date in each row; other columns are passed over, so that the
        file that brought the bars will do.
      source: tells the file's column names.
    Returns:
      Bars without values; one that is named twice once.
    Raises:
      InputError: the file cannot be read, has no rows, lacks a column, or a row names no bar.
    """
    columns = [source.file_column(name) for name in TEXT_COLUMNS]
    table = tables.read_table(file, columns=columns)
    if missing := [name for name in columns if name not in table]:
        raise InputError(
            f"{file} must have the columns {' and '.join(columns)}, got no {' and no '.join(missing)}; add "
            "what is missing, or map the names with source.columns"
        )
    if table.empty:
        raise InputError(f"{file} must name bars, got no rows; add a ticker and a date for each bar")
    tickers, days = rows.parse_text(table[columns[0]]), rows.parse_days(table[columns[1]])
    if (bad := (tickers == "").to_numpy() | np.isnat(days)).any():
        row = int(bad.argmax())
        got = " ".join(repr(table[name].iloc[row]) for name in columns)
        raise InputError(
            f"{file}, line {table.index[row]}: must name a ticker and a day as YYYY-MM-DD, got {got}; mend "
            "the line"
        )
    return _sort_keys(tickers, (days - EPOCH).astype(np.int64))


def draft_withdrawal(storage: Storage, before: Snapshot, withdrawal: Withdrawal) -> Draft | None:
    """What is to be changed of a lake so that it holds none of these bars; None where it holds none.

    Args:
      storage: the lake's; only files whose days meet those of the bars are read.
      before: its newest snapshot.
      withdrawal: the bars.
    Raises:
      InputError: there are no bars, none would be left, or the day of knowledge is too early.
    """
    if before.commit is None:
        raise InputError(
            f"{storage.location} must hold bars for some to be withdrawn, got none; check --lake"
        )
    renewals: dict[str, Renewal] = {}
    parts = revising.split_rows(withdrawal.bars, before.contract.num_buckets)
    for number, (partition, part) in enumerate(parts.items(), 1):
        if renewal := _renew(storage, partition, before.partitions.get(partition, ()), part):
            renewals[partition] = renewal
        progress.report("partitions compared", number, len(parts))
    if not renewals:
        return None
    revising.check_known_on(before, withdrawal.known_on)
    left = {partition: _count_bars(renewal) for partition, renewal in renewals.items()}
    gone = sum(file.num_bars for partition in left for file in before.partitions[partition])
    gone -= sum(left.values())
    if gone == before.num_bars:
        raise InputError(
            f"--withdraw must leave {storage.location} at least one bar, got all {gone:,} of them; delete "
            "the lake, or name fewer bars"
        )
    return Draft(commits.WITHDRAW, withdrawal.known_on, renewals, changed=gone)


def _sort_keys(tickers: pd.Series, days: Integers) -> BarRows:
    keys = pd.DataFrame({contract.TICKER: tickers.to_numpy(object), contract.DATE: days})
    keys = keys.drop_duplicates().sort_values(list(TEXT_COLUMNS))
    names, codes = np.unique(keys[contract.TICKER].to_numpy(object), return_inverse=True)
    values = np.full((len(keys), len(contract.BAR_COLUMNS)), np.nan)
    return BarRows(names, codes.astype(np.int64), keys[contract.DATE].to_numpy(np.int64), values)


def _renew(storage: Storage, partition: str, files: tuple[BarsFile, ...], part: BarRows) -> Renewal | None:
    """The files that may hold one of the bars become one without them; None where none does."""
    met = commits.find_met(files, part)
    given, there = bar_rows.share_tickers([part, reading.read_partition(storage, partition, met)])
    is_gone = np.isin(there.keys, given.keys)
    if not is_gone.any():
        return None
    return Renewal(tuple(file for file in files if file not in met), there.take(~is_gone))


def _count_bars(renewal: Renewal) -> int:
    return sum(file.num_bars for file in renewal.kept) + len(renewal.rows)
