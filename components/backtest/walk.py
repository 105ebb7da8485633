"""The walk over the folds: every model fitted, every day forecast, what is already there passed over."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from components import progress
from components.backtest import results
from components.backtest.folds import Fold, take_forecast, take_train
from components.backtest.forecaster import FittedForecaster, Forecaster, meet_universe
from components.backtest.results import Part
from components.errors import InputError
from components.ingest.bars import TickerBars

BACKTEST = "backtest"
ORIGIN_FILE = f"{BACKTEST}.json"
"""What the results in a folder were made from."""


class Entry(NamedTuple):
    """A model that takes part, with the seed that tells its runs apart (0 for models without)."""

    forecaster: Forecaster
    seed: int = 0


MakeEntries = Callable[[Fold], Sequence[Entry]]
"""The models of a fold; the network of one knows where the eval days begin."""


def claim_folder(folder: pathlib.Path, made_from: Mapping[str, Any], kind: str = BACKTEST) -> None:
    """Starts a folder of results, or makes sure that it is of the same backtest, or another kind of work.

    Args:
      folder: made where it is not there.
      made_from: JSON types by name: bars, configuration and code.
      kind: of work; the file is called so.
    Raises:
      InputError: it has results that were made from something else.
    """
    path = folder / f"{kind}.json"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(made_from, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        os.replace(unfinished, path)
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        before = {}
    if changed := sorted(key for key in {*before, *made_from} if before.get(key) != made_from.get(key)):
        raise InputError(
            f"{folder} must hold results of the same {kind}, got some of other {', '.join(changed)}; give "
            "another --out, or delete the folder"
        )


def list_parts(folds: Sequence[Fold], make_entries: MakeEntries) -> list[Part]:
    """All parts of a backtest, in the order of the walk."""
    return [_part(fold, entry) for fold in folds for entry in make_entries(fold)]


def walk(
    bars: Mapping[str, TickerBars], folds: Sequence[Fold], make_entries: MakeEntries, folder: pathlib.Path
) -> Iterator[Part]:
    """Makes the parts that the folder does not have yet, each whole before the next begins.

    Args:
      bars: all bars by ticker.
      folds: of folds.make_folds.
      make_entries: the models of a fold.
      folder: of the results, see claim_folder.
    Yields:
      Each part that was made, when its file is there.
    """
    for fold in folds:
        missing = [e for e in make_entries(fold) if not results.has_part(folder, _part(fold, e))]
        if not missing:
            continue
        train = take_train(bars, fold)
        for entry in missing:
            part = _part(fold, entry)
            results.write_part(folder, part, _forecast(bars, fold, entry.forecaster.fit(train), part))
            yield part


def _part(fold: Fold, entry: Entry) -> Part:
    return Part(fold.name, entry.forecaster.name, entry.seed)


def _forecast(bars: Mapping[str, TickerBars], fold: Fold, fitted: FittedForecaster, part: Part) -> pa.Table:
    """Rows of every ticker; a model sees no bar behind the fold."""
    tables = []
    known = {ticker: take_forecast(own, fold) for ticker, own in bars.items()}
    informed = meet_universe(fitted, {ticker: upto for ticker, (upto, _) in known.items() if len(upto)})
    for number, (ticker, (upto, first)) in enumerate(known.items(), 1):
        if first < len(upto):
            tables.append(results.make_rows(part, bars[ticker], first, informed.forecast(upto, first)))
        progress.report("tickers forecast", number, len(bars))
    return pa.concat_tables(tables) if tables else results.SCHEMA.empty_table()
