"""The component's executor: what tfx's Pusher is to read, from a real clean process."""

from __future__ import annotations

import pathlib
import shutil
from types import ModuleType
from typing import Any

import pytest

from components import contract
from components.rehearse.replay import Rehearsal, RehearsalConfig
from components.rehearse.report import REPORT_FILE, RehearsalReport, read_report

pytestmark = pytest.mark.tf

GENEROUS = RehearsalConfig(latency_budget_ms=1e6, num_timed_requests=5)


@pytest.fixture(name="tiny", scope="module")
def fixture_tiny() -> ModuleType:
    from tests.components.rehearse import tiny_model

    return tiny_model


@pytest.fixture(name="run", scope="module")
def fixture_run() -> ModuleType:
    from tests.components.rehearse import rehearsal_run

    return rehearsal_run


def _is_blessed(blessing: Any) -> bool:
    """As tfx's Pusher asks; the files must agree."""
    from tfx.components.util import model_utils

    blessed: bool = model_utils.is_infra_validated(blessing)
    files = {path.name for path in pathlib.Path(blessing.uri).iterdir()}
    assert files == {"INFRA_BLESSED" if blessed else "INFRA_NOT_BLESSED", REPORT_FILE}
    return blessed


def test_a_good_model_is_blessed(tiny: ModuleType, run: ModuleType, tmp_path: pathlib.Path) -> None:
    tiny.save(tiny.TinyModule(), tmp_path / "model" / "Format-Serving")
    blessing = run.rehearse(tmp_path / "model", GENEROUS)
    assert _is_blessed(blessing)
    assert read_report(blessing.uri).reasons == ()


def test_one_that_passed_is_not_rehearsed_again_and_one_that_failed_is(
    tiny: ModuleType, run: ModuleType, tmp_path: pathlib.Path
) -> None:
    tiny.save(tiny.TinyModule(), tmp_path / "model" / "Format-Serving")
    told = {contract.CODE_PROPERTY: "code", contract.RESULTS_PROPERTY: str(tmp_path / "kept")}
    hasty = RehearsalConfig(timeout_seconds=0.2)
    blessing = run.rehearse(tmp_path / "model", hasty, **told)
    assert not _is_blessed(blessing)
    assert not list(tmp_path.glob("kept/*/*"))
    shutil.rmtree(blessing.uri)
    reports = []
    for _ in range(2):
        blessing = run.rehearse(tmp_path / "model", GENEROUS, **told)
        assert _is_blessed(blessing)
        reports.append(pathlib.Path(blessing.uri, REPORT_FILE).read_text())  # With measured times.
        shutil.rmtree(blessing.uri)
    assert reports[0] == reports[1]


def test_a_model_that_needs_this_process_is_refused(
    tiny: ModuleType, run: ModuleType, tmp_path: pathlib.Path
) -> None:
    """It passes where it was made: only a clean process finds out."""
    module = tiny.PythonModule()
    model = tiny.save(module, tmp_path / "model" / "Format-Serving")
    assert Rehearsal(str(model), GENEROUS).run().passed
    blessing = run.rehearse(tmp_path / "model", GENEROUS)
    assert not _is_blessed(blessing)
    assert "callback with key=pyfunc_" in read_report(blessing.uri).reasons[0]
    del module


def test_a_model_that_ends_its_process_is_refused(
    tiny: ModuleType, run: ModuleType, tmp_path: pathlib.Path
) -> None:
    tiny.save(tiny.DeadlyModule(), tmp_path / "model" / "Format-Serving", golden_of=tiny.TinyModule())
    blessing = run.rehearse(tmp_path / "model", GENEROUS)
    assert not _is_blessed(blessing)
    [reason] = read_report(blessing.uri).reasons
    assert reason.startswith("the process must end with 0, got -6: ")


def test_a_rehearsal_that_takes_too_long_is_refused(
    tiny: ModuleType, run: ModuleType, tmp_path: pathlib.Path
) -> None:
    tiny.save(tiny.TinyModule(), tmp_path / "model" / "Format-Serving")
    blessing = run.rehearse(tmp_path / "model", RehearsalConfig(timeout_seconds=0.2))
    assert not _is_blessed(blessing)
    [reason] = read_report(blessing.uri).reasons
    assert reason.startswith("the process must end within 0.2 s, got no end; ")


def test_a_model_without_its_graph_is_refused(
    tiny: ModuleType, run: ModuleType, tmp_path: pathlib.Path
) -> None:
    model = tiny.save(tiny.TinyModule(), tmp_path / "model" / "Format-Serving")
    shutil.rmtree(model / "variables")
    blessing = run.rehearse(tmp_path / "model", GENEROUS)
    assert not _is_blessed(blessing)
    report: RehearsalReport = read_report(blessing.uri)
    assert [check.name for check in report.checks] == ["the model loads in a clean process"]
    assert "must run to its end" in report.reasons[0]
