"""The head of a package, a run's values, the schema, and how the check speaks."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.kubeflow.check.check import KFP_RULES, check_documents, require_sound
from pipeline.kubeflow.check.violation import Violation, raise_on
from pipeline.kubeflow.package import Json, PackageError, parse_documents
from tests.pipeline.kubeflow.check.two_tasks import (
    MESSAGE,
    Change,
    assert_broken,
    check_kfp,
    make_package,
    tasks,
)


def keep(package: list[Json]) -> None:
    """Changes nothing."""


def named(name: str) -> Change:
    return lambda package: package[0]["pipelineInfo"].update(name=name)


@pytest.mark.parametrize("name", ["a", "0", "two--tasks", "a" * 57])
def test_a_legal_pipeline_name(name: str) -> None:
    assert check_kfp(named(name)) == []


@pytest.mark.parametrize(
    ("name", "consequence"),
    [
        ("a_b", "Kubernetes refuses the workflow"),
        ("-a", "Kubernetes refuses the workflow"),
        ("a-", "Kubernetes refuses the workflow"),
        ("a.b", "Kubernetes refuses the workflow"),
        ("a\n", "Kubernetes refuses the workflow"),
        ("Å", "KFP refuses it: invalid v2 pipeline spec"),
        ("", "KFP refuses it: unknown template format"),
        ("a" * 58, "Kubernetes cuts the name"),
    ],
)
def test_an_illegal_pipeline_name(name: str, consequence: str) -> None:
    assert_broken(check_kfp(named(name)), "pipeline-name", "pipelineInfo.name", consequence)


@pytest.mark.parametrize("root", [None, "gs://bucket", "s3://bucket/a/b", "minio://mlpipeline/v2/artifacts"])
def test_a_pipeline_root_in_an_object_store(root: str | None) -> None:
    assert check_kfp(keep, pipeline_root=root) == []


@pytest.mark.parametrize("root", ["/data", "file:///data", "s3://", "S3://bucket", "https://host/a", "gs:/b"])
def test_a_pipeline_root_elsewhere(root: str) -> None:
    assert_broken(check_kfp(keep, pipeline_root=root), "pipeline-root", "pipeline root", "KFP accepts it")
    in_spec = check_kfp(lambda package: package[0].update(defaultPipelineRoot=root))
    assert_broken(in_spec, "pipeline-root", "defaultPipelineRoot", "KFP accepts it")


@pytest.mark.parametrize("value", [4, 4.0])
def test_a_value_of_the_right_type(value: float) -> None:
    assert check_kfp(keep, arguments={"n": value}) == []


@pytest.mark.parametrize(
    ("value", "consequence"),
    [
        ("4", "KFP refuses the run: input parameter n requires type double or integer"),
        (True, "KFP refuses the run: input parameter n requires type double or integer"),
        (None, "KFP refuses the run: input parameter n requires type double or integer"),
        (4.5, "KFP accepts it; the task is handed a number with decimals"),
    ],
)
def test_a_value_of_the_wrong_type(value: object, consequence: str) -> None:
    assert_broken(check_kfp(keep, arguments={"n": value}), "argument", "argument n", consequence)


def test_a_spec_alone_may_be_read_in_either_spelling() -> None:
    """KFP takes protobuf's own names as well as camelCase."""

    def change(package: list[Json]) -> None:
        package[0]["pipeline_info"] = package[0].pop("pipelineInfo")
        use = tasks(package)["use"]
        use["component_ref"] = use.pop("componentRef")
        use["dependent_tasks"] = use.pop("dependentTasks")

    assert check_kfp(change) == []


def test_values_of_the_wrong_type_end_the_check_without_showing_them() -> None:
    def change(package: list[Json]) -> None:
        package[0]["root"]["inputDefinitions"]["parameters"]["n"]["defaultValue"] = datetime.date(2020, 1, 2)

    [violation] = violations = check_kfp(change)
    assert violation.place.startswith("root.inputDefinitions")
    assert_broken(violations, "schema", violation.place, "KFP refuses it")
    assert "2020" not in str(violations)


def test_a_password_that_yaml_reads_as_a_number_is_not_shown() -> None:
    def change(package: list[Json]) -> None:
        container = package[0]["deploymentSpec"]["executors"]["exec-use"]["container"]
        container["env"] = [{"name": "PASSWORD", "value": 73915}]

    [violation] = violations = check_kfp(change)
    assert violation.place.startswith("deploymentSpec.executors")
    assert_broken(violations, "schema", violation.place, "KFP refuses the run")
    assert "73915" not in str(violations)


def test_every_violation_is_listed_at_once() -> None:
    package = make_package()
    package[0]["pipelineInfo"]["name"] = "Bad Name_X"
    tasks(package)["use"]["dependentTasks"] = ["nope"]
    with pytest.raises(PackageError) as raised:
        require_sound(package, "pipeline.yaml")
    first, *lines = str(raised.value).splitlines()
    assert MESSAGE.fullmatch(first)
    assert first.startswith("pipeline.yaml must keep every rule of the check, got 6 broken")
    assert len(lines) == 6
    assert lines[0] == (
        "  [pipeline-name] pipelineInfo.name must be lower-case letters, digits and inner '-', "
        "got 'Bad Name_X'; choose another pipeline name "
        "(KFP accepts it; Kubernetes refuses the workflow of that name when a run starts)"
    )
    raise_on([], "pipeline.yaml")


@pytest.mark.parametrize(
    "text", ["", "a: 1", "root: 1\n---\nroot: 2", "platforms: 3", "platforms: [a]\n---\nroot:"]
)
def test_a_file_of_something_else_is_refused(text: str) -> None:
    violations = check_documents(parse_documents(text, "file"))
    assert violations
    assert all(MESSAGE.fullmatch(violation.message) for violation in violations)


ODD = (None, True, 7, "text", "", [], ["text"], {}, {"text": "text"}, {"text": {}}, [{}])


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each value inside."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from nodes(inner, (*path, key))


def test_a_package_of_any_shape_is_judged() -> None:
    """Whatever stands in the place of any value: the check gives violations, never an error of its own."""
    num_judged = 0
    for path in nodes(make_package()):
        for odd in ODD:
            package = make_package()
            owner: Any = package
            for key in path[:-1]:
                owner = owner[key]
            owner[path[-1]] = odd
            if all(isinstance(document, dict) for document in package):
                violations = check_documents(package, {"n": 3}, "gs://bucket")
                assert all(isinstance(violation, Violation) for violation in violations)
                num_judged += 1
    assert num_judged > 1000


def test_the_same_package_is_judged_the_same_and_left_alone() -> None:
    package = make_package()
    assert check_documents(package) == check_documents(package)
    assert package == make_package()
    assert check_documents(package, rules=KFP_RULES) == []
