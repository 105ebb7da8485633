"""Bars on their way into a lake: read from files and checked row by row, as every ingest checks them."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import glob
import os
from collections.abc import Mapping, Sequence

import numpy as np

from components import progress
from components.errors import InputError
from components.ingest.bars import Piece, ValidationConfig, iso_date
from components.ingest.findings import QUARANTINE, Finding, raise_refused
from components.ingest.history import merge_pieces
from components.ingest.panel import read_pieces
from components.ingest.parts import list_parts
from components.ingest.reference import read_reference
from components.ingest.report import collect_quarantined
from components.ingest.source_config import FILES, SourceConfig
from components.lake.bar_rows import BarRows


@dataclasses.dataclass(frozen=True)
class CheckedBars:
    """Bars that may enter a lake, and what may not.

    Attributes:
      rows: the sound ones, at least one.
      quarantine: the rows set aside with their reasons, as the text of a CSV file; empty for none.
      num_quarantined: of them.
    """

    rows: BarRows
    quarantine: str
    num_quarantined: int


def last_day() -> str:
    """The last day that has come, YYYY-MM-DD: somewhere it is tomorrow already."""
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).date().isoformat()


def read_checked(source: SourceConfig, validation: ValidationConfig, known_on: str) -> CheckedBars:
    """Reads and checks bars row by row, duplicates among them.

    What concerns a ticker's whole history, its length, jumps that look like splits and missing sessions, is
    looked at when a lake is read, for it depends on all that the lake has.

    Args:
      source: where the bars are; all of them are held in memory.
      validation: the policies.
      known_on: day on which the bars were known, YYYY-MM-DD.
    Raises:
      InputError: a policy refuses, a file cannot be read, no sound row is left, or one is of a later day.
    """
    pieces: dict[str, list[Piece]] = collections.defaultdict(list)
    findings: list[Finding] = []
    parts = list_parts(source)
    for number, part in enumerate(parts, 1):
        own, found = read_pieces(part, source, validation, None)
        findings += found
        for ticker, piece in own.items():
            pieces[ticker].append(piece)
        progress.report("parts read", number, len(parts))
    raise_refused(findings)
    rows, found = _gather(pieces, source, validation)
    raise_refused(found)
    findings += found
    quarantined = collect_quarantined(findings, source)
    if not len(rows):
        raise _nothing_left(findings, len(quarantined), source)
    _check_days(rows, pieces, known_on)
    text = quarantined.to_csv(index=False) if len(quarantined) else ""
    return CheckedBars(rows, text, len(quarantined))


def overlaps(source: SourceConfig, location: str) -> bool:
    """Whether a source reads a lake's own files: is the same place, holds it, or lies in it."""
    path = source.path
    if source.kind != FILES:
        return False
    if "://" in path or "://" in location:
        return path.rstrip("/") == location.rstrip("/")
    if _is_within(path, location) or _is_within(location, path):
        return True
    return any(
        _is_within(file, location) for file in glob.iglob(path, recursive=True) if os.path.isfile(file)
    )


def _is_within(path: str, folder: str) -> bool:
    own, other = os.path.realpath(path), os.path.realpath(folder)
    return os.path.commonpath([own, other]) == other


def _gather(
    pieces: Mapping[str, list[Piece]], source: SourceConfig, validation: ValidationConfig
) -> tuple[BarRows, list[Finding]]:
    """All tickers' rows in the order of a lake, and what was found."""
    findings: list[Finding] = []
    days, values = [np.zeros(0, np.int64)], [np.zeros((0, 6))]
    tickers = sorted(pieces)
    sessions = read_reference(source, validation).sessions
    for ticker in tickers:
        own_days, own_values, found = merge_pieces(ticker, pieces[ticker], validation, sessions)
        days.append(own_days)
        values.append(own_values)
        findings += found
    codes = np.repeat(np.arange(len(tickers)), [len(own) for own in days[1:]])
    return BarRows(np.array(tickers, object), codes, np.concatenate(days), np.concatenate(values)), findings


def _nothing_left(findings: Sequence[Finding], num_quarantined: int, source: SourceConfig) -> InputError:
    aside = sorted(
        (one for one in findings if one.policy == QUARANTINE), key=lambda one: (one.file, one.lines)
    )
    return InputError(
        f"{source.place} must leave at least one sound row, got {num_quarantined:,} rows, all of them "
        f"quarantined ({', '.join(sorted({one.check for one in aside}))}), the first: {aside[0].messages[0]}"
    )


def _check_days(rows: BarRows, pieces: Mapping[str, list[Piece]], known_on: str) -> None:
    """Refuses a bar of a day after that on which it was known, and tells where it stands."""
    last = int(rows.days.argmax())
    number = rows.days[last]
    if (day := iso_date(number)) <= known_on:
        return
    piece = next(one for one in pieces[rows.tickers[rows.codes[last]]] if number in one.dates)
    line = piece.lines[piece.dates == number][0]
    mend = f"give --known-on {day} or later, or mend the date" if day <= last_day() else "mend the date"
    raise InputError(
        f"{piece.file}, line {line}: must be of a day until it was known, got {rows.name(last)} known on "
        f"{known_on}; {mend}"
    )
