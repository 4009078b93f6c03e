"""SCORE (Simple Calculated Osteoporosis Risk Estimation): postmenopausal women, from six questions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.care.scores.published import flags, number, numbers, point_score, published
from osteon.domain.score import Score

__all__ = ["score", "score_points"]

_LB_PER_KG = 1 / 0.45359237


def score_points(
    *,
    age_years: ArrayLike,
    weight_kg: ArrayLike,
    black: ArrayLike,
    rheumatoid_arthritis: ArrayLike,
    fracture_hip: ArrayLike,
    fracture_wrist: ArrayLike,
    fracture_rib: ArrayLike,
    oestrogen_ever: ArrayLike,
) -> NDArray[np.float64]:
    """
    SCORE points of postmenopausal women; NaN where an input is missing.

    Parameters
    ----------
    age_years, weight_kg : array_like, shape (n,)
        The weight counts in tenths of pounds, truncated.
    black, rheumatoid_arthritis, oestrogen_ever : array_like of 0, 1 or NaN
    fracture_hip, fracture_wrist, fracture_rib : array_like of 0, 1 or NaN
        Without great force after the age of 45.

    Raises
    ------
    UnitError, InputError
        A weight or age of 0 or less; an answer that is not 0, 1 or NaN.

    Source
    ------
    Lydick et al. (1998), American Journal of Managed Care 4:37-48.

    Examples
    --------
    White, 62 years, 140 lb (63.5 kg), never oestrogen: 5 + 3 x 6 + 1 - 14.

    >>> no = dict.fromkeys(("black", "rheumatoid_arthritis", "fracture_hip", "fracture_wrist", "fracture_rib"), 0)
    >>> float(score_points(age_years=62, weight_kg=63.51, oestrogen_ever=0, **no))
    10.0
    """
    entry = published("score")
    age, weight = numbers("age_years", age_years), numbers("weight_kg", weight_kg)
    broken = (
        flags("fracture_hip", fracture_hip)
        + flags("fracture_wrist", fracture_wrist)
        + flags("fracture_rib", fracture_rib)
    )
    points: NDArray[np.float64] = (
        entry["not_black_points"] * (1.0 - flags("black", black))
        + entry["rheumatoid_points"] * flags("rheumatoid_arthritis", rheumatoid_arthritis)
        + entry["fracture_points"] * broken
        + entry["age_tens_points"] * np.floor(age / 10.0)
        + entry["never_oestrogen_points"] * (1.0 - flags("oestrogen_ever", oestrogen_ever))
        - np.trunc(np.round(weight * _LB_PER_KG / entry["weight_divisor_lb"], 9))
    )
    return points + 0.0


def score(
    *,
    age_years: float | None,
    weight_kg: float | None,
    black: bool | None,
    rheumatoid_arthritis: bool | None,
    fracture_hip: bool | None,
    fracture_wrist: bool | None,
    fracture_rib: bool | None,
    oestrogen_ever: bool | None,
) -> Score:
    """
    The SCORE of one postmenopausal woman; from 6 points a bone density scan is due.

    Examples
    --------
    >>> no = dict.fromkeys(("black", "rheumatoid_arthritis", "fracture_hip", "fracture_wrist", "fracture_rib"), False)
    >>> print(score(age_years=51, weight_kg=69, oestrogen_ever=False, **no))
    score 6 points: high (refer, >=6)
    """
    entry = published("score")
    inputs = {
        "age_years": age_years, "weight_kg": weight_kg, "black": black, "rheumatoid_arthritis": rheumatoid_arthritis,
        "fracture_hip": fracture_hip, "fracture_wrist": fracture_wrist, "fracture_rib": fracture_rib,
        "oestrogen_ever": oestrogen_ever,
    }  # fmt: skip
    points = float(score_points(**{name: number(value) for name, value in inputs.items()}))
    refer = points >= entry["refer_from"]
    return point_score(
        entry, points, inputs=inputs, band="high" if refer else "low", refer=refer,
        cut_off=f">={entry['refer_from']}",
    )  # fmt: skip
