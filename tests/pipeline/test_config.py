"""The configuration as a whole, and its page."""

import dataclasses
import pathlib
import typing

import pytest

from components.errors import ConfigError
from pipeline.attribute_docs import attribute_docs

pytestmark = pytest.mark.tf

ROOT = pathlib.Path(__file__).parent.parent.parent


def test_local_defaults_make_a_configuration():
    from pipeline.config import load_config

    config = load_config()
    assert config.paths.metadata == "run/metadata.sqlite"
    assert config.paths.model_base_path == "models/marketcast"
    assert "--direct_running_mode=in_memory" in config.beam.pipeline_args


def test_a_file_lies_over_the_environment_and_overrides_over_both(tmp_path):
    from pipeline.config import load_config

    file = tmp_path / "mine.yaml"
    file.write_text("paths: {run_root: elsewhere}\ntrain: {seed: 2, steps: 100}\n")
    config = load_config(str(file), ["train.seed=3"])
    assert (config.paths.run_root, config.paths.model_base_path) == ("elsewhere", "models/marketcast")
    assert (config.train.seed, config.train.steps) == (3, 100)


def test_tfx_packs_no_archive_of_itself_for_workers_of_this_machine(tmp_path):
    from tfx.utils.dependency_utils import make_beam_dependency_flags

    from pipeline.config import BEAM_COMPONENTS, load_config

    away = "--runner=FlinkRunner"
    beam = load_config("", [f"beam.component_args={{Transform: [{away}]}}"]).beam
    assert beam.arguments_of("Transform") == [away]
    for name in set(BEAM_COMPONENTS) - {"Transform"}:
        given = beam.arguments_of(name)
        assert make_beam_dependency_flags(given) == given


def test_a_missing_file_is_named(tmp_path):
    from pipeline.config import load_config

    with pytest.raises(ConfigError, match=r"--config must be a readable YAML file, got .*missing\.yaml"):
        load_config(str(tmp_path / "missing.yaml"))


def list_dataclasses(cls):
    yield cls
    for hint in typing.get_type_hints(cls).values():
        if dataclasses.is_dataclass(hint):
            yield from list_dataclasses(hint)


def test_every_key_is_documented_where_it_is_read():
    from pipeline.config import PipelineConfig

    for cls in list_dataclasses(PipelineConfig):
        names = [field.name for field in dataclasses.fields(cls)]
        assert set(attribute_docs(cls)) == set(names), cls


def test_the_sections_known_without_a_framework_are_all():
    from pipeline import environment
    from pipeline.config import PipelineConfig

    assert [field.name for field in dataclasses.fields(PipelineConfig)] == list(environment.SECTIONS)


def test_the_page_is_the_dataclasses():
    from pipeline import config_reference

    page = (ROOT / "docs" / "config.md").read_text()
    assert page == config_reference.render(), "run make docs"


def test_models_go_to_no_object_store_without_a_word():
    from pipeline.config import load_config

    with pytest.raises(ConfigError, match=r"paths.model_base_path must be a folder .* got 's3://bucket'"):
        load_config(overrides=["paths.model_base_path=s3://bucket"])
