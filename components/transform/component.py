"""Transform over chunk examples: learns on the train split, and not again while that stays the same."""

from __future__ import annotations

from typing import Any, ClassVar

from tfx import types
from tfx.components import Transform
from tfx.components.transform import executor as stock
from tfx.dsl.components.base import executor_spec
from tfx.proto import transform_pb2
from tfx.types import standard_component_specs

from components import contract
from components.reuse.executor import ReusingExecutor
from components.transform import preprocessing

NODE_ID = "Transform"


class TransformExecutor(ReusingExecutor, stock.Executor):
    """The stock executor; other splits than train do not touch what it learns."""

    USED_SPLITS: ClassVar = {standard_component_specs.EXAMPLES_KEY: [contract.TRAIN_SPLIT]}


class BarsTransform(Transform):
    """Learns on `train`; features are computed again where they are read, never stored."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(TransformExecutor)

    def __init__(self, examples: types.BaseChannel, schema: types.BaseChannel) -> None:
        """Makes the component.

        Args:
          examples: chunk examples with a train split.
          schema: of the examples.
        """
        function: Any = preprocessing.preprocessing_fn
        super().__init__(
            examples=examples,
            schema=schema,
            preprocessing_fn=f"{function.__module__}.{function.__name__}",
            splits_config=transform_pb2.SplitsConfig(
                analyze=[contract.TRAIN_SPLIT], transform=[contract.TRAIN_SPLIT]
            ),
            materialize=False,
        )
        self.with_id(NODE_ID)
