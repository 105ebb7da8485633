"""Rows on the disk: read as they were put there, more than once, by the writer that retries too."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from components.database.row_file import keep_rows
from components.database.run_writer import write_run
from tests.components.database.records import make_record


def test_rows_are_read_as_often_as_wanted_and_leave_nothing(tmp_path):
    blocks = [[("A", 1, None), ("A", 2, 0.5)], [], [("B", 1, 0.1)]]
    with keep_rows(iter(blocks), str(tmp_path)) as kept:
        first_row = next(iter(kept))
        assert first_row == ("A", 1, None)
        assert list(kept) == list(kept) == list(itertools.chain(*blocks))
        assert not list(tmp_path.iterdir()), "the file has no name, so that a kill leaves none"


@pytest.mark.postgres
def test_a_lost_connection_reads_them_again(database, execute, monkeypatch, tmp_path):
    monkeypatch.setattr("components.database.connection.FIRST_PAUSE_SECONDS", 0.0)
    execute(
        "CREATE SEQUENCE public.writes; GRANT USAGE ON SEQUENCE public.writes TO PUBLIC;"
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN "
        "IF nextval('public.writes') = 17 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; "
        "RETURN NEW; END $$;"
        "CREATE TRIGGER lose BEFORE INSERT ON marketcast.forecasts FOR EACH ROW EXECUTE FUNCTION lose()"
    )
    record = make_record()
    blocks = [record.forecasts[start : start + 7] for start in range(0, len(record.forecasts), 7)]
    with keep_rows(blocks, str(tmp_path)) as kept:
        assert write_run(database, dataclasses.replace(record, forecasts=kept))["forecasts"] == 40
    assert execute("SELECT last_value > 40 FROM public.writes") == [(True,)], "the first attempt was lost"
