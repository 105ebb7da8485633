"""A user's error is found under whatever a framework wraps around it."""

import pytest

from components.errors import ConfigError, InputError, MarketcastError
from pipeline.failures import find_user_error, first_line

MESSAGE = "bars must rise, got a fall; raise them"


def wrap(inner, outer):
    try:
        try:
            raise inner
        except Exception as error:
            raise outer from error
    except Exception as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        InputError(MESSAGE),
        wrap(InputError(MESSAGE), RuntimeError("wrapped")),
        InputError(f"{MESSAGE} [while running 'Read/Map(refuse)-ptransform-7']"),
        RuntimeError(
            f"Traceback (most recent call last):\n  File x\ncomponents.errors.InputError: {MESSAGE} "
            "[while running 'Read']\n\nDuring handling ...\n"
            f"components.errors.InputError: {MESSAGE} [while running 'Read']\n"
        ),
    ],
)
def test_it_is_found_without_the_wrapping(error):
    found = find_user_error(error)
    assert (type(found), str(found), found.exit_code) == (InputError, MESSAGE, 4)


def test_other_errors_are_none_of_the_users():
    assert find_user_error(wrap(KeyError("x"), RuntimeError("components.errors.Nothing: x"))) is None


def test_a_ring_of_causes_ends():
    error = RuntimeError("a")
    error.__cause__ = wrap(error, RuntimeError("b"))
    assert find_user_error(error) is None


def test_first_line():
    assert first_line(RuntimeError("\none\ntwo")) == "one"
    assert first_line(KeyError()) == "KeyError"


def test_exit_codes():
    assert [kind.exit_code for kind in (MarketcastError, InputError, ConfigError)] == [1, 4, 4]
