"""serving.model_server.batching: requests of the same kind run together, and each gets its own rows."""

from __future__ import annotations

import concurrent.futures
import threading

import grpc
import numpy as np
import pytest

from components.errors import ConfigError
from serving.model_server.batching_parameters import BatchingParameters, read_batching_parameters

pytestmark = pytest.mark.tf


class Model:
    """Doubles its rows, remembers the sizes of its runs, and can be held up."""

    def __init__(self):
        self.sizes = []
        self.may_run = threading.Event()
        self.may_run.set()
        self.is_running = threading.Event()

    def __call__(self, arrays):
        self.is_running.set()
        assert self.may_run.wait(30)
        (array,) = arrays
        self.sizes.append(len(array))
        if (array < 0).any():
            raise ValueError("a row must be positive")
        return [array * 2, array[:, 0]]


@pytest.fixture
def batch():
    """Makes a batcher and asks it from threads."""
    from serving.model_server.batching import Batcher

    batchers = []

    def make(**parameters):
        batchers.append(Batcher(BatchingParameters(num_batch_threads=1, **parameters)))
        return batchers[-1]

    yield make
    for batcher in batchers:
        batcher.stop()


def rows(*values, width=2):
    return np.array(values, np.float32)[:, np.newaxis].repeat(width, axis=1)


def ask_while_busy(batcher, model, requests):
    """Answers of requests that all wait while the only thread is held up by another one."""
    model.may_run.clear()
    model.is_running.clear()
    with concurrent.futures.ThreadPoolExecutor(len(requests) + 1) as pool:
        first = pool.submit(batcher.run, "busy", model, [rows(1)])
        assert model.is_running.wait(30)
        futures = [pool.submit(batcher.run, key, model, [array]) for key, array in requests]
        expected = sum(len(array) for _, array in requests)
        while batcher_rows(batcher) < expected and not any(future.done() for future in futures):
            pass
        model.may_run.set()
        first.result(30)
        concurrent.futures.wait(futures, 30)
    model.sizes.pop(0)
    return futures


def batcher_rows(batcher):
    return sum(batch.num_rows for queue in list(batcher._queues.values()) for batch in list(queue))


def test_requests_that_wait_run_together_and_each_gets_its_rows(batch):
    model = Model()
    arrays = [rows(1), rows(2, 3), rows(4)]
    futures = ask_while_busy(batch(), model, [("a", array) for array in arrays])
    for future, array in zip(futures, arrays, strict=True):
        doubled, first_column = future.result()
        np.testing.assert_array_equal(doubled, array * 2)
        np.testing.assert_array_equal(first_column, array[:, 0])
    assert model.sizes == [4]


def test_other_kinds_and_other_shapes_run_apart(batch):
    model = Model()
    requests = [("a", rows(1)), ("b", rows(2)), ("a", rows(3, width=5))]
    futures = ask_while_busy(batch(), model, requests)
    assert model.sizes == [1, 1, 1]
    assert [future.result()[0].shape for future in futures] == [(1, 2), (1, 2), (1, 5)]


def test_a_bad_row_spoils_no_neighbour(batch):
    model = Model()
    futures = ask_while_busy(batch(), model, [("a", rows(1)), ("a", rows(-1)), ("a", rows(2))])
    np.testing.assert_array_equal(futures[0].result()[0], rows(2))
    np.testing.assert_array_equal(futures[2].result()[0], rows(4))
    with pytest.raises(ValueError, match="a row must be positive"):
        futures[1].result()


def test_a_batch_is_filled_up_to_an_allowed_size(batch):
    model = Model()
    batcher = batch(max_batch_size=8, allowed_batch_sizes=(4, 8))
    futures = ask_while_busy(batcher, model, [("a", rows(1, 2)), ("a", rows(3))])
    assert model.sizes == [4]
    assert [len(future.result()[0]) for future in futures] == [2, 1]
    batcher.run("a", model, [rows(*range(5))])
    assert model.sizes == [4, 8]


def test_a_full_batch_starts_another_one_and_a_full_queue_refuses(batch):
    from serving.model_server.request_error import RequestError

    model = Model()
    batcher = batch(max_batch_size=2, max_enqueued_batches=2)
    futures = ask_while_busy(batcher, model, [("a", rows(value)) for value in range(1, 6)])
    refused = [future.exception() for future in futures if future.exception()]
    assert sorted(model.sizes) == [2, 2]
    assert [(type(error), error.code) for error in refused] == [(RequestError, grpc.StatusCode.UNAVAILABLE)]
    assert "queue to which this task was submitted is full" in refused[0].message


def test_a_batch_waits_for_more_rows_until_its_time_is_up(batch):
    model = Model()
    batcher = batch(batch_timeout_micros=60_000_000, max_batch_size=2)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(batcher.run, "a", model, [rows(value)]) for value in (1, 2)]
        assert [future.result(30)[0][0, 0] for future in futures] == [2, 4]
    assert model.sizes == [2]
    soon = batch(batch_timeout_micros=1000, max_batch_size=2)
    assert soon.run("a", model, [rows(3)])[0][0, 0] == 6


@pytest.mark.parametrize(
    ("arrays", "code", "message"),
    [
        ([rows(*range(9))], "INVALID_ARGUMENT", "Task size 9 is larger than maximum input batch size 8"),
        ([np.float32(1)], "INVALID_ARGUMENT", "must have at least one dimension"),
        ([rows(1), rows(1, 2)], "INVALID_ARGUMENT", "must have equal 0th-dimension size"),
    ],
)
def test_what_cannot_be_joined_is_refused(batch, arrays, code, message):
    from serving.model_server.request_error import RequestError

    with pytest.raises(RequestError, match=message) as caught:
        batch(max_batch_size=8).run("a", Model(), [np.asarray(array) for array in arrays])
    assert caught.value.code.name == code


@pytest.mark.parametrize(
    ("output", "message"),
    [(np.float32(1), "has 0 dimensions"), (np.zeros(7), "0th dimension does not equal the sum")],
)
def test_an_output_without_a_row_for_each_ticker_is_refused_as_tensorflow_serving_does(
    batch, output, message
):
    from serving.model_server.request_error import RequestError

    with pytest.raises(RequestError, match=message) as caught:
        batch().run("a", lambda _: [np.asarray(output)], [rows(1)])
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION


def test_the_file_is_tensorflow_servings(tmp_path):
    file = tmp_path / "batching.txt"
    file.write_text(
        "max_batch_size { value: 64 } batch_timeout_micros { value: 500 } num_batch_threads { value: 3 }\n"
        "max_enqueued_batches { value: 7 } allowed_batch_sizes: 16 allowed_batch_sizes: 64\n"
        "thread_pool_name { value: 'x' } pad_variable_length_inputs: true"
    )
    assert read_batching_parameters(str(file)) == BatchingParameters(64, 500, 7, 3, (16, 64))
    assert read_batching_parameters("") == BatchingParameters()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch: 3", r"batching.txt:1:1 .*no field named \"max_batch\""),
        ("max_batch_size { value: 0 }", "max_batch_size must be at least 1, got 0"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must be zero or more, got -1"),
        ("max_batch_size { value: 8 } allowed_batch_sizes: 4", r"must rise .* max_batch_size 8, got \[4\]"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(tmp_path, text, message):
    file = tmp_path / "batching.txt"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_batching_parameters(str(file))
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="must name a file that can be read"):
        read_batching_parameters(str(tmp_path / "missing"))
