"""The closes that skfolio ships, as bars: python -m benchmarks.sp500 PACKAGE_FOLDER OUT.parquet."""

from __future__ import annotations

import os
import pathlib
import sys

import pandas as pd

from components import contract

CLOSES = "skfolio/datasets/data/sp500_dataset.csv.gz"


def make_bars(closes: pd.DataFrame) -> pd.DataFrame:
    """Bars of adjusted closes, a column a ticker: every price is the close, and there is no volume."""
    long = closes.rename_axis(contract.DATE).reset_index()
    long = long.melt(contract.DATE, var_name=contract.TICKER, value_name=contract.CLOSE).dropna()
    long[contract.DATE] = long[contract.DATE].dt.strftime("%Y-%m-%d")
    for name in contract.PRICE_COLUMNS:
        long[name] = long[contract.CLOSE]
    return long.assign(**{contract.VOLUME: 0.0})[[contract.TICKER, contract.DATE, *contract.BAR_COLUMNS]]


def main() -> None:
    """Reads and writes."""
    folder, out = map(pathlib.Path, sys.argv[1:])
    bars = make_bars(pd.read_csv(folder / CLOSES, index_col=0, parse_dates=True))
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_suffix(".unfinished")
    bars.to_parquet(unfinished, index=False)
    os.replace(unfinished, out)
    print(f"{out}: {len(bars):,} bars of {bars[contract.TICKER].nunique()} tickers")


if __name__ == "__main__":
    main()
