"""An executor that reuses: real artifacts, and an executor of the tests that counts how often it works."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from components import contract

pytestmark = pytest.mark.tf


@pytest.fixture
def run(tmp_path):
    """Runs the executor on examples with these texts in their splits; tells what was made, and how often."""
    from tfx import types
    from tfx.dsl.components.base import base_executor
    from tfx.types import standard_artifacts

    from components.reuse.executor import ReusingExecutor

    calls: list[str] = []

    class Stock(base_executor.BaseExecutor):
        def Do(self, input_dict: Any, output_dict: Any, exec_properties: Any) -> None:
            [examples], [blessing] = input_dict["examples"], output_dict["blessing"]
            text = pathlib.Path(examples.uri, "Split-train", "data").read_text()
            calls.append(text)
            pathlib.Path(blessing.uri).mkdir(parents=True)
            pathlib.Path(blessing.uri, "told").write_text(f"{text} {exec_properties['steps']}")
            blessing.set_int_custom_property("blessed", int(text != "bad"))

    class Reusing(ReusingExecutor, Stock):
        USED_SPLITS = {"examples": [contract.TRAIN_SPLIT]}  # noqa: RUF012 (as the real ones)

        def is_final(self, outputs: Any) -> bool:
            return pathlib.Path(outputs["blessing"].uri, "told").read_text() != "unlucky 1"

    def go(train: str, test: str, **properties: Any) -> tuple[str, int, int]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for split, text in (("train", train), ("test", test)):
            (folder / "examples" / f"Split-{split}").mkdir(parents=True)
            (folder / "examples" / f"Split-{split}" / "data").write_text(text)
        examples: types.Artifact = standard_artifacts.Examples()
        examples.uri, examples.split_names = str(folder / "examples"), '["train", "test"]'
        blessing: types.Artifact = standard_artifacts.InfraBlessing()
        blessing.uri = str(folder / "blessing")
        told = {"steps": 1, contract.CODE_PROPERTY: "code", contract.RESULTS_PROPERTY: str(tmp_path / "kept")}
        Reusing().Do({"examples": [examples]}, {"blessing": [blessing]}, told | properties)
        made = (folder / "blessing" / "told").read_text()
        return made, blessing.get_int_custom_property("blessed"), len(calls)

    return go


def test_the_same_content_is_copied_with_what_was_told_of_it(run):
    assert run("one", "a") == ("one 1", 1, 1)
    assert run("bad", "a") == ("bad 1", 0, 2)
    assert run("one", "a") == ("one 1", 1, 2)
    assert run("bad", "b") == ("bad 1", 0, 2)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"steps": 2}, ("one 2", 1, 2)),
        ({contract.CODE_PROPERTY: "edited"}, ("one 1", 1, 2)),
        ({contract.RESULTS_PROPERTY: ""}, ("one 1", 1, 2)),
        ({contract.CODE_PROPERTY: ""}, ("one 1", 1, 2)),
    ],
)
def test_other_parameters_or_code_or_no_folder_make_it_anew(run, changed, expected):
    run("one", "a")
    assert run("one", "a", **changed) == expected


def test_what_may_end_otherwise_the_next_time_is_not_kept(run):
    assert run("unlucky", "a") == ("unlucky 1", 1, 1)
    assert run("unlucky", "a") == ("unlucky 1", 1, 2)
