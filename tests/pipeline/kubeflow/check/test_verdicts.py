"""The check agrees with KFP 2.17.0 on every package that it was asked about, or knows better."""

from __future__ import annotations

import pathlib
import re

import pytest

from pipeline.kubeflow.check import check
from tests.pipeline.kubeflow.check import two_tasks
from tests.pipeline.kubeflow.check.variations import VARIATIONS

VERDICTS = pathlib.Path(__file__).parents[3] / "fixtures" / "kfp_verdicts.txt"
ROW = re.compile(r"^(?P<name>\S.*?) +rc=[01] (?P<verdict>.*(?:\n(?:REFUSED|ACCEPTED).*)?)", re.MULTILINE)
NUM_ROWS = 32


def read_verdicts() -> dict[str, str]:
    return {row["name"]: row["verdict"] for row in ROW.finditer(VERDICTS.read_text())}


def test_the_table_has_each_row_of_the_file() -> None:
    verdicts = read_verdicts()
    assert set(VARIATIONS) == set(verdicts)
    assert len(verdicts) == VERDICTS.read_text().count(" rc=") == NUM_ROWS
    assert all(("REFUSED" in verdict) != ("ACCEPTED" in verdict) for verdict in verdicts.values())


@pytest.mark.parametrize("name", VARIATIONS)
def test_the_check_says_what_kfp_says_or_should_have_said(name: str) -> None:
    variation, verdict = VARIATIONS[name], read_verdicts()[name]
    violations = two_tasks.check_kfp(variation.change, arguments=variation.arguments)
    if not variation.rule:
        assert violations == []
        assert "ACCEPTED" in verdict
        return
    [violation] = [violation for violation in violations if violation.rule == variation.rule]
    assert two_tasks.MESSAGE.fullmatch(violation.message)
    assert violation.message.startswith(violation.place)
    said, words = violation.consequence.split("; " if "ACCEPTED" in verdict else ": ", 1)
    if "ACCEPTED" in verdict:
        assert said == "KFP accepts it"
    else:
        assert said == ("KFP refuses it" if "template.New" in verdict else "KFP refuses the run")
        assert words in verdict


@pytest.mark.parametrize("name", [name for name, variation in VARIATIONS.items() if variation.rule])
def test_one_fault_breaks_one_rule(name: str) -> None:
    variation = VARIATIONS[name]
    follow_ups = {"component that is not there": {"platform-label"}, "only platform document": set()}
    rules = {v.rule for v in two_tasks.check_kfp(variation.change, arguments=variation.arguments)}
    assert rules <= {variation.rule} | follow_ups.get(name, set())


def test_the_house_is_stricter_than_kfp() -> None:
    rules = {violation.rule for violation in check.check_documents(two_tasks.make_package())}
    assert rules == {"entrypoint"}
