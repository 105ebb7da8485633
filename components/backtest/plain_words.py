"""What a backtest's figures say, in sentences for people who read no tables. Standard library only."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from components.backtest.figures import BandCoverage, Figures, SliceRow, VerdictRow

PROOF_T = 2.0
"""A t statistic from which on a difference is called proven."""
MAX_NAMES = 5
"""Names that a sentence lists before it counts the rest."""
TITLES = {
    "marketcast_no_market": "the same network without market features",
    "random_walk": "the random walk",
    "random_walk_drift": "the random walk with drift",
    "historical": "250-day historical quantiles",
    "ewma_normal": "EWMA, normal (RiskMetrics)",
    "ewma_empirical": "EWMA, empirical quantiles",
    "garch_t": "GARCH(1,1) with Student's t",
    "gjr_garch_t": "GJR-GARCH with Student's t",
    "lightgbm": "LightGBM quantiles",
}
"""Names of models for people."""
_KINDS = {
    "ticker": "tickers",
    "sector": "sectors",
    "year": "years",
    "regime": "market regimes",
    "fold": "folds",
}


@dataclasses.dataclass(frozen=True)
class PlainWords:
    """Sentences, each complete in itself.

    Attributes:
      scope: what was forecast, and how far the answer hangs on the seed.
      can: what the figures prove.
      cannot: what they do not prove, what is worse, and what the model does not claim.
    """

    scope: tuple[str, ...]
    can: tuple[str, ...]
    cannot: tuple[str, ...]


def title_of(model: str) -> str:
    """A model's name for people."""
    return TITLES.get(model, model)


def show_percent(share: float, digits: int = 1) -> str:
    """0.8881 -> `88.8 %`; no figure where there is none."""
    return f"{round(100 * share, digits) + 0.0:.{digits}f} %" if math.isfinite(share) else "no figure"


def write_plain_words(figures: Figures) -> PlainWords:
    """Says what the model can and cannot do, by the shortest horizon; nothing is left out that is worse."""
    first = next(row for row in figures.verdict if row.model == figures.reference)
    rivals = [row for row in figures.verdict if row.skill is not None and row.horizon == first.horizon]
    can: list[str] = []
    cannot: list[str] = []
    for sentence, is_proven in (
        *(_say_rival(row) for row in rivals),
        *(_say_horizons(figures, row.model) for row in rivals if len(figures.span.horizons) > 1),
        *(_say_band(band) for band in first.bands),
        _say_width(first),
    ):
        (can if is_proven else cannot).append(sentence)
    cannot += [*_say_quarter(figures, first.horizon), *_say_slices(figures, rivals)]
    cannot += [_say_direction(first), _say_order(first), _say_price(first)]
    return PlainWords(_say_scope(figures), tuple(can), tuple(cannot))


def _say_scope(figures: Figures) -> tuple[str, ...]:
    span = figures.span
    crises = list(dict.fromkeys(name for fold in span.folds for name in fold.crises))
    among = f"the {_list(crises)} {'is' if len(crises) == 1 else 'are'}" if crises else "no great crisis is"
    made = (
        f"Forecasts were made on {span.num_origins:,} days from {span.first_origin} to {span.last_origin}, "
        f"for {_count(len(span.tickers), 'ticker')}, {_list([str(h) for h in span.horizons])} trading "
        f"{'day' if span.horizons == (1,) else 'days'} ahead."
    )
    folds = _count(len(span.folds), "fold")
    fitted = f"In {folds} every model was fitted on earlier days only; {among} among them."
    return (made, fitted, *_say_seeds(figures))


def _say_rival(row: VerdictRow) -> tuple[str, bool]:
    """The comparison with one baseline, and whether it is proven to be beaten."""
    title, skill = title_of(row.model), row.skill
    if skill is None or not math.isfinite(skill.t):
        return f"Against {title} there is too little in common to tell.", False
    evidence = (
        f"{_signed(skill.skill)} of the pinball loss, 95 % interval {_signed(skill.low)} to "
        f"{_signed(skill.high)}, t {skill.t:.1f}"
    )
    if skill.t >= PROOF_T:
        return f"{_ahead(row.horizon)} its price bands are better than those of {title}: {evidence}.", True
    if skill.t <= -PROOF_T:
        return f"{_ahead(row.horizon)} its price bands are worse than those of {title}: {evidence}.", False
    return f"{_ahead(row.horizon)} no difference from {title} is proven: {evidence}.", False


def _say_horizons(figures: Figures, model: str) -> tuple[str, bool]:
    """At which horizons a baseline is beaten; proven if at all of them."""
    rows = [row for row in figures.verdict if row.model == model and row.skill is not None]
    beaten = [row.horizon for row in rows if row.skill is not None and row.skill.t >= PROOF_T]
    others = [row.horizon for row in rows if row.horizon not in beaten]
    title = title_of(model)
    if not others:
        return f"{title[0].upper()}{title[1:]}: beaten at every horizon that was forecast.", True
    days = _list([str(horizon) for horizon in others])
    return f"{title[0].upper()}{title[1:]}: not proven to be beaten {days} trading days ahead.", False


def _say_band(band: BandCoverage) -> tuple[str, bool]:
    held = f"The {band.percent} % band held {show_percent(band.share)} of the prices"
    if not math.isfinite(band.t):
        return f"{held}, on too few dates to tell.", False
    if abs(band.t) < PROOF_T:
        return f"{held}; that is as many as it says, up to chance (t {band.t:.1f}).", True
    return f"{held}: it is too {'narrow' if band.t < 0 else 'wide'} (t {band.t:.1f}).", False


def _say_width(row: VerdictRow) -> tuple[str, bool]:
    rank = row.rank_ic_width
    if not math.isfinite(rank.t):
        return "Whether its bands tell which tickers will move most: too few tickers or dates to say.", False
    figure = f"rank correlation {rank.mean:.2f} of the band's width and the size of the move, t {rank.t:.1f}"
    if rank.t >= PROOF_T:
        return f"It tells which tickers will move more than others, up or down ({figure}).", True
    return f"It does not tell which tickers will move more than others ({figure}).", False


def _say_order(row: VerdictRow) -> str:
    rank = row.rank_ic_median
    figure = f" (rank correlation {rank.mean:.2f}, t {rank.t:.1f})" if math.isfinite(rank.t) else ""
    return f"On which ticker will do better than another it claims nothing{figure}."


def _say_direction(row: VerdictRow) -> str:
    right, up = show_percent(row.direction), show_percent(row.always_up)
    return f"On direction it claims nothing: {right} right, always-up {up}."


def _say_price(row: VerdictRow) -> str:
    if not math.isfinite(row.r2_price):
        return "On the price itself it claims nothing beyond the last one."
    return (
        f"On the price itself it claims nothing beyond the last one: the median errs {row.mase:.3f} times as "
        f"much as the last price does; its R2 is {row.r2_price:.3f}, the last price's "
        f"{row.r2_persistence:.3f}."
    )


def _say_quarter(figures: Figures, horizon: int) -> list[str]:
    quarters = [row for row in figures.coverage if row.horizon == horizon]
    worst = min(quarters, key=lambda row: row.shares[90])
    if len(quarters) < 2:
        return []
    share = show_percent(worst.shares[90])
    return [f"In its worst quarter, {worst.quarter}, the 90 % band held {share} of the prices."]


def _say_slices(figures: Figures, rivals: Sequence[VerdictRow]) -> list[str]:
    """Where the hardest baseline is the better one, by each kind of slice."""
    known = [row for row in rivals if row.skill is not None and math.isfinite(row.skill.skill)]
    if not known:
        return []
    hardest = min(known, key=lambda row: row.skill.skill if row.skill is not None else math.inf)
    own = [r for r in figures.slices if (r.baseline, r.horizon) == (hardest.model, hardest.horizon)]
    sentences = []
    for kind, title in _KINDS.items():
        rows = [row for row in own if row.kind == kind]
        worse = sorted((row for row in rows if row.skill.skill < 0), key=lambda row: row.skill.skill)
        if len(rows) > 1 and worse:
            sentences.append(
                f"Against {title_of(hardest.model)}, the hardest to beat, it is worse in {len(worse)} of "
                f"{len(rows)} {title}: {_name_slices(worse)}."
            )
    return sentences


def _name_slices(rows: Sequence[SliceRow]) -> str:
    names = [
        f"{row.name} ({_signed(row.skill.skill)}{', proven' if row.skill.t <= -PROOF_T else ''})"
        for row in rows[:MAX_NAMES]
    ]
    return _list(names if len(rows) <= MAX_NAMES else [*names, f"{len(rows) - MAX_NAMES} more"])


def _say_seeds(figures: Figures) -> list[str]:
    """How far the answer hangs on the seed, of several, against each baseline at the first horizon."""
    sentences = []
    horizon = figures.span.horizons[0]
    for model in figures.span.models[1:] if len(figures.span.seeds) > 1 else ():
        skills = [r.skill.skill for r in figures.seeds if (r.baseline, r.horizon) == (model, horizon)]
        if skills and all(map(math.isfinite, skills)):
            sentences.append(
                f"Against {title_of(model)} its {len(skills)} seeds range from {_signed(min(skills))} to "
                f"{_signed(max(skills))}; the figures are those of seed {figures.span.seeds[0]}."
            )
    return sentences


def _ahead(horizon: int) -> str:
    return "One trading day ahead" if horizon == 1 else f"{horizon} trading days ahead"


def _signed(share: float) -> str:
    return f"{round(100 * share, 2) + 0.0:+.2f} %"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
