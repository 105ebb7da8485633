"""Who takes part in a backtest, and what decides the forecasts: from the configuration alone."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
from typing import Any

from components import contract
from components.backtest.classical import CLASSICAL
from components.backtest.config import WITHOUT_MARKET, BacktestSettings
from components.backtest.folds import Fold
from components.backtest.garch import Garch
from components.backtest.gradient_boosting import GradientBoosting
from components.backtest.network import Network
from components.backtest.walk import Entry, MakeEntries
from components.ingest.bars import iso_date
from components.ingest.parts import fingerprint
from components.transform.market_config import ALONE, MarketConfig

PACKAGES = ("arch", "keras", "lightgbm", "numpy", "pandas", "scipy", "tensorflow")
"""Whose versions decide a forecast."""


def describe_origin(settings: BacktestSettings) -> dict[str, Any]:
    """All that decides a forecast, as JSON types; who takes part does not: more models can join.

    Raises:
      InputError: the bars cannot be found or read.
    """
    rolling = dataclasses.asdict(settings.backtest)
    del rolling["models"], rolling["seeds"]
    parts = {"folds": rolling} | {
        name: dataclasses.asdict(getattr(settings, name))
        for name in ("validation", "chunks", "model", "train", "market")
    }
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    made_from = {"bars": fingerprint(settings.source), "versions": versions, **parts}
    return dict(json.loads(json.dumps(made_from)))


def choose_entries(settings: BacktestSettings) -> MakeEntries:
    """The models of a fold, the quick ones first."""

    def make_entries(fold: Fold) -> list[Entry]:
        quick = (*CLASSICAL, Garch(), Garch(is_asymmetric=True), GradientBoosting(settings.market))
        chosen = [Entry(each) for each in quick if each.name in settings.backtest.models]
        networks = (
            Network(
                settings.model, train, settings.chunks.chunk_days, iso_date(fold.eval_start), market, name
            )
            for name, market in _list_networks(settings).items()
            for train in (dataclasses.replace(settings.train, seed=seed) for seed in settings.backtest.seeds)
        )
        return chosen + [Entry(network, network.train.seed) for network in networks]

    return make_entries


def _list_networks(settings: BacktestSettings) -> dict[str, MarketConfig]:
    """Names of the networks that take part, and the market that each sees."""
    networks = {contract.MODEL_NAME: settings.market}
    if settings.market.enabled and WITHOUT_MARKET in settings.backtest.models:
        networks[WITHOUT_MARKET] = ALONE
    return networks
