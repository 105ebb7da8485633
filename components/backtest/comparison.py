"""What a backtest comes to: the network beside each other model, on the rows that both forecast."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components import contract
from components.backtest import results
from components.evaluate import baselines, metrics
from components.evaluate.bootstrap import skill_interval
from components.evaluate.metrics import Floats


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One model at one horizon, and the network's skill against it.

    Attributes:
      model: its name; horizon: trading days ahead; seed: of the network that is compared.
      forecasts: rows that both have; dates: different origins among them.
      pinball: the model's mean loss, of log returns; coverage_90: share of actuals in its 90 % band.
      skill: of the network against it, with its 95 % interval skill_low .. skill_high; t: Diebold-Mariano.
        NaN for the network itself.
    """

    model: str
    horizon: int
    seed: int
    forecasts: int
    dates: int
    pinball: float
    coverage_90: float
    skill: float
    skill_low: float
    skill_high: float
    t: float


def compare(table: pa.Table, seed: int, reference: str = contract.MODEL_NAME) -> list[Comparison]:
    """Compares `reference` of one seed with every model, horizon by horizon.

    Args:
      table: of results.read_results.
      seed: of the reference.
    Returns:
      By model, the reference first, and horizon; of a backtest without the reference no skills.
    """
    names = pc.unique(table[results.MODEL]).to_pylist()
    ours = _take(table, reference, seed) if reference in names else None
    rows = []
    for name in sorted(names, key=lambda name: (name != reference, name)):
        theirs = ours if ours is not None and name == reference else _take(table, name, None)
        for horizon in contract.HORIZONS:
            rows.append(_compare_horizon(ours, theirs, horizon, (name, seed)))
    return rows


@dataclasses.dataclass(frozen=True)
class _Scores:
    """Of one model, a row a forecast: key of ticker and origin, horizon, origin, loss, hit of the band."""

    keys: np.ndarray  # type: ignore[type-arg]
    horizons: np.ndarray  # type: ignore[type-arg]
    origins: np.ndarray  # type: ignore[type-arg]
    losses: Floats
    hits: Floats

    def at(self, horizon: int) -> _Scores:
        """Those of one horizon."""
        own = self.horizons == horizon
        return _Scores(*(getattr(self, field.name)[own] for field in dataclasses.fields(self)))

    def among(self, other: _Scores) -> _Scores:
        """Those whose key the other has, too."""
        own = np.isin(self.keys, other.keys)
        return _Scores(*(getattr(self, field.name)[own] for field in dataclasses.fields(self)))


def _take(table: pa.Table, model: str, seed: int | None) -> _Scores:
    own = pc.equal(table[results.MODEL], model)
    if seed is not None:
        own = pc.and_(own, pc.equal(table[results.SEED], seed))
    table = table.filter(own)
    quantiles = np.stack([table[name].to_numpy() for name in results.QUANTILE_COLUMNS], axis=-1)
    actual = table[results.ACTUAL].to_numpy().astype(np.float64)
    origins = table[results.ORIGIN].to_numpy().astype("datetime64[D]")
    tickers = np.asarray(table[contract.TICKER].to_pylist(), str)
    return _Scores(
        np.char.add(np.char.add(tickers, "\0"), origins.astype(str)),
        table[contract.HORIZON].to_numpy(),
        origins,
        metrics.pinball(actual, quantiles.astype(np.float64), baselines.LEVELS),
        ((actual >= quantiles[:, 0]) & (actual <= quantiles[:, -1])).astype(np.float64),
    )


def _compare_horizon(
    ours: _Scores | None, theirs: _Scores, horizon: int, named: tuple[str, int]
) -> Comparison:
    nan = float("nan")
    own = theirs.at(horizon)
    other = ours.at(horizon).among(own) if ours is not None else None
    own = own.among(other) if other is not None else own
    figures = (nan, nan, nan, nan)
    if other is not None and ours is not theirs and len(own.losses):
        loss, baseline = _mean_by_date(other), _mean_by_date(own)
        figures = (
            metrics.skill(float(other.losses.mean()), float(own.losses.mean())),
            *skill_interval(loss, baseline),
            metrics.diebold_mariano(baseline - loss),
        )
    return Comparison(
        *(named[0], horizon, named[1], len(own.losses), len(np.unique(own.origins))),
        float(own.losses.mean()) if len(own.losses) else nan,
        float(own.hits.mean()) if len(own.hits) else nan,
        *figures,
    )


def _mean_by_date(scores: _Scores) -> Floats:
    """Mean loss over the tickers of each origin, in order of time."""
    _, groups, counts = np.unique(scores.origins, return_inverse=True, return_counts=True)
    means: Floats = np.bincount(groups, scores.losses) / counts
    return means
