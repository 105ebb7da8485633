"""The search: KerasTuner chooses and remembers, processes of their own score; it can be resumed."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import json
import multiprocessing
import os
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner

from components import progress
from components.tune.config import TuneConfig, read_values
from components.tune.objective import Objective

PINBALL = "pinball"
HYPERPARAMETERS_FILE = "best_hyperparameters.txt"
"""As TFX's Trainer looks for it."""
CONFIGURED_FILE = "configured.json"
_PROJECT = "trials"
_IDLE_SECONDS = 0.1

Score = Callable[[Mapping[str, float]], float]


@dataclasses.dataclass(frozen=True)
class Trial:
    """Values by key of tune.space, and the mean pinball loss with them."""

    values: Mapping[str, float]
    pinball: float


@dataclasses.dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
      configured: what the configuration has for the same keys, and its loss.
      trials: the best first.
      hyperparameters: KerasTuner's configuration of the best values, see `best`.
    """

    configured: Trial
    trials: tuple[Trial, ...]
    hyperparameters: dict[str, Any]

    @property
    def best(self) -> Trial:
        """Of all the least loss; of equal ones the configuration."""
        return min((self.configured, *self.trials), key=lambda trial: trial.pinball)


def search(objective: Objective, config: TuneConfig, folder: pathlib.Path) -> Found:
    """Tries choices, several at a time; what is finished is kept in the folder.

    Choices are drawn at random: those of the n-th trial hang on the seed alone, not on which process was
    quicker, so that any number of processes tries the same.

    Args:
      folder: of the trials; another search with the same arguments goes on there.
    """
    space = keras_tuner.HyperParameters()
    for key, values in config.space.items():
        space.Choice(key, list(values))
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective(PINBALL, direction="min"),
        max_trials=config.trials,
        seed=config.seed,
        hyperparameters=space,
        allow_new_entries=False,
        tune_new_entries=False,
    )
    tuner = _Keeper(oracle, directory=str(folder), project_name=_PROJECT)
    with _start_workers(objective, config.parallel) as pool, concurrent.futures.ThreadPoolExecutor() as hands:
        try:
            configured = _score_configured(pool, folder / CONFIGURED_FILE)
            loops = [hands.submit(_try_choices, pool, tuner, f"tuner{n}") for n in range(config.parallel)]
            for loop in concurrent.futures.as_completed(loops):
                loop.result()
        except BaseException:
            # Otherwise the pool waits for trials that nobody wants any more.
            for process in multiprocessing.active_children():
                process.terminate()
            raise
    tried = oracle.get_best_trials(config.trials)
    trials = tuple(Trial(dict(trial.hyperparameters.values), float(trial.score)) for trial in tried)
    own = read_values(objective.settings.model, objective.settings.train, config.space)
    found = Found(Trial(own, configured), trials, space.get_config())
    found.hyperparameters["values"] = dict(found.best.values)
    return found


def write_hyperparameters(found: Found, folder: pathlib.Path) -> pathlib.Path:
    """Writes the best ones as TFX's Trainer reads them."""
    path = folder / HYPERPARAMETERS_FILE
    path.write_text(json.dumps(found.hyperparameters) + "\n", encoding="utf-8")
    return path


class _Keeper(keras_tuner.engine.base_tuner.BaseTuner):
    """Keeps the oracle's trials in files; an earlier search's are taken up when it is made."""


def _try_choices(pool: concurrent.futures.Executor, tuner: _Keeper, name: str) -> None:
    """Asks for choices and has them scored until there are enough."""
    oracle = tuner.oracle
    while (trial := oracle.create_trial(name)).status != keras_tuner.engine.trial.TrialStatus.STOPPED:
        if trial.status == keras_tuner.engine.trial.TrialStatus.IDLE:
            time.sleep(_IDLE_SECONDS)
            continue
        loss = pool.submit(_score, dict(trial.hyperparameters.values)).result()
        oracle.update_trial(trial.trial_id, {PINBALL: loss})
        trial.status = keras_tuner.engine.trial.TrialStatus.COMPLETED
        oracle.end_trial(trial)
        tuner.save()
        progress.report("trials", len(oracle.end_order), oracle.max_trials)


def _score_configured(pool: concurrent.futures.Executor, path: pathlib.Path) -> float:
    """The score of the configuration itself, once."""
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps({PINBALL: pool.submit(_score, {}).result()}) + "\n")
        os.replace(unfinished, path)
    return float(json.loads(path.read_text())[PINBALL])


def _start_workers(objective: Objective, number: int) -> concurrent.futures.ProcessPoolExecutor:
    # A forked process would inherit TensorFlow's threads without their locks' owners.
    context = multiprocessing.get_context("spawn")
    return concurrent.futures.ProcessPoolExecutor(number, context, _set_objective, (objective,))


_worker: dict[str, Score] = {}


def _set_objective(objective: Objective) -> None:
    _worker[PINBALL] = functools.partial(objective.score)


def _score(values: Mapping[str, float]) -> float:
    return _worker[PINBALL](values)
