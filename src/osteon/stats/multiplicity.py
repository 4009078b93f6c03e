"""Many tests on the same data: p values corrected for how many there were."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import InputError
from osteon.stats.inputs import option, vector

__all__ = ["adjusted_p"]


def adjusted_p(p: ArrayLike, *, method: Literal["holm", "bonferroni", "bh", "none"]) -> NDArray[np.float64]:
    """
    P values corrected for multiple testing, in the order they came.

    Parameters
    ----------
    p : array_like, shape (m,), in [0, 1]
        Raw p values, all of one family.
    method : "holm", "bonferroni", "bh", "none"
        Holm and Bonferroni hold the chance of any false finding; bh (Benjamini-Hochberg) the share of false
        findings.

    Returns
    -------
    ndarray, shape (m,)
        Adjusted values, at least the raw ones and at most 1.

    Raises
    ------
    InputError
        A value is missing or outside [0, 1].

    Source
    ------
    Holm (1979), Scandinavian Journal of Statistics 6:65-70; Benjamini & Hochberg (1995), Journal of the Royal
    Statistical Society B 57:289-300.

    Examples
    --------
    >>> [round(float(q), 4) for q in adjusted_p([0.001, 0.01, 0.02, 0.04, 0.2], method="holm")]
    [0.005, 0.04, 0.06, 0.08, 0.2]
    """
    option(method, name="method", allowed=("holm", "bonferroni", "bh", "none"))
    raw = vector(p, name="p")
    if np.any((raw < 0) | (raw > 1)):
        raise InputError(f"p holds {raw[(raw < 0) | (raw > 1)][0]:g}, expected values from 0 to 1.")
    m = raw.size
    order = np.argsort(raw, kind="stable")
    ranked = raw[order]
    if method == "none":
        return raw.copy()
    if method == "bonferroni":
        ranked = ranked * m
    elif method == "holm":
        ranked = np.maximum.accumulate(ranked * (m - np.arange(m)))
    else:
        ranked = np.minimum.accumulate((ranked * (m / np.arange(1, m + 1)))[::-1])[::-1]
    answer = np.empty(m)
    answer[order] = np.minimum(ranked, 1.0)
    return answer
