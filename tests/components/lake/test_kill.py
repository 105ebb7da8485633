"""An ingest that is killed at any moment: a reader sees the bars before it or after it, and nothing else."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import pathlib
import random
import signal
import threading
import time
from typing import Any

from components.errors import InputError
from tests.components.lake.lakes import make_bars, read_lake, take_in, write_csv

NUM_KILLS = 20
SEED = 11
SPREAD = 1.3
"""Kills come at up to so many times what an ingest takes."""
TICKERS = [f"T{number:02d}" for number in range(8)]
TIMEOUT_SECONDS = 60.0
Bars = dict[tuple[str, str], float]
Options = dict[str, Any]


def take_in_and_tell(
    lake: str, path: str, options: Options, begun: multiprocessing.connection.Connection
) -> None:
    """What the process that is killed does."""
    begun.send(True)
    take_in(lake, path, known_on="2021-06-01", **options)


class Watcher(threading.Thread):
    """Reads a lake again and again, as a run does, and notes what it should not see."""

    def __init__(self, lake: pathlib.Path) -> None:
        super().__init__(daemon=True)
        self.allowed: list[Bars] = []
        self.violations: list[Any] = []
        self.num_looks = 0
        self._lake = lake
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            self._look()
            self.num_looks += 1
            time.sleep(0.005)

    def _look(self) -> None:
        try:
            seen = read_lake(self._lake)
            if seen not in self.allowed:
                self.violations.append(seen)
        except (InputError, AssertionError) as error:
            self.violations.append(error)

    def stop(self) -> None:
        self._ended.set()
        self.join()


def test_a_killed_ingest_shows_no_half_day(tmp_path: pathlib.Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tests.components.lake.lakes"])
    chance = random.Random(SEED)
    lake = tmp_path / "lake"
    bars: Bars = make_bars(TICKERS, ["2020-12-31"])
    take_in(lake, write_csv(tmp_path / "bars.csv", bars), known_on="2021-01-01")
    watcher = Watcher(lake)
    watcher.allowed.append(bars)
    watcher.start()
    num_killed = num_unfinished = 0
    seconds = 0.0
    for number in range(3 * NUM_KILLS):
        bars_before, path, options = bars, str(tmp_path / "new.csv"), {"is_correction": True}
        if number % 2:  # A day of each ticker goes, and half of the partitions with it.
            bars = {key: close for key, close in bars.items() if key[1] != "2021-01-04"}
            write_csv(pathlib.Path(path), make_bars(TICKERS, ["2021-01-04"]))
            options = {"withdrawn_file": path}
        else:  # A revision of a day, and a new one; in two years, so in twice as many partitions.
            bars = make_bars(TICKERS, ["2020-12-31", "2021-01-04"], 50.0 + 2 * number)
            write_csv(pathlib.Path(path), bars)
        watcher.allowed.append(bars)
        delay = chance.uniform(0.0, SPREAD * seconds) if seconds else TIMEOUT_SECONDS
        ran = run_and_kill(context, (str(lake), path, options), delay)
        is_killed = ran >= delay
        num_killed += is_killed
        seconds = seconds if is_killed else ran
        if is_killed and read_lake(lake) == bars_before:
            num_unfinished += 1
            take_in(lake, path, known_on="2021-06-01", **options)
        assert read_lake(lake) == bars, "the same command completes it"
        if num_killed == NUM_KILLS:
            break
    watcher.stop()
    assert not watcher.violations
    print(f"{num_killed} kills, {num_unfinished} before the commit, {watcher.num_looks} looks")
    assert num_killed == NUM_KILLS, "the kills must fall into the ingests"
    assert num_unfinished >= NUM_KILLS / 5
    assert read_lake(lake, "2021-01-01") == watcher.allowed[0]


def run_and_kill(context: Any, arguments: tuple[str, str, Options], delay: float) -> float:
    """Starts an ingest and kills it so many seconds after it began; returns how long it ran since."""
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=take_in_and_tell, args=(*arguments, sender))
    process.start()
    assert receiver.poll(TIMEOUT_SECONDS) and receiver.recv()
    start = time.monotonic()
    process.join(delay)
    seconds = time.monotonic() - start
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    return seconds
