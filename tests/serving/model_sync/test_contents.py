"""A manifest is the word of whoever wrote to the source: it is believed only as far as it can be checked."""

from __future__ import annotations

import json

import pytest

from serving.model_sync.contents import check_listing, drop_folder_marks, parse_manifest
from serving.model_sync.problems import DamagedVersionError, IncompleteVersionError

DIGEST = "0" * 64
WHOLE = {"saved_model.pb": DIGEST, "variables/a": DIGEST}


def test_a_manifest_maps_paths_to_digests():
    assert parse_manifest(1, json.dumps(WHOLE).encode()) == WHOLE


@pytest.mark.parametrize(
    "path", ["../2/saved_model.pb", "/etc/passwd", "a/../../b", "..", ".", "", "a//b", "./a", "a/", "a\0b"]
)
def test_a_path_that_leads_elsewhere_is_refused(path):
    with pytest.raises(DamagedVersionError, match=r"^version 1 must hold .*; push it again$"):
        parse_manifest(1, json.dumps({**WHOLE, path: DIGEST}).encode())


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", b'{"saved_model.pb": 1}', b'{"saved_model.pb": "abc"}', b"null", b"{}"],
)
def test_what_is_no_manifest_is_refused(content):
    with pytest.raises(DamagedVersionError):
        parse_manifest(1, content)


def test_a_version_without_a_graph_is_refused():
    with pytest.raises(DamagedVersionError, match=r"saved_model\.pb"):
        parse_manifest(1, json.dumps({"variables/a": DIGEST}).encode())


def test_the_listing_must_be_the_manifests():
    sizes = dict.fromkeys([*WHOLE, "assets.extra/manifest.json"], 1)
    check_listing(1, sizes, WHOLE)
    with pytest.raises(DamagedVersionError, match="nothing but what its manifest lists, got extra"):
        check_listing(1, {**sizes, "extra": 1}, WHOLE)
    del sizes["variables/a"]
    with pytest.raises(IncompleteVersionError, match="variables/a, got no such object yet"):
        check_listing(1, sizes, WHOLE)


def test_marks_of_folders_are_no_files():
    sizes = {"": 0, "a": 0, "a/b": 0, "a/b/c": 5, "empty": 0, "d": 1, "d/e": 1}
    assert drop_folder_marks(sizes) == {"a/b/c": 5, "empty": 0, "d": 1, "d/e": 1}
