"""The section `submit`: layers and refusals."""

from __future__ import annotations

import pathlib

import pytest

from components.errors import ConfigError
from pipeline.kubeflow.submission.config import SubmitConfig, load_submit_config

HOST = "https://kubeflow.example.com/pipeline"


def test_flags_win_over_the_file_and_the_file_over_the_variable(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("submit:\n  host: http://file\n  experiment: from-file\n")
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", "http://variable")
    assert load_submit_config("", (), {}).host == "http://variable"
    loaded = load_submit_config(str(file), ("submit.namespace=team-a",), {"host": HOST, "namespace": None})
    assert loaded == SubmitConfig(host=HOST, experiment="from-file", namespace="team-a")


def test_no_host_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"submit\.host must be the URL of KFP's API, got nothing"):
        load_submit_config("", (), {})


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("submit.hots=x", "submit.hots must be a known key"),
        ("submit.namespace=Team A", "submit.namespace must be a Kubernetes name"),
        ("submit.service_account=-x", "submit.service_account must be a Kubernetes name"),
        ("submit.experiment=''", "submit.experiment must be a name"),
        ("submit.pipeline_root=/tmp/x", "submit.pipeline_root must start with gs://, s3://, minio://"),
        ("submit=1", "submit must be a section with keys of its own"),
    ],
)
def test_wrong_values_are_refused_by_their_key(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_submit_config("", (override,), {"host": HOST})
    assert str(refusal.value).startswith(message)
