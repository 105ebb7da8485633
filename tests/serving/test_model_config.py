"""serving.model_config: what a rollout changes in a ModelServerConfig, and what it leaves."""

from __future__ import annotations

import pytest

from components.errors import ConfigError
from serving.model_config import ModelConfig, choose_kept

TEXT = """
model_config_list {
  config { name: "a" base_path: "/models/a" model_platform: "tensorflow" }
  config {
    name: "b" base_path: "/models/b" model_platform: "tensorflow"
    model_version_policy { specific { versions: 4 versions: 2 } }
    version_labels { key: "stable" value: 2 }
    logging_config { sampling_config { sampling_rate: 0.5 } }
  }
}
"""


def test_it_reads_the_model_that_is_named():
    first, second = (ModelConfig(TEXT, name, "here") for name in "ab")
    assert (first.base_path, first.versions, first.labels) == ("/models/a", None, {})
    assert (second.base_path, second.versions, second.labels) == ("/models/b", (2, 4), {"stable": 2})


def test_a_change_leaves_everything_else():
    changed = ModelConfig(TEXT, "b", "here").replace([4, 5], {"stable": 4, "canary": 5})
    assert (changed.versions, changed.labels) == ((4, 5), {"stable": 4, "canary": 5})
    assert 'base_path: "/models/a"' in changed.text
    assert "sampling_rate: 0.5" in changed.text
    assert ModelConfig(changed.text, "a", "here").versions is None


def test_the_fingerprint_is_of_what_is_said_and_not_of_how():
    first = ModelConfig(TEXT, "b", "here")
    assert first.fingerprint == ModelConfig(TEXT.replace("\n", " "), "b", "here").fingerprint
    assert first.fingerprint != first.replace([2], {"stable": 2}).fingerprint


def test_a_label_of_what_is_not_served_is_refused():
    with pytest.raises(ValueError, match=r"label stable must name one of \[2\], got 3"):
        ModelConfig(TEXT, "b", "here").replace([2], {"stable": 3})


@pytest.mark.parametrize(
    ("text", "name", "problem"),
    [
        (
            "model_config_list {",
            "a",
            "here must hold a ModelServerConfig in protobuf's text format, got",
        ),
        ("no_such_field: 1", "a", "no_such_field"),
        ("", "a", "here must list the model a once, got no model"),
        (TEXT, "c", "must list the model c once, got a, b; add it, or name another one with --model-name"),
    ],
)
def test_a_text_that_cannot_be_meant_is_one_line(text, name, problem):
    with pytest.raises(ConfigError) as caught:
        ModelConfig(text, name, "here")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("versions", "needed", "num_kept", "expected"),
    [
        ([1, 2, 3, 4], [], 2, [3, 4]),
        ([1, 2, 3, 4], [1], 2, [1, 4]),
        ([1, 2, 3, 4], [1, 2, 3], 2, [1, 2, 3]),
        ([1, 2], [9], 3, [1, 2]),
        ([], [], 3, []),
    ],
)
def test_the_needed_and_the_newest_are_kept(versions, needed, num_kept, expected):
    assert choose_kept(versions, needed, num_kept) == expected
