"""The Pusher's executor: blessings, the version, its record, and the artifact as tfx's Pusher marks it."""

from __future__ import annotations

import json
import math
import pathlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from components import contract
from components.evaluate.gate import GateConfig
from components.evaluate.results import EvaluationResults
from components.evaluate.summary import metric_names
from components.push.publish import RECORD_PATH, list_versions, verify_manifest
from tests.components.push import big_model

pytestmark = pytest.mark.tf


@pytest.fixture(name="run", scope="module")
def fixture_run() -> ModuleType:
    from tests.components.push import push_run

    return push_run


def _record(pushed: Any) -> dict[str, Any]:
    path = pathlib.Path(pushed.get_string_custom_property("pushed_destination"), RECORD_PATH)
    record: dict[str, Any] = json.loads(path.read_text())
    return record


def test_what_was_pushed_is_a_model_that_loads(run: ModuleType, tmp_path: pathlib.Path) -> None:
    from tests.components.rehearse import tiny_model

    tiny_model.save(tiny_model.TinyModule(), tmp_path / "model" / "Format-Serving")
    pushed = run.push(run.Inputs(tmp_path))
    version = pushed.get_string_custom_property("pushed_version")
    path = tmp_path / "models" / "marketcast" / version
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_destination") == str(path)
    assert list_versions(str(path.parent)) == [int(version)]
    assert verify_manifest(str(path)) == []
    assert verify_manifest(pushed.uri) == []
    signature = tiny_model.tf.saved_model.load(str(path)).signatures[contract.FORECAST_SIGNATURE]
    request = tiny_model.draw_requests()[0]
    golden = json.loads((path / contract.ASSETS_EXTRA / contract.GOLDEN_FILE).read_text())
    answer = tiny_model.golden.ask(signature, request)
    np.testing.assert_array_equal(
        answer[contract.PRICE_QUANTILES], golden["expected"][0][contract.PRICE_QUANTILES]
    )


@pytest.mark.parametrize(("model_blessed", "infra_blessed"), [(0, 1), (1, 0), (0, 0)])
def test_without_both_blessings_nothing_is_pushed(
    run: ModuleType, tmp_path: pathlib.Path, model_blessed: int, infra_blessed: int
) -> None:
    big_model.write_model(tmp_path / "model" / "Format-Serving")
    inputs = run.Inputs(tmp_path, model_blessed, infra_blessed)
    pushed = run.push(inputs)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not inputs.base.exists()


def test_the_record_gets_figures_and_verdict(run: ModuleType, tmp_path: pathlib.Path) -> None:
    big_model.write_model(tmp_path / "model" / "Format-Serving")
    figures = dict.fromkeys(metric_names(), 0.25) | {"direction_h1": math.nan}
    champion = dict.fromkeys(metric_names(), 0.5)
    record = _record(run.push(run.Inputs(tmp_path, results=EvaluationResults(figures, champion, {}))))
    assert record["model"] == {"seed": 0}
    assert record["metrics"]["pinball_ewma_h1"] == 0.25
    assert record["metrics"]["direction_h1"] is None
    assert record["champion_metrics"]["pinball_h1"] == 0.5
    assert record["verdict"]["blessed"] is False
    assert any("champion" in check["title"] for check in record["verdict"]["checks"])
    assert record["push"]["version"] == list_versions(str(tmp_path / "models" / "marketcast"))[0]


def test_the_card_tells_the_gates_verdict(run: ModuleType, tmp_path: pathlib.Path) -> None:
    big_model.write_model(tmp_path / "model" / "Format-Serving")
    figures = dict.fromkeys(metric_names(), 0.25) | {"skill_normal_h2": -0.0312, "always_up_h1": 0.524}
    pushed = run.push(run.Inputs(tmp_path, results=EvaluationResults(figures, None, {})))
    extra = pathlib.Path(pushed.get_string_custom_property("pushed_destination"), contract.ASSETS_EXTRA)
    card = json.loads((extra / contract.MODEL_CARD_DATA_FILE).read_text())
    assert card["gate"] == _record(pushed)["verdict"]
    assert card["coverage"][4] == {"horizon": 5, "90": 0.25, "80": 0.25, "50": 0.25}
    text = (extra / contract.MODEL_CARD_FILE).read_text()
    assert "| days inside the 90 % band | 25.00 % | 87.00 % to 93.00 % | no |" in text
    assert "its pinball loss is 3.12 % above that of EWMA, normal (RiskMetrics)." in text
    assert "On direction it claims nothing: 25.0 % right, always-up 52.4 %." in text
    own = json.loads((pathlib.Path(pushed.uri) / contract.ASSETS_EXTRA / contract.MANIFEST_FILE).read_text())
    assert f"{contract.ASSETS_EXTRA}/{contract.MODEL_CARD_FILE}" in own, "the artifact's copy has it too"


def test_without_an_evaluation_the_record_says_nothing_of_it(run: ModuleType, tmp_path: pathlib.Path) -> None:
    big_model.write_model(tmp_path / "model" / "Format-Serving")
    assert _record(run.push(run.Inputs(tmp_path))).keys() == {"model", "push"}


def test_the_first_model_has_no_champion(run: ModuleType, tmp_path: pathlib.Path) -> None:
    big_model.write_model(tmp_path / "model" / "Format-Serving")
    results = EvaluationResults(dict.fromkeys(metric_names(), 0.25), None, {})
    assert _record(run.push(run.Inputs(tmp_path, results=results)))["champion_metrics"] is None


def test_a_push_that_is_repeated_names_the_version_that_is_there(
    run: ModuleType, tmp_path: pathlib.Path
) -> None:
    big_model.write_model(tmp_path / "model" / "Format-Serving")
    first, second = run.push(run.Inputs(tmp_path)), run.push(run.Inputs(tmp_path))
    versions = {pushed.get_string_custom_property("pushed_version") for pushed in (first, second)}
    assert {str(version) for version in list_versions(str(tmp_path / "models" / "marketcast"))} == versions
    assert second.get_int_custom_property("pushed") == 1


def test_evaluation_and_gate_come_together(run: ModuleType) -> None:
    assert "gate" not in run.make_component("models", None).exec_properties
    assert "evaluation" in run.make_component("models", GateConfig()).inputs
    channels = [run.types.Channel(type=run.standard_artifacts.Model)] + [
        run.types.Channel(type=kind)
        for kind in (run.standard_artifacts.ModelBlessing, run.standard_artifacts.InfraBlessing)
    ]
    with pytest.raises(ValueError, match="evaluation and gate must be given together"):
        run.AtomicPusher(*channels, "models", gate=GateConfig())
