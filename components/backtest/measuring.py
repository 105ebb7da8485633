"""Makes the figures of a backtest out of its results."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from components import contract
from components.backtest import scoring
from components.backtest.figures import (
    CalibrationRow,
    Figures,
    FoldSpan,
    PitRow,
    QuarterCoverage,
    SeedRow,
    SliceRow,
    Span,
    VerdictRow,
)
from components.backtest.folds import Fold
from components.backtest.forecast_rows import (
    Forecasts,
    Names,
    distinct,
    list_names,
    list_seeds,
    take_forecasts,
)
from components.backtest.pairing import compare, list_slicings, lose, pair, slice_pairs
from components.backtest.results import FOLD, MODEL, ORIGIN, SEED
from components.errors import InputError
from components.ingest.bars import day_number

REFERENCE = contract.MODEL_NAME

_Row = TypeVar("_Row")


@dataclasses.dataclass(frozen=True)
class _Results:
    """A table with its names, and the seeds of each model: the reference first, the others sorted."""

    table: pa.Table
    names: Names
    seeds: dict[str, list[int]]

    def take(self, model: str, horizon: int, seed: int | None = None) -> Forecasts:
        """Forecasts of one seed, the lowest where none is named."""
        seed = self.seeds[model][0] if seed is None else seed
        return take_forecasts(self.table, self.names, model, seed, horizon)


@dataclasses.dataclass(frozen=True)
class _HorizonFigures:
    """What Figures holds of one horizon."""

    verdict: list[VerdictRow]
    slices: list[SliceRow]
    calibration: list[CalibrationRow]
    pit: PitRow
    coverage: list[QuarterCoverage]
    seeds: list[SeedRow]


def make_figures(table: pa.Table) -> Figures:
    """Computes every figure of a backtest.

    Of each model all figures are of its lowest seed, but for those of Figures.seeds. Two models are compared
    on the forecasts that both made.

    Args:
      table: of results.SCHEMA, as results.read_results gives it; any models beside the reference.
    Returns:
      Figures with contract.MODEL_NAME as the reference; horizons are those that it forecast.
    Raises:
      InputError: the table lacks the reference, holds a forecast twice or one that is not finite.
    """
    seeds = list_seeds(table)
    if REFERENCE not in seeds:
        raise InputError(
            f"results must hold forecasts of {REFERENCE}, which the others are compared with, got "
            f"{', '.join(seeds) or 'none at all'}; run `marketcast backtest` with it too"
        )
    results = _Results(table, list_names(table), {REFERENCE: seeds.pop(REFERENCE), **seeds})
    span = _describe_span(results)
    parts = [_measure_horizon(results, horizon) for horizon in span.horizons]
    return Figures(
        REFERENCE,
        span,
        verdict=_chain(part.verdict for part in parts),
        slices=_chain(part.slices for part in parts),
        calibration=_chain(part.calibration for part in parts),
        pit=tuple(part.pit for part in parts),
        coverage=_chain(part.coverage for part in parts),
        seeds=_chain(part.seeds for part in parts),
    )


def _measure_horizon(results: _Results, horizon: int) -> _HorizonFigures:
    """Figures of one horizon; no more than two models' forecasts are held at a time, of the rest losses."""
    reference = results.take(REFERENCE, horizon)
    slicings = list_slicings(reference)
    losses = {seed: lose(results.take(REFERENCE, horizon, seed)) for seed in results.seeds[REFERENCE]}
    found = _HorizonFigures(
        verdict=[scoring.score_model(REFERENCE, horizon, reference)],
        slices=[],
        calibration=[scoring.calibrate(REFERENCE, horizon, reference)],
        pit=scoring.count_pit(horizon, reference),
        coverage=scoring.cover_quarters(horizon, reference),
        seeds=[],
    )
    for model in list(results.seeds)[1:]:
        other = results.take(model, horizon)
        if not len(other):
            continue
        rivals = lose(other)
        pairs = pair(next(iter(losses.values())), rivals)
        row = scoring.score_model(model, horizon, other)
        found.verdict.append(dataclasses.replace(row, skill=compare(pairs)))
        found.slices.extend(slice_pairs(reference, slicings, pairs, horizon, model))
        found.calibration.append(scoring.calibrate(model, horizon, other))
        found.seeds.extend(
            SeedRow(seed, horizon, model, compare(pair(own, rivals))) for seed, own in losses.items()
        )
    return found


def _describe_span(results: _Results) -> Span:
    """What the table holds, and the folds of the reference."""
    table = results.table
    origins = distinct(table, ORIGIN)
    is_reference = pc.and_(
        pc.equal(table[MODEL], REFERENCE), pc.equal(table[SEED], results.seeds[REFERENCE][0])
    )
    reference = table.select([FOLD, ORIGIN, contract.HORIZON]).filter(is_reference)
    return Span(
        first_origin=str(origins[0]),
        last_origin=str(origins[-1]),
        num_origins=len(origins),
        num_forecasts=table.num_rows,
        tickers=results.names.tickers,
        horizons=tuple(distinct(reference, contract.HORIZON)),
        models=tuple(results.seeds),
        seeds=tuple(results.seeds[REFERENCE]),
        folds=_list_folds(reference),
    )


def _list_folds(reference: pa.Table) -> tuple[FoldSpan, ...]:
    wanted = [(ORIGIN, "min"), (ORIGIN, "max"), (ORIGIN, "count")]
    found = reference.group_by(FOLD).aggregate(wanted).sort_by(FOLD).to_pylist()
    spans = []
    for row in found:
        name, first, last = (str(row[key]) for key in (FOLD, f"{ORIGIN}_min", f"{ORIGIN}_max"))
        crises = Fold(day_number(name), day_number(first), day_number(last) + 1).crises
        spans.append(FoldSpan(name, first, last, tuple(crises), row[f"{ORIGIN}_count"]))
    return tuple(spans)


def _chain(parts: Iterable[list[_Row]]) -> tuple[_Row, ...]:
    return tuple(itertools.chain.from_iterable(parts))
