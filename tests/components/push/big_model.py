"""A folder that looks like a model and takes a while to push; and the process that pushes it."""

from __future__ import annotations

import json
import pathlib
import random
import subprocess
import sys

from components import contract

NUM_FILES = 60
FILE_BYTES = 300_000


def write_model(
    folder: pathlib.Path, seed: int = 0, num_files: int = 3, file_bytes: int = 1000
) -> pathlib.Path:
    """Writes a model of random bytes with a record; returns `folder`."""
    generator = random.Random(seed)
    (folder / "variables").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / contract.ASSETS_EXTRA).mkdir()
    (folder / "saved_model.pb").write_bytes(generator.randbytes(file_bytes))
    for index in range(num_files):
        (folder / "variables" / f"part-{index:03}").write_bytes(generator.randbytes(file_bytes))
    (folder / contract.ASSETS_EXTRA / contract.RECORD_FILE).write_text(json.dumps({"model": {"seed": seed}}))
    return folder


def start_push(model: pathlib.Path, base: pathlib.Path) -> subprocess.Popen[str]:
    """Starts a process that pushes; it prints a line just before it begins, and the version at its end."""
    program = (
        "import sys; from components.push.publish import publish; print('ready', flush=True); "
        "print(publish(sys.argv[1], sys.argv[2], {}).version)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(model), str(base)], stdout=subprocess.PIPE, text=True
    )
