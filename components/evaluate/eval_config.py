"""The gate as TFMA's EvalConfig."""

from __future__ import annotations

import math

import tensorflow_model_analysis as tfma

from components import contract
from components.evaluate import gate, tfma_metrics

CANDIDATE = "candidate"
CHAMPION = "champion"


def make_eval_config(config: gate.GateConfig) -> tfma.EvalConfig:
    """Thresholds for the blessing, and slices by ticker and sector without thresholds.

    The model type is set, for TFMA's guess at a SavedModel that Keras did not write is wrong. The
    champion's change threshold is skipped by TFMA where there is no champion.
    """
    thresholds = {check.metric: _value_threshold(check) for check in gate.list_checks(config)}
    thresholds[gate.CHAMPION_METRIC] = tfma.MetricThreshold(
        change_threshold=tfma.GenericChangeThreshold(
            relative={"value": config.max_champion_loss}, direction=tfma.MetricDirection.LOWER_IS_BETTER
        )
    )
    metric = tfma.MetricConfig(
        class_name=tfma_metrics.ForecastScores.__name__, module=tfma_metrics.ForecastScores.__module__
    )
    return tfma.EvalConfig(
        model_specs=[
            _model_spec(CANDIDATE, is_baseline=False),
            _model_spec(CHAMPION, is_baseline=True),
        ],
        slicing_specs=[
            tfma.SlicingSpec(),
            tfma.SlicingSpec(feature_keys=[contract.TICKER]),
            tfma.SlicingSpec(feature_keys=[contract.SECTOR]),
        ],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[metric],
                per_slice_thresholds={name: _overall(threshold) for name, threshold in thresholds.items()},
            )
        ],
        options=tfma.Options(include_default_metrics={"value": False}),
    )


def _model_spec(name: str, is_baseline: bool) -> tfma.ModelSpec:
    return tfma.ModelSpec(
        name=name,
        signature_name=contract.EVALUATE_SIGNATURE,
        model_type=tfma.TF_GENERIC,
        label_key=contract.LABEL,
        is_baseline=is_baseline,
    )


def _overall(threshold: tfma.MetricThreshold) -> tfma.PerSliceMetricThresholds:
    """`threshold` for all forecasts together; a bare one would hold for each slice too."""
    return tfma.PerSliceMetricThresholds(
        thresholds=[tfma.PerSliceMetricThreshold(slicing_specs=[tfma.SlicingSpec()], threshold=threshold)]
    )


def _value_threshold(check: gate.Check) -> tfma.MetricThreshold:
    lower = -math.inf if check.lower is None else check.lower
    upper = math.inf if check.upper is None else check.upper
    return tfma.MetricThreshold(
        value_threshold=tfma.GenericValueThreshold(lower_bound={"value": lower}, upper_bound={"value": upper})
    )
