"""Champion, rehearsal and push in a real pipeline, run after run with TFX's cache on."""

from __future__ import annotations

import pathlib
import shutil

import pytest

from components.champion.champion import NO_CHAMPION
from components.push.publish import list_versions, verify_manifest

pytestmark = pytest.mark.tf


def test_a_newer_push_is_the_next_runs_champion_whatever_the_cache_holds(tmp_path: pathlib.Path) -> None:
    from tests.components.champion import pipeline_run

    pipeline = pipeline_run.PushPipeline(tmp_path)
    narrow, wide = (pipeline_run.save_model(tmp_path / str(width), width) for width in (1.0, 2.0))

    first = pipeline.run(narrow)
    assert (first.champion_version, first.absent) == (NO_CHAMPION, True)
    assert not any(first.reused.values())

    second = pipeline.run(wide)
    assert (second.champion_version, second.absent) == (first.pushed_version, False)
    assert list_versions(str(pipeline.base)) == [int(first.pushed_version), int(second.pushed_version)]

    third = pipeline.run(wide)
    assert third.champion_version == second.pushed_version
    assert third.reused == {"ChampionResolver": False, "Rehearsal": True, "AtomicPusher": True}

    fourth = pipeline.run(wide)
    assert fourth.champion_version == second.pushed_version
    assert all(fourth.reused.values())

    for version in list_versions(str(pipeline.base)):
        assert verify_manifest(str(pipeline.base / str(version))) == []
    shutil.rmtree(pipeline.base)
    assert pipeline.run(wide).absent
