"""Tables of Arrow's as pandas has them: the values stay what they are in the file."""

from __future__ import annotations

import contextlib
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_PANDAS_DAYS = (-106_751, 106_751)
"""1677-09-22 and 2262-04-11 since 1970-01-01: between them moments are counted in nanoseconds."""
_PYTHON_DAYS = (-719_162, 2_932_896)
"""The years 1 to 9999."""
_UNITS_A_DAY = {unit: 86_400 * 10**digits for unit, digits in {"s": 0, "ms": 3, "us": 6, "ns": 9}.items()}


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Returns a table as pandas has it.

    Days become moments where all of them can. Bytes, as which some programs write text, become text where
    they are UTF-8. Whole numbers stay whole beside missing values.
    """
    table = _decode_bytes(table)
    # A day that pandas has no moment for is kept as it is, so that it can be shown.
    is_far = any(_reaches_beyond(column, _PANDAS_DAYS) for column in table.columns)
    table = _write_far_days(table) if is_far else table
    rows = table.to_pandas(
        ignore_metadata=True,
        use_threads=False,
        types_mapper=_map_integers(table).get,
        date_as_object=is_far,
        timestamp_as_object=is_far,
    )
    for name in (field.name for field in table.schema if _is_bytes(field.type)):
        rows[name] = rows[name].map(_decode, na_action="ignore")
    return rows


def _write_far_days(table: pa.Table) -> pa.Table:
    """Makes text of columns with days that Python has no date for either."""
    for index, field in enumerate(table.schema):
        if _reaches_beyond(table.column(index), _PYTHON_DAYS):
            table = table.set_column(index, field.name, table.column(index).cast(pa.string()))
    return table


def _reaches_beyond(column: pa.ChunkedArray, days: tuple[int, int]) -> bool:
    """Says whether a column has days before the first or after the last one, in days since 1970-01-01."""
    if pa.types.is_date32(column.type):
        number, a_day = pa.int32(), 1
    elif pa.types.is_date64(column.type):
        number, a_day = pa.int64(), _UNITS_A_DAY["ms"]
    elif pa.types.is_timestamp(column.type):
        number, a_day = pa.int64(), _UNITS_A_DAY[column.type.unit]
    else:
        return False
    first, last = pc.min_max(column.cast(number)).as_py().values()
    return first is not None and (first < days[0] * a_day or last > days[1] * a_day)


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
