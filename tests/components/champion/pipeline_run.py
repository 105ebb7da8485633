"""A pipeline of champion, rehearsal and push on TFX's local runner; imports TensorFlow and TFX."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.common import importer
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local import local_dag_runner
from tfx.types import standard_artifacts

from components import contract
from components.champion.component import ChampionResolver
from components.push.component import AtomicPusher
from components.rehearse.component import Rehearsal
from components.rehearse.replay import RehearsalConfig
from tests.components.rehearse import tiny_model

GENEROUS = RehearsalConfig(latency_budget_ms=1e6, num_timed_requests=5)


@dataclasses.dataclass(frozen=True)
class PushedRun:
    """What a run of the pipeline left.

    Attributes:
      reused: component -> an earlier run's output was taken over.
      champion_version: property of the champion.
      absent: the champion is marked as absent.
      pushed_version: property of the pushed model.
    """

    reused: dict[str, bool]
    champion_version: str
    absent: bool
    pushed_version: str


class PushPipeline:
    """The pipeline over a model that was trained before, in a folder of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self.base = folder / "models"
        self._database = str(folder / "metadata.sqlite")
        (folder / "blessing").mkdir()

    def run(self, model: pathlib.Path) -> PushedRun:
        """Runs it on the Model artifact at `model`."""
        local_dag_runner.LocalDagRunner().run(self._make_pipeline(str(model)))
        connection = metadata_store_pb2.ConnectionConfig()
        connection.sqlite.filename_uri = self._database
        store = metadata_store.MetadataStore(connection)
        last = {
            name: store.get_executions_by_type(f"components.{module}.component.{name}")[-1]
            for name, module in (
                ("ChampionResolver", "champion"),
                ("Rehearsal", "rehearse"),
                ("AtomicPusher", "push"),
            )
        }
        champion = _find_output(store, last["ChampionResolver"])
        pushed = _find_output(store, last["AtomicPusher"])
        return PushedRun(
            {name: execution.last_known_state == execution.CACHED for name, execution in last.items()},
            champion.custom_properties["champion_version"].string_value,
            champion.custom_properties[contract.ABSENT_PROPERTY].int_value == 1,
            pushed.custom_properties["pushed_version"].string_value,
        )

    def _make_pipeline(self, model_uri: str) -> pipeline.Pipeline:
        model = importer.Importer(model_uri, standard_artifacts.Model).with_id("Model")
        blessing = importer.Importer(
            str(self._folder / "blessing"),
            standard_artifacts.ModelBlessing,
            custom_properties={"blessed": 1},
        ).with_id("Blessing")
        base = str(self.base)
        champion = ChampionResolver(base, ChampionResolver.find_version(base))
        rehearsal = Rehearsal(model.outputs["result"], GENEROUS)
        pusher = AtomicPusher(
            model.outputs["result"], blessing.outputs["result"], rehearsal.outputs["infra_blessing"], base
        )
        return pipeline.Pipeline(
            pipeline_name="push",
            pipeline_root=str(self._folder / "pipeline"),
            components=[model, blessing, champion, rehearsal, pusher],
            enable_cache=True,
            metadata_connection_config=metadata.sqlite_metadata_connection_config(self._database),
        )


def save_model(folder: pathlib.Path, width: float) -> pathlib.Path:
    """Saves a model whose forecasts depend on `width` as a Model artifact at `folder`."""
    folder.mkdir()
    tiny_model.save(tiny_model.TinyModule(width), folder / "Format-Serving")
    return folder


def _find_output(store: metadata_store.MetadataStore, execution: Any) -> Any:
    events = store.get_events_by_execution_ids([execution.id])
    [output] = [event.artifact_id for event in events if event.type == event.OUTPUT]
    return store.get_artifacts_by_id([output])[0]
