"""What the check says of a package that breaks a rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from pipeline.kubeflow.package import PackageError


@dataclasses.dataclass(frozen=True)
class Violation:
    """One broken rule.

    Attributes:
      rule: short name of the rule.
      place: where in the package, such as root.dag.tasks[Trainer].inputs.artifacts.model.
      message: `<place> must <expected>, got <value>; <how to mend it>`; never a secret.
      consequence: what KFP says to it, or does when it says nothing.
    """

    rule: str
    place: str
    message: str
    consequence: str

    def __str__(self) -> str:
        return f"[{self.rule}] {self.message} ({self.consequence})"


Violations = Iterable[Violation]


def broken(rule: str, place: str, how: str, consequence: str) -> Violation:
    """Makes a violation.

    Args:
      rule: its name.
      place: where.
      how: `must <expected>, got <value>; <how to mend it>`.
      consequence: see `refused`, `refused_run` and `accepted`.
    """
    return Violation(rule, place, f"{place} {how}", consequence)


def refused(words: str) -> str:
    """The consequence of what KFP refuses to take up, in its words."""
    return f"KFP refuses it: {words}"


def refused_run(words: str) -> str:
    """The consequence of what can be uploaded, but not run; in KFP's words."""
    return f"KFP refuses the run: {words}"


def accepted(outcome: str) -> str:
    """The consequence of what KFP lets pass, which is what makes the check worth its while."""
    return f"KFP accepts it; {outcome}"


def raise_on(violations: list[Violation], name: str) -> None:
    """Raises where a rule is broken.

    Args:
      violations: of one package.
      name: what the error calls the package.
    Raises:
      PackageError: lists all of them, one a line.
    """
    if violations:
        lines = "".join(f"\n  {violation}" for violation in violations)
        raise PackageError(
            f"{name} must keep every rule of the check, got {len(violations)} broken; mend each:{lines}"
        )
