"""The gate: what a model must show on the test split to be blessed."""

from __future__ import annotations

import dataclasses

from components.evaluate import summary


@dataclasses.dataclass(frozen=True)
class GateConfig:
    """Bounds of the gate; shares are fractions.

    Attributes:
      min_skill_ewma: least pinball skill against EWMA-empirical, one day ahead.
      min_dm_t: least Diebold-Mariano t of that skill.
      min_skill_historical: least pinball skill against 250-day historical quantiles.
      coverage_slack_90: the 90 % band may cover this much more or less.
      coverage_slack_80: likewise for the 80 % band.
      coverage_slack_50: likewise for the 50 % band.
      min_worst_ticker_coverage: least coverage of the 90 % band for any ticker with enough days.
      max_median_price_loss: how much worse than the random walk the median price may be.
      max_champion_loss: how much worse than the champion's the pinball loss may be.
      leak_direction: a larger share of right directions is suspected to be a leak.
      leak_median_price_skill: likewise for the median price.
      leak_skill: likewise for the pinball skill, on enough dates.
    """

    min_skill_ewma: float = 0.005
    min_dm_t: float = 2.0
    min_skill_historical: float = 0.015
    coverage_slack_90: float = 0.03
    coverage_slack_80: float = 0.03
    coverage_slack_50: float = 0.04
    min_worst_ticker_coverage: float = 0.83
    max_median_price_loss: float = 0.001
    max_champion_loss: float = 0.001
    leak_direction: float = 0.56
    leak_median_price_skill: float = 0.01
    leak_skill: float = 0.04

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not value >= 0.0:
                raise ValueError(f"gate.{field.name} must not be negative, got {value}; raise it")


@dataclasses.dataclass(frozen=True)
class Check:
    """One condition of the gate.

    Attributes:
      metric: name of the figure in `summary.summarise`.
      title: what it says, for people.
      lower: least value that passes; None for no bound.
      upper: greatest value that passes; None for no bound.
      is_share: the figure is a fraction, shown in percent.
    """

    metric: str
    title: str
    lower: float | None = None
    upper: float | None = None
    is_share: bool = True


CHAMPION_METRIC = summary.at_horizon("pinball", 1)
"""The loss in which a challenger is compared with the champion, on the same rows."""


def list_checks(config: GateConfig) -> list[Check]:
    """All checks on the model alone; the comparison with a champion is apart, see CHAMPION_METRIC."""
    first = 1
    bands = [
        Check(
            summary.at_horizon(f"coverage_{band}", first),
            f"days inside the {band} % band",
            band / 100 - slack,
            band / 100 + slack,
        )
        for band, slack in (
            (90, config.coverage_slack_90),
            (80, config.coverage_slack_80),
            (50, config.coverage_slack_50),
        )
    ]
    at = summary.at_horizon
    return [
        Check(at("skill_ewma", first), "pinball skill against EWMA-empirical", lower=config.min_skill_ewma),
        Check(at("dm_t_ewma", first), "its Diebold-Mariano t", lower=config.min_dm_t, is_share=False),
        Check(
            at("skill_historical", first),
            "pinball skill against 250-day historical",
            lower=config.min_skill_historical,
        ),
        *bands,
        Check(
            summary.WORST_TICKER_COVERAGE,
            "worst ticker's days inside the 90 % band",
            lower=config.min_worst_ticker_coverage,
        ),
        Check(
            at("median_price_skill", first),
            "median price error against the random walk",
            lower=-config.max_median_price_loss,
            upper=config.leak_median_price_skill,
        ),
        Check(summary.CROSSINGS, "quantile crossings", upper=0.0, is_share=False),
        Check(at("direction", first), "right directions (above: a leak)", upper=config.leak_direction),
        Check(summary.LEAK_SKILL, "pinball skill on 1,000 dates (above: a leak)", upper=config.leak_skill),
    ]
