from pipeline.kubeflow.compiler.config import (
    KubeflowConfig,
    SecretKeyConfig,
    StepConfig,
    TolerationConfig,
    VolumeConfig,
)
from pipeline.kubeflow.compiler.platform import describe_pod, make_platform


def test_a_pod_gets_what_all_get_and_what_is_its_own():
    config = KubeflowConfig(
        image_pull_secret="registry",
        labels={"team": "quant"},
        secrets={"DATABASE_URL": SecretKeyConfig("database", "url")},
        volumes={"models": VolumeConfig("/models", ("Pusher",)), "bars": VolumeConfig("/data")},
        node_selector={"zone": "a", "pool": "cpu"},
        tolerations={"batch": TolerationConfig(value="yes", effect="NoSchedule")},
        steps={
            "Trainer": StepConfig(
                node_selector={"pool": "gpu"},
                tolerations={"gpu": TolerationConfig("Exists", effect="NoExecute")},
            )
        },
    )
    assert describe_pod("Trainer", config) == {
        "imagePullPolicy": "IfNotPresent",
        "imagePullSecret": [{"secretName": "registry"}],
        "nodeSelector": {"labels": {"zone": "a", "pool": "gpu"}},
        "podMetadata": {"labels": {"team": "quant"}},
        "pvcMount": [{"constant": "bars", "mountPath": "/data"}],
        "secretAsEnv": [
            {"secretName": "database", "keyToEnv": [{"secretKey": "url", "envVar": "DATABASE_URL"}]}
        ],
        "tolerations": [
            {"key": "batch", "operator": "Equal", "value": "yes", "effect": "NoSchedule"},
            {"key": "gpu", "operator": "Exists", "effect": "NoExecute"},
        ],
    }
    assert describe_pod("Pusher", config)["pvcMount"] == [
        {"constant": "bars", "mountPath": "/data"},
        {"constant": "models", "mountPath": "/models"},
    ]


def test_a_secret_can_be_of_some_steps_alone():
    config = KubeflowConfig(
        secrets={
            "OF_ALL": SecretKeyConfig("store", "key"),
            "OF_ONE": SecretKeyConfig("database", "password", ("RunPublisher",)),
        }
    )
    given = {step: describe_pod(step, config)["secretAsEnv"] for step in ("Trainer", "RunPublisher")}
    variables = {
        step: [pair["envVar"] for secret in own for pair in secret["keyToEnv"]] for step, own in given.items()
    }
    assert variables == {"Trainer": ["OF_ALL"], "RunPublisher": ["OF_ALL", "OF_ONE"]}


def test_the_document_goes_by_the_executors_labels():
    platform = make_platform({"Trainer": "Trainer_executor"}, KubeflowConfig(image_pull_policy="Never"))
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors == {"Trainer_executor": {"imagePullPolicy": "Never"}}
