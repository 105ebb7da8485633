"""ChampionResolver: the model in service as an artifact, for the Evaluator to compare with."""

from __future__ import annotations

from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration import data_types
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.champion import champion, executor


class ChampionResolverSpec(types.ComponentSpec):
    """Parameters and output of ChampionResolver."""

    PARAMETERS: ClassVar = {
        standard_component_specs.PUSH_DESTINATION_KEY: component_spec.ExecutionParameter(type=str),
        executor.VERSION_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {}
    OUTPUTS: ClassVar = {
        executor.CHAMPION_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }


class ChampionResolver(base_component.BaseComponent):
    """Copies the newest whole version under the push destination.

    Output: `champion` (standard Model; custom properties: champion_version, and absent, which is 1 where
    nothing is pushed yet and the artifact is an empty folder).
    """

    SPEC_CLASS = ChampionResolverSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self, push_destination: str | data_types.RuntimeParameter, champion_version: str = ""
    ) -> None:
        """Makes the component.

        Args:
          push_destination: local folder of the versions, or what stands for it until the run starts.
          champion_version: as `ChampionResolver.find_version` gives it: the component has no inputs, so only
            this tells the cache that another model is in service. Empty where the caller cannot read the
            destination; it is then looked up when the component runs, and the cache must be off for it.
        """
        spec = ChampionResolverSpec(
            **{
                standard_component_specs.PUSH_DESTINATION_KEY: push_destination,
                executor.VERSION_KEY: champion_version,
                executor.CHAMPION_KEY: types.Channel(type=standard_artifacts.Model),
            }
        )
        super().__init__(spec=spec)

    @staticmethod
    def find_version(push_destination: str) -> str:
        """Returns the name of the version in service now, or champion.NO_CHAMPION."""
        return champion.find_champion(push_destination)
