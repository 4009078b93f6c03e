"""The grade of Genant of a height loss, and the deformity index."""

from __future__ import annotations

from typing import Literal

import numpy as np

from osteon.domain.spine import Genant, HeightLoss
from osteon.reading.spine_rules import rules

__all__ = ["deformity_index", "genant", "worse_side"]

Shape = Literal["none", "wedge", "biconcave", "crush"]


def worse_side(middle: HeightLoss, side: HeightLoss, *, lean_deg: float) -> bool:
    """
    Whether a body is pressed on one side only, so that the middle hides the loss and its lower side is graded.

    Parameters
    ----------
    middle, side : HeightLoss
        Mid-sagittal, and of the lower parasagittal strip against the neighbours' lower ones.
    lean_deg : float
        Lateral angle between the endplates less the neighbours': a scoliosis leans them all.
    """
    rule = rules("one_sided")
    return bool(
        side.largest >= rule["loss"]
        and side.largest - middle.largest >= rule["over_middle"]
        and abs(lean_deg) >= rule["lean_deg"]
    )


def genant(loss: HeightLoss, *, operating_point: float = 0.20, breaks: int = 0) -> Genant:
    """
    Grade and type of a height loss.

    Parameters
    ----------
    loss : HeightLoss
    operating_point : float
    breaks : int
        What is broken by its form: an endplate or a buckled anterior wall, a posterior wall in the canal. A loss short of
        the operating point by less than so many standard errors counts as reaching it, where neighbours say what was
        lost; an uncertain loss is allowed no more than a fixed amount, so that not knowing never makes a fracture.

    Examples
    --------
    >>> from osteon.domain.spine import Heights
    >>> at = Heights(anterior=27, middle=25, posterior=27)
    >>> seen = HeightLoss(anterior=0.3, middle=0.1, posterior=0.0, reference_mm=at, reference_from=(), se=0.02, self_loss=0.3)
    >>> genant(seen).grade, genant(seen).type
    (2, 'wedge')
    >>> near = HeightLoss(anterior=0.19, middle=0.1, posterior=0.0, reference_mm=at, reference_from=("L2",), se=0.02, self_loss=0.2)
    >>> genant(near).grade, genant(near, breaks=1).grade
    (0, 1)
    """
    rule = rules("genant")
    largest = loss.largest
    allowed = min(breaks * loss.se, rule["allowed_short"]) if loss.reference == "neighbours" else 0.0
    asked = (
        loss.se if loss.reference == "build" else 0.0
    )  # people differ: by size alone only what is clearly lost
    threshold = operating_point - allowed + asked
    counts = largest >= threshold
    grade = (
        int(np.searchsorted(rule["bounds"], max(largest, rule["bounds"][0]), side="right")) if counts else 0
    )
    shape: Shape = "none"
    if grade:
        if loss.posterior >= rule["crush_share"] * largest:
            shape = "crush"
        else:
            shape = "wedge" if loss.anterior >= loss.middle else "biconcave"
    return Genant(grade=grade, type=shape, operating_point=operating_point, threshold=threshold)


def deformity_index(grades: list[int]) -> int | None:
    """Spinal deformity index: the sum of the grades; None where nothing was graded."""
    return sum(grades) if grades else None
