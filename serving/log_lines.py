"""The server's log: one JSON object a line."""

from __future__ import annotations

import datetime
import json
import logging
from typing import TextIO

FIELDS = ("model", "version")
"""What a line may say besides its message."""


class LineFormatter(logging.Formatter):
    """Formats a record as {"time", "level", "logger", "message"}, and FIELDS where it has them."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON; a traceback is a field of it."""
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, object] = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_lines(stream: TextIO) -> None:
    """Sends everything from INFO on to a stream, a JSON object a line."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
