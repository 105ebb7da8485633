"""The client is light: no TensorFlow, no TFX, pandas only where a frame is asked for."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent

IMPORTS = """
import json, sys
started_with = set(sys.modules)
import {module}
names = {{name.partition(".")[0] for name in set(sys.modules) - started_with}}
print(json.dumps(sorted(names - sys.stdlib_module_names)))
"""
OWN_AND_THIRD = {"components", "serving", "grpc", "google", "numpy"}
BROUGHT_ALONG = {"cython_runtime", "typing_extensions", "grpc_health", "grpc_reflection", "grpc_tools"}
"""What they import themselves; the last three only where they happen to be installed."""
ASK = """
import sys
for name in ("tensorflow", "tensorflow_serving", "tfx", "pandas", "pyarrow", "rich", "click"):
    sys.modules[name] = None  # An import of it fails.
import numpy as np
from components import contract
from serving.connect import connect
days = np.arange("2020-01-01", "2021-01-01", dtype="datetime64[D]")
bars = {name: np.linspace(10.0, 12.0, len(days)) for name in contract.BAR_COLUMNS}
with connect(sys.argv[1]) as client:
    forecast = client.forecast({"A": {**bars, contract.DATE: days}})
    client.status(), client.metadata()
print(forecast.model_version, forecast.as_of[0], forecast.price_quantiles.shape)
"""


def run_alone(code, *arguments):
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("serving.client", OWN_AND_THIRD),
        ("serving.async_client", OWN_AND_THIRD),
        ("serving.rest_client", OWN_AND_THIRD - {"grpc"}),
        ("serving.connect", {"components", "serving", "google", "numpy"}),
    ],
)
def test_an_import_brings_in_little(module, expected):
    imported = {name for name in json.loads(run_alone(IMPORTS.format(module=module))) if name[0] != "_"}
    assert imported - BROUGHT_ALONG == expected


@pytest.mark.tf
def test_it_forecasts_without_all_of_them(server):
    assert run_alone(ASK, server.address).split() == ["tiny-1", "2020-12-31", "(1,", "5,", "7)"]
