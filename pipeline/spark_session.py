"""Opens Spark, and sends it the code that its executors run."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pathlib
import shutil
import socket
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
STANDALONE = "spark://"
CONNECT_SECONDS = 10.0
CODE_FILE = "components.zip"
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1"
"""No rows pass through Java: its optimizing compiler would only take time from Python."""
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
    check_reachable(master)
    try:
        context = _start(master)
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()[-1:]), type(error).__name__)
        raise ConfigError(
            f"--spark-master must be a Spark that starts, got {master or 'none given'}: {reason}; check the "
            "address, and that its Spark is the version of the installed pyspark"
        ) from error
    with context, tempfile.TemporaryDirectory() as folder:
        context.addPyFile(str(zip_code(pathlib.Path(folder))))
        yield context


def _start(master: str) -> SparkContext:
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_SUBMIT_OPTS", JAVA_OPTIONS)
    # Only Java knows what spark-submit and spark-defaults.conf say: it must run before that is read.
    gateway = launch_gateway()  # type: ignore[no-untyped-call]
    conf = SparkConf(_jvm=gateway.jvm).setIfMissing("spark.ui.showConsoleProgress", "false")
    conf.setAppName(APP_NAME)
    if master:
        conf.setMaster(master)
    conf.setIfMissing("spark.master", THIS_MACHINE)
    conf.setIfMissing("spark.executor.extraJavaOptions", JAVA_OPTIONS)
    return SparkContext(conf=conf, gateway=gateway)


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


def check_reachable(master: str) -> None:
    """Raises a ConfigError where a standalone master does not listen; Spark itself would wait for long."""
    if not master.startswith(STANDALONE):
        return
    reason = ""
    for address in master.removeprefix(STANDALONE).split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
            return
        except (OSError, ValueError) as error:
            reason = str(error)
    raise ConfigError(
        f"--spark-master must be a Spark that can be reached, got {master}: {reason}; start it, or check the "
        "address, which is spark://HOST:PORT"
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
