"""The extra `client`: installed from the package index, it asks a real server as the full set does."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from pipeline import install
from serving.connect import connect
from tests.serving.sample_bars import make_frame, make_mapping

pytestmark = pytest.mark.tf
ROOT = pathlib.Path(__file__).parent.parent.parent
SOURCES = ("components", "pipeline", "serving", "pyproject.toml", "README.md", "setup.py")
INSTALLED = {"marketcast", "grpcio", "numpy", "protobuf", "typing-extensions"}
"""All of it; grpcio wants the last one."""
BARS_FILE = "bars.json"
ASK = """
import json, pathlib, sys
import numpy as np
import serving
from serving.connect import connect
bars = json.loads(pathlib.Path(sys.argv[2]).read_text())
with connect(sys.argv[1]) as client:
    forecast = client.forecast(bars)
    print(json.dumps({
        "place": serving.__path__[0],
        "tickers": forecast.tickers,
        "as_of": [str(day) for day in forecast.as_of],
        "model_version": forecast.model_version,
        "prices": np.asarray(forecast.price_quantiles, np.float32).tobytes().hex(),
        "states": [[status.version, status.state] for status in client.status()],
        "signatures": sorted(client.metadata().signatures),
        "heavy": sorted({"tensorflow", "pandas"} & set(sys.modules)),
    }))
"""


def run(*command, **options):
    ended = subprocess.run(
        [str(part) for part in command],
        check=False,
        capture_output=True,
        text=True,
        env={
            **{name: value for name, value in os.environ.items() if name not in install.CLEARED_VARIABLES},
            **install.uv_environment(sys.executable),
        },
        **options,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def client_python(tmp_path_factory):
    """The Python of an environment with the extra and nothing else."""
    folder = tmp_path_factory.mktemp("client")
    sources, python = folder / "sources", folder / "venv" / "bin" / "python"
    sources.mkdir()
    for name in SOURCES:  # A build leaves files beside its sources.
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, sources / name)
    uv = pathlib.Path(sys.executable).parent / "uv"
    run(uv, "venv", "--quiet", "--python", sys.executable, folder / "venv")
    requirement = f"marketcast[client] @ {sources.as_uri()}"
    run(uv, "pip", "install", "--quiet", "--system-certs", "--python", python, requirement)
    return python


def test_it_installs_little(client_python):
    uv = pathlib.Path(sys.executable).parent / "uv"
    listed = json.loads(run(uv, "pip", "list", "--python", client_python, "--format", "json"))
    assert {package["name"] for package in listed} == INSTALLED


def test_its_forecast_is_that_of_the_full_installation(client_python, server, tmp_path):
    bars = {
        ticker: {name: column.tolist() for name, column in columns.items()}
        for ticker, columns in make_mapping(make_frame(3)).items()
    }
    (tmp_path / BARS_FILE).write_text(json.dumps(bars))
    answer = json.loads(
        run(client_python, "-W", "error", "-c", ASK, server.address, tmp_path / BARS_FILE, cwd=tmp_path)
    )
    assert pathlib.Path(answer["place"]).is_relative_to(client_python.parent.parent), "not the checkout"
    with connect(server.address) as client:
        expected = client.forecast(bars)
        assert answer["signatures"] == sorted(client.metadata().signatures)
    assert answer["tickers"] == list(expected.tickers)
    assert answer["as_of"] == [str(day) for day in expected.as_of]
    assert answer["model_version"] == "tiny-1"
    assert answer["prices"] == expected.price_quantiles.tobytes().hex()
    assert answer["states"] == [[1, "AVAILABLE"]]
    assert answer["heavy"] == []
