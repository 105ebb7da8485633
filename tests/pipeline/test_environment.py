"""The sections that commands read without a framework."""

from __future__ import annotations

import pathlib

import pytest

from components.errors import ConfigError
from pipeline import environment


@pytest.mark.parametrize("load", [environment.load_serving_sections, environment.load_ingest_sections])
@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "soruce.path=h.csv",
            "soruce must be a known key, got it in --set soruce.path; did you mean source",
        ),
        ("validtion.bad_price=quarantine", r"validtion must be a known key, .*; did you mean validation\?"),
        ("zzz=1", "zzz must be a known key, got it in --set zzz; keys there are paths, beam, source, "),
    ],
)
def test_a_section_that_none_knows_is_refused(load, assignment, message):
    with pytest.raises(ConfigError, match=message):
        load("", [assignment])


def test_a_section_that_none_knows_is_refused_in_a_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "mine.yaml").write_text("train: {seed: 2}\nsoruce:\n  path: h.csv\n")
    with pytest.raises(ConfigError, match=r"soruce must be a known key, got it in .*mine\.yaml, line 3"):
        environment.load_ingest_sections(str(tmp_path / "mine.yaml"))


def test_sections_of_other_commands_may_stand_there() -> None:
    given = ["train.seed=2", "name=mine", "kubeflow.image=x", "source.path=h.csv"]
    assert environment.load_ingest_sections("", given).source.path == "h.csv"
