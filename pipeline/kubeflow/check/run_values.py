"""Rules of a run's values: what the pipeline asks for, and what is given."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kubeflow.check import values
from pipeline.kubeflow.check.pipeline_view import ROOT, PipelineView, dig
from pipeline.kubeflow.check.violation import Violation, accepted, broken, refused_run


def check_arguments(view: PipelineView) -> Iterator[Violation]:
    """The values of a run, where there is one."""
    if view.arguments is None:
        return
    declared = dig(view.spec, ROOT, "inputDefinitions", "parameters")
    for name in sorted(set(view.arguments) - set(declared)):
        known = ", ".join(sorted(declared)) or "none"
        how = f"must be a parameter of the pipeline, got one it does not have; it has {known}"
        said = refused_run(f"parameter(s) provided are not required by pipeline: {name}")
        yield broken("argument", f"argument {name}", how, said)
    for name, definition in sorted(declared.items()):
        if name in view.arguments:
            value, wanted = view.arguments[name], definition.get("parameterType", values.UNSPECIFIED)
            if not values.fits(value, wanted):
                how = f"must be {wanted}, got {values.name_kind(value)}; give a value of that type"
                said = refused_run(values.mismatch(name, wanted))
                if wanted == values.INTEGER and values.fits(value, values.DOUBLE):
                    said = accepted("the task is handed a number with decimals")
                yield broken("argument", f"argument {name}", how, said)
        elif not definition.get("isOptional") and "defaultValue" not in definition:
            how = "must be given, got neither a value nor a default; give one"
            said = refused_run(
                f"parameter {name} is not optional, yet has neither default value nor user provided value"
            )
            yield broken("argument", f"argument {name}", how, said)


def check_defaults(view: PipelineView) -> Iterator[Violation]:
    """Defaults are of the type of their parameter."""
    for dag in view.dags():
        for name, definition in dig(dag.component, "inputDefinitions", "parameters").items():
            wanted = definition.get("parameterType", "")
            if (
                "defaultValue" in definition
                and wanted
                and not values.fits(definition["defaultValue"], wanted)
            ):
                kind = values.name_kind(definition["defaultValue"])
                how = f"must be {wanted}, got {kind}; write a default of that type"
                said = accepted(values.driver_mismatch(name, wanted, kind))
                place = f"{dag.place}.inputDefinitions.parameters.{name}.defaultValue"
                yield broken("parameter-type", place, how, said)


def check_startable(view: PipelineView) -> Iterator[Violation]:
    """A package that is compiled here starts with no value given at all."""
    if view.arguments is not None:
        return
    for name, definition in sorted(dig(view.spec, ROOT, "inputDefinitions", "parameters").items()):
        if "defaultValue" not in definition or not definition.get("isOptional"):
            got = "no default" if "defaultValue" not in definition else "one that is not optional"
            how = f"must have defaultValue and isOptional, got {got}; put back what TFX's compiler drops"
            said = refused_run(
                f"parameter {name} is not optional, yet has neither default value nor user provided value"
            )
            yield broken("default", f"root.inputDefinitions.parameters.{name}", how, said)
