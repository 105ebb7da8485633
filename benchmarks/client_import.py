"""How long `import serving.client` takes beside `import grpc, numpy`, which it cannot do without.

python -m benchmarks.client_import            11 fresh processes of each, by turns; medians and their ratio
python -m benchmarks.client_import 31
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

DEFAULT_ROUNDS = 11
LEAST = "import grpc, numpy, google.protobuf.message"
IMPORTS = {
    "grpc, numpy, protobuf": LEAST,
    "serving.client": "import serving.client",
    "serving.async_client": "import serving.async_client",
    "serving.rest_client": "import serving.rest_client",
}


# Else the modules of a checkout would be compiled at each start, while the libraries' have been long since.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def time_import(code: str) -> float:
    """Seconds from the start of a fresh Python to its end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT)
    return time.perf_counter() - start


def main() -> None:
    """Prints the median of each import, the start of Python taken off, and its ratio to the least."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else DEFAULT_ROUNDS
    codes = {"python alone": "pass", **IMPORTS}
    seconds: dict[str, list[float]] = {name: [] for name in codes}
    for code in codes.values():  # So that all are compiled.
        time_import(code)
    for _ in range(rounds):  # By turns, so that what else runs on the machine hits all of them.
        for name, code in codes.items():
            seconds[name].append(time_import(code))
    start = statistics.median(seconds.pop("python alone"))
    medians = {name: statistics.median(values) - start for name, values in seconds.items()}
    least = medians["grpc, numpy, protobuf"]
    for name, median in medians.items():
        print(f"{name:<22} {1000 * median:6.0f} ms   {median / least:.2f}x")


if __name__ == "__main__":
    main()
