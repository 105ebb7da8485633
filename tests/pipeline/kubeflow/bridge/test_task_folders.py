import os

import pytest

from pipeline.kubeflow.bridge.artifact_places import ArtifactPlace
from pipeline.kubeflow.bridge.bridge_error import BridgeError
from pipeline.kubeflow.bridge.task_folders import make_inputs, make_outputs, mend_links


def is_value(title):
    return title == "tfx.String"


def place(path, title="tfx.Model", uri="minio://b/model"):
    return ArtifactPlace("model", title, uri, str(path))


def test_an_input_folder_that_vanished_is_made_and_named_in_the_log(tmp_path, caplog):
    make_inputs([place(tmp_path / "minio" / "b" / "model")], is_value)
    assert (tmp_path / "minio" / "b" / "model").is_dir()
    assert "input 'model': nothing was at minio://b/model" in caplog.text


def test_an_input_that_is_there_stays(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("schema")
    make_inputs([place(tmp_path / "folder"), place(tmp_path / "file")], is_value)
    assert (tmp_path / "file").read_text() == "schema"


def test_a_path_outside_the_twins_is_never_made(tmp_path):
    foreign = str(tmp_path / "mount" / "model")
    make_inputs([place(foreign, uri=foreign)], is_value)
    assert not os.path.exists(foreign)


def test_a_value_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BridgeError, match=r"input 'model' must be a file with a value, got none at minio://"):
        make_inputs([place(tmp_path / "value", "tfx.String")], is_value)


def test_outputs_are_made_as_on_a_local_run(tmp_path):
    make_outputs([place(tmp_path / "a" / "model"), place(tmp_path / "b" / "value", "tfx.String")], is_value)
    assert (tmp_path / "a" / "model").is_dir()
    assert (tmp_path / "b" / "value").read_bytes() == b""


@pytest.fixture
def output(tmp_path):
    folder = tmp_path / "output"
    folder.mkdir()
    (tmp_path / "source" / "deep").mkdir(parents=True)
    (tmp_path / "source" / "deep" / "weights").write_text("w")
    (tmp_path / "source" / "link").symlink_to("deep/weights")
    return folder


def test_a_link_to_a_folder_becomes_the_folder(output, tmp_path):
    (output / "model").symlink_to(tmp_path / "source")
    (output / "again").symlink_to("model")
    mend_links([place(output)])
    for copy in (output / "model", output / "again"):
        assert not copy.is_symlink()
        assert (copy / "deep" / "weights").read_text() == "w"
        assert (copy / "link").read_text() == "w"
        assert not (copy / "link").is_symlink()


def test_the_output_itself_may_be_a_link(output, tmp_path):
    output.rmdir()
    output.symlink_to(tmp_path / "source")
    mend_links([place(output)])
    assert not output.is_symlink()
    assert (output / "deep" / "weights").read_text() == "w"
    assert (tmp_path / "source" / "deep" / "weights").exists()


def test_a_link_to_a_file_stays(output, tmp_path):
    (output / "weights").symlink_to(tmp_path / "source" / "deep" / "weights")
    mend_links([place(output)])
    assert (output / "weights").is_symlink()


def test_a_dangling_link_is_refused_by_name(output):
    (output / "lost").symlink_to("nowhere")
    with pytest.raises(
        BridgeError, match=r"output 'model' must hold no dangling link, got .*lost -> nowhere"
    ):
        mend_links([place(output)])


def test_a_dangling_link_behind_a_link_is_refused(output, tmp_path):
    (tmp_path / "source" / "deep" / "lost").symlink_to("nowhere")
    (output / "model").symlink_to(tmp_path / "source")
    with pytest.raises(BridgeError, match=r"output 'model' must hold no dangling link, got .*lost"):
        mend_links([place(output)])


@pytest.mark.parametrize("target", [".", "..", "/"])
def test_a_link_to_a_folder_around_it_is_refused(output, target):
    (output / "sub").mkdir()
    (output / "sub" / "up").symlink_to(target)
    with pytest.raises(BridgeError, match=r"output 'model' must hold no link to a folder around it"):
        mend_links([place(output)])


def test_two_folders_that_link_to_each_other_are_refused(output):
    for name, other in (("a", "b"), ("b", "a")):
        (output / name).mkdir()
        (output / name / "link").symlink_to(f"../{other}")
    with pytest.raises(BridgeError, match=r"output 'model' must hold no link to a folder around it"):
        mend_links([place(output)])


def test_an_output_that_was_never_written_is_nothing_to_mend(tmp_path):
    mend_links([place(tmp_path / "missing")])
