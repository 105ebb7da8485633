"""`marketcast compile`: the pipeline as the package that Kubeflow Pipelines takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from pipeline import quiet
from pipeline.environment import KUBEFLOW
from pipeline.kubeflow.check.check import require_sound
from pipeline.kubeflow.package import Package, format_package, parse_documents, read_documents, write_package


def compile_package(config_file: str, overrides: Sequence[str], output: str, plan: str = "training") -> None:
    """Compiles, checks and writes the package, and says so.

    Args:
      config_file: YAML; empty for none.
      overrides: `key.path=value`.
      output: file of the package.
      plan: key of plans.PLANS.
    Raises:
      ConfigError: the configuration is wrong, or the package breaks a rule; nothing is written then.
    """
    with quiet.divert_output() as screen:
        package = _compile(config_file, overrides, plan)
        # What is written is checked, not what it was made of.
        require_sound(parse_documents(format_package(package), output), output)
        write_package(package, output)
        print(_describe(package, output), file=screen.stdout)


def check_package(file: str, screen: TextIO) -> None:
    """Checks a package that is there.

    Raises:
      PackageError: it breaks a rule; the message names each violation and what KFP makes of it.
    """
    require_sound(read_documents(file), file)
    print(f"{file} keeps every rule", file=screen)


def _compile(config_file: str, overrides: Sequence[str], plan: str) -> Package:
    from pipeline.config import load_config
    from pipeline.kubeflow.compiler.compiler import compile_pipeline
    from pipeline.kubeflow.compiler.plans import PLANS

    return compile_pipeline(load_config(config_file, overrides, KUBEFLOW), PLANS[plan])


def _describe(package: Package, output: str) -> str:
    parameters = package.spec["root"]["inputDefinitions"]["parameters"]
    given = ", ".join(f"{name}={entry['defaultValue']!r}" for name, entry in sorted(parameters.items()))
    tasks = len(package.spec["root"]["dag"]["tasks"])
    return f"{output}: {tasks} tasks; parameters {given}"
