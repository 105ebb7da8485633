"""Runs the Rehearsal's executor; imports TensorFlow and TFX."""

from __future__ import annotations

import pathlib

from tfx import types
from tfx.types import standard_artifacts

from components.rehearse.component import Rehearsal
from components.rehearse.executor import Executor
from components.rehearse.replay import RehearsalConfig


def make_model(folder: pathlib.Path) -> types.Artifact:
    """The Model artifact whose serving model is at folder/Format-Serving."""
    model = standard_artifacts.Model()
    model.uri = str(folder)
    return model


def rehearse(model: pathlib.Path, config: RehearsalConfig, **properties: str) -> types.Artifact:
    """Runs the executor with the properties that the component makes, and others; returns the blessing."""
    blessing = standard_artifacts.InfraBlessing()
    blessing.uri = str(model.parent / f"{model.name}-blessing")
    component = Rehearsal(types.Channel(type=standard_artifacts.Model), config)
    told = {**component.exec_properties, **properties}
    Executor().Do({"model": [make_model(model)]}, {"infra_blessing": [blessing]}, told)
    return blessing
