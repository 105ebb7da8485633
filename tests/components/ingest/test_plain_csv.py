"""Plain CSV files: the bits that pandas reads, and what is not plain is left to pandas."""

from __future__ import annotations

import gzip
import pathlib
import random

import numpy as np
import pandas as pd
import pytest

from components.ingest import plain_csv, tables

HEADER = "ticker,open,close\n"
NUMBERS = ("open", "close")


def _write(folder: pathlib.Path, text: str | bytes, name: str = "bars.csv") -> str:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return str(folder / name)


def _draw_numbers(count: int) -> list[str]:
    """Numbers as they are printed: short, long, tiny, huge, halfway between two doubles."""
    rng = random.Random(3)
    texts = []
    for index in range(count):
        number = rng.uniform(-1e6, 1e6) * 10.0 ** rng.randint(-320, 300)
        half = float(2**53 + 2 * rng.randint(0, 1000))
        texts.append([repr(number), f"{number:.{rng.randint(0, 25)}e}", f"{half + 1:.1f}", "-.5"][index % 4])
    return texts


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "A,1,2\n B ,3.5,4e1\n",
        HEADER + "NA,1,2\nnull,1,2\n,1,2",
        (HEADER + "A,1,2\nB,3,4\n").replace("\n", "\r\n"),
        '"ticker","open",close\n"A","1",2\n"B,C",3," 4"\n"",3,4',
        "\ufeff" + HEADER + "Ä,1e-400, 2\n",
    ],
)
def test_a_plain_file_is_what_pandas_reads(tmp_path: pathlib.Path, text: str) -> None:
    file = _write(tmp_path, text)
    (plain,) = plain_csv.read_plain_blocks(file, NUMBERS, 10)
    expected = tables.read_table(file, NUMBERS).reset_index(drop=True)
    pd.testing.assert_frame_equal(plain.to_pandas().astype({"ticker": object}), expected, check_exact=True)


def test_numbers_have_the_same_bits(tmp_path: pathlib.Path) -> None:
    texts = _draw_numbers(20_000)
    pairs = zip(texts[::2], texts[1::2], strict=True)
    file = _write(tmp_path, HEADER + "".join(f"A,{first},{second}\n" for first, second in pairs))
    (plain,) = plain_csv.read_plain_blocks(file, NUMBERS, len(texts))
    read = np.stack([plain.column(name).to_numpy() for name in NUMBERS], axis=1).reshape(-1)
    assert read.tobytes() == np.array(list(map(float, texts))).tobytes()


@pytest.mark.parametrize(
    "text",
    [
        *(
            HEADER + f"A,1,2\nB,{value},2\n"
            for value in ("", "x", "nan", "-inf", "1e400", "1_0", "+1", "'1'")
        ),
        *(
            HEADER + f"A,1,2{end}"
            for end in ("\n\n", "\r\n\r\n", "\nB,1\n", ",3\n", ",\n", "\rB,1,2\n", "\r")
        ),
        *(HEADER + f"{field},1,2\n" for field in ('"A""B"', '"A\nB"', 'A"B', '"A"B', ' "A"', '"A" ', '"')),
        HEADER + 'A,1,"2\nB,1,"\n',
        HEADER.replace("open", '"open,1"') + "A,1,2\n",
        HEADER + "A\0,1,2\n",
        (HEADER + "Ä,1,2\n").encode("latin-1"),
        HEADER.replace("open", "öffnen").encode("latin-1") + b"A,1,2\n",
        HEADER,
        HEADER.strip(),
        "",
        "ticker,open,open\nA,1,2\n",
        "ticker,open,\nA,1,2\n",
        "name,first,last\nA,1,2\n",
        "\n" + HEADER + "A,1,2\n",
    ],
)
def test_what_is_not_plain_is_for_pandas(tmp_path: pathlib.Path, text: str | bytes) -> None:
    with pytest.raises(plain_csv.NotPlainError):
        list(plain_csv.read_plain_blocks(_write(tmp_path, text), NUMBERS, 10))


def test_a_file_that_breaks_off_is_not_plain(tmp_path: pathlib.Path) -> None:
    whole = gzip.compress((HEADER + "A,1,2\n" * 1000).encode())
    assert len(list(plain_csv.read_plain_blocks(_write(tmp_path, whole, "a.csv.GZ"), NUMBERS, 1000))) == 1
    for name in ("broken.csv.gz", "none.csv.gz"):
        file = _write(tmp_path, whole[:-20], name) if name == "broken.csv.gz" else str(tmp_path / name)
        with pytest.raises(plain_csv.NotPlainError):
            list(plain_csv.read_plain_blocks(file, NUMBERS, 1000))


@pytest.mark.parametrize("last", ["T99,1,2", '"T""9""9",1,2', "T99,many,2"])
def test_blocks_are_of_one_size_and_go_on_where_a_file_ceases_to_be_plain(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    monkeypatch.setattr(plain_csv, "READ_BYTES", 50)
    monkeypatch.setattr(tables, "BLOCK_ROWS", 7)
    lines = [f"T{index},{index}.5,{index}" for index in range(24)]
    file = _write(tmp_path, HEADER + "\n".join([*lines, last]))
    blocks = list(tables.read_blocks(file, NUMBERS))
    assert list(map(len, blocks)) == [7, 7, 7, 4]
    assert pd.api.types.is_float_dtype(blocks[2]["open"])
    expected = tables.read_table(file).astype(str)
    read = pd.concat([block.astype({"ticker": str}) for block in blocks])
    assert read.index.tolist() == expected.index.tolist() == list(range(2, 27))
    assert read["ticker"].tolist() == expected["ticker"].tolist()
    assert read["close"].astype(float).tolist() == expected["close"].astype(float).tolist()
