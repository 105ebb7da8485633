"""`--setup_file`, by which Beam takes this code to workers that do not run our image."""

import os
import pathlib
import subprocess
import sys
import tarfile

import pytest

from tests.conftest import ROOT

PACKAGES = ("components", "pipeline", "serving")
SOURCES = ("*.py", "*.yaml", "*.pbtxt", "*.proto")


@pytest.fixture(name="checkout")
def fixture_checkout(tmp_path):
    """A copy of what git has: building writes into the folder that it builds."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if name.startswith((*PACKAGES, "setup.py", "pyproject.toml", "README.md")):
            copy = tmp_path / "checkout" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / name).read_bytes())
    return tmp_path / "checkout"


@pytest.mark.tf
def test_beam_s_stager_packs_all_that_a_worker_needs(checkout, tmp_path):
    from apache_beam.runners.portability.stager import Stager

    built = Stager._build_setup_package(str(checkout / "setup.py"), str(tmp_path / "staged"))
    with tarfile.open(built) as archive:
        packed = {pathlib.PurePath(*pathlib.PurePath(name).parts[1:]) for name in archive.getnames()}
    wanted = {
        file.relative_to(checkout)
        for folder in PACKAGES
        for kind in SOURCES
        for file in (checkout / folder).rglob(kind)
    }
    assert len(wanted) > 100
    assert not wanted - packed


@pytest.mark.tf
def test_the_package_installs_alone_and_finds_its_files(checkout, tmp_path):
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*install, "--no-index", "--target", str(target), str(checkout)], check=True)
    program = """
import pathlib
import components.ingest.schema_gen as schema_gen
from pipeline.environment import KUBEFLOW, LOCAL, read_environment
print(pathlib.Path(schema_gen.__file__).parents[2], schema_gen.SCHEMA_FILE.exists())
print(sorted(read_environment(KUBEFLOW)), sorted(read_environment(LOCAL)))
"""
    environment = {**os.environ, "PYTHONPATH": str(target), "PYTHONWARNINGS": "ignore"}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = ended.stdout.splitlines()[-2:]
    assert first == f"{target} True"
    assert second == "['beam', 'kubeflow', 'paths'] ['beam', 'paths']"
