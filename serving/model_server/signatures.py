"""What a request asks of a signature: its inputs as arrays of the right types, and the outputs to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from serving.model_server.request_error import refuse
from serving.tensors import Array, read_tensor


def read_inputs(infos: Mapping[str, Any], tensors: Mapping[str, Any]) -> dict[str, Array]:
    """The arrays of a request.

    Args:
      infos: the signature's inputs, alias -> TensorInfo.
      tensors: the request's inputs, alias -> TensorProto.
    Raises:
      RequestError: a tensor is missing, unknown, no tensor, or not of the signature's type.
    """
    _check_names(infos, tensors)
    return {alias: _read_input(alias, info, tensors[alias]) for alias, info in infos.items()}


def check_inputs(infos: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Raises RequestError unless there is an array for each input, of its type and shape."""
    _check_names(infos, arrays)
    for alias, info in infos.items():
        dtype = tf.dtypes.as_dtype(info.dtype)
        if arrays[alias].dtype != dtype.as_numpy_dtype:
            raise refuse(f"{alias} must be {dtype.name}, got {arrays[alias].dtype}")
        _check_shape(alias, info, arrays[alias])


def choose_outputs(infos: Mapping[str, Any], output_filter: Sequence[str]) -> tuple[str, ...]:
    """The aliases to answer: those asked for, or all in order of name.

    Raises:
      RequestError: one is unknown, or is asked for twice.
    """
    for index, alias in enumerate(output_filter):
        if alias not in infos:
            raise refuse(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in the set "
                f"{{{','.join(sorted(infos))}}}."
            )
        if alias in output_filter[:index]:
            raise refuse(f"duplicate output tensor alias: {alias}")
    return tuple(output_filter) or tuple(sorted(infos))


def _check_names(infos: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    if infos.keys() == given.keys():
        return
    sent_extra, missing = sorted(given.keys() - infos.keys()), sorted(infos.keys() - given.keys())
    raise refuse(
        f"input size does not match signature: {len(given)}!={len(infos)} "
        f"len({{{','.join(sorted(given))}}}) != len({{{','.join(sorted(infos))}}}). "
        f"Sent extra: {{{','.join(sent_extra)}}}. Missing but required: {{{','.join(missing)}}}."
    )


def _read_input(alias: str, info: Any, tensor: Any) -> Array:
    if tensor.dtype != info.dtype:
        raise refuse(f"{alias} must be {_type_name(info.dtype)}, got {_type_name(tensor.dtype)}")
    try:
        array = read_tensor(tensor)
    except ValueError as error:
        raise refuse(f"tensor parsing error: {alias}: {error}") from error
    _check_shape(alias, info, array)
    return array


def _check_shape(alias: str, info: Any, array: Array) -> None:
    shape = info.tensor_shape
    if shape.unknown_rank:
        return
    sizes = [dim.size for dim in shape.dim]
    if len(sizes) != array.ndim or any(
        size not in (-1, given) for size, given in zip(sizes, array.shape, strict=True)
    ):
        raise refuse(f"{alias} must have the shape {tf.TensorShape(shape)}, got {list(array.shape)}")


def _type_name(number: int) -> str:
    try:
        return str(tf.dtypes.as_dtype(number).name)
    except TypeError:
        return str(number)
