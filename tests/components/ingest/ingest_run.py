"""Runs BarsExampleGen's executor and reads what it wrote; imports TensorFlow and TFX."""

from __future__ import annotations

import hashlib
import pathlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import tensorflow as tf
from tfx import types
from tfx.types import standard_artifacts

from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig
from components.ingest.component import BarsExampleGen, IngestReport
from components.ingest.examples import encode_chunk
from components.ingest.executor import Executor
from components.ingest.source_config import SourceConfig
from components.transform.market_config import ALONE, MarketConfig
from tests.beam_arguments import BEAM_ARGUMENTS
from tests.components.ingest.shipped import SHIPPED_CHUNKS, SHIPPED_SOURCE

__all__ = ["BarsExampleGen", "Written", "encode_chunk", "run_ingest"]

POLICIES = ValidationConfig()


class Written(NamedTuple):
    """The two artifacts of a run."""

    examples: types.Artifact
    report: types.Artifact

    def files(self) -> dict[str, str]:
        """Path within the artifacts -> SHA-256."""
        found = {}
        for root in (pathlib.Path(self.examples.uri), pathlib.Path(self.report.uri)):
            for path in sorted(p for p in root.rglob("*") if p.is_file()):
                found[f"{root.name}/{path.relative_to(root)}"] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def read(self, split: str) -> list[tf.train.Example]:
        """The split's tf.Examples, in the files' order."""
        paths = sorted(map(str, pathlib.Path(self.examples.uri).glob(f"Split-{split}/*")))
        records = tf.data.TFRecordDataset(paths, compression_type="GZIP").as_numpy_iterator()
        return [tf.train.Example.FromString(record) for record in records]


def run_ingest(
    folder: pathlib.Path,
    source: SourceConfig = SHIPPED_SOURCE,
    validation: ValidationConfig = POLICIES,
    chunks: ChunkConfig = SHIPPED_CHUNKS,
    fingerprint: str = "",
    beam_args: Sequence[str] = BEAM_ARGUMENTS,
    market: MarketConfig = ALONE,
    properties: Mapping[str, str] = MappingProxyType({}),
) -> Written:
    """Runs the component's executor with the properties that the component makes, and others."""
    component = BarsExampleGen(source, validation, chunks, fingerprint).with_market(market)
    written = Written(standard_artifacts.Examples(), IngestReport())
    written.examples.uri, written.report.uri = str(folder / "examples"), str(folder / "report")
    context = Executor.Context(beam_pipeline_args=list(beam_args), tmp_dir=str(folder / "tmp"), unique_id="1")
    output = {"examples": [written.examples], "report": [written.report]}
    Executor(context).Do({}, output, {**component.exec_properties, **properties})
    return written
