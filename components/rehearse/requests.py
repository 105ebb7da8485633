"""Requests of a rehearsal: the golden ones that a model carries, and what is made of them."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from components import contract

Request = Mapping[str, Sequence[Any]]
"""{ticker: [batch] names, each bar column: [batch][time] numbers}."""
Forecast = Mapping[str, Any]
"""Outputs of the `forecast` signature as nested lists, numbers and text."""
Arrays = dict[str, npt.NDArray[Any]]
"""Tensors by name; text is bytes in an object array."""

REQUESTS_KEY = "requests"
EXPECTED_KEY = "expected"

EXTRA_BARS = 7
"""Bars before the lookback in a request that is longer than it must be."""
BAD_PRICES = {"a NaN": np.nan, "an infinity": np.inf, "a negative number": -1.0, "a zero": 0.0}
BAD_VOLUMES = {"a NaN": np.nan, "an infinity": np.inf, "a negative number": -1.0}


@dataclasses.dataclass(frozen=True)
class GoldenForecasts:
    """What GOLDEN_FILE holds.

    Attributes:
      requests: one ticker each.
      expected: the forecast of each.
    """

    requests: tuple[Request, ...]
    expected: tuple[Forecast, ...]

    def __post_init__(self) -> None:
        if not self.requests or len(self.requests) != len(self.expected):
            raise ValueError(
                f"golden forecasts must be one for each of one or more requests, got {len(self.requests)} "
                f"requests and {len(self.expected)} forecasts; ask the model each request"
            )


def read_golden(model_dir: str) -> GoldenForecasts:
    """Reads the golden forecasts of a SavedModel.

    Raises:
      OSError, ValueError, KeyError: the model carries none, or they cannot be read.
    """
    with open(
        os.path.join(model_dir, contract.ASSETS_EXTRA, contract.GOLDEN_FILE), encoding="utf-8"
    ) as stream:
        content = json.load(stream)
    return GoldenForecasts(tuple(content[REQUESTS_KEY]), tuple(content[EXPECTED_KEY]))


def to_arrays(request: Request) -> Arrays:
    """The tensors of a request: ticker as bytes [batch], bar columns float32 [batch, time]."""
    tickers = np.asarray([name.encode() for name in request[contract.TICKER]], object)
    bars = {name: np.asarray(request[name], np.float32) for name in contract.BAR_COLUMNS}
    return {contract.TICKER: tickers, **bars}


def join_requests(requests: Sequence[Request]) -> Arrays:
    """One request of all rows; each row's latest bars, as many as the shortest one has."""
    each = [to_arrays(request) for request in requests]
    time = min(arrays[contract.CLOSE].shape[1] for arrays in each)
    bars = {name: np.concatenate([a[name][:, -time:] for a in each]) for name in contract.BAR_COLUMNS}
    return {contract.TICKER: np.concatenate([a[contract.TICKER] for a in each]), **bars}


def join_universe(requests: Sequence[Request]) -> Arrays:
    """The same for contract.UNIVERSE_SIGNATURE, as if all rows were of the same days, one after the other."""
    joined = join_requests(requests)
    shape = joined[contract.CLOSE].shape
    return joined | {contract.DATE: np.broadcast_to(np.arange(shape[1], dtype=np.int64), shape)}


def lengthen(arrays: Arrays) -> Arrays:
    """The request with EXTRA_BARS other bars before its first: the forecast must not change."""
    longer = {
        name: np.concatenate([2 * arrays[name][:, :EXTRA_BARS], arrays[name]], axis=1)
        for name in contract.BAR_COLUMNS
    }
    return arrays | longer


def spoil(arrays: Arrays) -> dict[str, Arrays]:
    """Requests that must be refused, each named by what is wrong with it.

    Args:
      arrays: a good request of at least LOOKBACK bars.
    """
    spoiled = {
        f"{time} bars": arrays | {name: arrays[name][:, -time:] for name in contract.BAR_COLUMNS}
        for time in (contract.LOOKBACK - 1, 1)
    }
    for name in contract.BAR_COLUMNS:
        values = BAD_VOLUMES if name == contract.VOLUME else BAD_PRICES
        for index, (title, value) in enumerate(values.items()):
            column = arrays[name].copy()
            column[:, -1 - index * contract.LOOKBACK // len(values)] = value
            spoiled[f"{title} in {name}"] = arrays | {name: column}
    return spoiled
