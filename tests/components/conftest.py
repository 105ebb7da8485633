"""Slow things made once for the tests of several components."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """The shipped bars, as chunks and Transform graph."""
    from tests.components.train.prepared import prepare

    return prepare(tmp_path_factory.mktemp("prepared"), ROOT / "data/raw/stock_prices.csv")


@pytest.fixture(scope="session")
def signatures(prepared, tmp_path_factory):
    """A SavedModel's signatures, of a network with random corrections."""
    from tests.components.train.prepared import build_opinionated_network, save_and_load

    return save_and_load(build_opinionated_network(), prepared, tmp_path_factory.mktemp("model"))
