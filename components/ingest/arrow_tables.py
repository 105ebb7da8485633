"""Tables of Arrow's as pandas has them: the values stay what they are in the file."""

from __future__ import annotations

import contextlib
from typing import Any

import pandas as pd
import pyarrow as pa


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Returns a table as pandas has it.

    Days become moments where that is possible. Bytes, as which some programs write text, become text where
    they are UTF-8. Whole numbers stay whole beside missing values.
    """
    table = _decode_bytes(table)
    options = {"ignore_metadata": True, "use_threads": False, "types_mapper": _map_integers(table).get}
    try:
        rows = table.to_pandas(date_as_object=False, **options)
    except pa.ArrowInvalid:  # A day that pandas has no moment for: keep it as it is, so that it can be shown.
        rows = table.to_pandas(**options)
    for name in (field.name for field in table.schema if _is_bytes(field.type)):
        rows[name] = rows[name].map(_decode, na_action="ignore")
    return rows


def _decode_bytes(table: pa.Table) -> pa.Table:
    """Makes text of columns of bytes; one of which a value is no UTF-8 stays as it is."""
    for index, field in enumerate(table.schema):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if not _is_bytes(kind):
            continue
        column = table.column(index).cast(kind)
        with contextlib.suppress(pa.ArrowInvalid):
            column = column.cast(pa.string())
        table = table.set_column(index, field.name, column)
    return table


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)


def _decode(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeError:
        return value


def _map_integers(table: pa.Table) -> dict[pa.DataType, Any]:
    """Types of pandas that hold whole numbers beside missing values; pandas makes floats of them else."""
    kinds = {column.type for column in table.columns if column.null_count}
    return {
        kind: pd.UInt64Dtype() if pa.types.is_unsigned_integer(kind) else pd.Int64Dtype()
        for kind in kinds
        if pa.types.is_integer(kind)
    }
