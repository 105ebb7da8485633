"""A program that calls run_fn as TFX's Trainer does; its argument is a file of JSON."""

from __future__ import annotations

import json
import pathlib
import sys

from components.train import run_fn
from components.transform.market_property import market_property


def write_task(path: pathlib.Path, prepared, train: dict, model_folder: pathlib.Path) -> None:
    """Writes the file of JSON: chunk files and Transform graph, and where the model goes."""
    task = {
        "transform_graph_path": str(pathlib.Path(prepared.transform.transform_savedmodel_dir).parent),
        "train_files": [prepared.splits["train"]],
        "eval_files": [prepared.splits["eval"]],
        "serving_model_dir": str(model_folder),
        "custom_config": {
            run_fn.MODEL_CONFIG: json.dumps({"units": 4, "dropout": 0.0}),
            run_fn.TRAIN_CONFIG: json.dumps(train),
            **market_property(),
        },
    }
    path.write_text(json.dumps(task))


def train(path: pathlib.Path) -> None:
    """Runs run_fn on what the file says."""
    from tfx.components.trainer.fn_args_utils import FnArgs

    unset = {"working_dir": "", "train_steps": None, "eval_steps": None}
    run_fn.run_fn(FnArgs(**unset, **json.loads(path.read_text())))


if __name__ == "__main__":
    train(pathlib.Path(sys.argv[1]))
