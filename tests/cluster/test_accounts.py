"""What the service accounts of k8s/ may do, and a list of what they must not, as the API server sees it."""

from __future__ import annotations

import pytest

from tests.cluster.scene import ROOT, kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("stack", "pipelines")]
SPACES = {
    "marketcast-pipeline": "kubeflow",
    "marketcast-rollout": "marketcast",
    "marketcast-serving": "marketcast",
}
MAY = {
    "marketcast-pipeline": [
        "get configmaps/kfp-launcher",
        "get secrets/mlpipeline-minio-artifact",
        "get pods",
        "list pods",
        "create workflowtaskresults.argoproj.io",
        "patch workflowtaskresults.argoproj.io",
    ],
    "marketcast-rollout": ["get configmaps/marketcast-models", "patch configmaps/marketcast-models"],
    "marketcast-serving": [],
}
MUST_NOT = [
    "delete configmaps/marketcast-models",
    "patch configmaps",
    "create configmaps",
    "list configmaps",
    "get configmaps/kube-root-ca.crt",
    "get secrets",
    "list secrets",
    "create pods",
    "delete pods",
    "create pods/exec",
    "update deployments.apps",
    "create jobs.batch",
    "delete persistentvolumeclaims",
    "create serviceaccounts/token",
    "get nodes",
    "escalate roles.rbac.authorization.k8s.io",
    "delete workflows.argoproj.io",
]


@pytest.fixture(scope="module")
def pipelines() -> None:
    """overlays/kubeflow in its namespace."""
    kubectl("create", "namespace", "kubeflow")
    kubectl("apply", f"--kustomize={ROOT / 'k8s' / 'overlays' / 'kubeflow'}", namespace="kubeflow")


@pytest.mark.parametrize("account", MAY)
def test_service_accounts_may_do_what_they_must_and_no_more(account):
    for action in MAY[account]:
        assert can(account, action) == "yes", action
    others = [action for name, actions in MAY.items() if name != account for action in actions]
    for action in {*MUST_NOT, *others} - set(MAY[account]):
        assert can(account, action) == "no", action


def can(account: str, action: str) -> str:
    """What the API server says of an action in the account's namespace."""
    space = SPACES[account]
    identity = f"--as=system:serviceaccount:{space}:{account}"
    return kubectl("auth", "can-i", *action.split(), identity, is_checked=False, namespace=space).strip()
