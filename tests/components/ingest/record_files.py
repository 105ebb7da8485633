"""Files of records, written as the ingest writes them."""

from __future__ import annotations

from collections.abc import Iterable

from components.ingest.tfrecords import RecordWriter


def write_records(path: str, records: Iterable[bytes]) -> None:
    """Writes a gzip TFRecord file."""
    with open(path, "wb") as stream:
        writer = RecordWriter(stream)
        for record in records:
            writer.write(record)
        writer.close()
