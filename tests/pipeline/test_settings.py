"""Reading YAML into dataclasses: what is taken, and what a refusal says."""

import dataclasses
from collections.abc import Mapping

import pytest

from components.errors import ConfigError
from pipeline import settings
from pipeline.attribute_docs import attribute_docs


@dataclasses.dataclass(frozen=True)
class Engine:
    """An engine.

    Attributes:
      steps: how many,
        in all.
      rate: how fast.
    """

    steps: int = 3
    rate: float = 0.5
    quiet: bool = False
    flags: tuple[str, ...] = ()
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"engine.steps must be at least 1, got {self.steps}; raise it")


@dataclasses.dataclass(frozen=True)
class Car:
    """A car."""

    colour: str
    engine: Engine


def load(text: str, *overrides: str) -> Car:
    trees = [settings.read_yaml(text, "car.yaml"), *map(settings.read_override, overrides)]
    return settings.build(Car, settings.merge(trees))


def test_values_reach_the_nested_dataclasses():
    text = "colour: 2007-01-01\nengine: {rate: 2e-3, quiet: true, flags: [a, b], names: {close: Close}}"
    engine = Engine(rate=0.002, quiet=True, flags=("a", "b"), names={"close": "Close"})
    assert load(text) == Car("2007-01-01", engine)


def test_a_whole_number_is_a_number():
    rate = load("colour: red\nengine: {rate: 1}").engine.rate
    assert (rate, type(rate)) == (1.0, float)


def test_no_and_on_are_text():
    assert load("colour: no").colour == "no"


def test_later_trees_win_key_by_key():
    car = load(
        "colour: red\nengine: {steps: 5, flags: [a]}", "engine.flags=[b]", "colour=blue", "engine.names.x=y"
    )
    assert car == Car("blue", Engine(steps=5, flags=("b",), names={"x": "y"}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "colour: red\nengine:\n  setps: 4\n",
            "engine.setps must be a known key, got it in car.yaml, line 3; did you mean engine.steps?",
        ),
        (
            "colour: red\nzzz:\n  b: 1\n",
            "zzz must be a known key, got it in car.yaml, line 3; keys there are colour, engine",
        ),
        (
            "colour: red\nengine: {steps: four}",
            "engine.steps must be a whole number, got 'four' (str); change it in car.yaml, line 2",
        ),
        (
            "colour: red\nengine: {steps: 4.5}",
            "engine.steps must be a whole number, got 4.5 (float); change it in car.yaml, line 2",
        ),
        (
            "colour: red\nengine: {steps: true}",
            "engine.steps must be a whole number, got True (bool); change it in car.yaml, line 2",
        ),
        ("colour: 7", "colour must be text, got 7 (int); change it in car.yaml, line 1"),
        ("colour:", "colour must be text, got nothing; change it in car.yaml, line 1"),
        ("colour: {a: b}", "colour must be text, got {'a': 'b'} (dict); change it in car.yaml, line 1"),
        (
            "colour: red\nengine: fast",
            "engine must be a section with keys of its own, got 'fast' (str); change it in car.yaml, line 2",
        ),
        (
            "colour: red\nengine: {flags: a}",
            "engine.flags must be a list, each item text, got 'a' (str); change it in car.yaml, line 2",
        ),
        (
            "colour: red\nengine: {names: a}",
            "engine.names must be a section of `name: value` lines, got 'a' (str); "
            "change it in car.yaml, line 2",
        ),
        ("engine: {steps: 4}", "colour must be given, got nothing; add it to the configuration file"),
        (
            "colour: red\nengine:\n  steps: 0",
            "engine.steps must be at least 1, got 0; raise it (car.yaml, line 3)",
        ),
        (
            "colour: red\nengine: {steps: 1}\nengine: {steps: 2}",
            "engine must stand once, got it again in car.yaml, line 3; take one out",
        ),
        ("just words", "car.yaml must hold `key: value` lines, got 'just words'; write keys"),
        (
            "a: [1",
            "car.yaml, line 1 must be YAML, got expected ',' or ']', but got '<stream end>'; mend the line",
        ),
    ],
)
def test_refusals_name_key_value_and_place(text, message):
    with pytest.raises(ConfigError) as refusal:
        load(text)
    assert str(refusal.value) == message


def test_an_override_is_the_place_of_its_value():
    with pytest.raises(ConfigError, match=r"got 'x' \(str\); change it in --set engine.steps$"):
        load("colour: red", "engine.steps=x")


def test_nothing_after_an_override_is_the_empty_text():
    car = load("colour: red\nengine: {names: {close: Close}}", "colour=", "engine.names.x= ")
    assert (car.colour, car.engine.names) == ("", {"close": "Close", "x": ""})


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "engine.steps=",
            "engine.steps must be a whole number, got nothing; change it in --set engine.steps",
        ),
        ("colour=null", "colour must be text, got nothing; change it in --set colour"),
    ],
)
def test_nothing_is_a_text_alone(assignment, message):
    with pytest.raises(ConfigError, match=f"{message}$"):
        load("colour: red", assignment)


@pytest.mark.parametrize("assignment", ["engine.steps", "=4", "engine..steps=4"])
def test_an_override_must_be_an_assignment(assignment):
    with pytest.raises(ConfigError, match=r"--set must be key\.path=value"):
        settings.read_override(assignment)


def test_docs_come_from_the_docstring():
    assert attribute_docs(Engine) == {"steps": "how many, in all.", "rate": "how fast."}
