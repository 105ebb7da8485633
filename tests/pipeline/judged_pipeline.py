"""The last three components of the real pipeline, made to say what a test wants, in no time."""

import pathlib

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration import metadata, pipeline
from tfx.types import standard_artifacts

from components.errors import InputError
from components.evaluate import gate, summary
from components.evaluate.results import EvaluationResults, write_results

PASSING = {
    check.metric: check.lower if check.lower is not None else 0.0
    for check in gate.list_checks(gate.GateConfig())
}
FAILING = PASSING | {summary.at_horizon("skill_ewma", 1): 0.001}


@component
def Evaluator(
    evaluation: OutputArtifact[standard_artifacts.ModelEvaluation],
    blessing: OutputArtifact[standard_artifacts.ModelBlessing],
    story: Parameter[str],
):
    if story == "bad input":
        raise InputError("bars.csv, line 3, column close must be positive, got -1; mend the row")
    if story == "crash":
        raise RuntimeError("out of memory\nand more")
    if story == "interrupt":
        raise KeyboardInterrupt
    refused = story == "refused"
    write_results(EvaluationResults(FAILING if refused else PASSING, None, {}), evaluation.uri)
    blessing.set_int_custom_property("blessed", int(not refused))


@component
def Rehearsal(
    blessing: InputArtifact[standard_artifacts.ModelBlessing],
    infra_blessing: OutputArtifact[standard_artifacts.InfraBlessing],
    story: Parameter[str],
):
    infra_blessing.set_int_custom_property("blessed", int(story != "rehearsal fails"))


@component
def Pusher(
    infra_blessing: InputArtifact[standard_artifacts.InfraBlessing],
    pushed_model: OutputArtifact[standard_artifacts.PushedModel],
    story: Parameter[str],
    destination: Parameter[str],
):
    pushed = story in ("pushed", "vanished")
    pushed_model.set_int_custom_property("pushed", int(pushed))
    if pushed:
        pathlib.Path(destination, "17").mkdir(parents=True, exist_ok=True)
        pushed_model.set_string_custom_property("pushed_destination", str(pathlib.Path(destination, "17")))
    if story == "vanished":
        pathlib.Path(destination, "17").rmdir()


def create(config, story):
    evaluator = Evaluator(story=story)
    rehearsal = Rehearsal(blessing=evaluator.outputs["blessing"], story=story)
    pusher = Pusher(
        infra_blessing=rehearsal.outputs["infra_blessing"],
        story=story,
        destination=config.paths.model_base_path,
    )
    return pipeline.Pipeline(
        pipeline_name=config.name,
        pipeline_root=config.paths.pipeline_root,
        components=[evaluator, rehearsal, pusher],
        enable_cache=True,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(config.paths.metadata),
    )
