"""
How well a CT reading tells planted truth: SIMULATED spines drawn, read, and judged vertebra by vertebra.

The graders' thresholds are written here a second time on purpose: the truth must not come from the code under test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from osteon.domain.spine import VertebraFinding
from osteon.imaging.resample import resample
from osteon.imaging.segment.labels import SpineLabels
from osteon.reading.spine_ct import CtOptions, CtRead, read_spine
from osteon.reading.spine_denis import of_margin
from osteon.synth.spine_anatomy import Vertebra
from osteon.synth.spine_ct import SpinePhantom, phantom
from osteon.synth.spine_fracture import PlannedFracture
from osteon.synth.spine_ranges import TRAINING, UNSEEN
from osteon.synth.spine_render import render_tissue

__all__ = ["TrialCase", "case_rows", "planned_case", "read_case", "true_grade"]

LEVELS = ("T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5")
FRACTURES_PER_CASE = (2, 0, 1, 3, 2, 0, 1, 2, 0, 2)
LOSS_OF_GRADE = {1: (0.20, 0.25), 2: (0.25, 0.40), 3: (0.40, 0.60)}
DEFORMITY = 0.20
_DEFAULT = CtOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCase:
    """
    One spine of the trial.

    Attributes
    ----------
    number : int
        Its place in the trial; with ``seed`` it fixes everything.
    unseen : bool
        Shape and appearance drawn from outside the ranges of training.
    variant : str
        "" for twelve thoracic and five lumbar vertebrae, else "L6", "T13" or "no_T12".
    cube_mm : float, optional
        The scan is resampled to cubes of this side before it is read.
    """

    number: int
    seed: int
    unseen: bool
    variant: str
    fractures: tuple[PlannedFracture, ...]
    spacing_mm: tuple[float, float, float]
    cube_mm: float | None = None


def true_grade(loss: float) -> int:
    """The Genant grade of a planted loss of height: 20, 25 and 40 per cent."""
    return int(np.searchsorted([0.20, 0.25, 0.40], loss, side="right"))


def planned_case(
    number: int, *, seed: int, spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0), variant: str = ""
) -> TrialCase:
    """
    Case ``number`` of the trial: three in ten from unseen ranges, three in ten without a fracture.

    The fractures are fresh ones, as in the published study, whose truth was oedema on MRI. Grades 1-3 and types A-D are dealt in turn, so that each comes up as often as the others; a third of the cases also
    hold a deformity too small to count. Spines with another count of vertebrae are a trial of their own (``variant``): in
    a field from T9 to the sacrum a thirteenth rib-bearing vertebra cannot be told from the twelfth.
    """
    rng = np.random.default_rng([seed, number])
    before = sum(FRACTURES_PER_CASE) * (number // 10) + sum(FRACTURES_PER_CASE[: number % 10])
    levels = [str(level) for level in rng.permutation(LEVELS) if variant != f"no_{level}"]
    planned = []
    for k in range(FRACTURES_PER_CASE[number % 10]):
        dealt = before + k
        denis = "ABCD"[(dealt // 3) % 4]
        kind = "wedge" if denis == "D" else str(rng.choice(["wedge", "biconcave", "crush", "burst"]))
        loss = float(rng.uniform(*LOSS_OF_GRADE[1 + dealt % 3]))
        planned.append(PlannedFracture(level=levels[k], kind=kind, loss=loss, denis=denis, fresh=True))  # type: ignore[arg-type]
    if rng.random() < 1 / 3:
        planned.append(
            PlannedFracture(level=levels[-1], kind="wedge", loss=float(rng.uniform(0.05, 0.17)), fresh=False)
        )
    return TrialCase(
        number=number,
        seed=seed + number,
        unseen=number % 10 in (0, 3, 6),
        variant=variant,
        fractures=tuple(planned),
        spacing_mm=spacing_mm,
    )


def read_case(
    case: TrialCase,
    *,
    options: CtOptions = _DEFAULT,
    read: Callable[..., CtRead] = read_spine,
) -> tuple[SpinePhantom, CtRead]:
    """The phantom of a case, and what the reading says of it."""
    shown = phantom(
        case.seed,
        spacing_mm=case.spacing_mm,
        ranges=UNSEEN if case.unseen else TRAINING,
        fov="T9-S1",
        fractures=case.fractures,
        variant=case.variant,
    )
    if case.cube_mm is not None:
        shown = _in_cubes(shown, case.cube_mm)
    return shown, read(shown.volume, options=options, source=f"phantom-{case.seed}", simulated=True)


def _in_cubes(shown: SpinePhantom, cube_mm: float) -> SpinePhantom:
    """The same scan resampled to cubes, each the mean of the voxels it covers, as research data are often kept."""
    volume = resample(shown.volume, (cube_mm,) * 3)
    return replace(shown, volume=volume, labels=render_tissue(shown.anatomy, volume.grid))


def case_rows(case: TrialCase, shown: SpinePhantom, read: CtRead) -> list[dict[str, Any]]:
    """One row per true vertebra above the sacrum that the scan is meant to show: truth, and what was said of it."""
    truth = [v for v in shown.anatomy.shown if v.level != "S1"]
    found = _matched(shown, read.labels, [v.code for v in truth])
    by_level = {v.level: v for v in read.reading.vertebrae}
    rows = []
    for vertebra in truth:
        said, dice = found[vertebra.code]
        finding = by_level.get(said) if said is not None else None
        agreement = next((label.agreement for label in read.labels.levels if label.level == said), None)
        rows.append({
            **_planted(case, vertebra), "dice": dice, "found_level": said, "agreement": agreement, **_said(finding)
        })  # fmt: skip
    return rows


def _planted(case: TrialCase, v: Vertebra) -> dict[str, Any]:
    loss = max(v.losses)
    return {
        "case": case.number,
        "seed": case.seed,
        "unseen": case.unseen,
        "level": v.level,
        "true_anterior_mm": v.heights_mm[0],
        "true_middle_mm": v.heights_mm[1],
        "true_posterior_mm": v.heights_mm[2],
        "true_loss": loss,
        "true_grade": true_grade(loss),
        "true_fracture": v.fracture is not None and loss >= DEFORMITY,
        "true_denis": v.fracture.denis if v.fracture is not None and loss >= DEFORMITY else None,
        "true_of": _true_of(v),
        "true_broken_endplate": v.fracture is not None and v.fracture.denis != "D",
        "planted_reason": ",".join(sorted({f.kind for f in v.foci if f.kind != "island"} | ({"screws"} if v.screws else set()))),
    }  # fmt: skip


def _true_of(v: Vertebra) -> int | None:
    """OF type of a planted fracture: 4 both endplates or half the height, 3 a bulge or a fifth of the back, else 2."""
    if v.fracture is None or max(v.losses) < DEFORMITY:
        return None
    if v.fracture.denis == "A" or max(v.losses) >= 0.5:
        return 4
    return 3 if v.fracture.bulge_mm > 1.0 or v.losses[2] > 0.2 else 2


def _said(v: VertebraFinding | None) -> dict[str, Any]:
    heights = v.heights_mm if v is not None else None
    return {
        "level_confidence": v.level_confidence if v is not None else None,
        "evaluable": bool(v is not None and v.evaluable),
        "anterior_mm": heights.anterior if heights else None,
        "middle_mm": heights.middle if heights else None,
        "posterior_mm": heights.posterior if heights else None,
        "loss": v.height_loss.largest if v is not None and v.height_loss is not None else None,
        "by_neighbours": v.height_loss.reference == "neighbours" if v is not None and v.height_loss else None,
        "loss_se": v.height_loss.se if v is not None and v.height_loss is not None else None,
        "threshold": v.genant.threshold if v is not None and v.genant is not None else None,
        "grade": v.genant.grade if v is not None and v.genant is not None else None,
        "fractured": v.fractured if v is not None else None,
        "grade_confidence": v.genant.confidence if v is not None and v.genant is not None else None,
        "of_type": v.of_type if v is not None else None,
        "of_margin": of_margin(v.superior, v.inferior, loss=v.height_loss, wall=v.posterior_wall)
        if v is not None and v.of_type is not None and v.superior and v.inferior and v.height_loss
        else None,
        "of_confidence": v.of_confidence if v is not None else None,
        "endplate_injury": v is not None and v.endplate_injury,
        "denis": v.denis.type if v is not None and v.denis is not None else None,
        "denis_margin": v.denis.margin if v is not None and v.denis is not None else None,
        "denis_confidence": v.denis.confidence if v is not None and v.denis is not None else None,
        "confidence": v.confidence if v is not None else None,
        "red_flags": ",".join(v.red_flags) if v is not None else "",
        "why_not": ",".join(v.not_evaluable) if v is not None else "not_found",
    }


def _matched(
    shown: SpinePhantom, labels: SpineLabels, codes: Sequence[int]
) -> dict[int, tuple[str | None, float]]:
    """For each true body the level given to the body that covers it best, and their Dice."""
    true, ours = shown.labels.bodies.array, labels.bodies.array
    names = {level.code: level.level for level in labels.levels}
    together = _counted(true, ours)
    n_true, n_ours = together.sum(axis=1), together.sum(axis=0)
    answer: dict[int, tuple[str | None, float]] = {}
    for code in codes:
        if code >= together.shape[0] or n_true[code] == 0:
            answer[code] = (None, 0.0)
            continue
        dice = 2 * together[code, 1:] / (n_true[code] + n_ours[1:])
        best = int(np.argmax(dice)) + 1 if dice.size else 0
        value = float(dice[best - 1]) if best else 0.0
        answer[code] = (names.get(best), value) if value > 0 else (None, 0.0)
    return answer


def _counted(a: npt.NDArray[np.integer[Any]], b: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
    """How often each pair of labels occurs together."""
    size = int(b.max()) + 1
    pairs = np.bincount(a.ravel().astype(np.int64) * size + b.ravel(), minlength=(int(a.max()) + 1) * size)
    return pairs.reshape(int(a.max()) + 1, size)
