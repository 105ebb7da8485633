"""The TFMA adapter: extracts to scoreboards, scoreboards to named metrics."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma

from components import contract
from components.evaluate.metrics import Floats
from components.evaluate.scoreboard import NUM_HORIZONS, Scoreboard, ScoredChunk, score_chunk
from components.evaluate.summary import metric_names, summarise, summarise_tickers

FIGURES_BY_TICKER = "figures_by_ticker"
"""Metric that holds the figures of each ticker; see unpack_figures."""


class ForecastScores(tfma.metrics.Metric):
    """All figures of summary.summarise as TFMA metrics, from one pass over the chunks."""

    def __init__(self) -> None:
        super().__init__(_make_computations)


def _make_computations(model_names: list[str] | None = None) -> list[tfma.metrics.MetricComputation]:
    """One computation for each model; TFMA calls this with what its config holds."""
    return [_make_computation(model) for model in model_names or [""]]


def _make_computation(model_name: str) -> tfma.metrics.MetricComputation:
    """All figures of one model. The keys say None of weights, as those of a spec's thresholds do."""
    keys = [
        tfma.metrics.MetricKey(name, model_name=model_name, example_weighted=None)
        for name in (*metric_names(), FIGURES_BY_TICKER)
    ]
    return tfma.metrics.MetricComputation(keys, [ChunkScorer(model_name)], ScoreboardCombiner(keys))


class ChunkScorer(tfma.metrics.Preprocessor):
    """Turns the extracts of one chunk and one model into a Scoreboard."""

    def __init__(self, model_name: str) -> None:
        super().__init__(name=f"chunk_scorer_{model_name}")
        self._model_name = model_name

    def process(self, extracts: tfma.types.Extracts) -> Iterator[Scoreboard]:
        """Scores a chunk; TFMA has the model's answer under its name, or bare where it is alone."""
        predictions = extracts[tfma.PREDICTIONS_KEY]
        own = predictions.get(self._model_name, predictions)
        yield score_chunk(read_chunk(extracts[tfma.FEATURES_KEY], own))


def read_chunk(features: dict[str, Any], predictions: dict[str, Floats]) -> ScoredChunk:
    """Joins a chunk's own features with what the model's `evaluate` signature answered.

    Args:
      features: the chunk example's features, flat arrays, one example.
      predictions: return_quantiles [days, horizons, levels], padded at the end, and base_quantiles.
    """
    label = _flat(features[contract.LABEL]).reshape(-1, NUM_HORIZONS)
    num_days = len(label)
    return ScoredChunk(
        ticker=_text(features[contract.TICKER]),
        dates=_flat(features[contract.DATE], np.int64)[-num_days:],
        close=_flat(features[contract.CLOSE])[-num_days:],
        adj_close=_flat(features[contract.ADJ_CLOSE]),
        label=label,
        label_mask=_flat(features[contract.LABEL_MASK]).reshape(-1, NUM_HORIZONS),
        quantiles=np.asarray(predictions[contract.RETURN_QUANTILES], np.float64)[:num_days],
        base_quantiles=np.asarray(predictions[contract.BASE_QUANTILES], np.float64),
    )


class ScoreboardCombiner(beam.CombineFn):
    """Merges scoreboards and names their figures."""

    def __init__(self, keys: list[tfma.metrics.MetricKey]) -> None:
        super().__init__()
        self._keys = keys

    def create_accumulator(self) -> Scoreboard:
        """An empty scoreboard."""
        return Scoreboard.empty()

    def add_input(self, accumulator: Scoreboard, board: Scoreboard) -> Scoreboard:
        """One more chunk."""
        return accumulator.merge(board)

    def merge_accumulators(self, accumulators: Any) -> Scoreboard:
        """The scoreboards of several workers."""
        whole = Scoreboard.empty()
        for board in accumulators:
            whole = whole.merge(board)
        return whole

    def extract_output(self, accumulator: Scoreboard) -> dict[tfma.metrics.MetricKey, float | bytes]:
        """Each figure under its key."""
        by_ticker = pack_figures(summarise_tickers(accumulator))
        figures: dict[str, float | bytes] = {**summarise(accumulator), FIGURES_BY_TICKER: by_ticker}
        return {key: figures[key.name] for key in self._keys}


def pack_figures(by_ticker: Mapping[str, Mapping[str, float]]) -> bytes:
    """Figures of summary.metric_names by ticker as one value that TFMA can keep; see unpack_figures."""
    names = metric_names()
    figures = [[own[name] for name in names] for own in by_ticker.values()]
    packed = io.BytesIO()
    np.savez_compressed(packed, tickers=list(by_ticker), names=names, figures=figures)
    return packed.getvalue()


def unpack_figures(packed: bytes) -> dict[str, dict[str, float]]:
    """What pack_figures was given."""
    with np.load(io.BytesIO(packed)) as arrays:
        tickers, names, figures = (arrays[key].tolist() for key in ("tickers", "names", "figures"))
    return {ticker: dict(zip(names, own, strict=True)) for ticker, own in zip(tickers, figures, strict=True)}


def _flat(values: Any, dtype: Any = np.float64) -> Any:
    return np.asarray(values, dtype).reshape(-1)


def _text(values: Any) -> str:
    value = np.asarray(values).reshape(-1)[0]
    return value.decode() if isinstance(value, bytes) else str(value)
