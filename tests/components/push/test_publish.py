"""A version appears whole or not at all, whatever happens to the push."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from components import contract
from components.push import publish as publishing
from components.push.publish import (
    CARD_DATA_PATH,
    CARD_PATH,
    LOCK_FILE,
    MANIFEST_PATH,
    RECORD_PATH,
    STAGING_PREFIX,
    PublishError,
    find_newest_version,
    list_versions,
    next_version,
    publish,
    verify_manifest,
)
from tests.components.push import big_model

WAIT_SECONDS = 60.0
MAX_ATTEMPTS = 20
"""Tries to kill a push before it has ended by itself."""


@pytest.fixture(name="base")
def fixture_base(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "models" / contract.MODEL_NAME


def _push(model: pathlib.Path, base: pathlib.Path) -> publishing.Published:
    return publish(str(model), str(base), {"metrics": {"pinball_h1": 0.5}})


def _check_versions(base: pathlib.Path) -> list[int]:
    """What a server sees: every version is whole. Returns them."""
    versions = list_versions(str(base))
    for version in versions:
        assert verify_manifest(str(base / str(version))) == []
    return versions


def _leftovers(base: pathlib.Path) -> list[str]:
    return [path.name for path in base.iterdir() if path.name.startswith(STAGING_PREFIX)]


def test_a_push_is_the_model_with_its_record_and_manifest(base: pathlib.Path, tmp_path: pathlib.Path) -> None:
    model = big_model.write_model(tmp_path / "model")
    before = int(time.time())
    published = _push(model, base)
    version = pathlib.Path(published.path)
    assert published.is_new
    assert before <= published.version <= time.time()
    assert version == base / str(published.version)
    files = {str(p.relative_to(version)) for p in version.rglob("*") if p.is_file()}
    own = {str(p.relative_to(model)) for p in model.rglob("*") if p.is_file()}
    assert files == own | {MANIFEST_PATH, CARD_PATH, CARD_DATA_PATH}
    for path in own - {RECORD_PATH}:
        assert (version / path).read_bytes() == (model / path).read_bytes()
    record = json.loads((version / RECORD_PATH).read_text())
    assert record["model"] == {"seed": 0}
    assert record["metrics"] == {"pinball_h1": 0.5}
    assert record["push"]["version"] == published.version
    assert record["push"]["time"].endswith("+00:00")
    assert {path.name for path in base.iterdir()} == {str(published.version), LOCK_FILE}
    assert (version / "assets").is_dir()


def test_the_model_card_is_pushed_and_stands_in_the_manifest(
    base: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    published = _push(big_model.write_model(tmp_path / "model"), base)
    version = pathlib.Path(published.path)
    listed = json.loads((version / MANIFEST_PATH).read_text())
    assert {CARD_PATH, CARD_DATA_PATH} <= listed.keys()
    card = json.loads((version / CARD_DATA_PATH).read_text())
    assert card["lineage"]["pushed_version"] == published.version
    assert card["training"]["model"] == {"seed": 0}
    assert card["backtest"] is None
    text = (version / CARD_PATH).read_text()
    assert str(published.version) in text
    assert "No backtest was part of the run that made this model" in text
    (version / CARD_PATH).write_text(text.replace("not", ""))
    assert any(CARD_PATH in problem for problem in verify_manifest(str(version)))


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"model": "tiny", "train": None, "versions": [], "validation_loss": "none", "verdict": 3},
        {"train_examples": {"sha256": None}, "validation_loss": [], "metrics": {"direction_h1": 0.5}},
    ],
)
def test_a_record_that_says_little_stops_no_push(
    base: pathlib.Path, tmp_path: pathlib.Path, record: dict[str, object]
) -> None:
    model = big_model.write_model(tmp_path / "model")
    (model / RECORD_PATH).write_text(json.dumps(record))
    version = pathlib.Path(publish(str(model), str(base), {}).path)
    assert verify_manifest(str(version)) == []
    assert (version / CARD_PATH).read_text().startswith("# marketcast unknown\n")


def test_a_model_with_a_card_of_an_earlier_push_gets_its_own(
    base: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    model = big_model.write_model(tmp_path / "model")
    (model / CARD_PATH).write_text("# an older card")
    first = _push(model, base)
    assert (pathlib.Path(first.path) / CARD_PATH).read_text().startswith("# marketcast")
    assert not _push(model, base).is_new


def test_another_user_can_read_what_was_pushed(base: pathlib.Path, tmp_path: pathlib.Path) -> None:
    mask = os.umask(0o022)
    try:
        published = _push(big_model.write_model(tmp_path / "model"), base)
    finally:
        os.umask(mask)
    for path in (pathlib.Path(published.path), *pathlib.Path(published.path).rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o004


def test_versions_rise_also_within_a_second_and_after_a_clock_that_was_ahead(
    base: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    pushed = [_push(big_model.write_model(tmp_path / f"m{seed}", seed), base).version for seed in range(3)]
    assert pushed == sorted(set(pushed))
    ahead = int(time.time()) + 1000
    (base / str(ahead)).mkdir()
    assert _push(big_model.write_model(tmp_path / "m3", 3), base).version == ahead + 1


def test_next_version_is_above_every_number_a_server_may_read(tmp_path: pathlib.Path) -> None:
    assert next_version(str(tmp_path), 100) == 100
    for name in ("7", "0200", "150", ".300", "400x", "-500", "9" * 30, "٣٠٠"):
        (tmp_path / name).mkdir()
    (tmp_path / "210").write_text("a file")
    assert next_version(str(tmp_path), 100) == 211
    assert list_versions(str(tmp_path)) == [7, 150]


def test_the_newest_whole_version_is_found_behind_a_broken_one(
    base: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    assert find_newest_version(str(base)) is None
    first = _push(big_model.write_model(tmp_path / "m0", 0), base)
    second = _push(big_model.write_model(tmp_path / "m1", 1), base)
    assert find_newest_version(str(base)) == second.version
    (pathlib.Path(second.path) / "saved_model.pb").write_bytes(b"other")
    assert find_newest_version(str(base)) == first.version


def test_the_same_model_is_pushed_once(base: pathlib.Path, tmp_path: pathlib.Path) -> None:
    model = big_model.write_model(tmp_path / "model")
    first = _push(model, base)
    manifest = (base / str(first.version) / MANIFEST_PATH).read_bytes()
    again = _push(model, base)
    assert (again.version, again.is_new) == (first.version, False)
    assert (base / str(first.version) / MANIFEST_PATH).read_bytes() == manifest
    assert list_versions(str(base)) == [first.version]


def test_the_same_model_is_pushed_again_if_its_version_is_broken_or_not_the_newest(
    base: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    model = big_model.write_model(tmp_path / "model")
    first = _push(model, base)
    (pathlib.Path(first.path) / "saved_model.pb").write_bytes(b"other")
    second = _push(model, base)
    assert second.is_new
    _push(big_model.write_model(tmp_path / "other", 1), base)
    assert _push(model, base).version > second.version


@pytest.mark.parametrize("name", ["link", "loop", "pipe"])
def test_what_is_no_file_is_refused_and_leaves_nothing(
    base: pathlib.Path, tmp_path: pathlib.Path, name: str
) -> None:
    model = big_model.write_model(tmp_path / "model")
    odd = model / "variables" / name
    if name == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to("part-000" if name == "link" else "..")
    with pytest.raises(
        PublishError, match=f"{name} must be a file or a folder, got a link or a special file"
    ):
        _push(model, base)
    assert not base.exists()


@pytest.mark.parametrize("missing", ["saved_model.pb", RECORD_PATH])
def test_a_model_without_graph_or_record_is_refused(
    base: pathlib.Path, tmp_path: pathlib.Path, missing: str
) -> None:
    model = big_model.write_model(tmp_path / "model")
    (model / missing).unlink()
    with pytest.raises(PublishError, match=f"must hold {missing}"):
        _push(model, base)


@pytest.mark.parametrize("text", ["{", "[1]", "null"])
def test_a_record_that_is_none_is_refused_and_leaves_nothing(
    base: pathlib.Path, tmp_path: pathlib.Path, text: str
) -> None:
    model = big_model.write_model(tmp_path / "model")
    (model / RECORD_PATH).write_text(text)
    with pytest.raises(PublishError, match=r"record\.json must be a JSON object"):
        _push(model, base)
    assert {path.name for path in base.iterdir()} == {LOCK_FILE}


@pytest.mark.parametrize("base", ["", "s3://bucket/models", "gs://bucket"])
def test_a_destination_that_is_no_local_folder_is_refused(base: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(PublishError, match="push_destination must be a local folder"):
        publish(str(big_model.write_model(tmp_path / "model")), base, {})


def test_a_destination_that_cannot_be_made_is_one_error(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PublishError, match=r"must be a folder that user .* can write to, got: "):
        publish(str(big_model.write_model(tmp_path / "model")), str(tmp_path / "file" / "models"), {})


def _staged(base: pathlib.Path, path: str) -> bool:
    return any((base / name / path).exists() for name in (_leftovers(base) if base.exists() else []))


MOMENTS: dict[str, Callable[[pathlib.Path], bool]] = {
    "at the first byte": lambda base: base.exists(),
    "when the folder is made": lambda base: _staged(base, ""),
    "amid the copy": lambda base: _staged(base, "variables/part-030"),
    "when the record is written": lambda base: _staged(base, MANIFEST_PATH),
    "when the version is there": lambda base: bool(list_versions(str(base))),
}


@pytest.fixture(name="big", scope="module")
def fixture_big(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("big") / "model"
    return big_model.write_model(folder, num_files=big_model.NUM_FILES, file_bytes=big_model.FILE_BYTES)


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.0005)


def _check_after_a_kill(big: pathlib.Path, base: pathlib.Path) -> None:
    """Nothing half-pushed is in sight, and the next push works and tidies up."""
    survived = _check_versions(base)
    published = publish(str(big), str(base), {})
    assert _check_versions(base) == sorted({*survived, published.version})
    assert len(list_versions(str(base))) == 1
    assert _leftovers(base) == []


def _kill_at(big: pathlib.Path, base: pathlib.Path, moment: Callable[[pathlib.Path], bool]) -> bool:
    """Starts a push and kills it at a moment; returns whether it was still running then."""
    with big_model.start_push(big, base) as push:
        _wait(lambda: moment(base))
        push.kill()
    return push.returncode == -signal.SIGKILL


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_push_killed_at_a_moment_leaves_no_half_version(
    big: pathlib.Path, tmp_path: pathlib.Path, moment: str
) -> None:
    bases = [tmp_path / str(attempt) for attempt in range(MAX_ATTEMPTS)]
    killed = next((base for base in bases if _kill_at(big, base, MOMENTS[moment])), None)
    assert killed, "no push was still running when it was to be killed"
    _check_after_a_kill(big, killed)


def test_a_push_killed_at_any_time_leaves_no_half_version(big: pathlib.Path, tmp_path: pathlib.Path) -> None:
    start = time.monotonic()
    publish(str(big), str(tmp_path / "timed"), {})
    duration = time.monotonic() - start
    num_kills = 12
    for index in range(num_kills):
        base = tmp_path / str(index)
        with big_model.start_push(big, base) as push:
            assert push.stdout is not None
            push.stdout.readline()
            time.sleep(1.2 * duration * index / num_kills)
            push.kill()
        base.mkdir(exist_ok=True)
        _check_after_a_kill(big, base)


@contextlib.contextmanager
def _stopped(push: subprocess.Popen[str]) -> Iterator[None]:
    """Lets a process stand still, and go on whatever happens meanwhile."""
    push.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        push.send_signal(signal.SIGCONT)


def test_a_push_that_lives_keeps_its_folder(
    big: pathlib.Path, base: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """Another push waits for it, whatever its age, and takes nothing away from it."""
    small = big_model.write_model(tmp_path / "small", 1)
    with big_model.start_push(big, base) as push:
        _wait(lambda: _staged(base, "variables/part-010"))
        with _stopped(push):
            [staging] = _leftovers(base)
            with pytest.raises(
                PublishError, match=r"must be free for this push, got another push for 0\.2 s"
            ):
                publish(str(small), str(base), {}, lock_timeout_seconds=0.2)
            assert _leftovers(base) == [staging]
            assert (base / staging / "variables" / "part-010").exists()
        second = publish(str(small), str(base), {})
    assert push.returncode == 0
    assert len(_check_versions(base)) == 2
    assert second.version == max(list_versions(str(base)))


def test_a_push_that_fails_leaves_nothing(base: pathlib.Path, tmp_path: pathlib.Path) -> None:
    model = big_model.write_model(tmp_path / "model")
    with pytest.raises(ValueError, match="not JSON compliant"):
        publish(str(model), str(base), {"metrics": float("nan")})
    assert {path.name for path in base.iterdir()} == {LOCK_FILE}
