"""BarsExampleGen on a real database: the very examples that the files give, through Beam."""

from __future__ import annotations

import csv
import io
import json
import pathlib

import pytest

from components.errors import InputError
from components.ingest import parts
from tests.components.database.records import make_source
from tests.components.ingest.shipped import SHIPPED_SOURCE

pytestmark = [pytest.mark.tf, pytest.mark.postgres]


def test_the_examples_are_those_of_the_files(loaded, tmp_path):
    from tests.components.ingest.ingest_run import run_ingest

    source = make_source(loaded, partitions=3)
    ours = run_ingest(tmp_path / "ours", source, fingerprint=parts.fingerprint(source))
    theirs = run_ingest(tmp_path / "theirs", SHIPPED_SOURCE)
    examples = [{name: digest for name, digest in each.files().items() if name.startswith("examples/")}
                for each in (ours, theirs)]  # fmt: skip
    assert examples[0] == examples[1]
    reports = [
        json.loads(pathlib.Path(each.report.uri, "ingest_report.json").read_text()) for each in (ours, theirs)
    ]
    assert reports[0].pop("input_fingerprint") != reports[1].pop("input_fingerprint")
    assert reports[0] == reports[1]
    text = pathlib.Path(ours.report.uri, "quarantine.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 196
    assert (rows[0]["ticker"], rows[0]["date"], rows[0]["file"], rows[0]["line"]) == (
        "FB", "2012-05-18", "postgres:bars[AAPL..FB]", "3271",
    )  # fmt: skip


def test_what_changes_before_or_while_it_is_read_ends_it_with_nothing_written(
    loaded, postgres_server, tmp_path, monkeypatch
):
    from components.ingest import beam_examples
    from tests.components.ingest.ingest_run import run_ingest

    source = make_source(loaded)
    before = parts.fingerprint(source)

    def spoil():
        statement = "UPDATE marketcast.bars SET volume = volume + 1 WHERE ticker = 'IBM'"
        postgres_server.administer(statement, loaded.name)

    spoil()
    with pytest.raises(InputError, match=r"postgres:bars must stay as it was when the run started"):
        run_ingest(tmp_path / "before", source, fingerprint=before)

    def list_and_spoil(given):
        listed = parts.list_parts(given)
        spoil()
        return listed

    monkeypatch.setattr(beam_examples, "list_parts", list_and_spoil)
    with pytest.raises(InputError, match=r"postgres:bars\[IBM\.\.IBM\] must stay as it was"):
        run_ingest(tmp_path / "while", source)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
