"""`marketcast doctor`: what this machine is, what runs on it, and what is missing."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import click

from pipeline import platform_probe

ROOT = pathlib.Path(__file__).parent.parent
FREE_BYTES = 5 * 10**9
"""What .venv (3 GB) and a few runs take."""
IMPORTS = ("tensorflow", "tfx.v1")
"""In this order: the second imports the first."""
MAX_DIFFERENCES_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
      name: what.
      value: how it is.
      remedy: how to mend it; empty when it is well.
    """

    name: str
    value: str
    remedy: str = ""


def examine(as_json: bool) -> int:
    """Prints the findings; returns 0 when all is well, else 1."""
    findings = []
    for finding in find_all(platform_probe.probe(_base_python())):
        findings.append(finding)
        if not as_json:
            mark = "MISSING" if finding.remedy else "ok"
            click.echo(f"  {mark:<8}{finding.name:<14}{finding.value}")
            if finding.remedy:
                click.echo(f"{'':24}-> {finding.remedy}")
    problems = [finding for finding in findings if finding.remedy]
    if as_json:
        click.echo(json.dumps({"ok": not problems, "findings": [dataclasses.asdict(f) for f in findings]}))
    else:
        click.echo(f"{len(problems)} of {len(findings)} need mending" if problems else "all is well")
    return 1 if problems else 0


def _base_python() -> str:
    """The Python that .venv was made with."""
    name = platform_probe.dotted("python", sys.version_info[:2])
    return os.path.join(sys.base_exec_prefix, "bin", name)


def find_all(machine: platform_probe.Machine) -> Iterator[Finding]:
    """Looks at everything, the slow imports last."""
    libc = platform_probe.dotted("glibc ", machine.glibc) if machine.glibc else "no glibc"
    try:
        set_name, reason = platform_probe.choose_set(machine)
    except platform_probe.MisfitError as misfit:
        yield Finding("platform", f"{machine.architecture}, {libc}", str(misfit))
        return
    yield Finding("platform", f"{machine.architecture}, {libc}")
    yield Finding("set", f"{set_name}: {reason}")
    lock = ROOT / "requirements" / f"{set_name}.txt"
    if lock.is_file():
        yield from _find_tools(machine)
        yield compare_with_lock(lock.read_text(encoding="utf-8"))
        yield _free_space()
    else:  # no checkout but the image, where nothing is to be installed any more
        yield Finding("python", f"{platform_probe.dotted('', sys.version_info[:3])}, {sys.executable}")
    yield from _import_all()


def _find_tools(machine: platform_probe.Machine) -> Iterator[Finding]:
    """Python, its headers and venv, and the compiler."""
    try:
        choice = platform_probe.choose(machine)
    except platform_probe.MisfitError as misfit:
        yield Finding("python", platform_probe.dotted("", sys.version_info[:3]), str(misfit))
        return
    python = choice.interpreter
    problems = platform_probe.find_problems(machine, python)
    remedies = {p.missing: platform_probe.install_command(machine, p.packages) for p in problems}
    yield Finding("python", f"{platform_probe.dotted('', python.version)}, {python.path}")
    for name, value, missing in (
        ("venv", "here", platform_probe.VENV),
        ("headers", "Python.h is here", platform_probe.HEADERS),
        ("compiler", machine.compiler, platform_probe.COMPILER),
    ):
        remedy = remedies.get(missing, "")
        yield Finding(name, f"no {missing}" if remedy else value, remedy)


def compare_with_lock(lock: str) -> Finding:
    """Compares what is installed with a lock's pins that hold for this Python."""
    from packaging import requirements, utils

    pins = [requirements.Requirement(line) for line in lock.splitlines() if re.match(r"[\w.-]+==", line)]
    wanted = {
        utils.canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }
    found = {utils.canonicalize_name(d.name): d.version for d in importlib.metadata.distributions()}
    different = [
        f"{name} {found.get(name, 'missing')} (lock: {version})"
        for name, version in sorted(wanted.items())
        if found.get(name) != version
    ]
    if not different:
        return Finding("packages", f"{len(wanted)}, all as locked")
    shown = ", ".join(different[:MAX_DIFFERENCES_SHOWN])
    more = (
        f" and {len(different) - MAX_DIFFERENCES_SHOWN} more"
        if len(different) > MAX_DIFFERENCES_SHOWN
        else ""
    )
    return Finding("packages", shown + more, "make clean setup")


def _free_space() -> Finding:
    free = shutil.disk_usage(os.getcwd()).free
    remedy = "" if free >= FREE_BYTES else f"free {FREE_BYTES / 1e9:.0f} GB in {os.getcwd()}"
    return Finding("disk", f"{free / 1e9:.1f} GB free", remedy)


def _import_all() -> Iterator[Finding]:
    """Imports the frameworks in a process of their own: a crash in C++ would end this one."""
    program = "".join(
        f"import {name}; print({name!r}, {name.split('.')[0]}.__version__, flush=True)\n" for name in IMPORTS
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    versions = dict(line.split() for line in answer.stdout.splitlines() if line.startswith(IMPORTS))
    reason = (answer.stderr.strip().splitlines() or [f"ended with {answer.returncode}"])[-1]
    for name in IMPORTS:
        if name in versions:
            yield Finding(name, f"{versions[name]} imports")
        else:
            yield Finding(name, f"does not import: {reason}", "make clean setup")
            return
