"""Lines on a terminal and off it; output of libraries kept off the screen."""

import io
import logging
import os
import pathlib
import subprocess
import sys

import pytest

from pipeline import console as consoles
from pipeline import quiet


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_without_a_terminal_there_are_only_lines():
    stream = io.StringIO()
    console = consoles.RunConsole(stream)
    console.started("Trainer")
    console.progressed("training", 1, 480)
    console.finished(31.24, "480 steps [done] :tada:")
    console.started("Evaluator")
    console.stopped("failed")
    assert stream.getvalue() == (
        "  Trainer              31.2 s  480 steps [done] :tada:\n  Evaluator            failed\n"
    )


def test_without_a_terminal_long_work_is_a_line_now_and_then(monkeypatch):
    monkeypatch.setattr(consoles, "PLAIN_PROGRESS_SECONDS", 0.0)
    stream = io.StringIO()
    console = consoles.RunConsole(stream)
    console.started("Trainer")
    console.progressed("training", 1200, 4800)
    assert stream.getvalue() == "  Trainer            training 1,200 of 4,800\n"


def test_a_terminal_gets_a_bar_that_goes_away(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    console = consoles.RunConsole(stream)
    console.started("Trainer")
    console.progressed("training", 240, 480)
    console.finished(1.0, "")
    shown = stream.getvalue()
    assert "240/480" in shown
    assert shown.rstrip().endswith("Trainer               1.0 s")


def test_a_long_line_is_not_broken():
    stream = io.StringIO()
    consoles.RunConsole(stream).say("error: " + "word " * 100)
    assert stream.getvalue().count("\n") == 1


PROGRAM = """
import logging, os, subprocess, sys
from pipeline import quiet
with quiet.divert_output() as output:
    os.write(1, b"early C++\\n")
    output.write_to("folder/log")
    os.write(2, b"late C++\\n")
    print("a print")
    logging.getLogger("absl").info("a record")
    subprocess.run(["sh", "-c", "echo a child"])
    print("for the user", file=output.stdout)
    print("for the user, too", file=output.stderr)
print("afterwards")
"""


def test_all_noise_is_in_the_log_and_none_on_the_screen(tmp_path):
    root = pathlib.Path(__file__).parent.parent.parent
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "for the user\nafterwards\n"
    assert ended.stderr == "for the user, too\n"
    log = (tmp_path / "folder" / "log").read_text()
    for noise in ("early C++", "late C++", "a print", "absl: a record", "a child"):
        assert noise in log


def test_logging_is_as_before_afterwards(capfd):
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    with pytest.raises(KeyError), quiet.divert_output():
        raise KeyError
    assert (root.level, list(root.handlers)) == before
    os.write(1, b"seen\n")
    assert capfd.readouterr().out == "seen\n"
