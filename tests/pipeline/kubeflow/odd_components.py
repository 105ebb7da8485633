"""Components that use odd corners of TFX; a task imports this file alone, without tests."""

import os
import pathlib

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts


@component
def Producer(
    word: OutputArtifact[standard_artifacts.String],
    folder: OutputArtifact[standard_artifacts.Model],
    empty: OutputArtifact[standard_artifacts.Model],
    text: Parameter[str],
):
    word.value = text.upper()
    elsewhere = pathlib.Path(os.getcwd(), "elsewhere")
    elsewhere.mkdir(exist_ok=True)
    (elsewhere / "weights ä [1].txt").write_text("weights")
    os.symlink(elsewhere, os.path.join(folder.uri, "linked"))
    folder.set_string_custom_property("current_model", folder.uri)
    folder.set_json_value_custom_property("sizes", [1, 2])
    folder.set_json_value_custom_property("shape", {"struct": {"time": 3, "none": None}})
    folder.set_json_value_custom_property("flag", True)


@component
def Consumer(
    word: InputArtifact[standard_artifacts.String],
    folder: InputArtifact[standard_artifacts.Model],
    empty: InputArtifact[standard_artifacts.Model],
    report: OutputArtifact[standard_artifacts.ModelEvaluation],
):
    lines = [
        word.read(),
        pathlib.Path(folder.uri, "linked", "weights ä [1].txt").read_text(),
        str(os.listdir(empty.uri)),
        str(folder.get_string_custom_property("current_model") == folder.uri),
        str(folder.get_json_value_custom_property("sizes")),
        str(folder.get_json_value_custom_property("shape")),
        str(folder.get_int_custom_property("flag")),
    ]
    pathlib.Path(report.uri, "report.txt").write_text("\n".join(lines))
