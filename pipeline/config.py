"""The configuration of a run: the parts' own dataclasses, and what differs per environment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from components.audit.report import AuditConfig
from components.backtest.config import BacktestConfig, BacktestSettings
from components.database.config import ALWAYS, AUTO, DatabaseConfig
from components.evaluate.gate import GateConfig
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig
from components.ingest.source_config import POSTGRES, SourceConfig
from components.rehearse.replay import RehearsalConfig
from components.train.config import ModelConfig, TrainConfig
from components.transform.market_config import MarketConfig
from components.tune.config import TuneConfig, TuneSettings
from pipeline import settings
from pipeline.environment import LOCAL, PathsConfig, read_layers
from pipeline.kubeflow.compiler.config import KubeflowConfig
from pipeline.kubeflow.submission.config import SubmitConfig

_IN_PROCESS_RUNNER = "--runner=DirectRunner"
_NO_PACKAGE = "--sdk_container_image=none"
"""Tells TFX that Beam's workers have its code, as those of the DirectRunner do. Else it packs itself into an
archive for each component, in 2 s, and leaves that behind (tfx.utils.dependency_utils)."""
BEAM_COMPONENTS = (
    "BarsExampleGen", "StatisticsGen", "Transform", "LeakageAudit", "Evaluator", "LatestBarsGen",
    "BulkInferrer",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class BeamConfig:
    """How Beam runs.

    Attributes:
      pipeline_args: Beam's own flags, runner first.
      component_args: component -> the flags that it takes instead, where it runs elsewhere; of
        BarsExampleGen, StatisticsGen, Transform, LeakageAudit and Evaluator, or LatestBarsGen and
        BulkInferrer.
      shared_folder: on Kubeflow, where those components and Beam's workers both see the artifacts: path of a
        volume mounted in both, or a gs:// folder.
    """

    pipeline_args: tuple[str, ...]
    component_args: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    shared_folder: str = ""

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.component_args) - set(BEAM_COMPONENTS)):
            raise ValueError(
                f"beam.component_args must name {', '.join(BEAM_COMPONENTS)}, got {', '.join(unknown)}; "
                "the other components do not use Beam"
            )

    @property
    def away(self) -> list[str]:
        """Components whose workers are not in the component's own process or pod."""
        return [name for name in BEAM_COMPONENTS if _IN_PROCESS_RUNNER not in self._given(name)]

    def arguments_of(self, component: str) -> list[str]:
        """Flags of one component."""
        given = self._given(component)
        return [*given, _NO_PACKAGE] if _IN_PROCESS_RUNNER in given else list(given)

    def _given(self, component: str) -> tuple[str, ...]:
        return self.component_args.get(component, self.pipeline_args)


@dataclasses.dataclass(frozen=True)
class PipelineConfig:
    """Everything a run depends on.

    Attributes:
      name: of the pipeline in the metadata store.
      paths: where a run writes.
      beam: how Beam runs.
      source: where the bars and the company metadata are.
      database: where bars come from, if source.kind says so, and runs are written to.
      validation: what happens to bad rows.
      chunks: how bars are cut and split by date.
      model: shape of the network.
      train: how it is fitted.
      market: whether it sees what all tickers did on the same day.
      audit: how much is searched for the future before a model is judged.
      gate: what the model must reach to be blessed.
      rehearsal: what the exported model must reach to be pushed.
      backtest: how `marketcast backtest` walks through the bars.
      tune: how the parameters of the network are searched.
      kubeflow: what the compiled pipeline asks of the cluster.
      submit: where a compiled pipeline is sent.
    """

    paths: PathsConfig
    beam: BeamConfig
    source: SourceConfig
    database: DatabaseConfig
    validation: ValidationConfig
    chunks: ChunkConfig
    model: ModelConfig
    train: TrainConfig
    market: MarketConfig
    audit: AuditConfig
    gate: GateConfig
    rehearsal: RehearsalConfig
    backtest: BacktestConfig
    tune: TuneConfig
    kubeflow: KubeflowConfig
    submit: SubmitConfig
    name: str = "marketcast"

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", dataclasses.replace(self.source, database=self.database))

    @property
    def is_published(self) -> bool:
        """Whether a run is written to the database."""
        by_source = self.database.publish == AUTO and self.source.kind == POSTGRES
        return by_source or self.database.publish == ALWAYS

    @property
    def backtest_settings(self) -> BacktestSettings:
        """The sections that a backtest goes by."""
        names = [field.name for field in dataclasses.fields(BacktestSettings)]
        return BacktestSettings(**{name: getattr(self, name) for name in names})

    @property
    def tune_settings(self) -> TuneSettings:
        """The sections that a search for parameters goes by."""
        names = [field.name for field in dataclasses.fields(TuneSettings)]
        return TuneSettings(**{name: getattr(self, name) for name in names})


def load_config(file: str = "", overrides: Sequence[str] = (), environment: str = LOCAL) -> PipelineConfig:
    """Reads the configuration: an environment, over it a file, over both single keys.

    Args:
      file: a YAML file; empty for none.
      overrides: `key.path=value`, the value being YAML.
      environment: where the pipeline runs: environment.LOCAL or environment.KUBEFLOW.
    Raises:
      ConfigError: a file, a key or a value is wrong.
    """
    return settings.build(PipelineConfig, read_layers(file, overrides, environment))
