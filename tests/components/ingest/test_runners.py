"""The ingest where Beam's workers are other processes, reached through Beam's portable runner or not."""

from __future__ import annotations

import pathlib

import pytest

from components.ingest.source_config import SourceConfig
from pipeline.failures import find_user_error
from tests.components.ingest.shipped import SHIPPED_SOURCE

pytestmark = pytest.mark.tf

RUNNERS = {
    "worker processes": [
        "--runner=DirectRunner",
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=2",
    ],
    "portable": ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"],
}


@pytest.fixture(name="in_memory", scope="module")
def fixture_in_memory(tmp_path_factory):
    from tests.components.ingest.ingest_run import run_ingest

    return run_ingest(tmp_path_factory.mktemp("in_memory")).files()


@pytest.mark.parametrize("flags", RUNNERS.values(), ids=RUNNERS)
def test_every_runner_writes_the_same_bytes(tmp_path: pathlib.Path, in_memory, flags) -> None:
    from tests.components.ingest.ingest_run import run_ingest

    assert run_ingest(tmp_path, SHIPPED_SOURCE, beam_args=flags).files() == in_memory


@pytest.mark.parametrize("flags", RUNNERS.values(), ids=RUNNERS)
def test_what_a_worker_finds_wrong_is_still_one_error(tmp_path: pathlib.Path, flags) -> None:
    from tests.components.ingest.ingest_run import run_ingest

    bars = tmp_path / "bars.parquet"
    bars.write_bytes(b"no parquet")
    with pytest.raises(Exception, match="parquet") as raised:
        run_ingest(tmp_path / "out", SourceConfig(str(bars), ""), beam_args=flags)
    found = find_user_error(raised.value)
    assert found is not None
    assert found.exit_code == 4
    assert str(bars) in str(found)
    assert "\n" not in str(found)
