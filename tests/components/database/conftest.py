"""A database of its own for each test that asks for one."""

from __future__ import annotations

import itertools

import pytest

from components.database.bars_loader import load_bars
from components.ingest.bars import ValidationConfig
from tests.components.ingest.shipped import SHIPPED_SOURCE

_numbers = itertools.count()


@pytest.fixture
def database(postgres_server):
    """The configuration of an empty database with all tables."""
    return postgres_server.create_database(f"own_{next(_numbers)}")


@pytest.fixture
def execute(postgres_server, database):
    """Executes SQL in that database, as the superuser; gives the rows."""
    return lambda statement: postgres_server.administer(statement, database.name)


@pytest.fixture(scope="session")
def _loaded_template(postgres_server):
    config = postgres_server.create_database("loaded")
    load_bars(config, SHIPPED_SOURCE, ValidationConfig())
    return config.name


@pytest.fixture
def loaded(postgres_server, _loaded_template):
    """The same with the shipped bars and companies in it."""
    return postgres_server.create_database(f"own_{next(_numbers)}", template=_loaded_template)
