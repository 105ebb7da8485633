"""The schema fits the written examples, and an example that does not fit it ends the run."""

from __future__ import annotations

import pathlib
from types import ModuleType

import pytest

from components import contract
from components.errors import InputError
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import cut_chunks
from components.ingest.panel import read_panel
from tests.components.ingest.shipped import SHIPPED_CHUNKS, SHIPPED_SOURCE

pytestmark = pytest.mark.tf

RAGGED = (contract.DATE, *contract.BAR_COLUMNS, contract.LABEL, contract.LABEL_MASK, contract.MARKET)


@pytest.fixture(name="run", scope="module")
def fixture_run() -> ModuleType:
    from tests.components.ingest import validator_run

    return validator_run


@pytest.fixture(name="records", scope="module")
def fixture_records(run: ModuleType) -> list[bytes]:
    bars = read_panel(SHIPPED_SOURCE, ValidationConfig()).bars
    return [run.encode_chunk(chunk) for own in bars.values() for chunk in cut_chunks(own, SHIPPED_CHUNKS)]


def test_schema_names_what_the_contract_names(run: ModuleType) -> None:
    schema = run.read_schema()
    features = {feature.name: feature for feature in schema.feature}
    assert set(features) == {contract.TICKER, contract.SECTOR, *RAGGED}
    assert set(schema.tensor_representation_group[""].tensor_representation) == set(features)
    for name in (contract.DATE, *contract.BAR_COLUMNS):
        assert features[name].value_count.min == contract.LOOKBACK + 1
    for name in (contract.LABEL, contract.LABEL_MASK):
        assert features[name].value_count.min == len(contract.HORIZONS)


def test_examples_parse_as_ragged_tensors(run: ModuleType, records: list[bytes]) -> None:
    spec = run.read_feature_spec()
    assert {name for name, feature in spec.items() if type(feature).__name__ == "RaggedFeature"} == set(
        RAGGED
    )
    parsed = run.tf.io.parse_example(records, spec)
    example = run.tf.train.Example.FromString(records[0])
    for name in contract.BAR_COLUMNS:
        expected = example.features.feature[name].float_list.value
        assert parsed[name][0].numpy().tolist() == list(expected)
    assert parsed[contract.TICKER].shape == (len(records),)


def test_tfx_reads_the_examples_as_ragged_tensors(
    run: ModuleType, records: list[bytes], tmp_path: pathlib.Path
) -> None:
    specs = run.read_type_specs(records, tmp_path)
    assert {name for name, spec in specs.items() if type(spec).__name__ == "RaggedTensorSpec"} == set(RAGGED)


def test_sound_examples_pass(run: ModuleType, records: list[bytes], tmp_path: pathlib.Path) -> None:
    anomalies = run.validate(tmp_path, records)
    assert anomalies.get_json_value_custom_property("blessed") == {"train": 1}


@pytest.mark.parametrize(
    ("feature", "values"),
    [
        ("close", [-1.0]),
        ("adj_close", [float("nan")]),
        ("volume", [-1.0]),
        ("label", [9.0]),
        pytest.param("high", [float("inf")], marks=pytest.mark.filterwarnings("ignore:invalid value")),
    ],
)
def test_an_anomaly_names_split_and_feature(
    run: ModuleType, records: list[bytes], tmp_path: pathlib.Path, feature: str, values: list[float]
) -> None:
    example = run.tf.train.Example.FromString(records[0])
    floats = example.features.feature[feature].float_list
    floats.value[: len(values)] = values
    with pytest.raises(InputError, match=rf"split train, feature {feature}: "):
        run.validate(tmp_path, [example.SerializeToString(), *records[1:]])


def test_a_missing_feature_and_a_short_chunk_are_anomalies(
    run: ModuleType, records: list[bytes], tmp_path: pathlib.Path
) -> None:
    example = run.tf.train.Example.FromString(records[0])
    del example.features.feature["sector"]
    del example.features.feature["low"].float_list.value[contract.LOOKBACK :]
    with pytest.raises(InputError) as refusal:
        run.validate(tmp_path, [example.SerializeToString(), *records[1:]])
    assert "feature low" in str(refusal.value)
    assert "feature sector" in str(refusal.value)


def test_component_keeps_the_name_of_the_stock_one(run: ModuleType) -> None:
    component = run.make_component()
    assert component.id == "ExampleValidator"
    assert component.executor_spec.class_path == "components.ingest.validator.Executor"
