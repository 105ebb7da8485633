"""The model card: every section from its source, and nothing that no source says."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from components import contract
from components.backtest import model_card
from components.backtest.card_markdown import render_card
from components.backtest.measuring import make_figures
from components.backtest.model_card import NO_BACKTEST, make_card
from components.backtest.plain_words import write_plain_words
from components.evaluate.gate import GateConfig
from components.evaluate.scoreboard import BANDS
from components.evaluate.summary import metric_names
from components.evaluate.verdict import reach_verdict
from tests.components.backtest.random_results import draw_table

METRICS = dict.fromkeys(metric_names(), 0.5) | {
    "coverage_90_h1": 0.888,
    "coverage_80_h1": None,
    "direction_h1": 0.511,
    "always_up_h1": 0.524,
    "median_price_skill_h2": -0.0004,
    "worst_ticker_coverage_90": 0.855,
}
RECORD = {
    "model": {"layers": 2, "units": 50},
    "train": {"seed": 7, "steps": 300},
    "train_examples": {"sha256": "aaa111", "first_day": "2001-04-02", "last_day": "2009-12-31"},
    "eval_examples": {"sha256": "bbb222", "first_day": "2010-01-04", "last_day": "2011-06-30"},
    "model_version": "0123456789ab",
    "validation_loss": [0.31, 0.29, 0.3],
    "commit": "c0ffee",
    "versions": {"tfx": "1.16.0", "python": "3.11.7"},
    "metrics": METRICS,
    "push": {"version": 1700000000, "time": "2023-11-14T22:13:20+00:00"},
}
FIGURES = make_figures(draw_table())


def verdict_of(**changes):
    known = {name: math.nan if value is None else value for name, value in (METRICS | changes).items()}
    return reach_verdict(known, GateConfig()).to_json()


def section(text, title):
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_section_says_what_its_source_says():
    card = make_card(RECORD, verdict_of())
    text = render_card(card)
    assert text.startswith("# marketcast 0123456789ab\n")
    assert "(2 layers of 50 units)" in section(text, "What it is")
    assert "| train | 2001-04-02 | 2009-12-31 |" in section(text, "Data")
    assert "| eval | 2010-01-04 | 2011-06-30 |" in section(text, "Data")
    training = section(text, "Training")
    assert "| train.seed | 7 |" in training
    assert "| best_validation_loss | 0.29 |" in training
    assert "| num_validations | 3 |" in training
    assert "| 1 | 88.80 % | no figure | 50.00 % |" in section(text, "Coverage on the test split")
    assert "- tfx: 1.16.0" in section(text, "Versions")
    lineage = section(text, "Lineage")
    for value in ("0123456789ab", "c0ffee", "aaa111", "bbb222", "1700000000", "2023-11-14T22:13:20+00:00"):
        assert value in lineage
    for title in ("What it is for", "What it is not for", "Limits"):
        assert section(text, title).count("\n- ") >= 2


def test_the_verdict_is_listed_check_by_check_also_when_it_is_no():
    verdict = verdict_of(coverage_90_h1=0.8)
    text = section(render_card(make_card(RECORD, verdict)), "The gate's verdict")
    assert "Refused." in text
    for check in verdict["checks"]:
        passed = "yes" if check["passed"] else "no"
        assert f"| {check['title']} | {check['shown']} | {check['bound']} | {passed} |" in text
    good = reach_verdict(dict.fromkeys(metric_names(), 0.5), GateConfig()).to_json() | {"blessed": True}
    assert "Blessed." in section(render_card(make_card(RECORD, good)), "The gate's verdict")


def test_the_verdict_is_that_of_the_record_where_none_is_given():
    verdict = verdict_of()
    assert make_card(RECORD | {"verdict": verdict}).gate == verdict
    assert make_card(RECORD | {"verdict": {}}, verdict).gate == verdict
    assert make_card(RECORD).gate is None
    assert "no gate judged this model" in render_card(make_card(RECORD))


def test_what_is_worse_is_said():
    worse = make_card(RECORD, verdict_of(skill_historical_h4=-0.0123, skill_historical_h3=0.0001)).worse
    assert "At horizon 4 its pinball loss is 1.23 % above that of 250-day historical quantiles." in worse
    assert "At horizon 2 its median price errs 0.04 % more than the last price does." in worse
    assert "On direction it claims nothing: 51.1 % right, always-up 52.4 %." in worse
    assert "Of its worst ticker the 90 % band held 85.5 % of the days." in worse
    assert any(sentence.startswith("The gate refused it: days inside") for sentence in worse)
    assert not any("horizon 3" in sentence for sentence in worse)


def test_without_a_backtest_the_card_says_so():
    card = make_card(RECORD)
    assert card.backtest is None
    assert NO_BACKTEST in section(render_card(card), "Backtest")


def test_a_backtest_is_told_with_its_words_and_its_table():
    card = make_card(RECORD, verdict_of(), FIGURES)
    text = section(render_card(card), "Backtest")
    words = write_plain_words(FIGURES)
    for sentence in (*words.scope, *words.can, *words.cannot):
        assert f"- {sentence}" in text
    row = FIGURES.row("garch_t", 3)
    assert (
        f"| 3 | GARCH(1,1) with Student's t | {row.pinball:.6f} | {100 * row.bands[0].share:.2f} % | "
        f"{100 * row.skill.skill:.2f} % | {100 * row.skill.low:.2f} % to {100 * row.skill.high:.2f} % | "
        f"{row.skill.t:.1f} |" in text
    )
    assert NO_BACKTEST not in text
    assert card.backtest["verdict"] == FIGURES.to_json()["verdict"]


@pytest.mark.parametrize("figures", [None, FIGURES, make_figures(draw_table(num_days=1))])
def test_the_card_is_json(figures):
    card = make_card(RECORD | {"validation_loss": [math.nan]}, verdict_of(), figures)
    read = json.loads(json.dumps(card.to_json(), allow_nan=False))
    assert read["gate"] == json.loads(json.dumps(verdict_of()))
    assert read["training"]["best_validation_loss"] is None
    render_card(card)


@pytest.mark.parametrize("key", list(RECORD))
def test_whatever_a_record_lacks_the_card_leaves_out(key):
    for value in (None, 3, "text", [], {}):
        render_card(make_card(RECORD | {key: value}))
    render_card(make_card({name: value for name, value in RECORD.items() if name != key}))


def test_an_empty_record_gives_a_card_that_says_so():
    text = render_card(make_card({}))
    for title in ("Data", "Training", "Coverage on the test split", "Versions", "Lineage"):
        assert "Not recorded." in section(text, title)


def test_what_a_record_says_cannot_break_the_document():
    text = render_card(make_card({"model": {"note": "a | b\n# c"}, "versions": {"x": "1\n## Lineage"}}))
    assert "| model.note | a \\| b # c |" in text
    assert text.count("\n## Lineage\n") == 1


def test_names_that_the_card_shares_with_the_evaluator():
    assert tuple(BANDS) == model_card.BANDS
    read = {f"coverage_{band}_h{h}" for band in BANDS for h in contract.HORIZONS}
    read |= {f"median_price_skill_h{h}" for h in contract.HORIZONS}
    assert read | {"direction_h1", "always_up_h1", "worst_ticker_coverage_90"} <= set(metric_names())


def test_a_push_needs_the_standard_library_only():
    program = "import sys, components.push.publish; print('numpy' in sys.modules, 'pyarrow' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "False False\n"
