"""The figures of a backtest: what its report, its slide and the model card show. Shapes only."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

SLICE_KINDS = ("ticker", "sector", "year", "regime", "fold")
"""By what forecasts are told apart; year and regime are those of the origin."""
REGIMES = ("calm", "normal", "turbulent")
"""Thirds of a ticker's own days by their volatility."""


DIGITS = 10
"""Of a number in JSON. The last of the 17 hang on where in memory an array lies, for numpy adds it up by its
alignment: the same results would not give the same page."""


@dataclasses.dataclass(frozen=True)
class FoldSpan:
    """One fold as it was forecast.

    Attributes:
      name: its first day, YYYY-MM-DD.
      first_origin, last_origin: YYYY-MM-DD.
      crises: names of folds.CRISES of which it holds a day.
      num_forecasts: of the reference model, of all horizons.
    """

    name: str
    first_origin: str
    last_origin: str
    crises: tuple[str, ...]
    num_forecasts: int


@dataclasses.dataclass(frozen=True)
class Span:
    """What was forecast.

    Attributes:
      first_origin, last_origin: YYYY-MM-DD, over all models.
      num_origins: days on which at least one forecast was made.
      num_forecasts: of all models, seeds and horizons.
      tickers, horizons: sorted.
      models: the reference first, the others sorted.
      seeds: of the reference model, sorted; the first is the one that all figures but `seeds` are of.
      folds: in order of time, as the reference model was fitted.
    """

    first_origin: str
    last_origin: str
    num_origins: int
    num_forecasts: int
    tickers: tuple[str, ...]
    horizons: tuple[int, ...]
    models: tuple[str, ...]
    seeds: tuple[int, ...]
    folds: tuple[FoldSpan, ...]


@dataclasses.dataclass(frozen=True)
class BandCoverage:
    """A central band: percent, share of actuals inside, and the clustered t of that less percent / 100."""

    percent: int
    share: float
    t: float


@dataclasses.dataclass(frozen=True)
class RankScore:
    """Mean over dates of Spearman's correlation across tickers, in [-1, 1]; its t; the number of dates."""

    mean: float
    t: float
    num_dates: int


@dataclasses.dataclass(frozen=True)
class Skill:
    """The reference model against another, on the forecasts that both made.

    Attributes:
      skill: share by which its mean pinball loss is below the other's; 0.01 is 1 %.
      low, high: ends of the 95 % interval of that, by the block bootstrap over dates.
      t: Diebold-Mariano t of the per-date mean losses, positive where the reference is better.
      num_forecasts, num_dates: that both have.
    """

    skill: float
    low: float
    high: float
    t: float
    num_forecasts: int
    num_dates: int


@dataclasses.dataclass(frozen=True)
class VerdictRow:
    """One model at one horizon, on all forecasts that it made, of its lowest seed.

    Attributes:
      pinball, crps: means, of log returns.
      bands: 90, 80 and 50 percent.
      mase: mean over forecasts of |median price - price| over the ticker's mean |price change| of the same
        days; below 1 it errs less than persistence. (The scale of Hyndman and Koehler is of earlier days,
        which a backtest does not hold; theirs and this differ by a factor that all models share.)
      direction, always_up: share of days that moved whose sign the median got right, and that rose; a
        median of 0 is half right.
      rank_ic_median: does the median order the tickers by their return?
      rank_ic_width: does the 90 % band's width order them by the size |return| of what came?
      calibration_gap: the largest |share of actuals at or below a quantile - its level|.
      r2_price, r2_persistence: R2 of the median price and of the last price, mean over tickers, which says
        something only side by side.
      skill: the reference model's against this one; None for the reference itself.
    """

    model: str
    horizon: int
    num_forecasts: int
    num_dates: int
    pinball: float
    crps: float
    bands: tuple[BandCoverage, ...]
    mase: float
    direction: float
    always_up: float
    rank_ic_median: RankScore
    rank_ic_width: RankScore
    calibration_gap: float
    r2_price: float
    r2_persistence: float
    skill: Skill | None


@dataclasses.dataclass(frozen=True)
class SliceRow:
    """The reference model against `baseline` on some of the forecasts.

    Attributes:
      kind: one of SLICE_KINDS.
      name: such as `AAPL`, `2008`, `calm`, or a fold's first day.
      skill: on the forecasts of the slice that both made.
      coverage_90: share of actuals inside the reference's 90 % band, of the same forecasts.
    """

    kind: str
    name: str
    horizon: int
    baseline: str
    skill: Skill
    coverage_90: float


@dataclasses.dataclass(frozen=True)
class CalibrationRow:
    """Of one model and horizon, for each level the share of actuals at or below that quantile."""

    model: str
    horizon: int
    levels: tuple[float, ...]
    shares: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class PitRow:
    """Where actuals fell: shares between `edges` (0, the levels, 1), beside a calibrated forecast's."""

    horizon: int
    edges: tuple[float, ...]
    shares: tuple[float, ...]
    expected: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class QuarterCoverage:
    """Coverage of the reference's bands in a calendar quarter of origins.

    Attributes:
      quarter: such as `2008-Q4`.
      first_day: of the quarter, YYYY-MM-DD.
      shares: by band, percent -> share of actuals inside.
    """

    horizon: int
    quarter: str
    first_day: str
    num_forecasts: int
    shares: dict[int, float]


@dataclasses.dataclass(frozen=True)
class SeedRow:
    """One seed of the reference model against one baseline."""

    seed: int
    horizon: int
    baseline: str
    skill: Skill


@dataclasses.dataclass(frozen=True)
class Figures:
    """All figures of a backtest; what cannot be computed is NaN, in JSON null.

    Attributes:
      reference: name of the model that the others are compared with.
      verdict: by horizon, then model, in the order of span.models.
      slices: by horizon, baseline, kind and name.
    """

    reference: str
    span: Span
    verdict: tuple[VerdictRow, ...]
    slices: tuple[SliceRow, ...]
    calibration: tuple[CalibrationRow, ...]
    pit: tuple[PitRow, ...]
    coverage: tuple[QuarterCoverage, ...]
    seeds: tuple[SeedRow, ...]

    def row(self, model: str, horizon: int) -> VerdictRow | None:
        """The verdict on one model at one horizon; None where it made no forecast."""
        return next((r for r in self.verdict if (r.model, r.horizon) == (model, horizon)), None)

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON types: NaN becomes None, keys text, tuples lists; of numbers DIGITS digits."""
        plain: dict[str, Any] = as_json(dataclasses.asdict(self))
        return plain


def as_json(value: Any) -> Any:
    """The same value as JSON types; see Figures.to_json."""
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
