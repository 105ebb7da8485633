"""Opens Spark, and sends it the code that its executors run."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pathlib
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import components
from components.errors import ConfigError

if TYPE_CHECKING:
    from pyspark import SparkContext

APP_NAME = "marketcast ingest"
THIS_MACHINE = "local[*]"
CODE_FILE = "components.zip"
_OF_A_CHECKOUT = 1980, 1, 1, 0, 0, 0
"""Time of every file in the zip: the same code gives the same zip."""


@contextlib.contextmanager
def open_context(master: str) -> Iterator[SparkContext]:
    """Starts Spark, or joins what spark-submit has started, and stops it at the end.

    Args:
      master: URL; empty for spark-submit's or spark-defaults.conf's, or this machine where there is none.
    Raises:
      ConfigError: pyspark or Java is missing, or the master cannot be reached.
    """
    check_installed()
    from pyspark import SparkConf, SparkContext

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = SparkConf().setAppName(APP_NAME).setIfMissing("spark.ui.showConsoleProgress", "false")
    if master:
        conf.setMaster(master)
    conf.setIfMissing("spark.master", THIS_MACHINE)
    try:
        context = SparkContext(conf=conf)
    except Exception as error:
        reason = str(error).strip().splitlines()[-1]
        raise ConfigError(
            f"--spark-master must be a Spark that starts, got {conf.get('spark.master')}: {reason}; check "
            "the address, and that its Spark is the version of the installed pyspark"
        ) from error
    with context, tempfile.TemporaryDirectory() as folder:
        context.addPyFile(str(zip_code(pathlib.Path(folder))))
        yield context


def check_installed() -> None:
    """Raises a ConfigError where pyspark or Java is missing."""
    if importlib.util.find_spec("pyspark") is None:
        raise ConfigError("--engine spark must find pyspark, got none; pip install pyspark==3.5.9")
    java_home = os.environ.get("JAVA_HOME")
    if not shutil.which(os.path.join(java_home, "bin", "java") if java_home else "java"):
        raise ConfigError(
            "--engine spark must find Java 8, 11 or 17, got none; apt-get install default-jre-headless, or "
            "set JAVA_HOME"
        )


def zip_code(folder: pathlib.Path) -> pathlib.Path:
    """Writes the package `components` as a zip that Python imports from, and returns its path."""
    root = pathlib.Path(components.__path__[0])
    path = folder / CODE_FILE
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(root.rglob("*.py")):
            entry = zipfile.ZipInfo(str(file.relative_to(root.parent)), _OF_A_CHECKOUT)
            archive.writestr(entry, file.read_bytes())
    return path
