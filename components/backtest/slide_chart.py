"""The main chart for a slide: forecast bands beside the closes that came, as PNG or SVG by Matplotlib."""

from __future__ import annotations

import dataclasses
import pathlib

import matplotlib
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from components import contract
from components.backtest.results import ACTUAL, MODEL, ORIGIN, QUANTILE_COLUMNS, SEED
from components.errors import InputError
from components.evaluate.metrics import Floats
from components.evaluate.scoreboard import BANDS

NUM_DAYS = 120
"""Half a year of trading days: about as many as a slide can show one by one."""
WIDTH_PIXELS, HEIGHT_PIXELS = 1600, 900
DPI = 125
SUFFIXES = (".png", ".svg")

_HORIZON = min(contract.HORIZONS)
_COLOURS = {90: "#dbe9f6", 80: "#a9cbe6", 50: "#6aa3d0"}
_SETTINGS = {
    "svg.hashsalt": "marketcast",  # else the ids in an SVG are drawn at random
    "svg.fonttype": "none",  # text stays text: it can be searched and edited
    "path.simplify": False,  # each day stays in its path
}
_METADATA = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}
"""Left out, so that equal results give equal files."""


@dataclasses.dataclass(frozen=True)
class Fan:
    """Forecasts of one ticker beside what came; n days, in order of time.

    Attributes:
      ticker: whose they are.
      days: datetime64[D] [n], which were forecast on the trading day before.
      prices: [n, levels], quantiles in currency; closes: [n], the close of each day.
    """

    ticker: str
    days: npt.NDArray[np.datetime64]
    prices: Floats
    closes: Floats

    def inside(self, percent: int) -> npt.NDArray[np.bool_]:
        """Whether each close is in a band; [n]."""
        low, high = BANDS[percent]
        held: npt.NDArray[np.bool_] = (self.prices[:, low] <= self.closes) & (
            self.closes <= self.prices[:, high]
        )
        return held


def draw_slide(table: pa.Table, ticker: str, path: pathlib.Path, num_days: int = NUM_DAYS) -> Fan:
    """Draws the next day's price bands and the closes that came, of a ticker's last days.

    Args:
      table: of results.SCHEMA, with forecasts of contract.MODEL_NAME; of its seeds the lowest is drawn.
      path: of the file to write, one of SUFFIXES; equal tables give equal files.
      num_days: at most so many days, at least 1.
    Returns:
      What is drawn.
    Raises:
      InputError: the path ends otherwise or cannot be written, or the ticker has no forecast.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(
            f"a slide must be a file {' or '.join(SUFFIXES)}, got {path.name}; give its name such an end"
        )
    fan = take_fan(table, ticker, num_days)
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(WIDTH_PIXELS / DPI, HEIGHT_PIXELS / DPI), dpi=DPI, layout="constrained")
        _draw(figure.add_subplot(), fan)
        figure.legend(loc="outside lower center", frameon=False, ncols=6)
        try:
            figure.savefig(path, format=path.suffix[1:], metadata=_METADATA[path.suffix])
        except OSError as error:
            raise InputError(
                f"a slide must be a file that can be written, got {path}: {error.strerror}; give another"
            ) from error
    return fan


def take_fan(table: pa.Table, ticker: str, num_days: int = NUM_DAYS) -> Fan:
    """The next day's forecasts of a ticker's last days; see draw_slide.

    Prices are the close at the origin times exp(log return), so that a split or a dividend in between does
    not count as a move.
    """
    is_own = pc.and_(pc.equal(table[MODEL], contract.MODEL_NAME), pc.equal(table[contract.TICKER], ticker))
    rows = table.filter(pc.and_(is_own, pc.equal(table[contract.HORIZON], _HORIZON)))
    if not rows.num_rows:
        raise InputError(
            f"results must hold forecasts of {contract.MODEL_NAME} for {ticker} to draw, got none; name a "
            "ticker of the backtest"
        )
    rows = rows.filter(pc.equal(rows[SEED], pc.min(rows[SEED]))).sort_by(ORIGIN)
    rows = rows.slice(max(rows.num_rows - num_days, 0))
    close = rows[contract.CLOSE].to_numpy()
    returns = np.stack([rows[name].to_numpy() for name in QUANTILE_COLUMNS], axis=-1).astype(np.float64)
    actual = rows[ACTUAL].to_numpy().astype(np.float64)
    days = rows[contract.DATE].to_numpy().astype("datetime64[D]")
    return Fan(ticker, days, close[:, np.newaxis] * np.exp(returns), close * np.exp(actual))


def tell_coverage(fan: Fan) -> str:
    """The title's second line, such as `90 % band: 108 of 120 closes inside (90.0 %)` for each band."""
    counts = {percent: int(fan.inside(percent).sum()) for percent in BANDS}
    num_days = len(fan.days)
    widest, *others = (
        f"{percent} % band: {count} of {num_days} closes inside ({100 * count / num_days:.1f} %)"
        if percent == max(BANDS)
        else f"{percent} %: {count} ({100 * count / num_days:.1f} %)"
        for percent, count in counts.items()
    )
    return "; ".join([widest, *others])


def _draw(axes: Axes, fan: Fan) -> None:
    """Every part has its id, by which an SVG can be edited."""
    for percent, (low, high) in BANDS.items():
        band = axes.fill_between(
            fan.days,
            fan.prices[:, low],
            fan.prices[:, high],
            color=_COLOURS[percent],
            linewidth=0,
            label=f"{percent} % band",
        )
        band.set_gid(f"band-{percent}")
    median = fan.prices[:, contract.MEDIAN_INDEX]
    axes.plot(fan.days, median, color="#1f4e79", linewidth=1, label="median", gid="median")
    axes.plot(fan.days, fan.closes, "k.-", linewidth=1, markersize=4, label="close", gid="closes")
    missed = ~fan.inside(max(BANDS))
    axes.plot(
        fan.days[missed],
        fan.closes[missed],
        "o",
        color="#c0392b",
        markersize=6,
        label=f"outside the {max(BANDS)} % band",
        gid="missed",
    )
    _label(axes, fan)


def _label(axes: Axes, fan: Fan) -> None:
    span = f"{fan.days[0]} to {fan.days[-1]}"
    axes.set_title(
        f"{fan.ticker}: price bands made the trading day before, {span}\n{tell_coverage(fan)}", loc="left"
    )
    axes.set_ylabel("price (currency of the data)")
    locator = AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.01)
