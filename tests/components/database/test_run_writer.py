"""Runs into a real database: all at once, and what is there already is left alone."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from components.database.config import DatabaseConfig
from components.database.run_writer import write_run
from components.errors import DatabaseError
from tests.components.database.records import CHECKS, make_record
from tests.conftest import ROOT

pytestmark = pytest.mark.postgres

TABLES = ("runs", "verdict_checks", "forecasts")
NUM_KILLS = 20
NUM_DAYS = 400
NUM_ROWS = {"runs": 1, "verdict_checks": 2, "forecasts": 2 * NUM_DAYS * 5}


@pytest.fixture(name="versions")
def fixture_versions(execute):
    """All rows with the transaction that wrote them, table by table."""
    return lambda: {
        name: execute(f"SELECT xmin::text, * FROM marketcast.{name} ORDER BY 2, 3, 4, 5") for name in TABLES
    }


def test_a_second_time_changes_no_row(database, versions):
    assert write_run(database, make_record()) == {"runs": 1, "verdict_checks": 2, "forecasts": 40}
    before = versions()
    assert write_run(database, make_record()) == {"runs": 0, "verdict_checks": 0, "forecasts": 0}
    assert versions() == before


def test_only_what_differs_is_changed_and_says_when(database, execute):
    write_run(database, make_record())
    known = [list(row) for row in make_record().forecasts]
    known[3 * 5][-3:] = [0.001, 0.002, 0.003]  # The actual of AAPL's last day, one day ahead, has come.
    changed = make_record(forecasts=known, outcome="refused")
    assert write_run(database, changed) == {"runs": 1, "verdict_checks": 0, "forecasts": 1}
    assert execute("SELECT ticker, as_of::text, horizon, actual FROM marketcast.forecasts "
                   "WHERE updated_at > recorded_at") == [("AAPL", "2013-02-02", 1, 0.001)]  # fmt: skip
    assert execute("SELECT outcome, updated_at > recorded_at FROM marketcast.runs") == [("refused", True)]


def test_a_run_of_the_same_model_data_and_gate_is_the_same_run():
    record = make_record()
    assert record.run_id == make_record(outcome="refused", checks=(), forecasts=()).run_id
    others = [
        dataclasses.replace(record, model_version="other"),
        dataclasses.replace(record, data_fingerprint="other"),
        dataclasses.replace(record, gate={"min_dm_t": 3.0}),
    ]
    assert len({each.run_id for each in (record, *others)}) == 4


def test_checks_that_a_run_does_not_bring_stay(database, execute):
    write_run(database, make_record())
    assert write_run(database, make_record(checks=CHECKS[:1]))["verdict_checks"] == 0
    assert execute("SELECT count(*) FROM marketcast.verdict_checks") == [(2,)]


def test_an_error_half_way_leaves_nothing(database, execute):
    record = make_record()
    broken = [*record.forecasts[:-1], (*record.forecasts[-1][:5], None, *record.forecasts[-1][6:])]
    with pytest.raises(DatabaseError, match='null value in column "close"') as refused:
        write_run(database, make_record(forecasts=broken))
    assert "\n" not in str(refused.value)
    assert [execute(f"SELECT count(*) FROM marketcast.{name}") for name in TABLES] == [[(0,)]] * 3


def test_a_lost_connection_writes_it_all_the_same(database, execute, monkeypatch):
    monkeypatch.setattr("components.database.connection.FIRST_PAUSE_SECONDS", 0.0)
    execute(
        "CREATE SEQUENCE public.writes; GRANT USAGE ON SEQUENCE public.writes TO PUBLIC;"
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN "
        "IF nextval('public.writes') = 17 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; "
        "RETURN NEW; END $$;"
        "CREATE TRIGGER lose BEFORE INSERT ON marketcast.forecasts FOR EACH ROW EXECUTE FUNCTION lose()"
    )
    assert write_run(database, make_record())["forecasts"] == 40
    assert execute("SELECT last_value > 40 FROM public.writes") == [(True,)], "the first attempt was lost"


def test_two_writers_of_one_run_do_not_hinder_each_other(database, execute):
    record = make_record(num_days=NUM_DAYS)
    backwards = dataclasses.replace(record, forecasts=record.forecasts[::-1])
    threads = [threading.Thread(target=write_run, args=(database, each)) for each in (record, backwards)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert execute("SELECT count(*) FROM marketcast.forecasts") == [(NUM_ROWS["forecasts"],)]


def write_for_each_line() -> None:
    """A program: for each version that it reads, a process of its own that writes a run of that version."""
    config = DatabaseConfig(**json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        record = make_record(line.strip(), NUM_DAYS)
        if not (writer := os.fork()):
            write_run(config, record)
            os._exit(0)
        print(writer, flush=True)
        _, status = os.waitpid(writer, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def test_a_writer_killed_at_any_moment_leaves_no_half_of_a_run(database, execute):
    moments, pause = random.Random(1), threading.Event()
    with start_writers(database) as writers:
        tell(writers, "whole")
        begun = time.monotonic()
        assert writers.stdout.readline() == "0\n"
        seconds = time.monotonic() - begun
        for kill in range(NUM_KILLS):
            writer = tell(writers, f"killed-{kill}")
            pause.wait(moments.uniform(0.0, seconds))
            with contextlib.suppress(ProcessLookupError):  # It had ended.
                os.kill(writer, signal.SIGKILL)
            assert writers.stdout.readline() in ("-9\n", "0\n")
            assert count(execute, f"killed-{kill}") in ((0, 0, 0), tuple(NUM_ROWS.values()))
        writers.stdin.close()
    assert count(execute, "whole") == tuple(NUM_ROWS.values())


def count(execute, version):
    """Rows of one version by table; one statement sees one moment, whatever the server still does."""
    [counts] = execute(
        f"SELECT (SELECT count(*) FROM marketcast.runs WHERE model_version = '{version}'), "
        "(SELECT count(*) FROM marketcast.verdict_checks JOIN marketcast.runs USING (run_id) "
        f"WHERE model_version = '{version}'), "
        f"(SELECT count(*) FROM marketcast.forecasts WHERE model_version = '{version}')"
    )
    return counts


def start_writers(database):
    module = __spec__.name
    writers = subprocess.Popen(
        [sys.executable, "-c", f"from {module} import write_for_each_line as go; go()"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    print(json.dumps(dataclasses.asdict(database)), file=writers.stdin, flush=True)
    return writers


def tell(writers, version) -> int:
    """The process that has begun to write."""
    print(version, file=writers.stdin, flush=True)
    return int(writers.stdout.readline())
