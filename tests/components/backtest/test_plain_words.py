"""Sentences about figures: nothing that is worse is left out, nothing unproven is called proven."""

from __future__ import annotations

import dataclasses
import math

import pytest

from components import contract
from components.backtest.figures import BandCoverage, Figures, FoldSpan, RankScore, Skill, SliceRow
from components.backtest.measuring import make_figures
from components.backtest.plain_words import TITLES, show_percent, title_of, write_plain_words
from tests.components.backtest.random_results import MODELS, draw_table

FIGURES = make_figures(draw_table())
MODEL = contract.MODEL_NAME
GOOD = Skill(0.0145, 0.009, 0.02, 5.3, 1000, 200)


def change_row(figures: Figures, model: str, horizon: int, **changes) -> Figures:
    rows = tuple(
        dataclasses.replace(row, **changes) if (row.model, row.horizon) == (model, horizon) else row
        for row in figures.verdict
    )
    return dataclasses.replace(figures, verdict=rows)


def with_skill(skill: float, t: float) -> Figures:
    found = dataclasses.replace(GOOD, skill=skill, t=t)
    return change_row(FIGURES, "garch_t", 1, skill=found)


def test_direction_is_never_claimed():
    words = write_plain_words(change_row(FIGURES, MODEL, 1, direction=0.511, always_up=0.524))
    assert "On direction it claims nothing: 51.1 % right, always-up 52.4 %." in words.cannot
    assert not any("direction" in sentence for sentence in words.can)


def test_what_is_proven_stands_under_can_with_its_evidence():
    words = write_plain_words(with_skill(0.0145, 5.3))
    assert (
        "One trading day ahead its price bands are better than those of GARCH(1,1) with Student's t: +1.45 % "
        "of the pinball loss, 95 % interval +0.90 % to +2.00 %, t 5.3." in words.can
    )


@pytest.mark.parametrize(
    ("skill", "t", "said"),
    [
        (0.0145, 1.99, "no difference from GARCH"),
        (-0.01, -1.9, "no difference from GARCH"),
        (-0.01, -2.0, "its price bands are worse than those of GARCH"),
        (0.01, math.nan, "Against GARCH(1,1) with Student's t there is too little in common to tell."),
    ],
)
def test_what_is_not_proven_stands_under_cannot(skill, t, said):
    words = write_plain_words(with_skill(skill, t))
    assert any(said in sentence for sentence in words.cannot)
    assert not any("better than those of GARCH" in sentence for sentence in words.can)


def test_horizons_that_are_not_proven_are_named():
    one = with_skill(0.01, 3.0)
    assert (
        "GARCH(1,1) with Student's t: not proven to be beaten 3 trading days ahead."
        in write_plain_words(one).cannot
    )
    both = change_row(one, "garch_t", 3, skill=GOOD)
    assert any("beaten at every horizon" in sentence for sentence in write_plain_words(both).can)


@pytest.mark.parametrize(
    ("share", "t", "said", "is_good"),
    [
        (0.899, -0.4, "as many as it says", True),
        (0.861, -4.1, "held 86.1 % of the prices: it is too narrow (t -4.1).", False),
        (0.94, 3.0, "too wide", False),
        (0.9, math.nan, "on too few dates to tell", False),
    ],
)
def test_bands(share, t, said, is_good):
    words = write_plain_words(change_row(FIGURES, MODEL, 1, bands=(BandCoverage(90, share, t),)))
    assert any(said in sentence for sentence in (words.can if is_good else words.cannot))


def test_width_orders_tickers_only_where_it_is_proven():
    proven = change_row(FIGURES, MODEL, 1, rank_ic_width=RankScore(0.21, 9.0, 100))
    assert any("It tells which tickers will move more" in s for s in write_plain_words(proven).can)
    for rank in (RankScore(0.02, 1.0, 100), RankScore(math.nan, math.nan, 0)):
        words = write_plain_words(change_row(FIGURES, MODEL, 1, rank_ic_width=rank))
        assert not any("move m" in sentence for sentence in words.can)


def test_r2_stands_beside_that_of_persistence():
    words = write_plain_words(change_row(FIGURES, MODEL, 1, mase=1.0, r2_price=0.998, r2_persistence=0.9981))
    (sentence,) = [sentence for sentence in (*words.can, *words.cannot) if "R2" in sentence]
    assert sentence.endswith("as much as the last price does; its R2 is 0.998, the last price's 0.998.")
    assert sentence in words.cannot


def test_every_kind_of_slice_that_loses_is_named_worst_first():
    figures = change_row(with_skill(0.001, 3.0), "ewma_empirical", 1, skill=GOOD)
    slices = tuple(
        SliceRow(
            "ticker", f"T{n}", 1, "garch_t", dataclasses.replace(GOOD, skill=-0.001 * n, t=-0.5 * n), 0.9
        )
        for n in range(8)
    )
    words = write_plain_words(dataclasses.replace(figures, slices=slices))
    assert (
        "Against GARCH(1,1) with Student's t, the hardest to beat, it is worse in 7 of 8 tickers: "
        "T7 (-0.70 %, proven), T6 (-0.60 %, proven), T5 (-0.50 %, proven), T4 (-0.40 %, proven), "
        "T3 (-0.30 %) and 2 more." in words.cannot
    )


def test_the_worst_quarter_is_named():
    worst = min((row for row in FIGURES.coverage if row.horizon == 1), key=lambda row: row.shares[90])
    words = write_plain_words(FIGURES)
    assert any(f"worst quarter, {worst.quarter}, the 90 % band held" in sentence for sentence in words.cannot)


def test_the_scope_names_crises_and_seeds():
    words = write_plain_words(FIGURES)
    assert words.scope[0] == (
        "Forecasts were made on 60 days from 2007-06-11 to 2007-08-09, for 6 tickers, 1 and 3 trading days "
        "ahead."
    )
    assert words.scope[1].endswith("earlier days only; no great crisis is among them.")
    assert sum("its 2 seeds range from" in sentence for sentence in words.scope) == 2
    fold = FoldSpan("2008-01-01", "2008-01-01", "2008-12-31", ("financial crisis",), 10)
    folded = dataclasses.replace(FIGURES, span=dataclasses.replace(FIGURES.span, folds=(fold,)))
    assert write_plain_words(folded).scope[1] == (
        "In 1 fold every model was fitted on earlier days only; the financial crisis is among them."
    )


@pytest.mark.parametrize("models", [MODELS[:1], MODELS[:3]])
@pytest.mark.parametrize("num_days", [1, 30])
def test_it_speaks_of_any_figures(models, num_days):
    words = write_plain_words(make_figures(draw_table(models=models, num_days=num_days)))
    sentences = (*words.scope, *words.can, *words.cannot)
    assert all(
        sentence.endswith(".") and "nan " not in sentence and "nan," not in sentence for sentence in sentences
    )
    assert len(set(sentences)) == len(sentences)


def test_names_and_figures_for_people():
    assert title_of("gjr_garch_t") == TITLES["gjr_garch_t"]
    assert title_of("someone's") == "someone's"
    assert (show_percent(0.8881), show_percent(-0.00001, 2), show_percent(math.nan)) == (
        "88.8 %",
        "0.00 %",
        "no figure",
    )
