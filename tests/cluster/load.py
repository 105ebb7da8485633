"""Runs in the client's pod: asks for forecasts until a file is there, then tells what came back, as JSON."""

from __future__ import annotations

import json
import pathlib
import sys
import time

import pandas as pd

from serving.connect import connect

STOP_FILE = pathlib.Path("/tmp/stop")
READY_FILE = pathlib.Path("/tmp/ready")
SECONDS_BETWEEN_CALLS = 0.01


def ask(address: str) -> dict[str, object]:
    """Counts answers by model version, and failures by what they say."""
    bars = pd.read_csv("/app/data/raw/stock_prices.csv")
    bars = bars[bars["ticker"] == "AAPL"].tail(400)
    versions: dict[str, int] = {}
    failures: dict[str, int] = {}
    with connect(address, timeout_seconds=10) as client:
        while not STOP_FILE.exists():
            try:
                key, counts = str(client.forecast(bars).model_version), versions
            except Exception as error:
                key, counts = f"{type(error).__name__}: {error}"[:300], failures
            counts[key] = counts.get(key, 0) + 1
            READY_FILE.touch()
            time.sleep(SECONDS_BETWEEN_CALLS)
    return {"versions": versions, "failures": failures}


if __name__ == "__main__":
    print(json.dumps(ask(sys.argv[1])))
