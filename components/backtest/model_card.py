"""The model card: what a model is, what for, how good, how it came to be. Standard library only.

Source of its sections: Mitchell et al. (2019), Model Cards for Model Reporting, FAT* 2019.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from components import contract
from components.backtest.figures import Figures, as_json
from components.backtest.plain_words import show_percent, write_plain_words

BANDS = (90, 80, 50)
NO_BACKTEST = (
    "No backtest was part of the run that made this model: the figures above are of the test split only. "
    "`marketcast backtest` makes one, on rolling origins and against more models."
)
USES = (
    f"Price bands of a ticker for the next {max(contract.HORIZONS)} trading days, from daily bars.",
    "Limits, alerts and plausibility checks that need to know how far a price may move.",
)
NOT_FOR = (
    "Telling whether a price will rise or fall, or which ticker will do better: it claims nothing on either.",
    "A price target: the median is no better than the last price.",
    "Advice to buy or to sell, or orders that no person looks at.",
    "The risk of a portfolio: each band is of one ticker, and says nothing of how tickers move together.",
    "Intraday prices, and paths: the band of each day is by itself.",
)
LIMITS = (
    f"It reads a ticker's last {contract.LOOKBACK} daily bars and nothing else: no news, no other market.",
    "Bands widen after volatility has risen, not before: on the first days of a crash they are too narrow.",
    "Splits and dividends after the last close are not in the price bands.",
    "It was judged on the tickers and years of its data; of others nothing is shown here.",
    f"Of prices below its {min(contract.QUANTILE_LEVELS):.0%} quantile it says nothing but their share.",
)


@dataclasses.dataclass(frozen=True)
class ModelCard:
    """A card; a section of which nothing is known is empty, or None.

    Attributes:
      title: the model's name and version.
      summary: what it is.
      uses, not_for, limits: sentences.
      data: split -> first_day, last_day and sha256 of its examples.
      training: `model` and `train`, the configuration; `num_validations` and `best_validation_loss`.
      gate: the verdict, as components.evaluate.verdict gives it.
      coverage: a row a horizon: `horizon`, and each band of BANDS as text -> share of days inside.
      worse: sentences: where the model is worse on the test split; those on a backtest are in its words.
      backtest: `span`, `verdict`, `seeds` and `plain_words` of a backtest; None without one.
      versions: package -> version.
      lineage: model_version, commit, fingerprints of the examples, pushed version and time.
    """

    title: str
    summary: str
    uses: tuple[str, ...]
    not_for: tuple[str, ...]
    data: dict[str, dict[str, Any]]
    training: dict[str, Any]
    gate: dict[str, Any] | None
    coverage: tuple[dict[str, Any], ...]
    worse: tuple[str, ...]
    backtest: dict[str, Any] | None
    limits: tuple[str, ...]
    versions: dict[str, str]
    lineage: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The card as JSON types; NaN becomes None."""
        plain: dict[str, Any] = as_json(dataclasses.asdict(self))
        return plain


def make_card(
    record: Mapping[str, Any], verdict: Mapping[str, Any] | None = None, figures: Figures | None = None
) -> ModelCard:
    """Makes the card of a model.

    Whatever a record lacks the card leaves out: a card never stops a push.

    Args:
      record: of contract.RECORD_FILE, as the Trainer wrote it or as a push completed it.
      verdict: Verdict.to_json; None for the one in the record, if there is one.
      figures: of a backtest of this model's configuration.
    """
    gate = dict(verdict) if verdict is not None else _mapping(record, contract.RECORD_VERDICT)
    metrics = _mapping(record, contract.RECORD_METRICS)
    version = record.get(contract.MODEL_VERSION, "unknown")
    return ModelCard(
        title=f"{contract.MODEL_NAME} {version}",
        summary=_summarise(_mapping(record, contract.RECORD_MODEL)),
        uses=USES,
        not_for=NOT_FOR,
        data={
            split: examples
            for split, key in (
                (contract.TRAIN_SPLIT, contract.RECORD_TRAIN_EXAMPLES),
                (contract.EVAL_SPLIT, contract.RECORD_EVAL_EXAMPLES),
            )
            if (examples := _mapping(record, key))
        },
        training=_describe_training(record),
        gate=gate or None,
        coverage=_list_coverage(metrics),
        worse=tuple(_list_worse(gate, metrics)),
        backtest=None if figures is None else _describe_backtest(figures),
        limits=LIMITS,
        versions=_mapping(record, contract.RECORD_VERSIONS),
        lineage=_trace(record),
    )


def _summarise(model: Mapping[str, Any]) -> str:
    is_known = {"layers", "units"} <= set(model)
    shape = f" ({model['layers']} layers of {model['units']} units)" if is_known else ""
    return (
        f"A causal LSTM network{shape}, one for all tickers. It gives {len(contract.QUANTILE_LEVELS)} "
        f"quantiles of a ticker's return over the next 1 to {max(contract.HORIZONS)} trading days; with the "
        "last close they are price bands. It corrects the quantiles of an EWMA volatility model, which it "
        "equals before it has learnt."
    )


def _describe_training(record: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        key: config
        for key in (contract.RECORD_MODEL, contract.RECORD_TRAIN)
        if (config := _mapping(record, key))
    }
    losses = record.get(contract.RECORD_VALIDATION_LOSS)
    if isinstance(losses, list) and losses and all(isinstance(loss, float) for loss in losses):
        found |= {"num_validations": len(losses), "best_validation_loss": min(losses)}
    return found


def _list_coverage(metrics: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    rows = [
        {"horizon": h, **{str(band): metrics.get(f"coverage_{band}_h{h}") for band in BANDS}}
        for h in contract.HORIZONS
    ]
    return tuple(row for row in rows if any(row[str(band)] is not None for band in BANDS))


def _list_worse(gate: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[str]:
    """What the gate's own figures have against the model."""
    sentences = [f"The gate refused it: {reason}." for reason in gate.get("reasons", ())]
    for row in gate.get("baselines", ()):
        for horizon, skill in zip(contract.HORIZONS, row.get("skill") or (), strict=False):
            if skill is not None and skill < 0.0:
                sentences.append(
                    f"At horizon {horizon} its pinball loss is {show_percent(-skill, 2)} above that of "
                    f"{row['title']}."
                )
    for horizon in contract.HORIZONS:
        skill = metrics.get(f"median_price_skill_h{horizon}")
        if skill is not None and skill < 0.0:
            sentences.append(
                f"At horizon {horizon} its median price errs {show_percent(-skill, 2)} more than the last "
                "price does."
            )
    return sentences + _list_unclaimed(metrics)


def _list_unclaimed(metrics: Mapping[str, Any]) -> list[str]:
    sentences = []
    right, up = metrics.get("direction_h1"), metrics.get("always_up_h1")
    if right is not None and up is not None:
        sentences.append(
            f"On direction it claims nothing: {show_percent(right)} right, always-up {show_percent(up)}."
        )
    worst = metrics.get("worst_ticker_coverage_90")
    if worst is not None:
        sentences.append(f"Of its worst ticker the 90 % band held {show_percent(worst)} of the days.")
    return sentences


def _describe_backtest(figures: Figures) -> dict[str, Any]:
    plain = figures.to_json()
    words = dataclasses.asdict(write_plain_words(figures))
    return {**{key: plain[key] for key in ("span", "verdict", "seeds")}, "plain_words": words}


def _trace(record: Mapping[str, Any]) -> dict[str, Any]:
    push = _mapping(record, contract.RECORD_PUSH)
    traced = {
        "model_version": record.get(contract.MODEL_VERSION),
        "commit": record.get(contract.RECORD_COMMIT),
        "train_examples_sha256": _mapping(record, contract.RECORD_TRAIN_EXAMPLES).get("sha256"),
        "eval_examples_sha256": _mapping(record, contract.RECORD_EVAL_EXAMPLES).get("sha256"),
        "seed": _mapping(record, contract.RECORD_TRAIN).get("seed"),
        "pushed_version": push.get("version"),
        "pushed_at": push.get("time"),
    }
    return {name: value for name, value in traced.items() if value is not None}


def _mapping(record: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A part of the record; empty where it is missing or something else."""
    value = record.get(key)
    return dict(value) if isinstance(value, Mapping) else {}
