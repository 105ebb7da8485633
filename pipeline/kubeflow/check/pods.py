"""Rules of the platform document: what it says of a pod reaches the pod."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterator

from pipeline.kubeflow.check.pipeline_view import PipelineView, pod_place
from pipeline.kubeflow.check.violation import Violation, accepted, broken
from pipeline.kubeflow.package import Json

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_OPERATORS = ("Equal", "Exists")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_MOUNTS = ("pvcMount", "secretAsVolume", "configMapAsVolume", "emptyDirMounts", "genericEphemeralVolume")
_LAUNCHER_PATHS = ("/gcs", "/s3", "/minio", "/.local", "/.cache", "/.config", "/kfp-launcher")
"""KFP mounts its own volumes there, artifacts among them.

Source: KFP's backend/src/v2/compiler/argocompiler/container.go.
"""
_NAMED = {"secretAsEnv": "secret", "secretAsVolume": "secret", "imagePullSecret": "secret"}
_NAMED |= {"configMapAsEnv": "configMap", "configMapAsVolume": "configMap"}
_VOLUME_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([a-zA-Z0-9]([-\w.]{0,61}[a-zA-Z0-9])?)?", re.ASCII)
_LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-zA-Z0-9]([-\w.]{0,61}[a-zA-Z0-9])?", re.ASCII)
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_NO_POD = accepted("Kubernetes refuses the pod when the task starts")


def check_labels(view: PipelineView) -> Iterator[Violation]:
    """Every pod of the platform document is that of an executor."""
    for label in sorted(set(view.pods) - set(view.executors)):
        known = ", ".join(sorted(view.executors)) or "none"
        how = f"must be an executor of the spec, got {label!r}; executors are {known}"
        said = accepted("it ignores what the document asks for that label")
        yield broken("platform-label", pod_place(label), how, said)


def check_pods(view: PipelineView) -> Iterator[Violation]:
    """Pull policy, volumes, references, tolerations and labels that the driver and Kubernetes take."""
    for label, pod in view.pods.items():
        place = pod_place(label)
        yield from _check_policy(place, pod)
        yield from _check_mounts(place, pod)
        yield from _check_references(place, pod)
        yield from _check_tolerations(place, pod)
        yield from _check_pod_labels(place, pod)


def _check_policy(place: str, pod: Json) -> Iterator[Violation]:
    policy = pod.get("imagePullPolicy")
    if policy and policy not in _PULL_POLICIES:
        how = f"must be among {', '.join(_PULL_POLICIES)}, got {policy!r}; write one of them"
        said = accepted("at run time the driver fails: unsupported value for ImagePullPolicy")
        yield broken("pull-policy", f"{place}.imagePullPolicy", how, said)


def _check_mounts(place: str, pod: Json) -> Iterator[Violation]:
    mounts = [(kind, index, mount) for kind in _MOUNTS for index, mount in enumerate(pod.get(kind, ()))]
    paths = collections.Counter(mount.get("mountPath", "").rstrip("/") for _, _, mount in mounts)
    claims = collections.Counter(mount.get("constant") for kind, _, mount in mounts if kind == "pvcMount")
    for kind, index, mount in mounts:
        inner = f"{place}.{kind}[{index}]"
        path = mount.get("mountPath", "")
        if not path.startswith("/") or path == "/":
            how = f"must be an absolute path below /, got {path!r}; give one"
            said = accepted("at run time the driver fails, or Kubernetes refuses the pod")
            yield broken("volume", f"{inner}.mountPath", how, said)
        elif path.rstrip("/") in _LAUNCHER_PATHS or paths[path.rstrip("/")] > 1:
            how = f"must be a path with no other volume, got {path!r}; choose another"
            yield broken("volume", f"{inner}.mountPath", how, _NO_POD)
        if kind == "pvcMount":
            yield from _check_claim(inner, mount, claims[mount.get("constant")])


def _check_claim(place: str, mount: Json, times: int) -> Iterator[Violation]:
    claim = mount.get("constant")
    if claim is None:
        if not {"pvcNameParameter", "taskOutputParameter", "componentInputParameter"} & set(mount):
            how = "must name a claim, got none; give constant"
            said = accepted("at run time the driver fails: volume name not provided")
            yield broken("volume", place, how, said)
    elif not _VOLUME_NAME.fullmatch(claim):
        how = f"must be a name without dots of at most 63 letters, got {claim!r}; rename the claim"
        yield broken("volume", f"{place}.constant", how, _NO_POD)
    elif times > 1:
        how = f"must mount a claim once, got {claim!r} {times} times; mount it at one path"
        yield broken("volume", place, how, _NO_POD)


def _check_references(place: str, pod: Json) -> Iterator[Violation]:
    for kind, owner in _NAMED.items():
        for index, entry in enumerate(pod.get(kind, ())):
            inner = f"{place}.{kind}[{index}]"
            if not entry.get(f"{owner}Name") and f"{owner}NameParameter" not in entry:
                how = f"must name a {owner}, got none; give {owner}Name"
                said = accepted(f"at run time the driver fails: missing either {owner}Name or its parameter")
                yield broken("reference", inner, how, said)
            for pair in entry.get("keyToEnv", ()):
                key, variable = pair.get(f"{owner}Key", ""), pair.get("envVar", "")
                if not key or not _VARIABLE.fullmatch(variable):
                    how = f"must give a key and a variable, got {key!r} and {variable!r}; write both"
                    yield broken("reference", f"{inner}.keyToEnv", how, _NO_POD)


def _check_tolerations(place: str, pod: Json) -> Iterator[Violation]:
    for index, entry in enumerate(pod.get("tolerations", ())):
        operator, effect = entry.get("operator") or "Equal", entry.get("effect", "")
        if operator not in _OPERATORS or (effect and effect not in _EFFECTS):
            how = f"must have a known operator and effect, got {operator!r} and {effect!r}; write "
            how += f"{' or '.join(_OPERATORS)} and one of {', '.join(_EFFECTS)}"
            yield broken("toleration", f"{place}.tolerations[{index}]", how, _NO_POD)
        elif operator == "Exists" and entry.get("value"):
            how = f"must have no value with Exists, got {entry['value']!r}; take it out"
            yield broken("toleration", f"{place}.tolerations[{index}]", how, _NO_POD)


def _check_pod_labels(place: str, pod: Json) -> Iterator[Violation]:
    for field in ("podMetadata", "nodeSelector"):
        for key, value in pod.get(field, {}).get("labels", {}).items():
            if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
                how = f"must be a label that Kubernetes takes, got {key!r}: {value!r}; use letters, "
                how += "digits, '-', '_' and '.', at most 63"
                yield broken("label", f"{place}.{field}.labels", how, _NO_POD)
