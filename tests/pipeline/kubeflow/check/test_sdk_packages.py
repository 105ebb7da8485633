"""What kfp itself compiles keeps KFP's rules: loops, conditions, exit handlers, importers, nested DAGs."""

import pathlib

import pytest
from kfp import compiler, dsl

from pipeline.kubeflow.check import check
from pipeline.kubeflow.check.check import check_documents
from pipeline.kubeflow.package import Json, read_documents

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def count(word: str, times: int = 2) -> int:
    return len(word) * times


@dsl.component(base_image=IMAGE)
def name_words() -> list:
    return ["a", "b"]


@dsl.component(base_image=IMAGE)
def write(number: int, out: dsl.Output[dsl.Dataset]) -> None:
    pathlib.Path(out.path).write_text(str(number))


@dsl.container_component
def show(data: dsl.Input[dsl.Dataset], copy: dsl.Output[dsl.Dataset], flag: bool = True):
    return dsl.ContainerSpec(image=IMAGE, command=["cp"], args=[data.path, copy.path, flag])


@dsl.component(base_image=IMAGE)
def report(status: dsl.PipelineTaskFinalStatus) -> None:
    print(status)


@dsl.pipeline(name="inner")
def inner(word: str) -> dsl.Dataset:
    made = write(number=count(word=word).output).set_cpu_request("500m").set_memory_limit("1G")
    return show(data=made.outputs["out"]).outputs["copy"]


@dsl.pipeline(name="whole")
def whole(word: str = "word", times: int = 3, words: list = ["x", "y"]) -> None:  # noqa: B006
    with dsl.ParallelFor([{"a": "b"}]) as item:
        count(word=item.a)
    with dsl.ExitHandler(report()):
        counted = count(word=word, times=times)
        with dsl.If(counted.output > 2):
            show(data=inner(word="long").output)
        with dsl.Else():
            inner(word=f"{word}-short")
        with dsl.ParallelFor(words, parallelism=1) as item:
            count(word=item)
        with dsl.ParallelFor(name_words().output) as item:
            count(word=item)
        imported = dsl.importer("gs://bucket/data", artifact_class=dsl.Dataset, metadata={"a": "b"})
        show(data=imported.output, flag=False).set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(1)


@pytest.fixture(name="documents")
def fixture_documents(tmp_path: pathlib.Path) -> list[Json]:
    compiler.Compiler().compile(whole, str(tmp_path / "whole.yaml"))
    return read_documents(str(tmp_path / "whole.yaml"))


def test_what_kfp_compiles_is_whole(documents: list[Json]) -> None:
    assert check_documents(documents, rules=check.KFP_RULES) == []
    assert len(documents[0]["components"]) > 10


def test_a_fault_deep_in_it_is_found(documents: list[Json]) -> None:
    conditions = [
        (name, task)
        for name, component in documents[0]["components"].items()
        for task in component.get("dag", {}).get("tasks", {}).values()
        if "condition" in task.get("triggerPolicy", {})
    ]
    name, task = conditions[-1]
    task["triggerPolicy"]["condition"] += ")"
    [violation] = check_documents(documents, rules=check.KFP_RULES)
    assert violation.rule == "condition"
    assert violation.place.startswith(f"components[{name}].dag.tasks[")
