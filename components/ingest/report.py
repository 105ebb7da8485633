"""What an ingest did: counts by ticker and split, the rows set aside, one line for the screen."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from components import contract
from components.errors import InputError
from components.ingest.bars import TickerBars, iso_date
from components.ingest.chunks import Chunk
from components.ingest.findings import QUARANTINE, Finding
from components.ingest.parts import list_parts, read_original
from components.ingest.sessions import Gap, TickerGaps, read_gaps
from components.ingest.source_config import SourceConfig

REPORT_FILE = "ingest_report.json"
QUARANTINE_FILE = "quarantine.csv"
PLACE_COLUMNS = ("file", "line", "reason")
"""Columns that the quarantine file has besides the input's own."""
MAX_TICKERS_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class SplitSummary:
    """What one ticker gave to one split: chunks, target days, real labels and stored bars."""

    num_chunks: int
    num_target_days: int
    num_labels: int
    num_stored_bars: int


@dataclasses.dataclass(frozen=True)
class TickerSummary:
    """One ticker's clean bars.

    Attributes:
      ticker: its name.
      sector: its sector.
      num_bars: clean bars.
      first_day: of them, days since 1970-01-01.
      last_day: the same.
      splits: split -> what it got of the ticker.
      gaps: its missing sessions; None where no calendar is configured.
    """

    ticker: str
    sector: str
    num_bars: int
    first_day: int
    last_day: int
    splits: Mapping[str, SplitSummary]
    gaps: TickerGaps | None = None


def read_summary(fields: Mapping[str, Any]) -> TickerSummary:
    """Returns a summary of its plain values, as dataclasses.asdict gives them."""
    splits = {split: SplitSummary(**counts) for split, counts in fields["splits"].items()}
    gaps = read_gaps(fields["gaps"]) if fields["gaps"] else None
    return TickerSummary(**{**fields, "splits": splits, "gaps": gaps})


def summarise_ticker(bars: TickerBars, chunks: Sequence[Chunk]) -> TickerSummary:
    """Counts one ticker's bars and chunks."""
    splits = {}
    for split in contract.SPLITS:
        own = [chunk for chunk in chunks if chunk.split == split]
        splits[split] = SplitSummary(
            num_chunks=len(own),
            num_target_days=sum(chunk.num_target_days for chunk in own),
            num_labels=sum(int(chunk.label_mask.sum()) for chunk in own),
            num_stored_bars=sum(len(chunk.bars) for chunk in own),
        )
    first, last = int(bars.dates[0]), int(bars.dates[-1])
    return TickerSummary(bars.ticker, bars.sector, len(bars), first, last, splits)


def collect_quarantined(findings: Iterable[Finding], source: SourceConfig) -> pd.DataFrame:
    """Reads the quarantined rows once more, as they stand in their files.

    Returns:
      The input's own columns as text, then file, line and reason (several are joined by `; `), sorted by
      file and line. A column of the input that is called like one of ours gets ` (given)` after its name.
    Raises:
      InputError: the input has changed since it was checked.
    """
    reasons: dict[str, dict[int, list[str]]] = collections.defaultdict(lambda: collections.defaultdict(list))
    for finding in findings:
        if finding.policy == QUARANTINE:
            for line in finding.lines:
                reasons[finding.file][line].append(finding.reason)
    parts = {part.name: part for part in list_parts(source)} if reasons else {}
    tables = []
    for file in sorted(reasons):
        if file not in parts:
            raise InputError(f"{file} must stay as it was when the run started, got it gone; run again")
        rows = read_original(parts[file], reasons[file].keys(), source).rename(
            columns={name: f"{name} (given)" for name in PLACE_COLUMNS}
        )
        joined = ["; ".join(sorted(reasons[file][line])) for line in rows.index]
        tables.append(rows.assign(file=file, line=rows.index, reason=joined))
    if not tables:
        return pd.DataFrame(columns=[source.file_column(contract.TICKER), *PLACE_COLUMNS])
    table = pd.concat(tables, ignore_index=True)
    return table[[*(name for name in table if name not in PLACE_COLUMNS), *PLACE_COLUMNS]]


def build_report(
    tickers: Iterable[TickerSummary],
    findings: Sequence[Finding],
    quarantined_tickers: Iterable[str],
    fingerprint: str,
    as_of: str = "",
) -> dict[str, Any]:
    """Adds everything up.

    Args:
      tickers: summaries of the clean tickers.
      findings: what validation found.
      quarantined_tickers: the ticker of each quarantined row.
      fingerprint: of the input.
      as_of: the last day that was read, YYYY-MM-DD, for a message.
    Returns:
      Plain values for JSON. num_bars counts the rows read, those quarantined among them.
    Raises:
      InputError: no ticker is left, or a split got no labels.
    """
    clean = sorted(tickers, key=lambda summary: summary.ticker)
    aside = collections.Counter(quarantined_tickers)
    checks: collections.Counter[str] = collections.Counter()
    for finding in findings:
        if finding.policy == QUARANTINE:
            checks[finding.check] += len(finding.lines)
    if not clean and not aside:
        last = f"chunks.as_of {as_of}".strip()
        raise InputError(f"bars must leave at least one ticker, got no bars up to {last}; give a later day")
    if not clean:
        raise InputError(
            f"bars must leave at least one ticker, got {sum(aside.values()):,} rows, all of them quarantined "
            f"({', '.join(sorted(checks))}); mend the input"
        )
    last_day = max(summary.last_day for summary in clean)
    num_clean = sum(summary.num_bars for summary in clean)
    return {
        contract.FINGERPRINT_PROPERTY: fingerprint,
        contract.SPAN_PROPERTY: int(iso_date(last_day).replace("-", "")),
        "first_date": iso_date(min(summary.first_day for summary in clean)),
        "last_date": iso_date(last_day),
        "num_bars": num_clean + sum(aside.values()),
        "num_tickers": len(aside.keys() | {summary.ticker for summary in clean}),
        "num_quarantined": sum(aside.values()),
        "quarantined_tickers": dict(sorted(aside.items())),
        "quarantined_checks": dict(sorted(checks.items())),
        "unknown_sectors": [s.ticker for s in clean if s.sector == contract.UNKNOWN_SECTOR],
        "splits": _add_splits(clean),
        "storage_ratio": _storage_ratio(clean),
        **_add_gaps(clean),
        "tickers": {
            s.ticker: {"sector": s.sector, "num_bars": s.num_bars, **_describe_gaps(s.gaps)} for s in clean
        },
    }


def describe(report: Mapping[str, Any]) -> str:
    """Returns a report's one line, such as `12,154 bars of 5 tickers, 196 quarantined (FB: 196)`."""
    line = f"{report['num_bars']:,} bars of {report['num_tickers']:,} tickers"
    if report["num_quarantined"]:
        line += f", {report['num_quarantined']:,} quarantined ({_shown_tickers(report)})"
    gaps = report.get("gaps")
    if gaps and gaps["num_missing_sessions"]:
        longest = gaps["longest"]
        line += (
            f"; {gaps['num_missing_sessions']:,} sessions missing in {gaps['num_gaps']:,} gaps (longest "
            f"{longest['ticker']}: {longest['num_sessions']:,} from {longest['first_date']})"
        )
    return line


def _shown_tickers(report: Mapping[str, Any]) -> str:
    aside = sorted(report["quarantined_tickers"].items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{ticker}: {num_bars:,} bars" for ticker, num_bars in aside[:MAX_TICKERS_SHOWN]]
    if len(aside) > MAX_TICKERS_SHOWN:
        shown.append(f"and {len(aside) - MAX_TICKERS_SHOWN:,} more tickers")
    return ", ".join(shown)


def _describe_gaps(gaps: TickerGaps | None) -> dict[str, Any]:
    """One ticker's gaps as plain values; nothing where no calendar is configured."""
    if gaps is None:
        return {}
    return {
        "num_missing_sessions": gaps.num_missing_sessions,
        "num_gaps": gaps.num_gaps,
        "longest_gap": _describe_gap(gaps.longest) if gaps.longest else None,
    }


def _describe_gap(gap: Gap) -> dict[str, Any]:
    return {
        "num_sessions": gap.num_sessions,
        "first_date": iso_date(gap.first_day),
        "last_date": iso_date(gap.last_day),
    }


def _add_gaps(tickers: Sequence[TickerSummary]) -> dict[str, Any]:
    """All tickers' gaps under the key `gaps`; nothing where no calendar is configured."""
    known = [summary.gaps for summary in tickers if summary.gaps is not None]
    if not known:
        return {}
    longest = max(known, key=lambda gaps: gaps.longest.num_sessions if gaps.longest else 0)
    return {
        "gaps": {
            "num_missing_sessions": sum(gaps.num_missing_sessions for gaps in known),
            "num_gaps": sum(gaps.num_gaps for gaps in known),
            "longest": {"ticker": longest.ticker, **_describe_gap(longest.longest)}
            if longest.longest
            else None,
        }
    }


def _add_splits(tickers: Sequence[TickerSummary]) -> dict[str, dict[str, int]]:
    splits = {}
    for split in contract.SPLITS:
        parts = [dataclasses.asdict(summary.splits[split]) for summary in tickers]
        splits[split] = {name: sum(part[name] for part in parts) for name in parts[0]}
        if not splits[split]["num_labels"]:
            first = iso_date(min(summary.first_day for summary in tickers))
            last = iso_date(max(summary.last_day for summary in tickers))
            raise InputError(
                f"split {split} must hold known labels, got none in bars from {first} to {last}, of "
                f"which each ticker's first {contract.LOOKBACK} are context; move chunks.eval_start and "
                "chunks.test_start, or give longer histories"
            )
    return splits


def _storage_ratio(tickers: Sequence[TickerSummary]) -> float:
    """Returns stored bars over the bars beyond each ticker's first LOOKBACK."""
    stored = sum(split.num_stored_bars for summary in tickers for split in summary.splits.values())
    return round(stored / sum(summary.num_bars - contract.LOOKBACK for summary in tickers), 4)
