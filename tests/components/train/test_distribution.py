"""Replicas and workers take the steps that one device takes: real processes on this machine."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.components.train.test_workers import describe, free_ports
from tests.conftest import ROOT

pytestmark = pytest.mark.tf

FIT = {
    "steps": 6,
    "batch_crops": 4,
    "crop_days": 12,
    "validation_every": 2,
    "warmup_steps": 1,
    "gradient_norm": 0.05,
}
"""A gradient norm that clips: clipping replica by replica would be seen."""
TRAIN = {"steps": 4, "batch_crops": 4, "crop_days": 40, "validation_every": 2, "warmup_steps": 1}
NUM_WORKERS = 2
TIMEOUT_SECONDS = 240.0


def start(module: str, *arguments: str, tf_config: str = "") -> subprocess.Popen:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    if tf_config:
        environment["TF_CONFIG"] = tf_config
    command = [sys.executable, "-m", f"tests.components.train.{module}", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )


def start_workers(module: str, arguments: list[tuple[str, ...]]) -> list[subprocess.Popen]:
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(NUM_WORKERS)]}
    return [
        start(module, *own, tf_config=describe(cluster, index=index)) for index, own in enumerate(arguments)
    ]


def finish(processes: list[subprocess.Popen]) -> list[str]:
    """What they wrote on standard error; each must have ended well."""
    texts = []
    for process in processes:
        try:
            texts.append(process.communicate(timeout=TIMEOUT_SECONDS)[1])
        finally:
            process.kill()
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(texts)
    return texts


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray], tolerance: float) -> None:
    assert set(one) == set(other)
    for name, values in one.items():
        np.testing.assert_allclose(other[name], values, rtol=1e-5, atol=tolerance, err_msg=name)


def test_replicas_on_one_machine_take_the_steps_of_one_device(tmp_path):
    from components.train.config import TrainConfig
    from tests.components.train import fit_run

    process = start("fit_run", json.dumps(FIT | {"strategy": "mirrored"}), str(tmp_path / "mirrored.npz"))
    alone = fit_run.fit(TrainConfig(**FIT))
    finish([process])
    assert_same(alone, read(tmp_path / "mirrored.npz"), tolerance=1e-7)


@pytest.fixture(name="small", scope="module")
def fixture_small(tmp_path_factory):
    """Chunks and Transform graph of two tickers of the shipped bars."""
    from tests.components.train.prepared import prepare

    folder = tmp_path_factory.mktemp("small")
    bars = pd.read_csv(ROOT / "data/raw/stock_prices.csv")
    bars[bars["ticker"].isin(sorted(bars["ticker"].unique())[:2])].to_csv(folder / "bars.csv", index=False)
    return prepare(folder, folder / "bars.csv")


def test_two_workers_export_one_model_that_one_process_would_have_made(small, tmp_path):
    import tensorflow as tf

    from tests.components.train import worker_run

    tasks = []
    for index in range(NUM_WORKERS):
        tasks.append(tmp_path / f"task-{index}.json")
        model = tmp_path / f"worker-{index}"
        worker_run.write_task(tasks[-1], small, TRAIN | {"strategy": "multi_worker"}, model)
    workers = start_workers("worker_run", [(str(task),) for task in tasks])
    worker_run.write_task(tmp_path / "alone.json", small, TRAIN, tmp_path / "alone")
    worker_run.train(tmp_path / "alone.json")
    finish(workers)
    assert list((tmp_path / "worker-1").iterdir()) == []
    models = [tf.saved_model.load(str(tmp_path / name)) for name in ("alone", "worker-0")]
    alone, shared = (
        {str(i): v.numpy() for i, v in enumerate(model.weights) if v.dtype.is_floating} for model in models
    )
    assert_same(alone, shared, tolerance=5e-6)  # AdamW's first steps make much of a last bit


def test_a_worker_that_dies_ends_the_other(tmp_path):
    from tests.components.train import fit_run

    config = json.dumps(FIT | {"steps": 100_000, "validation_every": 50_000, "strategy": "multi_worker"})
    survivor, victim = start_workers("fit_run", [(config, str(tmp_path / name)) for name in ("a", "b")])
    try:
        next(line for line in victim.stderr if line == fit_run.TRAINING_HAS_BEGUN + "\n")
        victim.kill()
        _, text = survivor.communicate(timeout=120.0)
    finally:
        for process in (survivor, victim):
            process.kill()
            process.wait()
            process.stderr.close()
    assert survivor.returncode not in (0, None)
    assert "UnavailableError" in text, text
