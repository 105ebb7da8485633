import json

import pytest

from components import contract
from components.errors import ConfigError
from components.train.config import ModelConfig, TrainConfig

pytestmark = pytest.mark.tf


@pytest.fixture(name="properties", scope="module")
def fixture_properties():
    """Execution properties of a component made for 300 steps."""
    from tfx import types
    from tfx.types import standard_artifacts

    from components.train.component import BarsTrainer

    examples = types.Channel(type=standard_artifacts.Examples)
    graph = types.Channel(type=standard_artifacts.TransformGraph)
    trainer = BarsTrainer(examples, graph, ModelConfig(), TrainConfig(steps=300, warmup_steps=60))
    return {name: value for name, value in trainer.exec_properties.items() if value is not None}


def read_train_config(properties):
    from tfx.utils import json_utils

    from components.train import run_fn

    custom_config = json_utils.loads(properties["custom_config"])
    return TrainConfig(**json.loads(custom_config[run_fn.TRAIN_CONFIG]))


def test_as_configured_the_parameters_change_nothing(properties):
    from components.train.component import fold_parameters

    assert read_train_config(fold_parameters(properties)) == TrainConfig(steps=300, warmup_steps=60)


def test_what_a_run_gives_reaches_run_fn(properties):
    from components.train.component import fold_parameters

    # KFP hands whole numbers over as JSON numbers, which may come with a point.
    given = {contract.TRAIN_STEPS_PARAMETER: 50.0, contract.SEED_PARAMETER: 9}
    folded = fold_parameters({**properties, **given})
    assert read_train_config(folded) == TrainConfig(steps=50, seed=9, warmup_steps=10)
    assert not set(given) & set(folded), "tfx's Trainer does not know them"


def test_a_run_without_a_step_is_refused(properties):
    from components.train.component import fold_parameters

    with pytest.raises(ConfigError, match=r"train\.steps must be at least 1, got 0"):
        fold_parameters({**properties, contract.TRAIN_STEPS_PARAMETER: 0})


def read_configs(hyperparameters):
    from tfx.components.trainer.fn_args_utils import FnArgs

    from components.train import run_fn

    unset = dict.fromkeys(("working_dir", "train_files", "eval_files", "train_steps", "eval_steps"))
    given = {run_fn.MODEL_CONFIG: json.dumps({"units": 50}), run_fn.TRAIN_CONFIG: json.dumps({"seed": 3})}
    return run_fn.read_configs(FnArgs(**unset, custom_config=given, hyperparameters=hyperparameters))


def test_what_a_search_found_takes_the_place_of_the_configured():
    values = {"model.units": 32, "train.learning_rate": 1e-3}
    model, train = read_configs({"space": [], "values": values})
    assert (model, train) == (ModelConfig(units=32), TrainConfig(seed=3, learning_rate=1e-3))
    assert read_configs(None) == (ModelConfig(units=50), TrainConfig(seed=3))


def test_hyperparameters_of_another_model_are_refused():
    with pytest.raises(ConfigError, match=r"the hyperparameters of a search must fit the Trainer: .* got lr"):
        read_configs({"values": {"lr": 1.0}})


@pytest.mark.parametrize(("strategy", "calls"), [("none", 1), ("multi_worker", 2)])
def test_only_what_one_process_trained_is_kept(monkeypatch, tmp_path, strategy, calls):
    from tfx import types
    from tfx.types import standard_artifacts

    from components.train import component

    trained = []
    monkeypatch.setattr(component._RunFnExecutor, "Do", lambda *_: trained.append(1))
    examples = types.Channel(type=standard_artifacts.Examples)
    graph = types.Channel(type=standard_artifacts.TransformGraph)
    config = TrainConfig(strategy=strategy)
    properties = component.BarsTrainer(examples, graph, ModelConfig(), config).exec_properties
    told = {contract.CODE_PROPERTY: "code", contract.RESULTS_PROPERTY: str(tmp_path / "kept")}
    for _ in range(2):
        model = standard_artifacts.Model()
        model.uri = str(tmp_path / "model")
        component.BarsTrainerExecutor().Do({}, {"model": [model]}, {**properties, **told})
    assert len(trained) == calls
