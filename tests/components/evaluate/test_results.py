"""The figures' file: what is written is read again, NaN included, and any JSON reader takes it."""

from __future__ import annotations

import json
import math
import pathlib

import pytest

from components.evaluate.results import FILE_NAME, EvaluationResults, read_results, write_results

FIGURES = {"pinball_h1": 0.004, "dm_t_ewma_h1": math.nan}


@pytest.mark.parametrize("champion", [None, FIGURES])
def test_results_are_read_as_written(tmp_path: pathlib.Path, champion: dict[str, float] | None) -> None:
    written = EvaluationResults(FIGURES, champion, {"ticker": {"A": FIGURES}, "sector": {}})
    write_results(written, str(tmp_path))
    read = read_results(str(tmp_path))
    assert read.candidate == pytest.approx(FIGURES, nan_ok=True)
    assert read.slices["ticker"]["A"] == pytest.approx(FIGURES, nan_ok=True)
    assert (read.champion is None) == (champion is None)
    if champion is not None:
        assert read.champion == pytest.approx(champion, nan_ok=True)


def test_the_file_is_strict_json_and_always_the_same(tmp_path: pathlib.Path) -> None:
    texts = []
    for figures in (FIGURES, dict(reversed(FIGURES.items()))):
        write_results(EvaluationResults(figures, None, {}), str(tmp_path))
        texts.append((tmp_path / FILE_NAME).read_text())

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert json.loads(texts[0], parse_constant=refuse)["candidate"]["dm_t_ewma_h1"] is None
    assert texts[0] == texts[1]
