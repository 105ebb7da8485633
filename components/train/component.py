"""BarsTrainer: chunk examples in, the SavedModel out; the stock Trainer with steps and seed of their own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tfx import types
from tfx.components.trainer import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration import data_types
from tfx.proto import trainer_pb2
from tfx.types import component_spec, standard_artifacts, standard_component_specs
from tfx.utils import json_utils

from components import contract
from components.reuse.executor import ReusingExecutor
from components.train import run_fn
from components.train.config import MULTI_WORKER, ModelConfig, TrainConfig, change_run
from components.transform.market_property import MARKET_KEY, KnowsMarket, market_property

NODE_ID = "Trainer"

Artifacts = dict[str, list[types.Artifact]]


class _RunFnExecutor(executor.GenericExecutor):
    """Calls run_fn with the steps and the seed of this run."""

    def Do(  # noqa: N802 (TFX's name)
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Trains; see tfx's GenericExecutor."""
        super().Do(input_dict, output_dict, fold_parameters(exec_properties))


class BarsTrainerExecutor(ReusingExecutor, _RunFnExecutor):
    """Trains where no model of the same examples is kept; days of the test split change none."""

    USED_SPLITS: ClassVar = {
        standard_component_specs.EXAMPLES_KEY: [contract.TRAIN_SPLIT, contract.EVAL_SPLIT]
    }

    def Do(  # noqa: N802 (TFX's name)
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Trains or takes over; one of several workers trains, for only the chief has the whole model."""
        told = dict(exec_properties)
        if _read_train_config(told).strategy == MULTI_WORKER:
            told[contract.RESULTS_PROPERTY] = ""
        super().Do(input_dict, output_dict, told)


class BarsTrainerSpec(types.ComponentSpec):
    """The stock Trainer's, and what changes per run."""

    PARAMETERS: ClassVar = {
        **standard_component_specs.TrainerSpec.PARAMETERS,
        contract.TRAIN_STEPS_PARAMETER: component_spec.ExecutionParameter(type=int),
        contract.SEED_PARAMETER: component_spec.ExecutionParameter(type=int),
        **KnowsMarket.PARAMETER,
    }
    INPUTS: ClassVar = standard_component_specs.TrainerSpec.INPUTS
    OUTPUTS: ClassVar = standard_component_specs.TrainerSpec.OUTPUTS


class BarsTrainer(KnowsMarket, base_component.BaseComponent):
    """Fits the network on the train split and chooses its best step on the eval split.

    Outputs: `model` (standard Model) and `model_run` (standard ModelRun, empty).
    """

    SPEC_CLASS = BarsTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(BarsTrainerExecutor)

    def __init__(
        self,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        model: ModelConfig,
        train: TrainConfig,
        parameters: Mapping[str, data_types.RuntimeParameter] | None = None,
        hyperparameters: types.BaseChannel | None = None,
    ) -> None:
        """Makes the component; its configs are JSON, so that the cache sees each of their values.

        Args:
          examples: chunk examples with a train and an eval split.
          transform_graph: from Transform.
          model: shape of the network.
          train: how it is fitted.
          parameters: what is known only when the run starts: its name among contract's
            TRAIN_STEPS_PARAMETER and SEED_PARAMETER -> what stands for it till then.
          hyperparameters: from the Tuner: what to use instead of some values of `model` and `train`.
        """
        changing = {contract.TRAIN_STEPS_PARAMETER: train.steps, contract.SEED_PARAMETER: train.seed}
        custom_config = {
            run_fn.MODEL_CONFIG: _to_json(model),
            run_fn.TRAIN_CONFIG: _to_json(train),
        }
        found = {standard_component_specs.HYPERPARAMETERS_KEY: hyperparameters} if hyperparameters else {}
        spec = BarsTrainerSpec(
            **{
                **found,
                **changing,
                **(parameters or {}),
                **market_property(),
                standard_component_specs.EXAMPLES_KEY: examples,
                standard_component_specs.TRANSFORM_GRAPH_KEY: transform_graph,
                standard_component_specs.RUN_FN_KEY: _dotted(run_fn.run_fn),
                standard_component_specs.TRAIN_ARGS_KEY: trainer_pb2.TrainArgs(splits=[contract.TRAIN_SPLIT]),
                standard_component_specs.EVAL_ARGS_KEY: trainer_pb2.EvalArgs(splits=[contract.EVAL_SPLIT]),
                standard_component_specs.CUSTOM_CONFIG_KEY: json_utils.dumps(custom_config),
                standard_component_specs.MODEL_KEY: types.Channel(type=standard_artifacts.Model),
                standard_component_specs.MODEL_RUN_KEY: types.Channel(type=standard_artifacts.ModelRun),
            }
        )
        super().__init__(spec=spec)
        self.with_id(NODE_ID)


def fold_parameters(exec_properties: Mapping[str, Any]) -> dict[str, Any]:
    """Puts the run's steps and seed, and the market, where run_fn looks for them.

    Args:
      exec_properties: of a BarsTrainer.
    Returns:
      Execution properties of a stock Trainer.
    Raises:
      ConfigError: the run's steps or seed are out of range.
    """
    properties = dict(exec_properties)
    steps, seed = (properties.pop(name) for name in (contract.TRAIN_STEPS_PARAMETER, contract.SEED_PARAMETER))
    custom_config = json_utils.loads(properties[standard_component_specs.CUSTOM_CONFIG_KEY])
    config = change_run(_read_train_config(properties), int(steps), int(seed))
    custom_config[run_fn.TRAIN_CONFIG] = _to_json(config)
    custom_config[run_fn.MARKET_CONFIG] = properties.pop(MARKET_KEY)
    properties[standard_component_specs.CUSTOM_CONFIG_KEY] = json_utils.dumps(custom_config)
    return properties


def _read_train_config(properties: Mapping[str, Any]) -> TrainConfig:
    custom_config = json_utils.loads(properties[standard_component_specs.CUSTOM_CONFIG_KEY])
    return TrainConfig(**json.loads(custom_config[run_fn.TRAIN_CONFIG]))


def _to_json(config: ModelConfig | TrainConfig) -> str:
    return json.dumps(dataclasses.asdict(config), sort_keys=True)


def _dotted(function: Callable[..., Any]) -> str:
    """Where an installed function is imported from, as TFX wants it."""
    return f"{function.__module__}.{function.__name__}"
