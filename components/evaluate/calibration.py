"""Whether quantiles mean what they say: coverage with its evidence, and where the labels fall. Pure numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.evaluate.metrics import Floats


def coverage_t(inside: Floats, dates: npt.NDArray[np.generic], nominal: float) -> float:
    """t statistic of a band's coverage less its nominal share, clustered by date.

    Tickers of one date move together; clusters let each date count once, whatever the number of its tickers.

    Args:
      inside: [n], 1 where the label is in the band, else 0.
      dates: [n], of any type with an order.
      nominal: in (0, 1), such as 0.9.
    Returns:
      (mean - nominal) / sqrt(sum over dates of (sum of (inside - mean))**2) * n; negative where the band is
      too narrow. NaN for fewer than two dates or where no date differs from another.
    Source: Cameron and Miller (2015), J. of Human Resources 50(2), of one regressor, a constant; with their
      correction clusters / (clusters - 1).
    """
    _, clusters = np.unique(dates, return_inverse=True)
    num_clusters = int(clusters.max()) + 1 if len(clusters) else 0
    if num_clusters < 2:
        return float("nan")
    mean = float(inside.mean())
    sums = np.bincount(clusters, inside - mean, num_clusters)
    variance = float(sums @ sums) * num_clusters / (num_clusters - 1) / len(inside) ** 2
    return (mean - nominal) / float(np.sqrt(variance)) if variance > 0.0 else float("nan")


def share_below(labels: Floats, quantiles: Floats) -> Floats:
    """Share of labels at or below each quantile; of calibrated ones it equals the level.

    Args:
      labels: [n]; quantiles: [n, levels], same units.
    Returns:
      [levels]; NaN without labels.
    """
    if not len(labels):
        return np.full(quantiles.shape[-1], np.nan)
    shares: Floats = (labels[:, np.newaxis] <= quantiles).mean(axis=0)
    return shares


def pit_histogram(labels: Floats, quantiles: Floats, levels: Floats) -> tuple[Floats, Floats]:
    """The probability integral transform as far as quantiles tell it: labels between neighbours.

    Args:
      labels: [n]; quantiles: [n, levels], not falling; levels: [levels], rising, in (0, 1).
    Returns:
      Share of labels in each of the levels + 1 intervals that the quantiles leave, and the share that a
      calibrated forecast has there. NaN without labels.
    Source: Diebold, Gunther and Tay (1998), International Economic Review 39(4).
    """
    expected = np.diff(np.concatenate([[0.0], levels, [1.0]]))
    below = np.concatenate([[0.0], share_below(labels, quantiles), [1.0]])
    return np.diff(below), expected
