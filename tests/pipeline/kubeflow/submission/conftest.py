"""A KFP to talk to, the command as a user types it, and a package."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from pipeline.kubeflow.submission import connection, runs, version
from tests.conftest import ROOT
from tests.pipeline.kubeflow.submission.kfp_server import KfpServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PACKAGE = ROOT / "tests" / "golden" / "pipeline.yaml"
DEFAULTS = {
    "as_of": "",
    "champion_location": "/models/marketcast",
    "data": "data/raw/stock_prices.csv",
    "known_on": "",
    "metadata": "data/raw/company_metadata.csv",
    "push_destination": "/models/marketcast",
    "seed": 1,
    "train_steps": 300,
}
"""Parameters of PACKAGE."""
Marketcast = Callable[..., Result]


@pytest.fixture(autouse=True)
def fixture_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits, a commit that does not change from one test run to the next, and no token of the user."""
    monkeypatch.setattr(connection, "WAITS_SECONDS", (0.01,) * 5)
    monkeypatch.setattr(runs, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(version, "find_commit", lambda: COMMIT)
    monkeypatch.setattr(version, "has_changes", lambda: False)
    for name in ("KFP_TOKEN", "KF_PIPELINES_ENDPOINT", "KF_PIPELINES_SA_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(name="kfp")
def fixture_kfp() -> Iterator[KfpServer]:
    with KfpServer() as server:
        yield server


@pytest.fixture(name="package")
def fixture_package(tmp_path: pathlib.Path) -> pathlib.Path:
    """A package as compile writes it: two documents."""
    file = tmp_path / "pipeline.yaml"
    file.write_bytes(PACKAGE.read_bytes())
    return file


@pytest.fixture(name="marketcast")
def fixture_marketcast(kfp: KfpServer) -> Marketcast:
    """Runs a command against `kfp`."""

    def invoke(command: str, *arguments: object) -> Result:
        return CliRunner().invoke(main, [command, "--host", kfp.host, *map(str, arguments)])

    return invoke
