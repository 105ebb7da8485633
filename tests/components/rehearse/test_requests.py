"""What a rehearsal makes of its golden requests."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest

from components import contract
from components.rehearse import requests


def make_request(ticker: str = "AAPL", time: int = contract.LOOKBACK) -> dict[str, Any]:
    """One ticker's bars: each column rises from another number."""
    bars = {
        name: [[float(100 * index + day) for day in range(1, time + 1)]]
        for index, name in enumerate(contract.BAR_COLUMNS)
    }
    return {contract.TICKER: [ticker], **bars}


def test_arrays_have_the_types_of_the_signature() -> None:
    arrays = requests.to_arrays(make_request("ÄÖ"))
    assert arrays[contract.TICKER].tolist() == ["ÄÖ".encode()]
    assert {arrays[name].dtype for name in contract.BAR_COLUMNS} == {np.dtype(np.float32)}
    assert {arrays[name].shape for name in contract.BAR_COLUMNS} == {(1, contract.LOOKBACK)}


def test_joined_rows_end_on_their_latest_bars() -> None:
    joined = requests.join_requests([make_request("A"), make_request("B", contract.LOOKBACK + 3)])
    assert joined[contract.TICKER].tolist() == [b"A", b"B"]
    assert joined[contract.CLOSE].shape == (2, contract.LOOKBACK)
    np.testing.assert_array_equal(joined[contract.CLOSE][1], joined[contract.CLOSE][0] + 3)


def test_a_longer_request_ends_as_the_shorter_one_and_starts_otherwise() -> None:
    arrays = requests.to_arrays(make_request())
    longer = requests.lengthen(arrays)
    for name in contract.BAR_COLUMNS:
        np.testing.assert_array_equal(longer[name][:, requests.EXTRA_BARS :], arrays[name])
        assert longer[name].shape == (1, contract.LOOKBACK + requests.EXTRA_BARS)
        assert not np.isin(longer[name][:, 0], arrays[name][:, 0]).any()


def test_spoiled_requests_have_one_fault_each() -> None:
    arrays = requests.to_arrays(make_request())
    spoiled = requests.spoil(arrays)
    assert len(spoiled) == 2 + 5 * 4 + 3
    for title, request in spoiled.items():
        if title.endswith("bars"):
            assert {request[name].shape for name in contract.BAR_COLUMNS} == {(1, int(title.split()[0]))}
            continue
        kind, _, column = title.partition(" in ")
        [changed] = [n for n in contract.BAR_COLUMNS if not np.array_equal(request[n], arrays[n])]
        assert changed == column
        [value] = request[column][request[column] != arrays[column]]
        assert {"a NaN": np.isnan(value), "a zero": value == 0, "an infinity": np.isinf(value)}.get(
            kind, value < 0
        )


def test_the_shortest_request_is_spoiled_by_a_single_bar_too_few() -> None:
    assert f"{contract.LOOKBACK - 1} bars" in requests.spoil(requests.to_arrays(make_request()))


@pytest.mark.parametrize("num_expected", [0, 2])
def test_golden_forecasts_are_one_for_each_request(tmp_path: pathlib.Path, num_expected: int) -> None:
    extra = tmp_path / contract.ASSETS_EXTRA
    extra.mkdir()
    content = {"requests": [make_request()], "expected": [{}] * num_expected}
    (extra / contract.GOLDEN_FILE).write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"got 1 requests and {num_expected} forecasts"):
        requests.read_golden(str(tmp_path))


def test_no_request_is_no_rehearsal() -> None:
    with pytest.raises(ValueError, match="one or more requests"):
        requests.GoldenForecasts((), ())
