"""
What a perfect model would say of the invented people: true probabilities, by integrating over what it cannot see.

A person's bone is two T-scores: mean given the clinical facts, plus residuals e (femoral neck) and r e + sqrt(1-r^2) h
(spine). Fracture depends on the clinical facts and the neck. Laboratory values are e in noise, so that knowing them
narrows e to a normal distribution with another mean and SD. Every probability is then one integral over e, cut at the
neck's threshold where the integrand jumps (Gauss-Legendre on both parts).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

__all__ = ["Bone", "Integrals", "bone_integrals", "expected_auc", "posterior_residual"]

Floats = NDArray[np.float64]
_REACH = 7.0  # SDs on each side; beyond lies 1e-12
_NODES = 32
_CHUNK = 20_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bone:
    """
    What is known of each person's bone before any scan, arrays of shape (n,).

    Attributes
    ----------
    neck_cut, spine_cut : thresholds of osteoporosis in SDs of the residual at each site
    correlation : of the two residuals
    spine_seen : probability that the spine could be measured
    fracture_logit : log odds of a fracture at neck residual 0
    fracture_slope : change of the log odds for one SD of the neck residual
    """

    neck_cut: Floats
    spine_cut: Floats
    correlation: float
    spine_seen: Floats
    fracture_logit: Floats
    fracture_slope: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Integrals:
    """Joint probabilities of each person, arrays of shape (n,)."""

    fracture: Floats
    neck: Floats
    neck_and_fracture: Floats
    either: Floats
    either_and_fracture: Floats


def posterior_residual(values: Floats, *, loadings: Floats) -> tuple[Floats, float]:
    """
    Mean (n,) and SD of the neck residual once the standardised laboratory values are known.

    Each value is ``loading * e + sqrt(1 - loading^2) * noise`` with independent noise.

    Parameters
    ----------
    values : array, shape (n, k)
    loadings : array, shape (k,), within (-1, 1)

    Examples
    --------
    >>> mean, sd = posterior_residual(np.array([[1.0]]), loadings=np.array([0.6]))
    >>> print(f"{mean[0]:.2f} {sd:.2f}")
    0.60 0.80
    """
    precision = 1.0 + float(np.sum(loadings**2 / (1 - loadings**2)))
    mean: Floats = values @ (loadings / (1 - loadings**2)) / precision
    return mean, float(1.0 / np.sqrt(precision))


def bone_integrals(bone: Bone, *, mean: Floats | float = 0.0, sd: float = 1.0) -> Integrals:
    """
    The joint probabilities of osteoporosis and fracture when e is normal with ``mean`` and ``sd``.

    Parameters
    ----------
    bone : Bone
    mean : array, shape (n,), or one number
    sd : float > 0
    """
    n = len(bone.neck_cut)
    means = np.broadcast_to(np.asarray(mean, dtype=np.float64), (n,))
    sums = np.empty((5, n))
    for start in range(0, n, _CHUNK):
        rows = slice(start, min(start + _CHUNK, n))
        sums[:, rows] = _chunk(bone, rows, means[rows], sd)
    return Integrals(
        fracture=sums[0],
        neck=sums[1],
        neck_and_fracture=sums[2],
        either=sums[3],
        either_and_fracture=sums[4],
    )


def _chunk(bone: Bone, rows: slice, mean: Floats, sd: float) -> Floats:
    cut = np.clip((bone.neck_cut[rows] - mean) / sd, -_REACH, _REACH)
    e, weight = _nodes(np.full_like(cut, -_REACH), cut, mean, sd)
    broken = expit(bone.fracture_logit[rows, None] + bone.fracture_slope * e)
    neck, neck_and_fracture = weight.sum(axis=1), (weight * broken).sum(axis=1)
    e, weight = _nodes(cut, np.full_like(cut, _REACH), mean, sd)
    broken = expit(bone.fracture_logit[rows, None] + bone.fracture_slope * e)
    r = bone.correlation
    spine = bone.spine_seen[rows, None] * ndtr((bone.spine_cut[rows, None] - r * e) / np.sqrt(1 - r * r))
    fracture = neck_and_fracture + (weight * broken).sum(axis=1)
    either = neck + (weight * spine).sum(axis=1)
    either_and_fracture = neck_and_fracture + (weight * broken * spine).sum(axis=1)
    return np.stack([fracture, neck, neck_and_fracture, either, either_and_fracture])


def _nodes(low: Floats, high: Floats, mean: Floats, sd: float) -> tuple[Floats, Floats]:
    """Residuals and their probability weights, shape (n, nodes), on low..high (in posterior SDs)."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    half = (high - low)[:, None] / 2
    u = low[:, None] + half * (x + 1)
    weight: Floats = half * w * np.exp(-u * u / 2) / np.sqrt(2 * np.pi)
    return mean[:, None] + sd * u, weight


def expected_auc(risk: Floats) -> float:
    """
    The AUC that ``risk`` itself is expected to reach when it is the true probability.

    Parameters
    ----------
    risk : array, shape (n,), 0-1

    Examples
    --------
    Half with 0.1 and half with 0.9: a case is the higher one with probability .9, and so on.

    >>> round(expected_auc(np.array([0.1, 0.9])), 6)
    0.9
    """
    _, place = np.unique(risk, return_inverse=True)
    cases = np.bincount(place, weights=risk)
    others = np.bincount(place, weights=1 - risk)
    below = np.cumsum(others) - others
    won = float(np.sum(cases * (below + others / 2)))
    return won / float(cases.sum() * others.sum())
