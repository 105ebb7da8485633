"""Rules of the house that a machine can hold: imports, sizes, names."""

import ast
import pathlib
import re
import subprocess
import sys
import tomllib

import grimp
import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGES = ("components", "pipeline", "serving")
PYTHON_FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
HAND_WRITTEN = [file for file in PYTHON_FILES if not file.name.endswith(("_pb2.py", "_pb2_grpc.py"))]
MAX_LINES = 300
MAX_ARGUMENTS = 6
PURE_CONTRACT = "pure modules import no framework"


def name_of(file):
    return str(file.relative_to(ROOT))


def read_contract(name):
    with open(ROOT / "pyproject.toml", "rb") as stream:
        contracts = tomllib.load(stream)["tool"]["importlinter"]["contracts"]
    return next(contract for contract in contracts if contract["name"] == name)


def test_imports_go_the_right_way():
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as c; c()",
        "--no-cache",
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_module_that_can_be_pure_is_held_to_it():
    contract = read_contract(PURE_CONTRACT)
    graph = grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)
    ours = {module for module in graph.modules if module.split(".")[0] in PACKAGES}
    modules = {module for module in ours if (ROOT / f"{module.replace('.', '/')}.py") in HAND_WRITTEN}
    frameworks = [name for name in contract["forbidden_modules"] if name in graph.modules]
    touched = set()
    for framework in frameworks:
        touched |= graph.find_downstream_modules(framework)
    free = modules - touched - set(contract["source_modules"])
    assert not free, f"add to {PURE_CONTRACT!r}: {sorted(free)}"


def test_the_contract_imports_nothing():
    tree = ast.parse((ROOT / "components" / "contract.py").read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize("file", HAND_WRITTEN, ids=name_of)
def test_files_are_short_and_described(file):
    text = file.read_text()
    assert len(text.splitlines()) <= MAX_LINES
    assert ast.get_docstring(ast.parse(text)) or not text.strip(), "a module says what it is for"


@pytest.mark.parametrize("file", HAND_WRITTEN, ids=name_of)
def test_functions_take_few_arguments(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            counted = [name for name in names if name not in ("self", "cls")]
            assert len(counted) <= MAX_ARGUMENTS, f"{node.name}: make a dataclass of its arguments"


@pytest.mark.parametrize("file", HAND_WRITTEN, ids=name_of)
def test_code_is_finished_and_raises(file):
    text = file.read_text()
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)
    assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Assert)], "raise instead"
    assert not re.search(r"tf\.keras|from tensorflow import keras", text), "TFT makes tf.keras Keras 2"


def test_no_module_is_named_after_nothing():
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    assert not [name_of(file) for file in PYTHON_FILES if set(file.stem.split("_")) & vague]
