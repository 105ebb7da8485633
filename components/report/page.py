"""The report as one HTML file that needs no network: style, scripts and data are inside."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import importlib.resources
import json
import re
from collections.abc import Mapping
from typing import Any

import plotly.offline
import pyarrow as pa

from components import contract
from components.backtest.figures import Figures
from components.backtest.plain_words import title_of, write_plain_words
from components.evaluate.scoreboard import BANDS
from components.report.fans import pack_fans

SCRIPTS = ("decode.js", "charts.js", "tables.js", "main.js")
"""Of the folder `page`, in the order in which they run."""

_MARKER = re.compile(r"@@([A-Z_]+)@@")


def make_page(table: pa.Table, figures: Figures, lineage: Mapping[str, Any]) -> str:
    """Makes the page.

    A content security policy allows the page's own two scripts, by their hashes, and no address at all. What
    the data say (a ticker's name, say) never becomes markup: the scripts set text only.

    Args:
      table: of results.SCHEMA, in the order of results.read_results.
      figures: of measuring.make_figures of the same table.
      lineage: JSON types: what the results were made from.
    Returns:
      HTML; equal arguments give equal pages.
    """
    library = plotly.offline.get_plotlyjs()
    own = "\n".join(_read(name) for name in SCRIPTS)
    data = json.dumps(_gather(table, figures, lineage), separators=(",", ":"), allow_nan=False)
    parts = {
        "POLICY": _make_policy(library, own),
        "TITLE": html.escape(f"{contract.MODEL_NAME}: backtest {_say_span(figures)}"),
        "STYLE": _read("page.css"),
        # In a script element only `<` can end it or begin a comment.
        "DATA": data.replace("<", "\\u003c"),
        "LIBRARY": library,
        "SCRIPT": own,
    }
    return _MARKER.sub(lambda match: parts[match.group(1)], _read("page.html"))


def _gather(table: pa.Table, figures: Figures, lineage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "figures": figures.to_json(),
        "words": dataclasses.asdict(write_plain_words(figures)),
        "titles": {model: title_of(model) for model in figures.span.models},
        "levels": contract.QUANTILE_LEVELS,
        "bands": {str(percent): ends for percent, ends in BANDS.items()},
        "fans": pack_fans(table),
        "lineage": dict(lineage),
    }


def _say_span(figures: Figures) -> str:
    return f"{figures.span.first_origin} to {figures.span.last_origin}"


def _make_policy(*scripts: str) -> str:
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{value}'" for value in hashes)
    # Plotly sets styles on its elements, and saves a chart as an image from a blob.
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _read(name: str) -> str:
    return importlib.resources.files("components.report").joinpath("page", name).read_text("utf-8")
