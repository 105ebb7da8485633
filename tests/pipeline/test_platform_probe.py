"""The choice of dependency set and Python, on machines this one is not."""

import pytest

from pipeline import platform_probe as probe

PYTHON_311 = probe.Interpreter("/usr/bin/python3.11", (3, 11, 2), True, True)
PYTHON_312 = probe.Interpreter("/usr/bin/python3.12", (3, 12, 3), True, True)
BARE_312 = probe.Interpreter("/usr/bin/python3.12", (3, 12, 3), False, False)
PYTHON_39 = probe.Interpreter("/usr/bin/python3", (3, 9, 18), True, True)


def machine(glibc, *interpreters, compiler="/usr/bin/g++", architecture="x86_64", distribution="debian"):
    return probe.Machine(architecture, glibc, compiler, list(interpreters), distribution)


@pytest.mark.parametrize(
    ("glibc", "interpreters", "set_name", "python"),
    [
        ((2, 36), [PYTHON_311, PYTHON_312], "wide", PYTHON_311),
        ((2, 38), [PYTHON_312, PYTHON_311], "wide", PYTHON_311),
        ((2, 39), [PYTHON_312], "current", PYTHON_312),
        ((2, 41), [PYTHON_311, PYTHON_312], "current", PYTHON_311),
        ((2, 41), [BARE_312, PYTHON_311], "current", PYTHON_311),
        ((2, 41), [BARE_312], "current", BARE_312),
    ],
)
def test_glibc_chooses_the_set_and_the_set_the_python(glibc, interpreters, set_name, python):
    choice = probe.choose(machine(glibc, *interpreters))
    assert (choice.set_name, choice.interpreter) == (set_name, python)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            machine((2, 36), PYTHON_312),
            "Python must be 3.11 (glibc 2.36 is older than 2.39), got 3.12.3; "
            "apt-get install python3.11-dev python3.11-venv g++",
        ),
        (
            machine((2, 34), PYTHON_39, distribution="rhel fedora"),
            "Python must be 3.11 (glibc 2.34 is older than 2.39), got 3.9.18; "
            "dnf install python3.11-devel gcc-c++",
        ),
        (
            machine((2, 41)),
            "Python must be 3.11 or 3.12 or 3.13 (glibc 2.41 is at least 2.39), got none; "
            "apt-get install python3-dev python3-venv g++",
        ),
        (
            machine(None, PYTHON_311),
            "the machine must be Linux on x86_64 with glibc 2.17 or newer, got x86_64 with no glibc; "
            "use the container image",
        ),
        (
            machine((2, 41), PYTHON_311, architecture="aarch64"),
            "the machine must be Linux on x86_64 with glibc 2.17 or newer, got aarch64 with glibc 2.41; "
            "use the container image",
        ),
    ],
)
def test_a_misfit_is_one_line_that_names_the_packages(where, message):
    with pytest.raises(probe.MisfitError) as misfit:
        probe.choose(where)
    assert str(misfit.value) == message
    assert message.endswith(" ".join(misfit.value.packages))


def test_problems_name_the_package():
    problems = probe.find_problems(machine((2, 41), compiler=""), BARE_312)
    packages = ["python3.12-dev", "python3.12-venv"]
    assert problems == [
        probe.Problem(probe.VENV, packages),
        probe.Problem(probe.HEADERS, packages),
        probe.Problem(probe.COMPILER, ["g++"]),
    ]


def test_a_whole_machine_has_no_problems():
    assert probe.find_problems(machine((2, 41)), PYTHON_312) == []


def test_this_machine_is_probed_for_real():
    here = probe.probe()
    assert here.glibc is not None
    assert any(interpreter.version[:2] == (3, 11) for interpreter in here.interpreters) or here.glibc >= (
        2,
        39,
    )
    assert probe.probe("no-such-python").interpreters == []
