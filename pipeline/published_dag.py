"""The wiring of the training pipeline where no command waits for its end: its last step writes the run."""

from __future__ import annotations

from tfx.dsl.components.base.base_component import BaseComponent

from components.publish.component import RunPublisher
from components.publish.executor import PRODUCERS
from pipeline import dag
from pipeline.config import PipelineConfig


def create_components(config: PipelineConfig, parameters: dag.Parameters) -> list[BaseComponent]:
    """Those of dag.create_components and, where runs are written to the database, RunPublisher behind them.

    On this machine `marketcast run` writes the run itself, once it has told the verdict.
    """
    wired = dag.create_components(config, parameters)
    if not config.is_published:
        return wired
    components = {component.id: component for component in wired}
    outputs = {key: components[producer].outputs[key] for key, producer in PRODUCERS.items()}
    return [*wired, RunPublisher(outputs, config.database, config.gate)]
