"""The rules that packages of marketcast keep beside KFP's own."""

from __future__ import annotations

import json

import pytest

from pipeline.kubeflow.check.check import check_documents
from pipeline.kubeflow.check.house import ENTRYPOINT
from pipeline.kubeflow.check.secrets import is_secret_name
from pipeline.kubeflow.check.violation import Violation
from pipeline.kubeflow.package import Json
from tests.pipeline.kubeflow.check.two_tasks import (
    Change,
    assert_broken,
    components,
    executors,
    make_package,
    pods,
    tasks,
)

CONTAINER = "deploymentSpec.executors[exec-use].container"
EXECUTOR = "components.evaluate.component.GatedExecutor"


def make_house_package() -> list[Json]:
    """The two tasks as marketcast would compile them."""
    package = make_package()
    for label, executor in executors(package).items():
        executor["container"] |= {
            "image": "marketcast:0.1.0",
            "command": list(ENTRYPOINT),
            "args": [
                *("--executor_class_path", f"components.{label}.Executor"),
                *("--json_serialized_invocation_args", "{{$}}"),
                "--runner=DirectRunner",
            ],
        }
    return package


def check_house(change: Change, **run: object) -> list[Violation]:
    package = make_house_package()
    change(package)
    return check_documents(package, **run)


def test_a_package_of_the_house_is_whole() -> None:
    assert check_house(lambda package: package.reverse()) == []


def container(**fields: object) -> Change:
    return lambda package: executors(package)["exec-use"]["container"].update(fields)


def rename_image(image: str) -> Change:
    return container(image=image)


def cache(name: str = "", component: str = "", executor: str = EXECUTOR) -> Change:
    """Caches the task `use`, under other names."""

    def change(package: list[Json]) -> None:
        task = tasks(package).pop("use")
        tasks(package)[name or "use"] = task
        components(package)[component or "comp-use"] = components(package).pop("comp-use")
        task["componentRef"]["name"] = component or "comp-use"
        task["cachingOptions"] = {"enableCache": True}
        executors(package)["exec-use"]["container"]["args"][1] = executor

    return change


def require_parameter(package: list[Json]) -> None:
    del package[0]["root"]["inputDefinitions"]["parameters"]["n"]["isOptional"]


BROKEN = {
    "another command": (
        container(command=["python", "-m", "tfx.orchestration.kubeflow.v2.container"]),
        "entrypoint",
        f"{CONTAINER}.command",
    ),
    "no invocation": (
        container(args=["--executor_class_path", EXECUTOR]),
        "entrypoint",
        f"{CONTAINER}.args",
    ),
    "an invocation filled in": (
        container(args=["--executor_class_path", EXECUTOR, "--json_serialized_invocation_args", "{}"]),
        "entrypoint",
        f"{CONTAINER}.args",
    ),
    "latest": (rename_image("host:5000/marketcast:latest"), "image", f"{CONTAINER}.image"),
    "no tag": (rename_image("host:5000/marketcast"), "image", f"{CONTAINER}.image"),
    "cached ingest": (
        cache("BarsExampleGen"),
        "caching",
        "root.dag.tasks[BarsExampleGen].cachingOptions",
    ),
    "cached ingest of TFX": (
        cache("CsvExampleGen"),
        "caching",
        "root.dag.tasks[CsvExampleGen].cachingOptions",
    ),
    "a cached champion": (
        cache(component="ChampionResolver"),
        "caching",
        "root.dag.tasks[use].cachingOptions",
    ),
    "a cached push under another name": (
        cache(executor="components.push.component.AtomicExecutor"),
        "caching",
        "root.dag.tasks[use].cachingOptions",
    ),
    "a cached publisher of runs": (
        cache(executor="components.publish.executor.Executor"),
        "caching",
        "root.dag.tasks[use].cachingOptions",
    ),
    "ingest of TFX under another name": (
        cache(executor="tfx.components.example_gen.csv_example_gen.executor.Executor"),
        "caching",
        "root.dag.tasks[use].cachingOptions",
    ),
    "a parameter without default": (require_parameter, "default", "root.inputDefinitions.parameters.n"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_of_the_house_is_found(name: str) -> None:
    change, rule, place = BROKEN[name]
    assert_broken(check_house(change), rule, place)


@pytest.mark.parametrize(
    "change",
    [
        rename_image("host:5000/marketcast:1.2"),
        rename_image("host:5000/marketcast@sha256:0123"),
        cache("Evaluator"),
        cache("SchemaGen", executor="components.ingest.schema_gen.Executor"),
    ],
)
def test_a_kept_rule_of_the_house_is_not(change: Change) -> None:
    assert check_house(change) == []


def test_a_command_that_is_not_ours_is_not_shown_whole() -> None:
    violations = check_house(container(command=["sh", "-c", "PASSWORD=tr0ub4dor run"]))
    assert {violation.rule for violation in violations} == {"entrypoint", "secret"}
    assert "tr0ub4dor" not in str(violations)


def test_parameters_without_default_may_be_given() -> None:
    assert check_house(require_parameter, arguments={"n": 1}) == []


# --- Secrets ------------------------------------------------------------------------------------

SECRET = "tr0ub4dor-and-3"


def env(name: str, value: str = SECRET) -> Change:
    return container(env=[{"name": name, "value": value}])


def argument(*texts: str) -> Change:
    return lambda package: executors(package)["exec-use"]["container"]["args"].extend(texts)


def constant(value: object) -> Change:
    return lambda package: tasks(package)["use"]["inputs"]["parameters"].update(
        word={"runtimeValue": {"constant": value}}
    )


def default(package: list[Json]) -> None:
    package[0]["root"]["inputDefinitions"]["parameters"]["db_password"] = {
        "parameterType": "STRING",
        "defaultValue": SECRET,
        "isOptional": True,
    }


def annotation(package: list[Json]) -> None:
    pods(package)["exec-use"]["podMetadata"] = {"annotations": {"api-token": SECRET}}


WORD = "root.dag.tasks[use].inputs.parameters.word.runtimeValue.constant"
SECRETS = {
    "a variable": (env("STORE_PASSWORD"), f"{CONTAINER}.env[0].value"),
    "a variable of AWS": (env("AWS_SECRET_ACCESS_KEY"), f"{CONTAINER}.env[0].value"),
    "a token": (env("GIT_TOKEN"), f"{CONTAINER}.env[0].value"),
    "a flag": (argument(f"--db_password={SECRET}"), f"{CONTAINER}.args[5]"),
    "a flag and its value": (argument("--api-key", SECRET), f"{CONTAINER}.args[6]"),
    "a key id of AWS": (constant("AKIA" + "IOSFODNN7EXAMPLE"), WORD),
    "a URL": (constant(f"postgresql://bars:{SECRET}@host/db"), WORD),
    "a URL within JSON": (constant(json.dumps({"url": f"https://u:{SECRET}@host"})), WORD),
    "a key within JSON": (
        constant(json.dumps({"source": [{"password": SECRET}]})),
        f"{WORD}.source[0].password",
    ),
    "a private key": (constant("-----BEGIN " + "RSA PRIVATE KEY-----\nMII"), WORD),
    "a default": (default, "root.inputDefinitions.parameters.db_password.defaultValue"),
    "an annotation": (
        annotation,
        "platforms.kubernetes.deploymentSpec.executors[exec-use].podMetadata.annotations.api-token",
    ),
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_found_and_not_shown(name: str) -> None:
    change, place = SECRETS[name]
    violations = check_house(change)
    assert_broken(violations, "secret", place, "KFP accepts it; whoever may read")
    assert SECRET not in str(violations)
    assert "EXAMPLE" not in str(violations)


def test_a_secret_among_a_run_s_values_is_found() -> None:
    def change(package: list[Json]) -> None:
        default(package)
        package[0]["root"]["inputDefinitions"]["parameters"]["db_password"]["defaultValue"] = ""

    violations = check_house(change, arguments={"db_password": SECRET})
    assert_broken(violations, "secret", "argument db_password")
    assert_broken(check_house(change, pipeline_root=f"s3://u:{SECRET}@bucket/x"), "secret", "pipeline root")


@pytest.mark.parametrize(
    "change",
    [
        env("PASSWORD_FILE", "/run/secrets/password"),
        env("SECRET_NAME", "store"),
        env("TOKENIZERS", "4"),
        env("PASSWORD", ""),
        env("PASSWORD", "{{$.inputs.parameters['word']}}"),
        argument("--password", "--verbose"),
        argument("--tokens=5", "--secret_name=store", "--password=$STORE_PASSWORD"),
        constant("postgresql://host:5432/db?user=a"),
        constant("postgresql://user:${PASSWORD}@host/db"),
        constant(json.dumps({"password": {"secret_name": "store", "key": "password"}})),
    ],
)
def test_what_only_speaks_of_a_secret_is_none(change: Change) -> None:
    assert check_house(change) == []


@pytest.mark.parametrize("name", ["password", "dbPassword", "DB-PASSWD", "api_key", "privateKey", "x.token"])
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["secretName", "secretKey", "tokens", "key", "access", "", "password_path"])
def test_names_of_no_secrets(name: str) -> None:
    assert not is_secret_name(name)
