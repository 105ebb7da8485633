"""The gate as TFMA's EvalConfig."""

from __future__ import annotations

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components import contract
from components.evaluate import gate, tfma_metrics

CANDIDATE = "candidate"
CHAMPION = "champion"


def make_eval_config(config: gate.GateConfig) -> config_pb2.EvalConfig:
    """Thresholds for the blessing, and slices by sector without thresholds.

    Tickers are no slices of TFMA's: it would hold each ticker's scores day by day, all of them at a time;
    tfma_metrics.FIGURES_BY_TICKER has their figures.

    The model type is set, for TFMA's guess at a SavedModel that Keras did not write is wrong. The
    champion's change threshold is skipped by TFMA where there is no champion.
    """
    thresholds = {check.metric: _value_threshold(check) for check in gate.list_checks(config)}
    thresholds[gate.CHAMPION_METRIC] = config_pb2.MetricThreshold(
        change_threshold=config_pb2.GenericChangeThreshold(
            relative={"value": config.max_champion_loss}, direction=config_pb2.MetricDirection.LOWER_IS_BETTER
        )
    )
    metric = config_pb2.MetricConfig(
        class_name=tfma_metrics.ForecastScores.__name__, module=tfma_metrics.ForecastScores.__module__
    )
    return config_pb2.EvalConfig(
        model_specs=[
            _model_spec(CANDIDATE, is_baseline=False),
            _model_spec(CHAMPION, is_baseline=True),
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            config_pb2.SlicingSpec(feature_keys=[contract.SECTOR]),
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[metric],
                per_slice_thresholds={name: _overall(threshold) for name, threshold in thresholds.items()},
            )
        ],
        options=config_pb2.Options(include_default_metrics={"value": False}),
    )


def _model_spec(name: str, is_baseline: bool) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        signature_name=contract.EVALUATE_SIGNATURE,
        model_type=tfma.TF_GENERIC,
        label_key=contract.LABEL,
        is_baseline=is_baseline,
    )


def _overall(threshold: config_pb2.MetricThreshold) -> config_pb2.PerSliceMetricThresholds:
    """`threshold` for all forecasts together; a bare one would hold for each slice too."""
    return config_pb2.PerSliceMetricThresholds(
        thresholds=[
            config_pb2.PerSliceMetricThreshold(slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold)
        ]
    )


def _value_threshold(check: gate.Check) -> config_pb2.MetricThreshold:
    bounds = {"lower_bound": check.lower, "upper_bound": check.upper}
    given = {name: {"value": bound} for name, bound in bounds.items() if bound is not None}
    return config_pb2.MetricThreshold(value_threshold=config_pb2.GenericValueThreshold(**given))
