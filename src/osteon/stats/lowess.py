"""Cleveland's smooth line through points, without robustness steps, right where many points share one x."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["lowess"]

Floats = NDArray[np.float64]


def lowess(x: Floats, y: Floats, *, span: float = 2 / 3, skip: float = 0.01) -> tuple[Floats, Floats]:
    """
    Local straight lines through ``y`` over ``x``; read between the returned points by straight lines.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Points, complete, at least two, in any order.
    span : float in (0, 1]
        Share of the points that each local line sees, weighted by the tricube of their distance.
    skip : float, 0 or more
        Points nearer than this share of the range of ``x`` to the last fitted one are interpolated.

    Returns
    -------
    tuple of ndarray
        Rising distinct abscissae, the first and last of ``x`` among them, and the smooth value at each. Where the
        points seen all share one abscissa, the smooth value is their mean.

    Source
    ------
    Cleveland (1979), JASA 74:829-836; the rules for skipping, flat spans and rim weights are those of R's lowess.

    Examples
    --------
    >>> at, smooth = lowess(np.arange(5.0), 2.0 * np.arange(5.0))
    >>> smooth.round(9).tolist()
    [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    value = np.unique(x)
    near = min(max(int(span * x.size + 1e-7), 2), x.size) - 1
    reach = skip * float(value[-1] - value[0])
    at = [0]
    while at[-1] < value.size - 1:
        within = int(np.searchsorted(value, value[at[-1]] + reach, side="right")) - 1
        at.append(max(within, at[-1] + 1))
    centers = value[at]
    return centers, np.array([_local(x, y, center, near, float(value[-1] - value[0])) for center in centers])


def _local(x: Floats, y: Floats, center: float, near: int, extent: float) -> float:
    """The local line of the ``near + 1`` nearest points, read at ``center``."""
    distance = np.abs(x - center)
    radius = float(np.partition(distance, near)[near])
    if radius == 0.0:
        return float(y[distance == 0.0].mean())
    weight = np.where(distance <= 0.001 * radius, 1.0, (1.0 - np.minimum(distance / radius, 1.0) ** 3) ** 3)
    weight[distance > 0.999 * radius] = 0.0
    weight /= weight.sum()
    middle = float(weight @ x)
    spread = float(weight @ (x - middle) ** 2)
    if spread > (0.001 * extent) ** 2:
        weight = weight * (1.0 + (center - middle) / spread * (x - middle))
    return float(weight @ y)
