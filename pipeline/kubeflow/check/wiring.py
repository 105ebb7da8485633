"""Rules of the wiring: each input of a task comes from where there is such an output or parameter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.kubeflow.check import values
from pipeline.kubeflow.check.cel import CelError, parse
from pipeline.kubeflow.check.pipeline_view import ROOT, Dag, PipelineView, Task, dig
from pipeline.kubeflow.check.violation import Violation, accepted, broken
from pipeline.kubeflow.package import Json

_CHANNEL_PREFIX = "pipelinechannel--"
_CHANNEL = re.compile(r"\{\{\$\.inputs\.parameters\[['\"](pipelinechannel--.+?)['\"]\]\}\}")
"""How kfp's compiler writes a value that another input of the task brings."""


def check_artifacts(view: PipelineView) -> Iterator[Violation]:
    """Input artifacts are outputs of tasks, or inputs of the DAG."""
    for task in view.tasks():
        for key, entry in dig(task.spec, "inputs", "artifacts").items():
            place = f"{task.place}.inputs.artifacts.{key}"
            if producer := dig(entry, "taskOutputArtifact"):
                yield from _check_output(view, task, place, producer, "artifact")
            else:
                yield from _check_dag_input(
                    task.dag, "artifacts", entry.get("componentInputArtifact", ""), place
                )


def check_parameters(view: PipelineView) -> Iterator[Violation]:
    """Input parameters have a source, of the type that the component declares."""
    for task in view.tasks():
        declared = dig(task.component, "inputDefinitions", "parameters")
        for key, entry in dig(task.spec, "inputs", "parameters").items():
            place = f"{task.place}.inputs.parameters.{key}"
            wanted = declared.get(key, {}).get("parameterType", "")
            yield from _check_source(view, task, place, entry)
            if "parameterExpressionSelector" in entry:
                yield from _check_selection(place, entry["parameterExpressionSelector"])
                continue  # what it selects may be of any type
            given = _type_of_source(view, task, entry)
            if given and wanted and not values.takes(wanted, given):
                how = f"must be {wanted} as the component declares, got {given}; give both the same type"
                said = accepted(values.driver_mismatch(key, wanted, given))
                yield broken("parameter-type", place, how, said)
            yield from _check_constant(place, key, entry, wanted)


def _check_source(view: PipelineView, task: Task, place: str, entry: Json) -> Iterator[Violation]:
    if producer := dig(entry, "taskOutputParameter"):
        yield from _check_output(view, task, place, producer, "parameter")
    elif "componentInputParameter" in entry:
        yield from _check_dag_input(task.dag, "parameters", entry["componentInputParameter"], place)
    elif "taskFinalStatus" in entry:
        name = dig(entry, "taskFinalStatus").get("producerTask", "")
        if name not in task.dag.tasks:
            how = f"must ask for the status of a task of the same DAG, got {name!r}; correct the name"
            yield broken(
                "producer", place, how, accepted("at run time the driver fails: the task is not found")
            )
    elif "constant" not in dig(entry, "runtimeValue"):
        kind = next(iter(dig(entry, "runtimeValue") or entry), "nothing")
        how = f"must be a constant, or come from the DAG or a task, got {kind}; compile it again"
        said = accepted("at run time the driver fails: param runtime value spec not implemented")
        yield broken("runtime-value", place, how, said)


def _check_selection(place: str, expression: str) -> Iterator[Violation]:
    try:
        parse(expression)
    except CelError as error:
        how = f"must select by a CEL expression, got {error}; correct it"
        said = accepted("at run time the driver fails: evaluation of parameter expression selector failed")
        yield broken("runtime-value", place, how, said)


def _check_constant(place: str, key: str, entry: Json, wanted: str) -> Iterator[Violation]:
    runtime = dig(entry, "runtimeValue")
    if "constant" not in runtime or not wanted:
        return
    value = runtime["constant"]
    if isinstance(value, str) and "{{$" in value:
        return
    if not values.fits(value, wanted):
        kind = values.name_kind(value)
        how = f"must be {wanted} as the component declares, got {kind}; write a constant of that type"
        yield broken("parameter-type", place, how, accepted(values.driver_mismatch(key, wanted, kind)))


def check_channels(view: PipelineView) -> Iterator[Violation]:
    """A constant that stands for another input of its task names one that is there."""
    for task in view.tasks():
        inputs = dig(task.spec, "inputs", "parameters")
        for key, entry in inputs.items():
            constant = dig(entry, "runtimeValue").get("constant")
            for name in _CHANNEL.findall(constant) if isinstance(constant, str) else ():
                if name not in inputs:
                    how = f"must name an input of its task, got {name!r}; compile it again"
                    said = accepted("at run time the driver fails: pipeline channel not found in task")
                    yield broken("runtime-value", f"{task.place}.inputs.parameters.{key}", how, said)


def _type_of_source(view: PipelineView, task: Task, entry: Json) -> str:
    """Type of what another task or the DAG brings; empty where there is none."""
    if producer := dig(entry, "taskOutputParameter"):
        component = _component_of(view, task.dag, producer.get("producerTask", ""))
        outputs = dig(component, "outputDefinitions", "parameters")
        return outputs.get(producer.get("outputParameterKey", ""), {}).get("parameterType", "")
    if "taskFinalStatus" in entry:
        return values.STATUS
    inputs = dig(task.dag.component, "inputDefinitions", "parameters")
    return inputs.get(entry.get("componentInputParameter", ""), {}).get("parameterType", "")


def _component_of(view: PipelineView, dag: Dag, task: str) -> Json:
    return view.components.get(dig(dag.tasks.get(task, {}), "componentRef").get("name", ""), {})


def _check_output(
    view: PipelineView, task: Task, place: str, producer: Json, kind: str
) -> Iterator[Violation]:
    name, key = producer.get("producerTask", ""), producer.get(f"output{kind.capitalize()}Key", "")
    if name not in task.dag.tasks:
        return  # the rule of producers says so
    outputs = dig(_component_of(view, task.dag, name), "outputDefinitions", f"{kind}s")
    if key not in outputs:
        known = ", ".join(sorted(outputs)) or "none"
        how = f"must be an output {kind} of {name}, got {key!r}; it has {known}"
        said = accepted(f"at run time the driver of {task.name} fails: the producer has no such output")
        yield broken("output-key", place, how, said)


def _check_dag_input(dag: Dag, kind: str, name: str, place: str) -> Iterator[Violation]:
    known = dig(dag.component, "inputDefinitions", kind)
    if name not in known:
        how = f"must come from an input of its DAG {dag.place}, got {name!r}; declare it there"
        said = accepted(f"at run time the driver fails: parent DAG does not have input {kind[:-1]} {name}")
        yield broken("dag-input", place, how, said)


def check_definitions(view: PipelineView) -> Iterator[Violation]:
    """Tasks give what their component needs, and nothing that it does not know."""
    for task in view.tasks():
        for kind in ("parameters", "artifacts"):
            given = dig(task.spec, "inputs", kind)
            declared = dig(task.component, "inputDefinitions", kind)
            for key in sorted(set(declared) - set(given) - _iterated(task)):
                if not declared[key].get("isOptional") and "defaultValue" not in declared[key]:
                    how = f"must give {key!r}, which its component needs, got no such input; add it"
                    said = accepted("at run time: neither value nor default value provided")
                    yield broken("missing-input", f"{task.place}.inputs.{kind}", how, said)
            unknown = {key for key in set(given) - set(declared) if not key.startswith(_CHANNEL_PREFIX)}
            for key in sorted(unknown) if task.component else ():
                how = f"must be an input that its component declares, got {key!r}; correct the name"
                said = accepted("the task is handed what it does not know")
                yield broken("undeclared-input", f"{task.place}.inputs.{kind}.{key}", how, said)
    if artifacts := dig(view.spec, ROOT, "inputDefinitions", "artifacts"):
        how = f"must not take artifacts, got {', '.join(sorted(artifacts))}; import them in a task"
        said = accepted("a run cannot be given any: at run time the driver fails")
        yield broken("dag-input", "root.inputDefinitions.artifacts", how, said)


def _iterated(task: Task) -> set[str]:
    """The input that each round of a loop brings itself."""
    iterators = (dig(task.spec, kind) for kind in ("parameterIterator", "artifactIterator"))
    return {iterator["itemInput"] for iterator in iterators if "itemInput" in iterator}


def check_types(view: PipelineView) -> Iterator[Violation]:
    """Every parameter has a type: KFP's driver treats one without as none that it knows."""
    components = {f"components[{task.component_name}]": task.component for task in view.tasks()}
    for place, component in {ROOT: dig(view.spec, ROOT), **components}.items():
        for side in ("inputDefinitions", "outputDefinitions"):
            for name, definition in dig(component, side, "parameters").items():
                if definition.get("parameterType", values.UNSPECIFIED) == values.UNSPECIFIED:
                    how = "must have a parameterType, got none; compile with use_pipeline_spec_2_1=True"
                    said = accepted(f"a value fails: input parameter {name} has unspecified type")
                    yield broken("parameter-type", f"{place}.{side}.parameters.{name}", how, said)


def check_dag_outputs(view: PipelineView) -> Iterator[Violation]:
    """Outputs of a DAG are outputs of its tasks, and declared."""
    for dag in view.dags():
        for kind in ("artifacts", "parameters"):
            declared = dig(dag.component, "outputDefinitions", kind)
            for key, entry in dig(dag.component, "dag", "outputs", kind).items():
                place = f"{dag.place}.dag.outputs.{kind}.{key}"
                if key not in declared:
                    how = f"must be declared in outputDefinitions, got {key!r} only here; declare it"
                    yield broken("dag-output", place, how, accepted("nothing can take it"))
                for selector in _selectors(entry):
                    yield from _check_selector(view, dag, place, selector, kind[:-1])


def _selectors(entry: Json) -> list[Json]:
    one = dig(entry, "valueFromParameter")
    many = dig(entry, "valueFromOneof").get("parameterSelectors", [])
    return [*entry.get("artifactSelectors", []), *([one] if one else []), *many]


def _check_selector(
    view: PipelineView, dag: Dag, place: str, selector: Json, kind: str
) -> Iterator[Violation]:
    name, key = selector.get("producerSubtask", ""), selector.get(f"output{kind.capitalize()}Key", "")
    outputs = dig(_component_of(view, dag, name), "outputDefinitions", f"{kind}s")
    if name not in dag.tasks or key not in outputs:
        how = f"must be an output {kind} of a task in it, got {key!r} of {name!r}; correct the names"
        said = accepted("at run time what takes it fails: the output is not found")
        yield broken("dag-output", place, how, said)
