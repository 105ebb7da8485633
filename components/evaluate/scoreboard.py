"""Scores of many forecasts in little memory: sums for each date, and some 2 kB for each ticker."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from components import contract
from components.evaluate import baselines
from components.evaluate.metrics import Floats, count_crossings, pinball
from components.evaluate.ticker_sums import Gains, TickerSums

NUM_HORIZONS = len(contract.HORIZONS)
BANDS = {90: (0, 6), 80: (1, 5), 50: (2, 4)}
"""Central band in percent -> positions of its ends in QUANTILE_LEVELS."""
BASELINES = ("ewma", "normal", "historical")
"""EWMA with empirical quantiles, EWMA with normal ones, quantiles of the last 250 returns."""

COLUMNS = (
    "days",
    "pinball_model",
    *(f"pinball_{name}" for name in BASELINES),
    *(f"inside_{band}" for band in BANDS),
    "error_model",
    "error_random_walk",
    "moves",
    "right_direction",
    "ups",
    "crossings",
)
"""What is summed: counts, pinball losses, hits of the bands, absolute errors of the median price."""
COLUMN = {name: index for index, name in enumerate(COLUMNS)}


@dataclasses.dataclass(frozen=True)
class ScoredChunk:
    """One chunk's forecasts beside what came true; c target days.

    Attributes:
      ticker: whose bars they are.
      dates: int64 [c], days since 1970-01-01.
      close: [c], the day's close; adj_close: [LOOKBACK + c].
      label: [c, horizons] log returns; label_mask: [c, horizons], 1 where the label is real.
      quantiles: [c, horizons, levels] the model's log-return quantiles.
      base_quantiles: [horizons, levels], in units of volatility * sqrt(horizon), learnt on train.
    """

    ticker: str
    dates: npt.NDArray[np.int64]
    close: Floats
    adj_close: Floats
    label: Floats
    label_mask: Floats
    quantiles: Floats
    base_quantiles: Floats


@dataclasses.dataclass(frozen=True)
class Scoreboard:
    """Sums of scores.

    Attributes:
      dates: int64 [n], ascending, each once.
      sums: float64 [n, horizons, len(COLUMNS)].
      tickers: ticker -> what is kept of each of its runs of days.
    """

    dates: npt.NDArray[np.int64]
    sums: Floats
    tickers: dict[str, tuple[TickerSums, ...]]

    @classmethod
    def empty(cls) -> Scoreboard:
        """A scoreboard without scores."""
        return cls(np.empty(0, np.int64), np.empty((0, NUM_HORIZONS, len(COLUMNS))), {})

    def merge(self, other: Scoreboard) -> Scoreboard:
        """The scoreboard of both sides' forecasts."""
        dates, positions = np.unique(np.concatenate([self.dates, other.dates]), return_inverse=True)
        sums = np.zeros((len(dates), NUM_HORIZONS, len(COLUMNS)))
        own, others = np.split(positions, [len(self.dates)])
        sums[own] += self.sums
        sums[others] += other.sums
        tickers = dict(self.tickers)
        for ticker, runs in other.tickers.items():
            tickers[ticker] = (*tickers.get(ticker, ()), *runs)
        return Scoreboard(dates, sums, tickers)


def score_chunk(chunk: ScoredChunk) -> Scoreboard:
    """Scores a chunk's forecasts and those of the baselines on the same days."""
    num_days = len(chunk.dates)
    volatility = baselines.ewma_volatility(chunk.adj_close)[-num_days:]
    rivals = {
        "ewma": baselines.ewma_empirical(volatility, chunk.base_quantiles),
        "normal": baselines.ewma_normal(volatility),
        "historical": baselines.historical(chunk.adj_close, num_days),
    }
    columns = {"days": np.ones_like(chunk.label), "pinball_model": _pinball(chunk, chunk.quantiles)}
    columns |= {f"pinball_{name}": _pinball(chunk, quantiles) for name, quantiles in rivals.items()}
    for band, (low, high) in BANDS.items():
        above = chunk.label >= chunk.quantiles[..., low]
        columns[f"inside_{band}"] = (above & (chunk.label <= chunk.quantiles[..., high])).astype(float)
    columns |= _score_median(chunk)
    columns["crossings"] = count_crossings(chunk.quantiles)
    sums = np.stack([columns[name] for name in COLUMNS], axis=-1) * chunk.label_mask[..., np.newaxis]
    return Scoreboard(chunk.dates, sums, {chunk.ticker: (_sum_days(chunk.dates, sums),)})


def daily_gains(by_date: Floats) -> Floats:
    """EWMA's loss less the model's, mean over the tickers of each date that was scored; of one horizon.

    Args:
      by_date: [dates, columns].
    Returns:
      [scored dates].
    """
    scored = by_date[by_date[:, COLUMN["days"]] > 0]
    gains = scored[:, COLUMN["pinball_ewma"]] - scored[:, COLUMN["pinball_model"]]
    differences: Floats = gains / scored[:, COLUMN["days"]]
    return differences


def _sum_days(dates: npt.NDArray[np.int64], sums: Floats) -> TickerSums:
    """What is kept of one ticker's days, of which `sums` has a row each."""
    gains = tuple(Gains.of(daily_gains(sums[:, index])) for index in range(NUM_HORIZONS))
    return TickerSums(int(dates[0]), sums.sum(axis=0), gains)


def _pinball(chunk: ScoredChunk, quantiles: Floats) -> Floats:
    return pinball(chunk.label, quantiles, baselines.LEVELS)


def _score_median(chunk: ScoredChunk) -> dict[str, Floats]:
    """Absolute price errors of the median and of the random walk, and the median's direction.

    A median of exactly 0 calls no direction: half right.
    """
    median = chunk.quantiles[..., contract.MEDIAN_INDEX]
    close = chunk.close[:, np.newaxis]
    moves = chunk.label != 0.0
    return {
        "error_model": close * np.abs(np.exp(median) - np.exp(chunk.label)),
        "error_random_walk": close * np.abs(np.expm1(chunk.label)),
        "moves": moves.astype(float),
        "right_direction": np.where(moves, 0.5 + 0.5 * np.sign(median) * np.sign(chunk.label), 0.0),
        "ups": (chunk.label > 0.0).astype(float),
    }
