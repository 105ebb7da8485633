"""Makes .venv ready: the dependency set that fits this machine, then this checkout.

`python3 -m pipeline.install`, from the repository's root, is what the Makefile calls. Standard library
only, runs under Python 3.7 too. Does nothing when .venv is as it would make it; killed half-way, it is
simply run again: the stamp is written last.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

from pipeline import platform_probe

VENV = Path(".venv")
STAMP = VENV / "marketcast-set-up.json"
CLEARED_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")


def lock_file(set_name: str) -> Path:
    """The lock of a set, relative to the repository's root."""
    return Path("requirements") / (set_name + ".txt")


def state(choice: platform_probe.Choice) -> Dict[str, str]:
    """Everything that .venv depends on; an installation with an equal state needs nothing done."""
    files = (lock_file(choice.set_name), Path("pyproject.toml"), Path("setup.py"))
    digests = {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    python = "{} {}".format(os.path.realpath(choice.interpreter.path), choice.interpreter.version)
    return {"set": choice.set_name, "python": python, "root": os.getcwd(), **digests}


def read_stamp() -> Dict[str, str]:
    """The state that .venv was last made with; empty when it was not, or not to the end."""
    try:
        stamp: Dict[str, str] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp


def install(choice: platform_probe.Choice) -> None:
    """Brings .venv to the state of `choice`.

    Raises:
      subprocess.CalledProcessError: a step failed; it has printed why.
    """
    wanted, found = state(choice), read_stamp()
    if found == wanted:
        return
    print(
        "set-up: {} set ({}) into {}; two minutes with a cold cache".format(
            choice.set_name, choice.reason, VENV
        ),
        flush=True,
    )
    if found:
        STAMP.unlink()
    moved = found and any(found[key] != wanted[key] for key in ("python", "root"))
    if moved or not _runs(choice):
        _run([choice.interpreter.path, "-m", "venv", "--clear", str(VENV)], {})
    python = str(VENV / "bin" / "python")
    environment = uv_environment(python)
    lock = lock_file(choice.set_name)
    _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", pinned("uv", lock)], {})
    # uv is in the lock too, so that it outlives its own sync.
    uv = [str(VENV / "bin" / "uv"), "pip"]
    # Each command loads thousands of modules; where Python may not write bytecode it would compile them anew.
    compiled = ["--compile-bytecode", str(lock)]
    _run([*uv, "sync", "--quiet", "--system-certs", "--python", python, *compiled], environment)
    checkout = ["--no-deps", "--no-build-isolation", "--reinstall-package", "marketcast", "--editable", "."]
    _run([*uv, "install", "--quiet", "--system-certs", "--python", python, *checkout], environment)
    STAMP.write_text(json.dumps(wanted, indent=2) + "\n")
    print("set-up: done", flush=True)


def pinned(package: str, lock: Path) -> str:
    """Returns a lock's `name==version` of a package."""
    return next(line.split()[0] for line in lock.read_text().splitlines() if line.startswith(package + "=="))


def uv_environment(python: str) -> Dict[str, str]:
    """Hands pip's index and certificates to uv, which reads neither pip's files nor its variables."""
    listed = subprocess.check_output([python, "-m", "pip", "config", "list"], env=_clean({})).decode()
    settings: Dict[str, str] = {}
    for key, value in re.findall(r"^(\S+)=('.*'|\".*\")$", listed, re.MULTILINE):
        # The environment is listed first and wins.
        settings.setdefault(key.rsplit(".", 1)[-1], ast.literal_eval(value))
    wanted = {"UV_DEFAULT_INDEX": settings.get("index-url"), "SSL_CERT_FILE": settings.get("cert")}
    given = {name: value for name, value in wanted.items() if value and name not in os.environ}
    return {"UV_PYTHON_DOWNLOADS": "never", "UV_HTTP_TIMEOUT": "180", **given}


def _runs(choice: platform_probe.Choice) -> bool:
    """Whether .venv holds a working pip of the chosen Python."""
    program = "import pip, sys; print(list(sys.version_info[:3]))"
    try:
        command = [str(VENV / "bin" / "python"), "-c", program]
        answer = subprocess.check_output(command, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return False
    return tuple(json.loads(answer.decode())) == choice.interpreter.version


def _clean(extra: Dict[str, str]) -> Dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in CLEARED_VARIABLES}
    return {**kept, **extra}


def _run(command: List[str], extra: Dict[str, str]) -> None:
    subprocess.run(command, check=True, env=_clean(extra), stdin=subprocess.DEVNULL)


def main() -> int:
    """Installs; 1 with one line when something is missing or a step fails."""
    try:
        machine = platform_probe.probe(os.environ.get("PYTHON", ""))
        choice = platform_probe.choose(machine)
    except platform_probe.MisfitError as misfit:
        print("set-up: {}".format(misfit), file=sys.stderr)
        return 1
    if read_stamp() == state(choice):
        return 0
    problems = platform_probe.find_problems(machine, choice.interpreter)
    for problem in problems:
        command = platform_probe.install_command(machine, problem.packages)
        print("set-up: {} is missing; {}".format(problem.missing, command), file=sys.stderr)
    if problems:
        return 1
    try:
        install(choice)
    except subprocess.CalledProcessError as error:
        step = "`{}` ended with {}".format(" ".join(error.cmd), error.returncode)
        print("set-up: {}; mend what it says above and run make again".format(step), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
