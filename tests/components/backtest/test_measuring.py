"""Every figure of a backtest against slow plain Python on a small random table."""

from __future__ import annotations

import collections
import itertools
import json
import math
import statistics

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import scipy.stats

from components import contract
from components.backtest import results
from components.backtest.figures import REGIMES, SLICE_KINDS
from components.backtest.measuring import make_figures
from components.backtest.pairing import MIN_DATES
from components.errors import InputError
from components.evaluate.bootstrap import skill_interval
from components.evaluate.metrics import diebold_mariano
from tests.components.backtest.random_results import HORIZONS, MODELS, NUM_DAYS, TICKERS, draw_table

LEVELS = contract.QUANTILE_LEVELS
BASELINES = ("ewma_empirical", "garch_t")
ENDS = {90: ("q05", "q95"), 80: ("q10", "q90"), 50: ("q25", "q75")}
TABLE = draw_table()


@pytest.fixture(name="figures", scope="module")
def fixture_figures():
    return make_figures(TABLE)


@pytest.fixture(name="rows", scope="module")
def fixture_rows():
    """(model, seed, horizon) -> (ticker, origin) -> row."""
    found = collections.defaultdict(dict)
    for row in TABLE.to_pylist():
        key = (row[results.MODEL], row[results.SEED], row[contract.HORIZON])
        found[key][row[contract.TICKER], row[results.ORIGIN]] = row
    return found


def slow_loss(row):
    losses = []
    for level, name in zip(LEVELS, results.QUANTILE_COLUMNS, strict=True):
        error = row[results.ACTUAL] - row[name]
        losses.append(level * error if error > 0 else (level - 1) * error)
    return losses


def slow_crps(row):
    points = [(0.0, 0.0), *zip(LEVELS, slow_loss(row), strict=True), (1.0, 0.0)]
    return sum((b - a) * (x + y) for (a, x), (b, y) in itertools.pairwise(points))


def is_inside(row, percent):
    low, high = ENDS[percent]
    return row[low] <= row[results.ACTUAL] <= row[high]


def slow_coverage_t(own, percent):
    share = statistics.mean(is_inside(row, percent) for row in own)
    by_date = collections.defaultdict(float)
    for row in own:
        by_date[row[results.ORIGIN]] += is_inside(row, percent) - share
    dates = len(by_date)
    error = math.sqrt(sum(value**2 for value in by_date.values()) * dates / (dates - 1)) / len(own)
    return (share - percent / 100) / error


def slow_rank_ic(own, score, outcome):
    by_date = collections.defaultdict(list)
    for row in own:
        by_date[row[results.ORIGIN]].append((score(row), outcome(row)))
    found = [scipy.stats.spearmanr(values).statistic for values in by_date.values() if len(values) >= 5]
    return statistics.mean(found), statistics.mean(found) / statistics.stdev(found) * len(found) ** 0.5


def slow_price_figures(own):
    by_ticker = collections.defaultdict(list)
    for row in own:
        close, median, actual = row[contract.CLOSE], row["q50"], row[results.ACTUAL]
        by_ticker[row[contract.TICKER]].append((close, close * math.exp(median), close * math.exp(actual)))
    sums = [0.0, 0.0, 0.0]
    for prices in by_ticker.values():
        mean = statistics.mean(price for _, _, price in prices)
        total = sum((price - mean) ** 2 for _, _, price in prices)
        scaled = sum(abs(median - price) for _, median, price in prices) / sum(
            abs(close - price) for close, _, price in prices
        )
        r2 = 1 - sum((median - price) ** 2 for _, median, price in prices) / total
        r2_persistence = 1 - sum((close - price) ** 2 for close, _, price in prices) / total
        for index, value in enumerate((scaled, r2, r2_persistence)):
            sums[index] += value * len(prices)
    return [value / len(own) for value in sums]


def slow_skill(reference, other):
    """Skill, its interval and t, from rows by (ticker, origin)."""
    both = sorted(reference.keys() & other.keys())
    by_date = collections.defaultdict(list)
    for key in both:
        by_date[key[1]].append(tuple(statistics.mean(slow_loss(side[key])) for side in (reference, other)))
    dates = [by_date[day] for day in sorted(by_date)]
    own = np.array([sum(loss for loss, _ in losses) for losses in dates])
    others = np.array([sum(loss for _, loss in losses) for losses in dates])
    means = np.array([statistics.mean(y - x for x, y in losses) for losses in dates])
    value = 1 - own.sum() / others.sum()
    if len(dates) < MIN_DATES:
        return len(both), len(dates), value, math.nan, math.nan, math.nan
    return len(both), len(dates), value, *skill_interval(own, others), diebold_mariano(means)


def check_skill(found, expected):
    seen = (found.num_forecasts, found.num_dates, found.skill, found.low, found.high, found.t)
    assert seen == pytest.approx(expected, rel=1e-9, nan_ok=True)


def test_the_span(figures):
    span = figures.span
    assert (span.first_origin, span.last_origin, span.num_origins) == ("2007-06-11", "2007-08-09", NUM_DAYS)
    assert span.num_forecasts == TABLE.num_rows
    assert span.tickers == tuple(TICKERS)
    assert span.models == (contract.MODEL_NAME, *BASELINES)
    assert (span.seeds, span.horizons) == ((1, 2), HORIZONS)


def test_the_folds_of_the_reference(figures):
    first, second = figures.span.folds
    assert (first.name, first.first_origin, first.last_origin) == ("2007-06-11", "2007-06-11", "2007-07-08")
    assert (second.name, second.first_origin, second.last_origin) == (
        "2007-07-09",
        "2007-07-09",
        "2007-08-09",
    )
    assert first.num_forecasts + second.num_forecasts == 2 * (5 * NUM_DAYS + NUM_DAYS - 15)
    assert first.crises == second.crises == ()


def test_a_fold_names_its_crises():
    days = pc.add(TABLE[results.ORIGIN].cast(pa.int32()), pa.scalar(120, pa.int32())).cast(pa.date32())
    shifted = TABLE.set_column(TABLE.schema.get_field_index(results.ORIGIN), results.ORIGIN, days)
    assert [fold.crises for fold in make_figures(shifted).span.folds] == [
        ("financial crisis",),
        ("financial crisis",),
    ]


def test_scores_equal_the_slow_reference(figures, rows):
    seeds = {contract.MODEL_NAME: 1}
    assert len(figures.verdict) == 3 * len(HORIZONS)
    for row in figures.verdict:
        own = list(rows[row.model, seeds.get(row.model, 0), row.horizon].values())
        moved = [r for r in own if r[results.ACTUAL] != 0.0]
        assert (row.num_forecasts, row.num_dates) == (len(own), len({r[results.ORIGIN] for r in own}))
        assert row.pinball == pytest.approx(statistics.mean(statistics.mean(slow_loss(r)) for r in own))
        assert row.crps == pytest.approx(statistics.mean(map(slow_crps, own)))
        assert [band.percent for band in row.bands] == [90, 80, 50]
        for band in row.bands:
            assert band.share == pytest.approx(statistics.mean(is_inside(r, band.percent) for r in own))
            assert band.t == pytest.approx(slow_coverage_t(own, band.percent))
        assert row.direction == pytest.approx(
            statistics.mean((r["q50"] > 0) == (r[results.ACTUAL] > 0) for r in moved)
        )
        assert row.always_up == pytest.approx(statistics.mean(r[results.ACTUAL] > 0 for r in moved))
        found = (row.mase, row.r2_price, row.r2_persistence)
        assert found == pytest.approx(slow_price_figures(own))


def test_a_median_of_nothing_calls_no_direction():
    medians = pa.array(np.zeros(TABLE.num_rows, np.float32))
    table = TABLE.set_column(TABLE.schema.get_field_index("q50"), "q50", medians)
    row = make_figures(table).row(contract.MODEL_NAME, 1)
    assert row.direction == 0.5
    assert row.mase == pytest.approx(1.0)
    assert row.r2_price == row.r2_persistence
    assert math.isnan(row.rank_ic_median.mean)


def test_rank_correlations_equal_the_slow_reference(figures, rows):
    for horizon in HORIZONS:
        row, own = figures.row("garch_t", horizon), rows["garch_t", 0, horizon].values()
        median = slow_rank_ic(own, lambda r: r["q50"], lambda r: r[results.ACTUAL])
        width = slow_rank_ic(own, lambda r: r["q95"] - r["q05"], lambda r: abs(r[results.ACTUAL]))
        assert (row.rank_ic_median.mean, row.rank_ic_median.t) == pytest.approx(median)
        assert (row.rank_ic_width.mean, row.rank_ic_width.t) == pytest.approx(width)
        assert row.rank_ic_width.num_dates == NUM_DAYS - 15, "days with five tickers: GARCH lacks one"


def test_skills_are_of_what_both_forecast(figures, rows):
    for horizon, baseline in itertools.product(HORIZONS, BASELINES):
        expected = slow_skill(rows[contract.MODEL_NAME, 1, horizon], rows[baseline, 0, horizon])
        found = figures.row(baseline, horizon).skill
        check_skill(found, expected)
        assert found.num_forecasts < len(rows[contract.MODEL_NAME, 1, horizon])
        assert found.low < found.skill < found.high
    assert figures.row(contract.MODEL_NAME, 1).skill is None
    assert figures.row(contract.MODEL_NAME, 2) is None


def test_every_seed_is_compared(figures, rows):
    assert len(figures.seeds) == 2 * len(HORIZONS) * len(BASELINES)
    for row in figures.seeds:
        reference = rows[contract.MODEL_NAME, row.seed, row.horizon]
        check_skill(row.skill, slow_skill(reference, rows[row.baseline, 0, row.horizon]))


def slow_regimes(own):
    """(ticker, origin) -> regime; volatilities differ, so that places are whole numbers."""
    found = {}
    for ticker in TICKERS:
        keys = sorted((key for key in own if key[0] == ticker), key=lambda key: own[key][contract.VOLATILITY])
        for place, key in enumerate(keys):
            found[key] = REGIMES[math.floor(3 * place / len(keys))]
    return found


def test_slices_equal_the_slow_reference(figures, rows):
    expected = {}
    for horizon, baseline in itertools.product(HORIZONS, BASELINES):
        reference, other = rows[contract.MODEL_NAME, 1, horizon], rows[baseline, 0, horizon]
        regimes = slow_regimes(reference)
        groups = collections.defaultdict(dict)
        for key in reference.keys() & other.keys():
            row = reference[key]
            names = (key[0], row[contract.SECTOR], str(key[1].year), regimes[key], str(row[results.FOLD]))
            for kind, name in zip(SLICE_KINDS, names, strict=True):
                groups[kind, name][key] = row
        for (kind, name), own in groups.items():
            coverage = statistics.mean(is_inside(row, 90) for row in own.values())
            expected[kind, name, horizon, baseline] = (slow_skill(own, other), coverage)
    found = {(row.kind, row.name, row.horizon, row.baseline): row for row in figures.slices}
    assert found.keys() == expected.keys()
    assert len(found) == len(figures.slices)
    for key, (skill, coverage) in expected.items():
        check_skill(found[key].skill, skill)
        assert found[key].coverage_90 == pytest.approx(coverage)


def test_slices_come_in_the_order_of_their_kinds(figures):
    first = [row for row in figures.slices if (row.horizon, row.baseline) == (1, "ewma_empirical")]
    assert [kind for kind, _ in itertools.groupby(row.kind for row in first)] == list(SLICE_KINDS)
    assert [row.name for row in first if row.kind == "regime"] == list(REGIMES)


def test_calibration_equals_the_slow_reference(figures, rows):
    assert len(figures.calibration) == 3 * len(HORIZONS)
    for row in figures.calibration:
        own = rows[row.model, int(row.model == contract.MODEL_NAME), row.horizon].values()
        shares = [
            statistics.mean(r[results.ACTUAL] <= r[name] for r in own) for name in results.QUANTILE_COLUMNS
        ]
        assert row.shares == pytest.approx(shares)
        gap = max(abs(share - level) for share, level in zip(shares, LEVELS, strict=True))
        assert figures.row(row.model, row.horizon).calibration_gap == pytest.approx(gap)


def test_the_pit_equals_the_slow_reference(figures, rows):
    for row, horizon in zip(figures.pit, HORIZONS, strict=True):
        own = rows[contract.MODEL_NAME, 1, horizon].values()
        counts = collections.Counter(
            sum(r[results.ACTUAL] > r[name] for name in results.QUANTILE_COLUMNS) for r in own
        )
        assert row.shares == pytest.approx([counts[index] / len(own) for index in range(8)])
        assert row.expected == pytest.approx([b - a for a, b in itertools.pairwise(row.edges)])
        assert row.edges == (0.0, *LEVELS, 1.0)


def test_coverage_by_quarter_equals_the_slow_reference(figures, rows):
    groups = collections.defaultdict(list)
    for horizon in HORIZONS:
        for (_, day), row in rows[contract.MODEL_NAME, 1, horizon].items():
            groups[horizon, f"{day.year}-Q{(day.month + 2) // 3}"].append(row)
    assert len(figures.coverage) == len(groups) == 4
    for row in figures.coverage:
        own = groups[row.horizon, row.quarter]
        assert row.num_forecasts == len(own)
        assert row.first_day == {"2007-Q2": "2007-04-01", "2007-Q3": "2007-07-01"}[row.quarter]
        expected = {percent: statistics.mean(is_inside(r, percent) for r in own) for percent in ENDS}
        assert row.shares == pytest.approx(expected)


def test_the_order_of_the_rows_does_not_matter(figures):
    keys = (results.MODEL, results.SEED, contract.TICKER, results.ORIGIN, contract.HORIZON)
    assert make_figures(TABLE.sort_by([(key, "ascending") for key in keys])).to_json() == figures.to_json()


def test_figures_are_json(figures):
    read = json.loads(json.dumps(figures.to_json(), allow_nan=False))
    assert read["verdict"][0]["skill"] is None
    for told, figure in (
        (read["verdict"][1]["skill"]["skill"], figures.verdict[1].skill.skill),
        (read["coverage"][0]["shares"]["90"], figures.coverage[0].shares[90]),
    ):
        assert told == float(f"{figure:.10g}")


@pytest.mark.parametrize("models", [MODELS[:1], MODELS[:3], MODELS[1:2] + MODELS[3:]])
def test_any_subset_of_the_baselines_will_do(models):
    figures = make_figures(draw_table(models=models))
    assert {row.model for row in figures.verdict} == {model for model, _ in models}
    assert figures.span.seeds == tuple(seed for model, seed in models if model == contract.MODEL_NAME)
    json.dumps(figures.to_json(), allow_nan=False)


@pytest.mark.parametrize("num_days", [1, 2, 19, 21])
def test_few_dates_leave_no_evidence(num_days):
    figures = make_figures(draw_table(num_days=num_days)).to_json()
    json.dumps(figures, allow_nan=False)
    skill = next(row["skill"] for row in figures["verdict"] if row["model"] == "garch_t")
    assert skill["skill"] is not None
    assert all((skill[name] is None) == (num_days < MIN_DATES) for name in ("low", "high", "t"))


def test_a_model_that_shares_no_forecast_has_no_skill():
    is_other = pc.equal(TABLE[results.MODEL], "garch_t")
    is_new = pc.equal(TABLE[contract.TICKER], "NEW")
    table = TABLE.filter(pc.if_else(is_other, is_new, pc.invert(is_new)))
    row = make_figures(table).row("garch_t", 1)
    assert row.skill.num_forecasts == 0
    assert math.isnan(row.skill.skill)


@pytest.mark.parametrize(
    ("models", "got"), [(MODELS[2:], "got ewma_empirical, garch_t; run"), ((), "got none at all; run")]
)
def test_results_without_the_reference(models, got):
    with pytest.raises(InputError, match=f"must hold forecasts of marketcast, .*{got}") as raised:
        make_figures(draw_table(models=models))
    assert "\n" not in str(raised.value)


def test_a_forecast_that_is_there_twice():
    table = draw_table(models=(*MODELS[:1], MODELS[2], MODELS[2]))
    with pytest.raises(
        InputError, match=r"one forecast of ewma_empirical \(seed 0, horizon 1\) for each ticker"
    ):
        make_figures(table)


def test_a_forecast_that_is_no_number():
    column = TABLE.schema.get_field_index("q05")
    values = TABLE["q05"].to_pylist()
    is_garch = TABLE[results.MODEL].to_pylist()
    values[is_garch.index("garch_t")] = math.nan
    with pytest.raises(
        InputError, match=r"of garch_t \(seed 0, horizon \d\) must be finite, got 1 that are not"
    ):
        make_figures(TABLE.set_column(column, "q05", [values]).cast(results.SCHEMA))
