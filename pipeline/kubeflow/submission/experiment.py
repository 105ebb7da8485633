"""The experiment that runs are grouped under."""

from __future__ import annotations

from typing import Any

from pipeline.kubeflow.submission.connection import Connection
from pipeline.kubeflow.submission.upload import PAGE_SIZE, name_filter


def find_or_create_experiment(connection: Connection, name: str) -> str:
    """The id of the experiment of a name, made if missing.

    Raises:
      MarketcastError: KFP refuses, such as for a namespace that is unknown or not the caller's.
    """
    found = find_experiment(connection, name)
    if found is None:
        body = connection.models.V2beta1Experiment(display_name=name, namespace=connection.namespace or None)
        found = connection.create(
            f"create the experiment {name}{_place(connection)}",
            lambda: find_experiment(connection, name),
            connection.client.experiments.experiment_service_create_experiment,
            body,
        )
    return str(found.experiment_id)


def find_experiment(connection: Connection, name: str) -> Any | None:
    """The experiment of a name; None where there is none."""
    found = connection.call(
        f"list experiments{_place(connection)}",
        connection.client.experiments.experiment_service_list_experiments,
        namespace=connection.namespace or None,
        filter=name_filter(name),
        page_size=PAGE_SIZE,
    )
    return next((e for e in found.experiments or [] if e.display_name == name), None)


def _place(connection: Connection) -> str:
    return f" in namespace {connection.namespace}" if connection.namespace else ""
