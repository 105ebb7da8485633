"""The slide's chart: what is in the files, and that equal results give equal ones."""

from __future__ import annotations

import math
import re
import struct
import xml.etree.ElementTree as ET

import matplotlib
import matplotlib.image
import pytest

from components import contract
from components.backtest import results
from components.backtest.slide_chart import HEIGHT_PIXELS, WIDTH_PIXELS, draw_slide, take_fan, tell_coverage
from components.errors import InputError
from tests.components.backtest.random_results import MODELS, draw_table

TABLE = draw_table()
SVG = "{http://www.w3.org/2000/svg}"


def group(root, name):
    return next(node for node in root.iter(f"{SVG}g") if node.get("id") == name)


def count_points(node):
    return len(re.findall(r"[ML] ", next(node.iter(f"{SVG}path")).get("d")))


@pytest.fixture(name="svg", scope="module")
def fixture_svg(tmp_path_factory):
    path = tmp_path_factory.mktemp("slide") / "slide.svg"
    draw_slide(TABLE, "CCC", path, 40)
    return path.read_text()


def test_the_svg_names_ticker_days_and_coverage(svg):
    fan = take_fan(TABLE, "CCC", 40)
    text = " ".join("".join(node.itertext()) for node in ET.fromstring(svg).iter(f"{SVG}text"))
    assert "CCC: price bands made the trading day before, 2007-07-02 to 2007-08-10" in text
    assert tell_coverage(fan) in text


def test_every_day_is_in_each_path(svg):
    root = ET.fromstring(svg)
    for name in ("median", "closes"):
        assert count_points(group(root, name)) == 40
    for percent in (90, 80, 50):
        points = count_points(group(root, f"band-{percent}"))
        assert points == 2 * 40 + 2, "there and back, and a corner at each end"


def test_equal_results_give_equal_files(svg, tmp_path):
    path = tmp_path / "again.svg"
    draw_slide(draw_table(), "CCC", path, 40)
    assert path.read_text() == svg
    assert "<dc:date>" not in svg


def test_the_png_has_its_size_and_a_picture(tmp_path):
    before = dict(matplotlib.rcParams)
    first, second = tmp_path / "slide.png", tmp_path / "again.png"
    for path in (first, second):
        draw_slide(TABLE, "AAA", path)
    assert struct.unpack(">II", first.read_bytes()[16:24]) == (WIDTH_PIXELS, HEIGHT_PIXELS)
    pixels = matplotlib.image.imread(first)
    assert pixels.shape[:2] == (HEIGHT_PIXELS, WIDTH_PIXELS)
    assert len({tuple(colour) for colour in pixels[::5, ::5, :3].reshape(-1, 3)}) > 20
    assert first.read_bytes() == second.read_bytes()
    assert dict(matplotlib.rcParams) == before, "nothing is left changed for others"


def test_the_fan_holds_prices_of_the_lowest_seed_in_order():
    own = sorted(
        (
            row
            for row in TABLE.to_pylist()
            if (row[contract.TICKER], row[results.MODEL], row[results.SEED], row[contract.HORIZON])
            == ("BBB", contract.MODEL_NAME, 1, 1)
        ),
        key=lambda row: row[results.ORIGIN],
    )[-7:]
    fan = take_fan(TABLE, "BBB", 7)
    assert fan.days.tolist() == [row[contract.DATE] for row in own]
    for index, row in enumerate(own):
        assert fan.closes[index] == pytest.approx(row[contract.CLOSE] * math.exp(row[results.ACTUAL]))
        expected = [row[contract.CLOSE] * math.exp(row[name]) for name in results.QUANTILE_COLUMNS]
        assert fan.prices[index] == pytest.approx(expected)
        assert fan.inside(50)[index] == (row["q25"] <= row[results.ACTUAL] <= row["q75"])


def test_coverage_in_words():
    fan = take_fan(TABLE, "BBB", 7)
    fan.prices[:] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    fan.closes[:] = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    assert (
        tell_coverage(fan) == "90 % band: 6 of 7 closes inside (85.7 %); 80 %: 4 (57.1 %); 50 %: 2 (28.6 %)"
    )


def test_what_cannot_be_drawn(tmp_path):
    with pytest.raises(InputError, match=r"must be a file \.png or \.svg, got slide\.gif; give its name"):
        draw_slide(TABLE, "AAA", tmp_path / "slide.gif")
    with pytest.raises(InputError, match="forecasts of marketcast for ZZZ to draw, got none; name a ticker"):
        draw_slide(TABLE, "ZZZ", tmp_path / "slide.png")
    with pytest.raises(InputError, match="forecasts of marketcast for AAA"):
        draw_slide(draw_table(models=MODELS[2:]), "AAA", tmp_path / "slide.png")
    assert not list(tmp_path.iterdir())
