"""The section `backtest` of the configuration, and the others that a backtest goes by."""

from __future__ import annotations

import dataclasses

from components import contract
from components.backtest.classical import CLASSICAL
from components.backtest.folds import FoldConfig
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig
from components.ingest.source_config import SourceConfig
from components.train.config import ModelConfig, TrainConfig
from components.transform.market_config import ALONE, MarketConfig

GARCH = "garch_t"
GJR_GARCH = "gjr_garch_t"
LIGHTGBM = "lightgbm"
WITHOUT_MARKET = f"{contract.MODEL_NAME}_no_market"
_OTHERS = (*(forecaster.name for forecaster in CLASSICAL), GARCH, GJR_GARCH, LIGHTGBM)
MODELS = (contract.MODEL_NAME, *_OTHERS, WITHOUT_MARKET)


@dataclasses.dataclass(frozen=True)
class BacktestConfig(FoldConfig):
    """How the origins roll, and who takes part.

    Attributes:
      first_origin: first day on which a forecast is made, YYYY-MM-DD.
      fold_years: years until all models are fitted anew, at least 1.
      eval_years: years before each fold by which the network's best step is chosen, at least 1.
      models: names among marketcast, random_walk, random_walk_drift, historical, ewma_normal,
        ewma_empirical, garch_t, gjr_garch_t, lightgbm and marketcast_no_market; with marketcast, which the
        others are compared with. marketcast_no_market, the same network without market features, takes part
        where market.enabled is true: else it would be the same one.
      seeds: of the network, each fitted in every fold; the lowest one's figures are the headline.
    """

    models: tuple[str, ...] = MODELS
    seeds: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.models or set(self.models) - set(MODELS) or len(set(self.models)) < len(self.models):
            raise ValueError(
                f"backtest.models must name some of {', '.join(MODELS)}, each once, got "
                f"{', '.join(self.models) or 'none'}; choose among them"
            )
        if contract.MODEL_NAME not in self.models:
            raise ValueError(
                f"backtest.models must name {contract.MODEL_NAME}, which the others are compared with, got "
                f"{', '.join(self.models)}; add it"
            )
        if not self.seeds or min(self.seeds) < 0 or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(
                f"backtest.seeds must be whole numbers from 0, each once, got {list(self.seeds)}; [1] is one"
            )


@dataclasses.dataclass(frozen=True)
class BacktestSettings:
    """The sections of the configuration that a backtest goes by; see pipeline.config.PipelineConfig."""

    source: SourceConfig
    validation: ValidationConfig
    chunks: ChunkConfig
    model: ModelConfig
    train: TrainConfig
    backtest: BacktestConfig
    market: MarketConfig = ALONE
