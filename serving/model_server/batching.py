"""Joins requests that come at the same time into one run of the model, as TensorFlow Serving does.

Source: batching_session.cc of TensorFlow Serving and shared_batch_scheduler.h of TensorFlow: the rules, and
the words of the refusals.
"""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import itertools
import threading
import time
from collections.abc import Callable, Hashable, Sequence

import grpc
import numpy as np

from serving.model_server.batching_parameters import BatchingParameters
from serving.model_server.request_error import RequestError, refuse
from serving.tensors import Array

Run = Callable[[Sequence[Array]], list[Array]]
Shapes = tuple[tuple[int, ...], ...]


@dataclasses.dataclass(frozen=True, eq=False)
class _Task:
    """One request: its arrays, each [rows, ...], and who waits for the answer."""

    arrays: Sequence[Array]
    num_rows: int
    answer: concurrent.futures.Future[list[Array]]


@dataclasses.dataclass(eq=False)
class _Batch:
    """Requests that are answered together; open until it is full or its time is up."""

    run: Run
    closes_at: float
    tasks: list[_Task] = dataclasses.field(default_factory=list)
    num_rows: int = 0
    is_full: bool = False


class Batcher:
    """Threads that answer batches; shared by all models of a server.

    Requests are joined that ask the same of the same version and whose rows have the same shape. Others
    go into batches of their own, so that nothing is ever padded to a common length.
    """

    def __init__(self, parameters: BatchingParameters) -> None:
        """Starts the threads."""
        self._parameters = parameters
        self._queues: dict[Hashable, collections.deque[_Batch]] = {}
        self._changed = threading.Condition()
        self._is_stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"batch-{index}", daemon=True)
            for index in range(parameters.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def run(self, key: Hashable, run: Run, arrays: Sequence[Array]) -> list[Array]:
        """Answers one request, together with others of the same key.

        Args:
          key: what is asked of which version.
          run: the model; arrays in, arrays out, rows along the first axis of each.
          arrays: inputs of this request, [rows, ...].
        Returns:
          The rows of each output that belong to this request.
        Raises:
          RequestError: the arrays have no common number of rows, or more than a batch takes; the queue
            is full; an output has not a row for each row.
        """
        task = _Task(arrays, _count_rows(arrays), concurrent.futures.Future())
        if task.num_rows > self._parameters.max_batch_size:
            raise refuse(
                f"Task size {task.num_rows} is larger than maximum input batch size "
                f"{self._parameters.max_batch_size}"
            )
        shapes: Shapes = tuple(array.shape[1:] for array in arrays)
        with self._changed:
            self._enqueue((key, shapes), run, task)
        return task.answer.result()

    def stop(self) -> None:
        """Ends the threads when the batches that wait are answered."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _enqueue(self, key: Hashable, run: Run, task: _Task) -> None:
        """Puts a task into the open batch of its queue, or into a new one."""
        queue = self._queues.setdefault(key, collections.deque())
        if not queue or queue[-1].num_rows + task.num_rows > self._parameters.max_batch_size:
            if len(queue) >= self._parameters.max_enqueued_batches:
                raise RequestError(
                    grpc.StatusCode.UNAVAILABLE,
                    "The batch scheduling queue to which this task was submitted is full",
                )
            if queue:
                queue[-1].is_full = True
            wait_seconds = self._parameters.batch_timeout_micros / 1e6
            queue.append(_Batch(run, time.monotonic() + wait_seconds))
        batch = queue[-1]
        batch.tasks.append(task)
        batch.num_rows += task.num_rows
        batch.is_full = batch.num_rows >= self._parameters.max_batch_size
        self._changed.notify()

    def _work(self) -> None:
        while (batch := self._take()) is not None:
            self._answer(batch)

    def _take(self) -> _Batch | None:
        """Waits for a batch that is full or due, the one that is due first; None when there is no more."""
        with self._changed:
            while True:
                now = time.monotonic()
                closes_at = float("inf")
                if self._queues:
                    key, queue = min(self._queues.items(), key=lambda item: _due(item[1][0]))
                    closes_at = _due(queue[0])
                    if closes_at <= now or self._is_stopping:
                        batch = queue.popleft()
                        if not queue:
                            del self._queues[key]
                        return batch
                elif self._is_stopping:
                    return None
                self._changed.wait(None if closes_at == float("inf") else closes_at - now)

    def _answer(self, batch: _Batch) -> None:
        """Runs a batch. If the model refuses it, each request runs alone: one bad row spoils no neighbour."""
        try:
            answers = self._run(batch.run, batch.tasks)
        except Exception as error:
            if len(batch.tasks) == 1:
                batch.tasks[0].answer.set_exception(error)
                return
            for task in batch.tasks:
                self._answer(_Batch(batch.run, 0.0, [task], task.num_rows))
            return
        for task, answer in zip(batch.tasks, answers, strict=True):
            task.answer.set_result(answer)

    def _run(self, run: Run, tasks: Sequence[_Task]) -> list[list[Array]]:
        """The answers of some tasks: their rows in one run, the outputs cut at their borders."""
        num_rows = sum(task.num_rows for task in tasks)
        size = self._parameters.round_up(num_rows)
        outputs = run([_join(column, size) for column in zip(*(t.arrays for t in tasks), strict=True)])
        for output in outputs:
            _check_output(output, size)
        borders = list(itertools.accumulate((task.num_rows for task in tasks), initial=0))
        return [[output[start:end] for output in outputs] for start, end in itertools.pairwise(borders)]


def _due(batch: _Batch) -> float:
    """When a batch may run: at once where it is full."""
    return float("-inf") if batch.is_full else batch.closes_at


def _count_rows(arrays: Sequence[Array]) -> int:
    """Size of the first axis, which must be the same in each array."""
    if any(array.ndim == 0 for array in arrays):
        raise refuse("Batching input tensors must have at least one dimension.")
    sizes = {array.shape[0] for array in arrays}
    if len(sizes) > 1:
        raise refuse("Batching input tensors supplied in a given call must have equal 0th-dimension size")
    return sizes.pop()


def _join(arrays: Sequence[Array], size: int) -> Array:
    """Rows of several requests, the first one repeated up to `size`: it is a row that the model takes."""
    missing = size - sum(array.shape[0] for array in arrays)
    padding = [np.repeat(arrays[-1][:1], missing, axis=0)] if missing else []
    return np.concatenate([*arrays, *padding]) if len(arrays) > 1 or padding else arrays[0]


def _check_output(output: Array, size: int) -> None:
    if output.ndim == 0:
        raise RequestError(grpc.StatusCode.FAILED_PRECONDITION, "Batched output tensor has 0 dimensions")
    if output.shape[0] != size:
        raise RequestError(
            grpc.StatusCode.FAILED_PRECONDITION,
            "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the "
            "input tensors",
        )
