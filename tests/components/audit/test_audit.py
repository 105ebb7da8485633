"""components.audit on the shipped bars, with real SavedModels: the honest one passes, each leak is caught."""

from __future__ import annotations

import json

import pytest

from components import contract
from components.errors import LeakError

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def files(prepared):
    """split -> its files."""
    import tensorflow as tf

    return {split: sorted(tf.io.gfile.glob(pattern)) for split, pattern in prepared.splits.items()}


@pytest.fixture(scope="module")
def save(prepared, tmp_path_factory):
    """Saves a SavedModel of a kind of Forecaster; where it is."""
    from components.train.signatures import Forecaster
    from tests.components.train.prepared import VERSION, build_opinionated_network

    def save_model(kind=Forecaster, transform=prepared.transform):
        folder = tmp_path_factory.mktemp("model")
        kind(build_opinionated_network(), transform, VERSION).save(str(folder))
        return str(folder)

    return save_model


@pytest.fixture(scope="module")
def honest(save):
    """The real thing."""
    return save()


def make_pipeline():
    """A Beam pipeline in this process."""
    import apache_beam as beam

    return beam.Pipeline(argv=["--runner=DirectRunner", "--direct_running_mode=in_memory"])


def run(files, model, transform, folder):
    """The report of an audit."""
    from components.audit.audit import LeakageAudit
    from components.audit.report import AuditConfig

    relearnt = learn(files[contract.TRAIN_SPLIT], transform, folder / "relearnt")
    return LeakageAudit(files, AuditConfig(chunks=2, days=2)).run(model, transform, relearnt)


def learn(train_files, transform, folder):
    """What Transform would learn of some files."""
    import tensorflow_transform as tft

    from components.audit.constants import learn_transform

    learn_transform(train_files, transform, str(folder), make_pipeline)
    return tft.TFTransformOutput(str(folder))


def test_the_real_code_passes(files, honest, prepared, tmp_path):
    from components.audit.executor import raise_leaks
    from components.audit.report import read_report, write_report

    report = run(files, honest, prepared.transform, tmp_path)
    assert report.problems == ()
    assert report.passed and len(report.chunks) == 2 * len(contract.SPLITS)
    assert report.num_probes == 2 * len(report.chunks)
    assert report.num_labels > 1000 and report.num_constants > 1000
    raise_leaks(report)
    write_report(report, str(tmp_path))
    assert read_report(str(tmp_path)) == report


def make_peeking():
    """Kinds of Forecaster that see the future, each in another way."""
    import tensorflow as tf

    from components.train.signatures import Forecaster

    class ScaleOfTomorrow(Forecaster):
        def _derive(self, bars):
            features, volatility, base = super()._derive(bars)
            return features, tf.concat([volatility[:, 1:], volatility[:, -1:]], axis=1), base

    class CentredAverage(Forecaster):
        def _derive(self, bars):
            features, volatility, base = super()._derive(bars)
            smooth = tf.nn.avg_pool1d(features, ksize=5, strides=1, padding="SAME")
            return tf.ensure_shape(smooth, features.shape), volatility, base

    return {"a scale that sees tomorrow": ScaleOfTomorrow, "a centred moving average": CentredAverage}


@pytest.mark.parametrize("name", ["a scale that sees tomorrow", "a centred moving average"])
def test_a_model_that_sees_the_future_ends_the_run(name, files, save, prepared, tmp_path):
    from components.audit.executor import raise_leaks

    report = run(files, save(make_peeking()[name]), prepared.transform, tmp_path)
    assert any("must not see bars after day" in problem for problem in report.problems)
    with pytest.raises(LeakError, match="may know the future"):
        raise_leaks(report)


def test_a_scaler_fitted_on_all_splits_ends_the_run(files, save, prepared, tmp_path):
    every_file = [file for split in files.values() for file in split]
    everything = learn(every_file, prepared.transform, tmp_path / "everything")
    report = run(files, save(transform=everything), everything, tmp_path)
    assert [contract.BASE_QUANTILES in problem for problem in report.problems] == [True]


def test_an_off_by_one_label_ends_the_run(files, honest, prepared, tmp_path):
    import numpy as np

    from tests.components.ingest.record_files import write_records

    moved = dict(files)
    path = tmp_path / "moved.gz"
    records = []
    for example in prepared.read(contract.TEST_SPLIT):
        label = example.features.feature[contract.LABEL].float_list
        rows = np.reshape(label.value, [-1, len(contract.HORIZONS)])
        label.value[:] = np.roll(rows, 1, axis=0).reshape(-1).tolist()
        records.append(example.SerializeToString())
    write_records(str(path), records)
    moved[contract.TEST_SPLIT] = [str(path)]
    report = run(moved, honest, prepared.transform, tmp_path)
    assert len(report.problems) >= len(contract.HORIZONS)
    for problem in report.problems:
        assert problem.startswith("test, ") and "the label of target day" in problem


def test_an_audit_of_nothing_is_no_pass():
    from components.audit.executor import raise_leaks
    from components.audit.report import AuditReport

    with pytest.raises(LeakError, match="must have chunks"):
        raise_leaks(AuditReport((), 0, 0, 0, ()))


def test_the_config_is_part_of_what_the_cache_sees():
    from tfx import types
    from tfx.types import standard_artifacts

    from components.audit import executor
    from components.audit.component import LeakageAudit
    from components.audit.report import AuditConfig

    kinds = (standard_artifacts.Examples, standard_artifacts.TransformGraph, standard_artifacts.Model)
    channels = [types.Channel(type=kind) for kind in kinds]
    component = LeakageAudit(*channels, AuditConfig(chunks=5))
    assert json.loads(component.exec_properties[executor.CONFIG_KEY])["chunks"] == 5
    with pytest.raises(ValueError, match=r"audit\.days"):
        AuditConfig(days=0)
