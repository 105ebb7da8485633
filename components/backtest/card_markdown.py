"""A model card as Markdown. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from components import contract
from components.backtest.model_card import BANDS, NO_BACKTEST, ModelCard
from components.backtest.plain_words import show_percent, title_of

_NOT_RECORDED = "Not recorded."
_BACKTEST_HEADER = (
    "days ahead",
    "model",
    "pinball loss",
    "90 % band",
    "skill against it",
    "95 % interval",
    "t",
)


def render_card(card: ModelCard) -> str:
    """The card as one Markdown document that ends in a newline."""
    sections = {
        "What it is": [card.summary],
        "What it is for": _list(card.uses),
        "What it is not for": _list(card.not_for),
        "Data": _render_data(card.data),
        "Training": _render_training(card.training),
        "The gate's verdict": _render_gate(card.gate),
        "Coverage on the test split": _render_coverage(card.coverage),
        "Backtest": _render_backtest(card.backtest),
        "Where it is worse, on the test split": _list(card.worse),
        "Limits": _list(card.limits),
        "Versions": _render_pairs(card.versions),
        "Lineage": _render_pairs(card.lineage),
    }
    blocks = [f"# {card.title}"]
    for title, lines in sections.items():
        blocks += [f"## {title}", "\n".join(lines or [_NOT_RECORDED])]
    return "\n\n".join(blocks) + "\n"


def _render_data(data: Mapping[str, Mapping[str, Any]]) -> list[str]:
    rows = [
        [split, own.get("first_day", "unknown"), own.get("last_day", "unknown")]
        for split, own in data.items()
    ]
    if not rows:
        return []
    later = "The test split, by which the gate judges, is of later days than these."
    return [*_table(["split", "first target day", "last target day"], rows), "", later]


def _render_training(training: Mapping[str, Any]) -> list[str]:
    rows = []
    for part, value in training.items():
        settings = value.items() if isinstance(value, Mapping) else [("", value)]
        rows += [[f"{part}.{name}" if name else part, setting] for name, setting in settings]
    return _table(["setting", "value"], rows) if rows else []


def _render_gate(gate: Mapping[str, Any] | None) -> list[str]:
    if gate is None:
        return ["No verdict is recorded: no gate judged this model."]
    answer = "Blessed." if gate.get("blessed") else "Refused."
    checks = [
        [check["title"], check["shown"], check["bound"], "yes" if check["passed"] else "no"]
        for check in gate.get("checks", ())
    ]
    lines = [answer, "", *_table(["check", "figure", "bound", "passed"], checks)]
    horizons = [f"{horizon} d" for horizon in contract.HORIZONS]
    skills = [
        [row["title"], *(_percent(skill) for skill in row["skill"])]
        for row in gate.get("baselines", ())
        if row.get("skill")
    ]
    if skills:
        lines += ["", "Pinball skill against the baselines, by trading days ahead:", ""]
        lines += _table(["baseline", *horizons], skills)
    return lines


def _render_coverage(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    header = ["trading days ahead", *(f"{band} % band" for band in BANDS)]
    cells = [[row["horizon"], *(_percent(row[str(band)]) for band in BANDS)] for row in rows]
    return _table(header, cells) if cells else []


def _render_backtest(backtest: Mapping[str, Any] | None) -> list[str]:
    if backtest is None:
        return [NO_BACKTEST]
    words = backtest["plain_words"]
    table = _table(_BACKTEST_HEADER, [_backtest_cells(row) for row in backtest["verdict"]])
    can, cannot = (_list(words[key] or ["Nothing."]) for key in ("can", "cannot"))
    return [
        *_list(words["scope"]),
        *["", *table],
        *["", "What it shows that the model can do:", "", *can],
        *["", "What it shows that the model cannot do, or does not prove:", "", *cannot],
    ]


def _backtest_cells(row: Mapping[str, Any]) -> list[Any]:
    cells = [row["horizon"], title_of(row["model"]), _number(row["pinball"], 6)]
    cells += [_percent(row["bands"][0]["share"])]
    skill = row["skill"]
    if skill is None:
        return [*cells, "", "", ""]
    interval = f"{_percent(skill['low'])} to {_percent(skill['high'])}"
    return [*cells, _percent(skill["skill"]), interval, _number(skill["t"], 1)]


def _render_pairs(pairs: Mapping[str, Any]) -> list[str]:
    return _list(f"{name}: {value}" for name, value in sorted(pairs.items()))


def _list(sentences: Iterable[str]) -> list[str]:
    return [f"- {_line(sentence)}" for sentence in sentences]


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(_line(cell).replace("|", "\\|") for cell in line) + " |" for line in lines]


def _line(value: Any) -> str:
    """Text on one line: what a record says cannot break the document."""
    return " ".join(str(value).split())


def _percent(share: float | None) -> str:
    return "no figure" if share is None else show_percent(share, 2)


def _number(value: float | None, digits: int) -> str:
    return "no figure" if value is None else f"{value:.{digits}f}"
