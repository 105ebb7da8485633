"""Where a lake keeps what, and its written contract, which lies in it as CONTRACT_FILE."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from components import contract
from components.errors import InputError

CONTRACT_FILE = "contract.json"
COMMITS = "commits"
BARS = "bars"
QUARANTINE = "quarantine"
FORMAT = "marketcast-lake"
VERSION = 1
NUM_BUCKETS = 16
"""Of a new lake."""
NUMBER_DIGITS = 20
PRICE = "double, above zero, in the currency the ticker trades in"
COLUMNS = {
    contract.TICKER: "string, UTF-8, without outer blanks",
    contract.DATE: "date32, the trading day on the calendar of the ticker's exchange",
    contract.OPEN: f"{PRICE}, as traded",
    contract.HIGH: f"{PRICE}, as traded",
    contract.LOW: f"{PRICE}, as traded",
    contract.CLOSE: f"{PRICE}, as traded",
    contract.ADJ_CLOSE: f"{PRICE}, adjusted for splits and dividends as of the day it was known on",
    contract.VOLUME: "double, zero or more, in shares traded on the day",
}
RULES = {
    "calendar": "a row is a day on which the ticker traded; no row stands for a day without trade",
    "splits": "adj_close carries them; when one comes, earlier adj_close are given anew as a correction",
    "delisted": "a ticker that stops keeps its bars; none is ever dropped because it is traded no more",
    "withdrawn": "a bar that should never have been is gone from a commit on; earlier ones have it still",
    "point_in_time": "a snapshot is the latest commit whose known_on is at or before the day asked for",
    "order": "a file is sorted by ticker, then date; the rows of a snapshot's files are disjoint",
}


@dataclasses.dataclass(frozen=True)
class LakeContract:
    """What a lake's CONTRACT_FILE says that differs between lakes.

    Attributes:
      num_buckets: groups of tickers, at least 1; a ticker's is its UTF-8's CRC-32 modulo this number.
    """

    num_buckets: int = NUM_BUCKETS

    def to_json(self) -> str:
        """The file's text."""
        told = {"format": FORMAT, "version": VERSION, "num_buckets": self.num_buckets}
        return json.dumps({**told, "columns": COLUMNS, "rules": RULES}, indent=2) + "\n"


def read_contract(text: bytes, lake: str) -> LakeContract:
    """Reads a lake's CONTRACT_FILE.

    Args:
      text: of the file.
      lake: its place, for errors.
    Raises:
      InputError: it is of something else, or of a later version.
    """
    told = _parse(text)
    num_buckets = told.get("num_buckets")
    if told.get("format") != FORMAT or not isinstance(num_buckets, int) or num_buckets < 1:
        raise InputError(
            f"{CONTRACT_FILE} in {lake} must be of a lake, got something else; give the place of a lake, or "
            "the bars' files themselves"
        )
    if told.get("version") != VERSION:
        raise InputError(
            f"{lake} must be a lake of version {VERSION}, got version {told.get('version')}; update "
            "marketcast"
        )
    return LakeContract(num_buckets)


def commit_path(number: int) -> str:
    """Path of a commit in the lake; paths sort as their numbers do."""
    return f"{COMMITS}/{number:0{NUMBER_DIGITS}d}.json"


def partition_of(year: int, bucket: int) -> str:
    """Path of a partition under BARS."""
    return f"year={year:04d}/bucket={bucket:02d}"


def bars_path(partition: str, name: str) -> str:
    """Path of a file of bars in the lake."""
    return f"{BARS}/{partition}/{name}"


def _parse(text: bytes) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
