"""One model against another: on all that both forecast, and on slices of it. Pure numpy."""

from __future__ import annotations

import dataclasses

import numpy as np

from components.backtest.figures import REGIMES, Skill, SliceRow
from components.backtest.forecast_rows import Forecasts, Ints
from components.evaluate import accuracy, metrics
from components.evaluate.bootstrap import skill_interval
from components.evaluate.metrics import Floats
from components.evaluate.scoreboard import BANDS
from components.ingest.bars import iso_date

MIN_DATES = 20
"""Fewer dates leave t and interval without a figure: the test allows for ten days' autocorrelation, and a
block of the bootstrap is a month."""

_NAN = float("nan")


@dataclasses.dataclass(frozen=True)
class Losses:
    """Pinball losses [n] of a model's forecasts, with their keys [n], rising, and origins [n]."""

    keys: Ints
    origins: Ints
    values: Floats


@dataclasses.dataclass(frozen=True)
class Pairs:
    """What two models both forecast: m forecasts.

    Attributes:
      rows: int64 [m], positions among the first model's.
      origins: int64 [m], days since 1970-01-01.
      losses, other_losses: [m].
    """

    rows: Ints
    origins: Ints
    losses: Floats
    other_losses: Floats

    def take(self, positions: Ints) -> Pairs:
        """Some of them."""
        return Pairs(
            self.rows[positions],
            self.origins[positions],
            self.losses[positions],
            self.other_losses[positions],
        )


@dataclasses.dataclass(frozen=True)
class Slicing:
    """One way to tell forecasts apart.

    Attributes:
      kind: one of figures.SLICE_KINDS.
      names: of the slices.
      numbers: int64 [n], the slice of each of the reference's forecasts.
    """

    kind: str
    names: tuple[str, ...]
    numbers: Ints


def lose(forecasts: Forecasts) -> Losses:
    """Losses of a model, ready to be compared."""
    return Losses(forecasts.keys, forecasts.origins, forecasts.losses)


def pair(reference: Losses, other: Losses) -> Pairs:
    """Matches the forecasts of two models by ticker and origin."""
    _, rows, other_rows = np.intersect1d(reference.keys, other.keys, assume_unique=True, return_indices=True)
    return Pairs(rows, reference.origins[rows], reference.values[rows], other.values[other_rows])


def compare(pairs: Pairs) -> Skill:
    """Skill of the first model against the other, with its evidence.

    The skill is of the mean over forecasts; the evidence is of dates, on which tickers move together.
    """
    num_forecasts = len(pairs.rows)
    if not num_forecasts:
        return Skill(_NAN, _NAN, _NAN, _NAN, 0, 0)
    days = pairs.origins - pairs.origins.min()
    counts = np.bincount(days)
    kept = counts > 0
    own, other = (
        np.bincount(days, values)[kept].astype(np.float64) for values in (pairs.losses, pairs.other_losses)
    )
    value = metrics.skill(float(own.sum()), float(other.sum()))
    if len(own) < MIN_DATES:
        return Skill(value, _NAN, _NAN, _NAN, num_forecasts, len(own))
    low, high = skill_interval(own, other)
    t = metrics.diebold_mariano((other - own) / counts[kept])
    return Skill(value, low, high, t, num_forecasts, len(own))


def list_slicings(forecasts: Forecasts) -> list[Slicing]:
    """Every way in which the reference's forecasts are told apart, in the order of SLICE_KINDS."""
    years = forecasts.origins.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    year_names, year_numbers = np.unique(years, return_inverse=True)
    fold_names, fold_numbers = np.unique(forecasts.folds, return_inverse=True)
    return [
        Slicing("ticker", forecasts.names.tickers, forecasts.tickers),
        Slicing("sector", forecasts.names.sectors, forecasts.sectors),
        Slicing("year", tuple(str(year) for year in year_names), year_numbers),
        Slicing("regime", REGIMES, tell_regimes(forecasts)),
        Slicing("fold", tuple(iso_date(int(day)) for day in fold_names), fold_numbers),
    ]


def tell_regimes(forecasts: Forecasts) -> Ints:
    """Third of the ticker's own days, by EWMA volatility, that each origin is in: position in REGIMES, [n].

    Of the ticker's own days: by pooled thirds a volatile stock would be turbulent all its life. Of all its
    days in the backtest, not only of those before: a slice describes in hindsight, and so every forecast has
    a regime from the first day on, and each regime holds a third of the forecasts.
    """
    ranks = accuracy.rank_within(forecasts.volatility, forecasts.tickers)
    counts = np.bincount(forecasts.tickers)[forecasts.tickers]
    regimes: Ints = (ranks * len(REGIMES) // counts).astype(np.int64)
    return regimes


def slice_pairs(
    reference: Forecasts, slicings: list[Slicing], pairs: Pairs, horizon: int, baseline: str
) -> list[SliceRow]:
    """The comparison on every slice that holds a forecast."""
    inside = reference.inside(BANDS[90])
    rows = []
    for slicing in slicings:
        own = slicing.numbers[pairs.rows]
        order = np.argsort(own, kind="stable")
        borders = np.flatnonzero(np.diff(own[order])) + 1
        for positions in np.split(order, borders) if len(order) else []:
            part = pairs.take(positions)
            name = slicing.names[int(own[positions[0]])]
            coverage = float(inside[part.rows].mean())
            rows.append(SliceRow(slicing.kind, name, horizon, baseline, compare(part), coverage))
    return rows
