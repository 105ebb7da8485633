"""A whole package of two tasks, for rules to be broken in; KFP 2.17.0 takes it as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from pipeline.kubeflow.check import check
from pipeline.kubeflow.check.violation import Violation
from pipeline.kubeflow.package import Json

DATASET = {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}
SPEC: Json = {
    "pipelineInfo": {"name": "two-tasks"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.13.0",
    "root": {
        "inputDefinitions": {
            "parameters": {"n": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3, "isOptional": True}}
        },
        "dag": {
            "tasks": {
                "make": {
                    "taskInfo": {"name": "make"},
                    "componentRef": {"name": "comp-make"},
                    "cachingOptions": {"enableCache": True},
                    "inputs": {"parameters": {"n": {"componentInputParameter": "n"}}},
                },
                "use": {
                    "taskInfo": {"name": "use"},
                    "componentRef": {"name": "comp-use"},
                    "cachingOptions": {},
                    "dependentTasks": ["make"],
                    "inputs": {
                        "artifacts": {
                            "data": {
                                "taskOutputArtifact": {"producerTask": "make", "outputArtifactKey": "data"}
                            }
                        },
                        "parameters": {"word": {"runtimeValue": {"constant": "hello"}}},
                    },
                },
            }
        },
    },
    "components": {
        "comp-make": {
            "executorLabel": "exec-make",
            "inputDefinitions": {"parameters": {"n": {"parameterType": "NUMBER_INTEGER"}}},
            "outputDefinitions": {
                "artifacts": {"data": DATASET},
                "parameters": {"count": {"parameterType": "NUMBER_INTEGER"}},
            },
        },
        "comp-use": {
            "executorLabel": "exec-use",
            "inputDefinitions": {
                "artifacts": {"data": DATASET},
                "parameters": {"word": {"parameterType": "STRING"}},
            },
        },
    },
    "deploymentSpec": {
        "executors": {
            "exec-make": {
                "container": {
                    "image": "python:3.11",
                    "command": ["sh", "-c"],
                    "args": [
                        "seq {{$.inputs.parameters['n']}} > $0",
                        "{{$.outputs.artifacts['data'].path}}",
                    ],
                }
            },
            "exec-use": {
                "container": {
                    "image": "python:3.11",
                    "command": ["sh", "-c"],
                    "args": ["cat $0", "{{$.inputs.artifacts['data'].path}}"],
                }
            },
        }
    },
}
PLATFORM: Json = {
    "platforms": {
        "kubernetes": {
            "deploymentSpec": {
                "executors": {
                    "exec-make": {
                        "secretAsEnv": [
                            {
                                "secretName": "store",
                                "keyToEnv": [{"secretKey": "password", "envVar": "STORE_PASSWORD"}],
                            }
                        ],
                        "nodeSelector": {"labels": {"disk": "ssd"}},
                    },
                    "exec-use": {
                        "pvcMount": [{"constant": "models", "mountPath": "/models"}],
                        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
                        "imagePullPolicy": "IfNotPresent",
                    },
                }
            }
        }
    }
}

MESSAGE = re.compile(r"\S.* must .+, got .+; .+")
"""The form of every message."""
Change = Callable[[list[Json]], Any]


def make_package() -> list[Json]:
    """The spec and the platform document."""
    # Not deepcopy, which would leave DATASET one object.
    package: list[Json] = json.loads(json.dumps([SPEC, PLATFORM]))
    return package


def tasks(package: list[Json]) -> Json:
    return package[0]["root"]["dag"]["tasks"]


def components(package: list[Json]) -> Json:
    return package[0]["components"]


def executors(package: list[Json]) -> Json:
    return package[0]["deploymentSpec"]["executors"]


def pods(package: list[Json]) -> Json:
    return package[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def check_kfp(change: Change, **run: Any) -> list[Violation]:
    """What KFP's rules say of a package with a change."""
    package = make_package()
    change(package)
    return check.check_documents(package, rules=check.KFP_RULES, **run)


def assert_broken(violations: list[Violation], rule: str, place: str, consequence: str = "") -> None:
    """Exactly one violation, of that rule, at that place, in the form of the house."""
    assert [(violation.rule, violation.place) for violation in violations] == [(rule, place)]
    [violation] = violations
    assert MESSAGE.fullmatch(violation.message)
    assert violation.message.startswith(f"{place} must")
    assert violation.consequence.startswith(("KFP accepts it; ", "KFP refuses it: ", "KFP refuses the run: "))
    assert consequence in violation.consequence
