"""k8s/components/drift on a real Kubernetes: it asks the servers, and its Service tells the figures."""

from __future__ import annotations

import shutil

import pytest

from tests.cluster.scene import FOLDER, NAMESPACE, ROOT, SECONDS, execute, kubectl, offer_volume
from tests.cluster.test_serving import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("stack")]
FIGURES = "http://marketcast-drift:9101/metrics"


def test_the_watch_tells_how_past_forecasts_fared(volume):
    bars = volume.parent / "bars"
    bars.mkdir()
    shutil.copy(ROOT / "data/raw/stock_prices.csv", bars / "bars.csv")
    offer_volume(bars, NAMESPACE, "marketcast-bars")
    kubectl("apply", f"--kustomize={FOLDER / 'manifests' / 'watched'}")
    kubectl("rollout", "status", "deployment/marketcast-drift", f"--timeout={SECONDS}s")
    wait_for(lambda: 'marketcast_drift_coverage_ratio{band="90"}' in figures())
    # Sixty days of the four tickers whose bars are sound.
    assert "marketcast_drift_forecasts 240" in figures()


def figures() -> str:
    """What Prometheus would be told, asked by a pod through the Service."""
    read = f"import urllib.request as r; print(r.urlopen('{FIGURES}').read().decode())"
    return execute("client", "python", "-c", read, is_checked=False)
