"""Scoreboards: sums against a slow reference, merging, and what they say of simulated forecasts."""

from __future__ import annotations

import dataclasses
import functools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components import contract
from components.evaluate import baselines
from components.evaluate.scoreboard import COLUMN, Scoreboard, ScoredChunk, score_chunk
from components.evaluate.summary import (
    MIN_LEAK_DATES,
    MIN_TICKER_DAYS,
    metric_names,
    summarise,
    summarise_tickers,
)
from components.evaluate.ticker_sums import TickerSums
from components.ingest.chunks import Chunk
from tests.components.evaluate import simulated_chunks

SLOW_BANDS = {90: (0.05, 0.95), 80: (0.10, 0.90), 50: (0.25, 0.75)}


def _scored(chunk: Chunk, quantiles: np.ndarray, base: np.ndarray) -> ScoredChunk:
    days = slice(contract.LOOKBACK, None)
    bars = chunk.bars
    label, mask = chunk.label.astype(float), chunk.label_mask.astype(float)
    return ScoredChunk(
        bars.ticker, bars.dates[days], bars.close[days], bars.adj_close, label, mask, quantiles, base
    )


def _random_chunk(ticker: str, start: int, num_days: int, seed: int) -> ScoredChunk:
    rng = np.random.default_rng(seed)
    shape = (num_days, len(contract.HORIZONS))
    mask = (rng.uniform(size=shape) < 0.8).astype(float)
    prices = np.exp(np.cumsum(rng.normal(0.0, 0.02, contract.LOOKBACK + num_days)))
    return ScoredChunk(
        ticker=ticker,
        dates=start + np.arange(num_days),
        close=prices[contract.LOOKBACK :] * 3.0,
        adj_close=prices,
        label=rng.normal(0.0, 0.03, shape) * mask,
        label_mask=mask,
        quantiles=np.sort(rng.normal(0.0, 0.03, (*shape, len(contract.QUANTILE_LEVELS)))),
        base_quantiles=np.sort(rng.normal(size=(shape[1], len(contract.QUANTILE_LEVELS)))),
    )


def _merge(chunks: list[ScoredChunk]) -> Scoreboard:
    return functools.reduce(Scoreboard.merge, map(score_chunk, chunks), Scoreboard.empty())


def _slow_loss(label: float, quantiles: np.ndarray) -> float:
    errors = [label - quantile for quantile in quantiles]
    pairs = zip(contract.QUANTILE_LEVELS, errors, strict=True)
    return sum(level * e if e > 0 else (level - 1) * e for level, e in pairs) / len(errors)


def _slow_summary(chunks: list[ScoredChunk], horizon: int) -> dict[str, float]:
    """The figures of one horizon, target by target."""
    column = contract.HORIZONS.index(horizon)
    losses, ewma, errors, still, hits = [], [], [], [], {band: [] for band in SLOW_BANDS}
    moves, right, ups = 0, 0, 0
    for chunk in chunks:
        volatility = baselines.ewma_volatility(chunk.adj_close)[contract.LOOKBACK :]
        for day in range(len(chunk.dates)):
            if not chunk.label_mask[day, column]:
                continue
            label, quantiles = chunk.label[day, column], chunk.quantiles[day, column]
            losses.append(_slow_loss(label, quantiles))
            rival = volatility[day] * math.sqrt(horizon) * chunk.base_quantiles[column]
            ewma.append(_slow_loss(label, rival))
            median = quantiles[contract.QUANTILE_LEVELS.index(0.5)]
            price = chunk.close[day]
            errors.append(abs(price * math.exp(median) - price * math.exp(label)))
            still.append(abs(price - price * math.exp(label)))
            for band, (low, high) in SLOW_BANDS.items():
                bounds = quantiles[[contract.QUANTILE_LEVELS.index(level) for level in (low, high)]]
                hits[band].append(bounds[0] <= label <= bounds[1])
            moves += label != 0
            right += label != 0 and (median > 0) == (label > 0)
            ups += label > 0
    return {
        "pinball": float(np.mean(losses)),
        "skill_ewma": 1 - np.mean(losses) / np.mean(ewma),
        "median_price_skill": 1 - np.mean(errors) / np.mean(still),
        "direction": right / moves,
        "always_up": ups / moves,
        **{f"coverage_{band}": float(np.mean(inside)) for band, inside in hits.items()},
    }


@pytest.mark.parametrize("horizon", contract.HORIZONS)
def test_figures_equal_the_slow_reference(horizon: int) -> None:
    chunks = [_random_chunk("A", 100, 40, 0), _random_chunk("B", 120, 30, 1), _random_chunk("A", 140, 9, 2)]
    figures = summarise(_merge(chunks))
    for name, expected in _slow_summary(chunks, horizon).items():
        assert figures[f"{name}_h{horizon}"] == pytest.approx(expected, rel=1e-12), name


def test_figures_of_one_day_by_hand() -> None:
    prices = np.ones(contract.LOOKBACK + 1)
    label = np.log([[1.01, 1.0, 0.98, 1.0, 1.0]])
    quantiles = np.tile(np.array([-0.03, -0.02, -0.01, 0.0, 0.005, 0.02, 0.03]), (1, 5, 1))
    chunk = ScoredChunk(
        "A", np.array([7]), np.array([200.0]), prices, label, np.ones((1, 5)), quantiles, quantiles[0]
    )
    figures = summarise(score_chunk(chunk))
    # One day up by 1 %: outside the 50 % band, inside the others; the median says 200, as the random walk.
    assert [figures[f"coverage_{band}_h1"] for band in (50, 80, 90)] == [0.0, 1.0, 1.0]
    assert figures["median_price_skill_h1"] == pytest.approx(0.0, abs=1e-12)
    assert figures["direction_h1"] == 0.5
    assert (figures["always_up_h1"], figures["always_up_h3"]) == (1.0, 0.0)
    assert math.isnan(figures["always_up_h2"])
    assert figures["quantile_crossings"] == 0.0
    assert (figures["num_dates"], figures["num_target_days"]) == (1.0, 1.0)


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(4)), cut=st.integers(0, 4))
def test_merging_in_any_order_gives_the_whole(order: list[int], cut: int) -> None:
    chunks = [_random_chunk("AB"[index % 2], 100 + 10 * index, 25, index) for index in range(4)]
    whole = summarise(_merge(chunks))
    shuffled = [chunks[index] for index in order]
    parts = summarise(_merge(shuffled[:cut]).merge(_merge(shuffled[cut:])))
    assert parts.keys() == whole.keys()
    for name, value in whole.items():
        assert parts[name] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), name


def test_a_scoreboard_grows_with_dates_and_not_with_rows() -> None:
    boards = [score_chunk(_random_chunk(f"T{index}", 100, 20, index)) for index in range(8)]
    board = functools.reduce(Scoreboard.merge, boards)
    assert board.sums.shape[0] == len(board.dates) == 20
    assert len(board.tickers) == 8
    assert board.tickers["T3"] == boards[3].tickers["T3"]


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(6)), cut=st.integers(0, 6))
def test_figures_of_a_ticker_are_those_of_its_chunks_alone(order: list[int], cut: int) -> None:
    lengths = (25, 4, 60, 1, 12, 30)
    starts = 100 + np.concatenate([[0], np.cumsum(lengths)])
    chunks = [_random_chunk("AB"[index % 2], starts[index], lengths[index], index) for index in range(6)]
    shuffled = [chunks[index] for index in order]
    figures = summarise_tickers(_merge(shuffled[:cut]).merge(_merge(shuffled[cut:])))
    assert set(figures) == {"A", "B"}
    for ticker, own in figures.items():
        expected = summarise(_merge([chunk for chunk in chunks if chunk.ticker == ticker]))
        assert list(own) == list(expected)
        for name, value in expected.items():
            assert own[name] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), name


def test_what_is_kept_of_a_ticker_does_not_grow_with_its_days() -> None:
    sizes = []
    for num_days in (30, 700):
        [run] = score_chunk(_random_chunk("A", 1, num_days, 0)).tickers["A"]
        sizes.append(len(pickle.dumps(run)))
    assert max(sizes) < 2500


def test_masked_labels_count_for_nothing() -> None:
    chunk = _random_chunk("A", 100, 30, 0)
    wrong = dataclasses.replace(chunk, label=np.where(chunk.label_mask > 0, chunk.label, 9.0))
    expected, figures = summarise(score_chunk(chunk)), summarise(score_chunk(wrong))
    assert figures == pytest.approx(expected, nan_ok=True)


def test_a_forecast_that_is_no_number_has_no_score() -> None:
    chunk = _random_chunk("A", 100, 30, 0)
    quantiles = chunk.quantiles.copy()
    quantiles[3, 0, 2] = math.nan
    assert math.isnan(summarise(score_chunk(dataclasses.replace(chunk, quantiles=quantiles)))["pinball_h1"])


def test_a_scoreboard_without_scores_has_all_figures() -> None:
    figures = summarise(Scoreboard.empty())
    assert list(figures) == metric_names()
    assert math.isnan(figures["pinball_h1"])
    assert math.isnan(figures["worst_ticker_coverage_90"])
    assert figures["num_dates"] == 0.0


def test_the_worst_ticker_is_one_with_enough_days() -> None:
    days = float(MIN_TICKER_DAYS)
    tickers = {
        "SOUND": (_kept(days, 0.9 * days), _kept(days, 0.9 * days)),
        "BAD": (_kept(days, 0.8 * days),),
        "SHORT": (_kept(days - 1, 0.0),),
    }
    board = dataclasses.replace(score_chunk(_random_chunk("A", 1, 9, 0)), tickers=tickers)
    assert summarise(board)["worst_ticker_coverage_90"] == pytest.approx(0.8)
    short = dataclasses.replace(board, tickers={"SHORT": tickers["SHORT"]})
    assert summarise(short)["worst_ticker_coverage_90"] == summarise(short)["coverage_90_h1"]


def _kept(days: float, inside: float) -> TickerSums:
    """A ticker's run of which nothing but the first horizon's coverage is known."""
    sums = np.zeros((len(contract.HORIZONS), len(COLUMN)))
    sums[0, [COLUMN["days"], COLUMN["inside_90"]]] = days, inside
    return TickerSums(1, sums, ())


@pytest.mark.parametrize(("num_dates", "suspected"), [(MIN_LEAK_DATES - 1, False), (MIN_LEAK_DATES, True)])
def test_a_skill_is_suspect_from_enough_dates_on(num_dates: int, suspected: bool) -> None:
    chunk = _random_chunk("A", 1, num_dates, 0)
    chunk = dataclasses.replace(chunk, label_mask=np.ones_like(chunk.label_mask))
    figures = summarise(score_chunk(chunk))
    assert figures["leak_skill"] == (figures["skill_ewma_h1"] if suspected else 0.0)


@dataclasses.dataclass(frozen=True)
class Simulation:
    """Chunks of simulated bars, their train quantiles, and the true quantiles of each target day."""

    chunks: list[Chunk]
    base: np.ndarray
    truth: list[np.ndarray]

    def figures(self, quantiles: list[np.ndarray], shuffle_seed: int | None = None) -> dict[str, float]:
        """Figures of forecasts; with a seed, of forecasts of labels that were shuffled over the days."""
        scored = []
        for chunk, own in zip(self.chunks, quantiles, strict=True):
            item = _scored(chunk, own, self.base)
            if shuffle_seed is not None:
                order = np.random.default_rng(shuffle_seed).permutation(len(item.label))
                item = dataclasses.replace(item, label=item.label[order], label_mask=item.label_mask[order])
            scored.append(item)
        return summarise(_merge(scored))


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    """Twelve tickers of about 1,100 test days."""
    bars, volatilities = simulated_chunks.simulate_tickers(12, 1500, seed=1)
    chunks = simulated_chunks.cut_test_chunks(bars)
    by_ticker = {own.ticker: (own.dates, truth) for own, truth in zip(bars, volatilities, strict=True)}
    truth = []
    for chunk in chunks:
        dates, volatility = by_ticker[chunk.bars.ticker]
        rows = np.searchsorted(dates, chunk.bars.dates[contract.LOOKBACK :])
        truth.append(baselines.ewma_normal(volatility[rows]))
    return Simulation(chunks, simulated_chunks.learn_base_quantiles(bars), truth)


def test_the_true_quantiles_beat_every_rival(simulation: Simulation) -> None:
    figures = simulation.figures(simulation.truth)
    assert figures["dm_t_ewma_h1"] > 4.0
    for name in ("skill_ewma_h1", "skill_normal_h1"):
        assert 0.001 < figures[name] < 0.01, name
    assert figures["skill_historical_h1"] > 0.02
    for band in (90, 80, 50):
        assert figures[f"coverage_{band}_h1"] == pytest.approx(band / 100, abs=0.01)


def test_a_model_that_is_the_baseline_has_no_skill(simulation: Simulation) -> None:
    quantiles = []
    for chunk in simulation.chunks:
        volatility = baselines.ewma_volatility(chunk.bars.adj_close)[contract.LOOKBACK :]
        quantiles.append(baselines.ewma_empirical(volatility, simulation.base))
    figures = simulation.figures(quantiles)
    for horizon in contract.HORIZONS:
        assert figures[f"skill_ewma_h{horizon}"] == 0.0
        assert figures[f"dm_t_ewma_h{horizon}"] == 0.0


def test_shuffled_labels_leave_nothing_to_know(simulation: Simulation) -> None:
    """Once the labels are shuffled over a chunk's days, one constant band beats the true volatility."""
    constant = []
    for chunk in simulation.chunks:
        sample = np.where(chunk.label_mask > 0, chunk.label, np.nan)
        levels = np.nanquantile(sample, contract.QUANTILE_LEVELS, axis=0).T
        constant.append(np.tile(levels, (chunk.num_target_days, 1, 1)))
    truth = simulation.figures(simulation.truth, shuffle_seed=3)["pinball_h1"]
    assert simulation.figures(constant, shuffle_seed=3)["pinball_h1"] < truth
    assert simulation.figures(constant)["pinball_h1"] > simulation.figures(simulation.truth)["pinball_h1"]


def test_a_forecast_for_other_days_loses(simulation: Simulation) -> None:
    late = [np.roll(quantiles, 20, axis=0) for quantiles in simulation.truth]
    assert simulation.figures(late)["dm_t_ewma_h1"] < -2.0


def test_a_forecast_that_has_seen_the_day_gains(simulation: Simulation) -> None:
    """A day later the volatility knows the move's size: more skill than the truth's is a leak."""
    early = [np.roll(quantiles, -1, axis=0) for quantiles in simulation.truth]
    leaked, honest = simulation.figures(early), simulation.figures(simulation.truth)
    assert leaked["skill_ewma_h1"] > 2.0 * honest["skill_ewma_h1"]
