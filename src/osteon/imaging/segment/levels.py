"""Names of the vertebrae: a hidden Markov model over levels, anchored by sacrum, ribs or the user, or honest that it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osteon.core.errors import InputError
from osteon.domain.anatomy import LEVELS, level_rank, verse_of_level
from osteon.imaging.segment.labels import LevelLabel

__all__ = ["USUAL_COUNT", "Cues", "Levels", "assign_levels", "likelihood"]

Array = npt.NDArray[np.float64]

# How often a spine has 11 or 13 thoracic, 4 or 6 lumbar vertebrae. Yan 2018 (293 Chinese adults, J Orthop Surg Res
# 13:124): 11 thoracic 5.8 %, 6 lumbar 5.5 %; Tins 2016 (418 whole-spine MRI, Insights Imaging 7:199): one more 4.3 %,
# one fewer 3.3 %, sacralised L5 1.9 %, lumbarised S1 1.0 %. Rounded means of the two.
ABSENT_T12, EXTRA_T13, ABSENT_L5, EXTRA_L6 = 0.04, 0.02, 0.02, 0.035
USUAL_COUNT = round((1 - ABSENT_T12) * (1 - EXTRA_T13) * (1 - ABSENT_L5) * (1 - EXTRA_L6), 2)
"""How sure a name is that rests on somebody's count from one end: the share of people who have the usual vertebrae."""

# Width and depth (mm) of the lower endplate, means of Panjabi 1991 and 1992 (C3-L5; C1, C2, T13, L6 by their neighbours).
WIDTH_MM = {
    **dict(zip(LEVELS[:7], (17.0, 17.0, 17.2, 17.0, 19.4, 22.0, 23.4), strict=True)),
    **dict(
        zip(
            LEVELS[7:20],
            (27.8, 27.4, 25.9, 26.0, 27.0, 28.2, 29.1, 30.5, 33.0, 35.4, 39.1, 42.1, 42.7),
            strict=True,
        )
    ),
    **dict(zip(LEVELS[20:26], (43.3, 45.5, 48.0, 49.5, 49.4, 49.4), strict=True)),
}
DEPTH_MM = {
    **dict(zip(LEVELS[:7], (15.5, 15.5, 15.6, 15.9, 17.9, 18.5, 16.8), strict=True)),
    **dict(
        zip(
            LEVELS[7:20],
            (19.7, 21.6, 23.3, 24.5, 25.8, 26.9, 28.5, 29.4, 31.0, 31.6, 31.8, 33.4, 34.4),
            strict=True,
        )
    ),
    **dict(zip(LEVELS[20:26], (35.3, 34.9, 34.8, 33.9, 33.2, 33.2), strict=True)),
}
SCALES = np.exp(np.arange(-3, 4) * 0.06)  # people differ in size by some 9 % (SD)
SIZE_SD = 0.12  # log error of one measured size around the person's own
INDEPENDENT = (
    3.0  # errors of neighbours go together: a whole spine says no more of its sizes than this many vertebrae
)
RIBS_TO_SACRUM = 15  # vertebrae from the first ribbed one down to the sacrum, at the least
NEVER = -1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Cues:
    """
    What one vertebra shows of its level.

    Attributes
    ----------
    rib : float or None, 0-1
        Probability that a rib meets the body; None where the field does not show the place.
    width_mm, depth_mm : float or None
        Size of the body; None where it is cropped.
    cropped : bool
    pin : str or None
        The level a user gave it.
    """

    rib: float | None = None
    width_mm: float | None = None
    depth_mm: float | None = None
    cropped: bool = False
    pin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Labels from the head down, what anchors them, and codes of doubts."""

    labels: tuple[LevelLabel, ...]
    anchored_by: tuple[str, ...]
    notes: tuple[str, ...] = ()


def assign_levels(cues: Sequence[Cues], *, sacrum: float) -> Levels:
    """
    Levels of the vertebrae in ``cues`` (from the head down).

    Parameters
    ----------
    sacrum : float, 0-1
        Probability that the sacrum lies right below the last vertebra.

    Returns
    -------
    Levels
        Posterior of each level by forward-backward; the labels are the most likely sequence (Viterbi). Where neither
        the sacrum, nor an end of the ribs, nor a pin is there, the labels are "V<n>" from below with confidence 0 and
        the likely levels as alternatives.

    Raises
    ------
    InputError
        A pin names no level, or pins contradict each other.

    Examples
    --------
    >>> lumbar = [Cues(rib=1.0)] + [Cues(rib=0.0)] * 5
    >>> found = assign_levels(lumbar, sacrum=1.0)
    >>> [label.level for label in found.labels], found.anchored_by
    (['T12', 'L1', 'L2', 'L3', 'L4', 'L5'], ('sacrum', 'ribs'))
    >>> [label.level for label in assign_levels([Cues(rib=0.0)] * 3, sacrum=0.0).labels]
    ['V3', 'V2', 'V1']
    """
    if not cues:
        return Levels(labels=(), anchored_by=())
    for cue in cues:
        if cue.pin is not None:
            level_rank(cue.pin)
    anchors = _anchors(cues, sacrum)
    weight = min(1.0, INDEPENDENT / len(cues))
    unary = np.stack([_unary(cue, weight) for cue in cues])
    posterior, best = _solved(cues, unary, _transition(), _last(sacrum))
    labels = _labels(cues, posterior, best, anchored=bool(anchors))
    notes = _doubts(cues, sacrum, labels, anchors)
    return Levels(labels=labels, anchored_by=anchors, notes=notes)


def likelihood(cues: Sequence[Cues], levels: Sequence[str]) -> float:
    """
    Log likelihood (up to a constant) of what vertebrae show, were ``levels`` their names; mixed over the person's size.

    Examples
    --------
    >>> wide = [Cues(width_mm=48.0, depth_mm=35.0)] * 3
    >>> likelihood(wide, ("L2", "L3", "L4")) - likelihood(wide, ("T2", "T3", "T4")) > 5
    True
    """
    weight = min(1.0, INDEPENDENT / len(cues))
    shown = [_unary(cue, weight)[:, LEVELS.index(level)] for cue, level in zip(cues, levels, strict=True)]
    return float(np.logaddexp.reduce(np.sum(shown, axis=0) + _size_prior()))


def _size_prior() -> Array:
    return np.asarray(-0.5 * (np.log(SCALES) / 0.09) ** 2)


def _anchors(cues: Sequence[Cues], sacrum: float) -> tuple[str, ...]:
    """What fixes the names: a pin, the sacrum, or a place where ribs begin or end inside the field."""
    found = []
    if any(c.pin for c in cues):
        found.append("user")
    if sacrum > 0.5:
        found.append("sacrum")
    if _rib_cuts(cues, sacrum):
        found.append("ribs")
    return tuple(found)


def _rib_cuts(cues: Sequence[Cues], sacrum: float) -> tuple[tuple[int, int], ...]:
    """
    Where ribs end or begin: pairs of neighbours one of which has a rib, nine in ten vertebrae on the right side of the cut.

    Ribs do not begin right above the sacrum: there a transverse process beside the ala looks like one.
    """
    seen = [(i, c.rib > 0.5) for i, c in enumerate(cues) if c.rib is not None]
    n, cuts = len(seen), []
    for k in range(1, n):
        (above, upper), (below, lower) = seen[k - 1], seen[k]
        if upper == lower or (lower and sacrum > 0.5 and len(cues) - below < RIBS_TO_SACRUM):
            continue
        right = sum(x == upper for _, x in seen[:k]) + sum(x == lower for _, x in seen[k:])
        if right >= 0.9 * n:
            cuts.append((above, below))
    return tuple(cuts)


def _transition() -> Array:
    """Log probability of going from one level to the next below."""
    n = len(LEVELS)
    p = np.zeros((n, n))
    for i in range(n - 1):
        p[i, i + 1] = 1.0
    at = LEVELS.index
    p[at("T11"), [at("T12"), at("L1")]] = 1 - ABSENT_T12, ABSENT_T12
    p[at("T12"), [at("T13"), at("L1")]] = EXTRA_T13, 1 - EXTRA_T13
    p[at("L4"), [at("L5"), at("S1")]] = 1 - ABSENT_L5, ABSENT_L5
    p[at("L5"), [at("L6"), at("S1")]] = EXTRA_L6, 1 - EXTRA_L6
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(p), NEVER)


def _existing(transition: Array) -> Array:
    """Log share of people who have each level: where a field of view begins, it begins at one that exists."""
    share = np.zeros(len(transition))
    share[0] = 1.0
    for i in range(1, len(share)):
        share[i] = share[:i] @ np.exp(transition[:i, i])
    return np.asarray(np.log(np.maximum(share, 1e-300)))


def _last(sacrum: float) -> Array:
    """Log likelihood of what is seen below the last vertebra, by its level."""
    q = float(np.clip(sacrum, 0.0, 1.0))
    followed = np.exp(_transition()[:, LEVELS.index("S1")])
    # what looks like a sacrum is none in 1 %; a sacrum that is not seen says nothing, since the field may end above it
    return np.asarray(np.log(q * (0.99 * followed + 0.01 * (1 - followed)) + (1 - q)))


def _unary(cue: Cues, weight: float) -> Array:
    """Log likelihood by level and person's scale, ndarray (scales, levels)."""
    out = np.zeros((len(SCALES), len(LEVELS)))
    out[:, LEVELS.index("S1")] = NEVER
    if cue.pin is not None:
        out[:, [k for k, level in enumerate(LEVELS) if level != cue.pin]] = NEVER
        return out
    if cue.rib is not None:
        # ribs are found where they are, a little less surely the short last ones and the first above the shoulders; L1
        # may have a short rib, or its transverse process be taken for one
        found = np.array([_rib_rate(level) for level in LEVELS])
        out += np.log(cue.rib * found + (1 - cue.rib) * (1 - found))
    for size, table in ((cue.width_mm, WIDTH_MM), (cue.depth_mm, DEPTH_MM)):
        if size is None or size <= 0:
            continue
        expected = np.array([table.get(level, 1.0) for level in LEVELS])
        off = np.log(size / (expected[None] * SCALES[:, None])) / SIZE_SD
        out += weight * np.maximum(-0.25 * off**2, -3.0)  # halved: width and depth of a person err together
    return out


def _rib_rate(level: str) -> float:
    if level[0] == "T":
        return {"T12": 0.975, "T13": 0.9, "T1": 0.98}.get(level, 0.985)
    return {"L1": 0.07, "C7": 0.01}.get(level, 0.02)


def _solved(
    cues: Sequence[Cues], unary: Array, transition: Array, last: Array
) -> tuple[Array, tuple[int, ...]]:
    """Posterior (n, levels), mixed over the person's scale, and the most likely sequence of levels."""
    n, scales, k = unary.shape
    weight, start = _size_prior(), _existing(transition)
    posterior, evidence = np.zeros((scales, n, k)), np.zeros(scales)
    with np.errstate(divide="ignore"):
        for j in range(scales):
            forward = np.empty((n, k))
            forward[0] = unary[0, j] + start
            for i in range(1, n):
                forward[i] = unary[i, j] + np.logaddexp.reduce(forward[i - 1][:, None] + transition, axis=0)
            backward = np.empty((n, k))
            backward[-1] = last
            for i in range(n - 2, -1, -1):
                backward[i] = np.logaddexp.reduce(transition + unary[i + 1, j] + backward[i + 1], axis=1)
            joint = forward + backward
            evidence[j] = np.logaddexp.reduce(joint[0]) + weight[j]
            posterior[j] = np.exp(joint - np.logaddexp.reduce(joint, axis=1)[:, None])
    if evidence.max() < NEVER / 2:
        raise InputError(
            "the levels given contradict each other or do not fit the number of vertebrae.",
            hint="Pin one level.",
        )
    share = np.exp(evidence - evidence.max())
    mixed = np.einsum("j,jnk->nk", share / share.sum(), posterior)
    return mixed, _most_likely(np.log(np.maximum(mixed, 1e-300)), transition)


def _most_likely(gain: Array, transition: Array) -> tuple[int, ...]:
    """The possible sequence of levels with the greatest sum of ``gain``."""
    possible = np.where(transition > NEVER, 0.0, NEVER)
    total, came = gain[0], []
    for row in gain[1:]:
        score = total[:, None] + possible
        came.append(score.argmax(axis=0))
        total = score.max(axis=0) + row
    sequence = [int(total.argmax())]
    for back in reversed(came):
        sequence.append(int(back[sequence[-1]]))
    return tuple(reversed(sequence))


def _labels(
    cues: Sequence[Cues], posterior: Array, best: tuple[int, ...], *, anchored: bool
) -> tuple[LevelLabel, ...]:
    labels = []
    for i, (cue, k) in enumerate(zip(cues, best, strict=True)):
        order = [int(j) for j in np.argsort(-posterior[i]) if posterior[i, j] >= 0.005]
        others = tuple((LEVELS[j], round(float(posterior[i, j]), 4)) for j in order if not anchored or j != k)
        n = len(cues) - i
        labels.append(
            LevelLabel(
                code=verse_of_level(LEVELS[k]) if anchored else 100 + n,
                level=LEVELS[k] if anchored else f"V{n}",
                confidence=round(float(posterior[i, k]), 4) if anchored else 0.0,
                alternatives=others[:4],
                cropped=cue.cropped,
            )
        )
    return tuple(labels)


def _doubts(
    cues: Sequence[Cues], sacrum: float, labels: tuple[LevelLabel, ...], anchors: tuple[str, ...]
) -> tuple[str, ...]:
    """Codes of what a reader should know about the names."""
    notes = []
    if not anchors:
        return ("unanchored",)
    variant = {"T13", "L6"} & {label.level for label in labels}
    notes += [f"transitional_{level.lower()}" for level in sorted(variant)]
    names = [label.level for label in labels]
    if "T11" in names and "L1" in names and "T12" not in names:
        notes.append("absent_t12")
    if sacrum > 0.5 and names[-1] == "L4":
        notes.append("absent_l5")
    if "sacrum" in anchors and "ribs" in anchors:
        cuts = _rib_cuts(cues, sacrum)
        if not any((names[above][0] == "T") != (names[below][0] == "T") for above, below in cuts):
            notes.append("anchors_disagree")
    return tuple(notes)
