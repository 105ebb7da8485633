"""Which dependency set and Python fit this machine; standard library only, runs under Python 3.7 too.

`python3 -m pipeline.platform_probe` prints the choice and why, or what is missing; with `--packages` only
the names of the system's packages to install. The set-up and `marketcast doctor` share it.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

Version = Tuple[int, ...]

CURRENT = "current"
WIDE = "wide"
PYTHONS: Dict[str, List[Version]] = {WIDE: [(3, 11)], CURRENT: [(3, 11), (3, 12), (3, 13)]}
"""The Pythons that each set's lock installs on, the preferred one first."""
WIDE_GLIBC: Version = (2, 17)
CURRENT_GLIBC: Version = (2, 39)
"""Oldest glibc of each set. Source: the manylinux tags of the ml-metadata and TFDV wheels."""
MACHINE = "x86_64"
COMPILERS = ("g++", "c++", "clang++")

VENV = "Python's venv module"
HEADERS = "Python's headers (Python.h)"
COMPILER = "C++ compiler"
"""What can be missing."""

INTERPRETER_FACTS = """
import importlib.util, json, os, sys, sysconfig
header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
print(json.dumps({
    "path": sys.executable, "version": list(sys.version_info[:3]), "has_headers": os.path.isfile(header),
    "has_venv": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))}))
"""


class MisfitError(Exception):
    """Nothing fits this machine; the message is one line and names what to install.

    Attributes:
      packages: the system's packages that mend it; empty when none does.
    """

    def __init__(self, message: str, packages: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.packages = list(packages)


class Interpreter(NamedTuple):
    """A Python on this machine."""

    path: str
    version: Version
    has_headers: bool
    has_venv: bool


class Machine(NamedTuple):
    """What decides between the two sets."""

    architecture: str
    glibc: Optional[Version]
    compiler: str
    """Path of a C++ compiler, empty when there is none."""
    interpreters: List[Interpreter]
    distribution: str
    """ID and ID_LIKE of /etc/os-release."""


class Choice(NamedTuple):
    """The dependency set and the Python to install it with."""

    set_name: str
    interpreter: Interpreter
    reason: str


class Problem(NamedTuple):
    """Something that is missing, and the system's packages that hold it."""

    missing: str
    packages: List[str]


def probe(python: str = "") -> Machine:
    """Looks at this machine.

    Args:
      python: the only Python to consider, a path or a name; empty for all on PATH.
    """
    names = [python] if python else [dotted("python", v) for v in PYTHONS[CURRENT]] + ["python3"]
    found = [path for path in map(shutil.which, names) if path]
    interpreters = [interpreter for interpreter in map(_interpreter, found) if interpreter]
    compilers = [os.environ.get("CXX", ""), *COMPILERS]
    compiler = next((path for path in map(shutil.which, filter(None, compilers)) if path), "")
    return Machine(platform.machine(), _glibc(), compiler, interpreters, _distribution())


def dotted(prefix: str, version: Version) -> str:
    """`python` and (3, 11) make `python3.11`."""
    return prefix + ".".join(map(str, version))


def choose_set(machine: Machine) -> Tuple[str, str]:
    """Returns the set's name and the reason.

    Raises:
      MisfitError: no set runs on this machine.
    """
    if machine.architecture != MACHINE or machine.glibc is None or machine.glibc < WIDE_GLIBC:
        libc = dotted("glibc ", machine.glibc) if machine.glibc else "no glibc"
        wanted = "{} with {} or newer".format(MACHINE, dotted("glibc ", WIDE_GLIBC))
        got = "{} with {}".format(machine.architecture, libc)
        raise MisfitError(
            "the machine must be Linux on {}, got {}; use the container image".format(wanted, got)
        )
    set_name = CURRENT if machine.glibc >= CURRENT_GLIBC else WIDE
    comparison = "{} is {} {}".format(
        dotted("glibc ", machine.glibc),
        "at least" if set_name == CURRENT else "older than",
        dotted("", CURRENT_GLIBC),
    )
    return set_name, comparison


def choose(machine: Machine) -> Choice:
    """Picks the set that this machine's glibc can load, and the first Python that installs it.

    Raises:
      MisfitError: no set runs on this machine, or no Python for it is here.
    """
    set_name, comparison = choose_set(machine)
    fitting = [
        interpreter
        for version in PYTHONS[set_name]
        for interpreter in machine.interpreters
        if interpreter.version[:2] == version
    ]
    if not fitting:
        wanted = " or ".join(dotted("", version) for version in PYTHONS[set_name])
        got = ", ".join(dotted("", i.version) for i in machine.interpreters) or "none"
        packages = python_packages(machine, PYTHONS[set_name][0] if set_name == WIDE else None)
        packages += compiler_packages(machine)
        mend = install_command(machine, packages)
        raise MisfitError(
            "Python must be {} ({}), got {}; {}".format(wanted, comparison, got, mend), packages
        )
    whole = [interpreter for interpreter in fitting if interpreter.has_headers and interpreter.has_venv]
    interpreter = (whole or fitting)[0]
    reason = "{}, {}".format(comparison, dotted("Python ", interpreter.version))
    return Choice(set_name, interpreter, reason)


def find_problems(machine: Machine, interpreter: Interpreter) -> List[Problem]:
    """Lists what an installation would lack: pyfarmhash is compiled from source in both sets."""
    packages = python_packages(machine, interpreter.version[:2])
    problems = []
    if not interpreter.has_venv:
        problems.append(Problem(VENV, packages))
    if not interpreter.has_headers:
        problems.append(Problem(HEADERS, packages))
    if not machine.compiler:
        problems.append(Problem(COMPILER, compiler_packages(machine)))
    return problems


def python_packages(machine: Machine, version: Optional[Version]) -> List[str]:
    """Names the distribution's packages of a Python with headers; None for its default Python 3."""
    if _is_red_hat(machine):
        return [dotted("python", version or (3, 12)) + "-devel"]
    prefix = dotted("python", version or (3,))
    return [prefix + "-dev", prefix + "-venv"]


def compiler_packages(machine: Machine) -> List[str]:
    """Names the distribution's packages of a C++ compiler."""
    return ["gcc-c++" if _is_red_hat(machine) else "g++"]


def install_command(machine: Machine, packages: Sequence[str]) -> str:
    """Returns the command that installs packages here."""
    return "{} install {}".format("dnf" if _is_red_hat(machine) else "apt-get", " ".join(packages))


def _is_red_hat(machine: Machine) -> bool:
    return bool({"rhel", "fedora", "centos"} & set(machine.distribution.split()))


def _interpreter(path: str) -> Optional[Interpreter]:
    """Asks a Python about itself; None when it does not run."""
    try:
        answer = subprocess.check_output([path, "-I", "-c", INTERPRETER_FACTS], stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return None
    facts = json.loads(answer.decode())
    return Interpreter(facts["path"], tuple(facts["version"]), facts["has_headers"], facts["has_venv"])


def _glibc() -> Optional[Version]:
    try:
        name, number = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
    except (ValueError, OSError):
        return None
    return tuple(map(int, number.split("."))) if name == "glibc" else None


def _distribution() -> str:
    try:
        with open("/etc/os-release") as stream:
            pairs = dict(line.rstrip().split("=", 1) for line in stream if "=" in line)
    except OSError:
        return ""
    return " ".join(pairs.get(key, "").strip('"') for key in ("ID", "ID_LIKE"))


def main() -> int:
    """Prints the choice, or the packages; 1 when something is missing."""
    machine = probe(os.environ.get("PYTHON", ""))
    try:
        choice = choose(machine)
        lines = ["{} set, {} ({})".format(choice.set_name, choice.interpreter.path, choice.reason)]
        problems = find_problems(machine, choice.interpreter)
    except MisfitError as misfit:
        lines, problems = [], [Problem(str(misfit), misfit.packages)]
    if sys.argv[1:] == ["--packages"]:
        print(" ".join(sorted({package for problem in problems for package in problem.packages})))
        return 0
    print("\n".join(lines + ["missing: {}".format(problem.missing) for problem in problems]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
