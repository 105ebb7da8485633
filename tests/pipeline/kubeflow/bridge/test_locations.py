import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.kubeflow.bridge.bridge_error import BridgeError
from pipeline.kubeflow.bridge.locations import TWIN_FOLDERS, Twins

ROOTS = st.sampled_from(["", "/tmp/task 1", "/srv/minio", "/a.b/s3"])
SCHEMES = st.sampled_from(sorted(TWIN_FOLDERS))
KEYS = st.text("ab3/ .:-_~?%[]\\äé日\n", max_size=40)
"""Keys of the store: spaces, brackets, backslashes and letters of any script are legal in it."""


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("minio://mlpipeline/v2/artifacts/run/id/model", "/minio/mlpipeline/v2/artifacts/run/id/model"),
        ("s3://bucket/a b/[c]/\\d", "/s3/bucket/a b/[c]/\\d"),
        ("gs://bucket/ä", "/gcs/bucket/ä"),
        ("s3://bucket/key?region=eu", "/s3/bucket/key?region=eu"),
        ("/data/bars.csv", "/data/bars.csv"),
        ("hdfs://name/x", "hdfs://name/x"),
        ("minio-backup/x", "minio-backup/x"),
    ],
)  # fmt: skip
def test_a_uri_and_its_twin(uri, path):
    assert Twins().to_local(uri) == path
    assert Twins().to_uri(path) == uri


@given(ROOTS, SCHEMES, KEYS)
def test_the_way_back_is_exact(root, scheme, key):
    twins = Twins(root)
    path = twins.to_local(scheme + key)
    assert path == root + TWIN_FOLDERS[scheme] + key
    assert twins.to_uri(path) == scheme + key


@given(ROOTS, SCHEMES, KEYS, SCHEMES, KEYS)
def test_two_uris_never_share_a_twin(root, scheme, key, other_scheme, other_key):
    twins = Twins(root)
    same = (scheme, key) == (other_scheme, other_key)
    assert (twins.to_local(scheme + key) == twins.to_local(other_scheme + other_key)) == same


@given(ROOTS, KEYS)
def test_what_is_no_twin_passes_unchanged(root, key):
    twins = Twins(root)
    for text in (f"/data/{key}", f"/minio2/{key}", f"hdfs://{key}"):
        assert twins.to_local(text) == text
        assert twins.to_uri(text) == text


@given(ROOTS, SCHEMES, st.text("ab3äé日/_", min_size=1))
def test_a_twin_inside_a_text_is_restored(root, scheme, key):
    twins = Twins(root)
    text = '{{"best": "{0}", "all": ["{0}"]}} at {0}, {0}'
    assert twins.restore(text.format(twins.to_local(scheme + key))) == text.format(scheme + key)


@given(ROOTS, SCHEMES, KEYS)
def test_restoring_twice_changes_nothing(root, scheme, key):
    twins = Twins(root)
    restored = twins.restore(scheme + key.replace("/", ""))
    assert restored == scheme + key.replace("/", "")


@pytest.mark.parametrize(
    "text", ["/data/s3/y", "http://host/s3/z", "http://host/minio/z", "./minio/x", "minio"]
)
def test_a_path_that_only_goes_through_such_a_name_is_no_twin(text):
    assert Twins().restore(text) == text


def test_the_output_file_is_named_by_path_or_uri():
    twins = Twins("/tmp/task")
    assert twins.place("/minio/b/output_metadata.json") == "/tmp/task/minio/b/output_metadata.json"
    assert twins.place("s3://b/output_metadata.json") == "/tmp/task/s3/b/output_metadata.json"
    assert twins.place("/tmp/kfp_outputs/output_metadata.json") == "/tmp/kfp_outputs/output_metadata.json"
    assert Twins().place("/gcs/b/x") == "/gcs/b/x"


@pytest.mark.parametrize("root", ["relative", "/tmp/", "/", "/a/../b"])
def test_a_root_that_no_path_would_start_with_is_refused(root):
    with pytest.raises(BridgeError, match="must be an absolute path"):
        Twins(root)
