"""`marketcast schedule` over kfp.Client: what it sends, and what the user sees."""

from __future__ import annotations

import json
import pathlib

import pytest

from tests.pipeline.kubeflow.submission.conftest import DEFAULTS, Marketcast
from tests.pipeline.kubeflow.submission.kfp_server import Fault, KfpServer


def test_a_schedule_runs_one_at_a_time_and_catches_nothing_up(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    result = marketcast("schedule", package, "--cron", "0 0 3 * * MON-FRI", "--param", "seed=2", "--json")
    assert result.exit_code == 0, result.output
    [created] = kfp.sent("POST /recurringruns")
    assert created.body == {
        "experiment_id": kfp.store["experiments"][0]["experiment_id"],
        "display_name": "marketcast",
        "pipeline_version_reference": {
            "pipeline_id": kfp.store["pipelines"][0]["pipeline_id"],
            "pipeline_version_id": kfp.store["pipeline_versions"][0]["pipeline_version_id"],
        },
        "runtime_config": {"parameters": {**DEFAULTS, "seed": 2}},
        "mode": "ENABLE",
        "max_concurrency": 1,
        "no_catchup": True,
        "trigger": {"cron_schedule": {"cron": "0 0 3 * * MON-FRI"}},
    }
    report = json.loads(result.stdout)
    assert report["id"] == kfp.store["recurring_runs"][0]["recurring_run_id"]
    assert all(time.endswith("T03:00:00+00:00") for time in report["next"])
    assert "schedule marketcast, cron 0 0 3 * * MON-FRI" in result.stderr


def test_an_interval_is_sent_in_seconds(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    assert marketcast("schedule", package, "--every", "1d12h").exit_code == 0
    [created] = kfp.sent("POST /recurringruns")
    assert created.body["trigger"] == {"periodic_schedule": {"interval_second": 129_600}}


@pytest.mark.parametrize(
    ("timing", "message"),
    [
        (["--cron", "0 3 * * *"], "--cron must have six fields, seconds first, got five: '0 3 * * *'; KFP"),
        (["--every", "24"], "--every must be numbers with d, h, m or s, got '24'; such as 24h or 1d12h"),
        (["--every", "30s"], "--every must be 60 s or more, got '30s'; such as 24h"),
        ([], "schedule must have one of --cron and --every, got neither"),
        (["--every", "1h", "--cron", "@daily"], "schedule must have one of --cron and --every, got both"),
    ],
)  # fmt: skip
def test_wrong_times_are_refused_before_anything_is_sent(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path, timing: list[str], message: str
) -> None:
    result = marketcast("schedule", package, *timing)
    assert result.exit_code == 4
    [line] = result.stderr.splitlines()
    assert line.startswith(f"error: {message}")
    assert kfp.requests == []


def test_a_taken_name_is_refused_and_replaced_on_demand(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    marketcast("schedule", package, "--every", "24h")
    [old] = [item["recurring_run_id"] for item in kfp.store["recurring_runs"]]
    refused = marketcast("schedule", package, "--cron", "@daily")
    assert refused.exit_code == 4
    assert refused.stderr == (
        f"error: schedule marketcast must be new, got one with id {old}; "
        "give --replace to put this one in its place, or another --name\n"
    )
    kfp.requests.clear()
    result = marketcast("schedule", package, "--cron", "@daily", "--replace")
    assert result.exit_code == 0, result.output
    [new] = kfp.store["recurring_runs"]
    assert new["trigger"] == {"cron_schedule": {"cron": "@daily"}}
    writes = [r.route for r in kfp.requests if not r.route.startswith("GET")]
    assert writes == ["POST /recurringruns", f"DELETE /recurringruns/{old}"]
    assert f"replaced {old}" in result.stderr


def test_the_old_schedule_stays_where_the_new_one_is_refused(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    marketcast("schedule", package, "--every", "24h")
    before = list(kfp.store["recurring_runs"])
    kfp.faults.append(Fault("POST /recurringruns", 400, '{"message": "no"}'))
    assert marketcast("schedule", package, "--every", "12h", "--replace").exit_code == 4
    assert kfp.store["recurring_runs"] == before


@pytest.mark.parametrize("route", ["POST /recurringruns", "DELETE /recurringruns"])
def test_a_lost_answer_makes_no_second_schedule(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path, route: str
) -> None:
    marketcast("schedule", package, "--every", "24h")
    kfp.faults.append(Fault(route, 0, is_done=True))
    result = marketcast("schedule", package, "--every", "12h", "--replace")
    assert result.exit_code == 0, result.output
    [schedule] = kfp.store["recurring_runs"]
    assert schedule["trigger"]["periodic_schedule"]["interval_second"] == "43200"


def test_schedules_are_listed_and_deleted(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    assert marketcast("schedule", "--list").stdout == "no schedules\n"
    marketcast("schedule", package, "--every", "24h", "--name", "daily")
    marketcast("schedule", package, "--cron", "0 0 3 * * *", "--name", "nightly")
    lines = marketcast("schedule", "--list").stdout.splitlines()
    assert [line.split()[1:] for line in lines] == [
        ["ENABLED", "every", "86,400", "s", "daily"],
        ["ENABLED", "cron", "0", "0", "3", "*", "*", "*", "nightly"],
    ]
    assert marketcast("schedule", "--delete", "daily").exit_code == 0
    assert [item["display_name"] for item in kfp.store["recurring_runs"]] == ["nightly"]
    refused = marketcast("schedule", "--delete", "daily")
    assert refused.exit_code == 4
    assert refused.stderr == "error: --delete must name a schedule, got 'daily'; there are: nightly\n"


def test_every_page_of_schedules_is_read(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    marketcast("schedule", package, "--every", "24h")
    [first] = kfp.store["recurring_runs"]
    kfp.store["recurring_runs"] += [
        {**first, "recurring_run_id": str(n), "display_name": f"s{n}"} for n in range(150)
    ]
    report = json.loads(marketcast("schedule", "--list", "--json").stdout)
    assert len(report["schedules"]) == 151
