"""A stop that is asked for by signals, at whatever line of the wait they come."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from serving.stop_request import StopRequest
from tests.conftest import ROOT

TIMEOUT_SECONDS = 60.0
SIGNALS_AT_EACH_LINE = """
import signal, sys
from serving.stop_request import StopRequest

def signal_at_each_line(frame, event, argument):
    signal.raise_signal(signal.SIGTERM)
    return signal_at_each_line

request = StopRequest()
request.listen()
sys.settrace(signal_at_each_line)
reason = request.wait()
sys.settrace(None)
print(reason)
"""


def test_a_signal_at_any_line_of_the_wait_does_not_hang_it():
    ended = subprocess.run(
        [sys.executable, "-c", SIGNALS_AT_EACH_LINE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "SIGTERM\n", "")


def test_a_request_made_before_the_wait_counts():
    request = StopRequest()
    request.make("early")
    request.make("late")
    assert [request.wait(0), request.wait(0), request.wait(0)] == ["early", "late", None]


def test_a_thread_ends_the_wait():
    request = StopRequest()
    threading.Timer(0.05, request.make, ["a thread"]).start()
    assert request.wait(TIMEOUT_SECONDS) == "a thread"


def test_the_time_is_kept():
    started = time.monotonic()
    assert StopRequest().wait(0.05) is None
    assert time.monotonic() - started >= 0.05
