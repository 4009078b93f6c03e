"""One vertebra judged: flags, grade, types, notes and confidence, from what was measured of it and of its neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from osteon.domain.spine import Endplate, Genant, HeightLoss, PosteriorWall, VertebraFinding
from osteon.reading.spine_confidence import call_confidence, grade_confidence, type_confidence
from osteon.reading.spine_denis import (
    BREAKS,
    anterior_kink,
    denis_type,
    endplate_findings,
    of_margin,
    of_type,
    posterior_wall,
)
from osteon.reading.spine_flag_places import at_wall
from osteon.reading.spine_flags import red_flags
from osteon.reading.spine_genant import genant
from osteon.reading.spine_rules import rules
from osteon.reading.spine_vertebra import Measured

__all__ = ["judged", "with_type_confidences"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """What speaks for and against a fracture; endplates of coarse slices say nothing."""

    loss: HeightLoss
    superior: Endplate
    inferior: Endplate
    wall: PosteriorWall | None
    kink_mm: float | None
    coarse: bool

    @property
    def broken(self) -> bool:
        return not self.coarse and (self.superior.injured or self.inferior.injured)

    @property
    def break_seen(self) -> bool:
        """An injured endplate that shows a break: one that lies low and is whole belongs to what its neighbours are."""
        plates = (self.superior, self.inferior)
        return self.broken and any(plate.injured and set(plate.signs) & set(BREAKS) for plate in plates)

    @property
    def buckled(self) -> bool:
        return not self.coarse and self.kink_mm is not None and self.kink_mm > rules("denis")["kink_mm"]

    @property
    def bulging(self) -> bool:
        return self.wall is not None and self.wall.involved

    @property
    def breaks(self) -> int:
        """How many parts are broken by their form: an endplate or the anterior wall, and the posterior wall."""
        return int(self.broken or self.buckled) + int(self.broken and self.bulging)

    def can_say_none(self, point: float) -> bool:
        """
        Whether a loss short of ``point`` may be called none.

        Without neighbours a loss of the whole body shows in nothing but the height against the size of the endplates:
        that must speak against it, and where others are there and all of them are broken, clearly.
        """
        if self.loss.reference == "neighbours":
            return True
        by_build = self.loss.build_loss
        if self.loss.trusted:
            return by_build is None or by_build < point
        return by_build is not None and by_build < point - rules("reference")["build_sd"] and not self.broken

    def unexplained_bulge(self, grade: Genant) -> bool:
        """
        A posterior wall that stands out of a body that lost nothing: no burst explains that.

        A narrow canal behind a hollow wall is no such sign, and where slices are too coarse to see an endplate broken
        nobody can say that none is.
        """
        lost = grade.grade > 0 or self.loss.largest >= rules("reference")["exclude_loss"]
        out = (
            self.wall is not None
            and self.wall.involved
            and self.wall.convexity_mm is not None
            and self.wall.convexity_mm > rules("denis")["wall_mm"]
        )
        return out and not (self.coarse or self.broken or self.buckled or lost)


def judged(
    plain: VertebraFinding,
    sound: Mapping[str, Measured],
    loss: HeightLoss,
    *,
    good: frozenset[str],
    agreement: float | None,
    operating_point: float,
    slice_mm: float,
) -> VertebraFinding:
    """
    The finding of an evaluable vertebra.

    Parameters
    ----------
    plain : VertebraFinding
        With what was measured and no judgement.
    sound : mapping of level to Measured
        All evaluable vertebrae, their endplate signs read.
    loss : HeightLoss
        That the vertebra is graded by.
    good : frozenset of str
        The unfractured levels, which speak for their neighbours.
    agreement : float or None
        Dice of this body between two segmenters.
    operating_point : float
    slice_mm : float
        The largest of voxel size and slice thickness.
    """
    level = plain.level
    superior, inferior = endplate_findings(sound, level, good=good, loss=loss)
    seen = _Evidence(
        loss=loss,
        superior=superior,
        inferior=inferior,
        wall=posterior_wall(sound, level, good=good),
        kink_mm=anterior_kink(sound, level, good=good),
        coarse=slice_mm > rules("endplate")["slice_mm_above"],
    )
    grade = genant(loss, operating_point=operating_point, breaks=seen.breaks)
    flagged, figures = red_flags(sound, level, good=good)
    by_rims = sound[level].convexity_mm  # beside the neighbours' walls alone a flat wall seems to bulge
    bulging = by_rims is not None and by_rims > rules("denis")["wall_mm"] and seen.unexplained_bulge(grade)
    if bulging and "convex_posterior_wall" not in {place.flag for place in flagged}:
        flagged = (*flagged, at_wall("convex_posterior_wall", sound[level]))
    rates = rules("flag_confidence")
    flagged = tuple(replace(place, confidence=rates[place.flag]) for place in flagged)
    flags = tuple(place.flag for place in flagged)
    suspicion = max((rates[flag] for flag in flags), default=None)
    notes = (
        *plain.notes,
        *_notes(seen, sound[level], grade, suspicious=bool(flags), point=operating_point),
    )
    notes = tuple(dict.fromkeys(notes))
    if not flags and not grade.grade and not seen.can_say_none(operating_point):
        return replace(
            plain,
            not_evaluable=(*plain.not_evaluable, "no_sound_reference"),
            notes=notes,
            height_loss=loss,
            superior=superior,
            inferior=inferior,
            posterior_wall=seen.wall,
            indicators=figures | _indicators(sound[level], seen),
        )
    fractured = None if flags else grade.grade > 0
    typed = bool(fractured) and not seen.coarse
    return replace(
        plain,
        evaluable=True,
        height_loss=loss,
        fractured=fractured,
        genant=None if flags else _sure_of(grade, loss),
        superior=superior,
        inferior=inferior,
        posterior_wall=seen.wall,
        denis=denis_type(superior, inferior, loss=loss, kink_mm=seen.kink_mm, wall=seen.wall)
        if typed
        else None,
        of_type=of_type(superior, inferior, loss=loss, wall=seen.wall) if typed else None,
        confidence=_confidence(seen, grade, suspicious=suspicion, agreement=agreement, slice_mm=slice_mm),
        red_flags=flags,
        flag_places=flagged,
        indicators=figures | _indicators(sound[level], seen),
        notes=notes,
    )


def with_type_confidences(made: Sequence[VertebraFinding]) -> list[VertebraFinding]:
    """
    With how sure the types of each fracture are: the more of the spine is broken, the fewer whole endplates and walls there
    are to tell a broken one by.
    """
    judged_ones = [v for v in made if v.evaluable]
    broken = sum(v.fractured is True for v in judged_ones) / max(len(judged_ones), 1)
    return [_sure_of_types(v, broken) for v in made]


def _sure_of_types(v: VertebraFinding, broken: float) -> VertebraFinding:
    if v.denis is not None and v.denis.type is not None:
        v = replace(v, denis=replace(v.denis, confidence=type_confidence(v.denis.margin, broken=broken)))
    if v.of_type is None or v.superior is None or v.inferior is None or v.height_loss is None:
        return v
    margin = of_margin(v.superior, v.inferior, loss=v.height_loss, wall=v.posterior_wall)
    return replace(v, of_confidence=type_confidence(margin, broken=broken, of="of"))


def _notes(
    seen: _Evidence, here: Measured, grade: Genant, *, suspicious: bool, point: float
) -> Iterator[str]:
    """Codes of what a reader should know of the judgement."""
    largest = seen.loss.largest
    if seen.loss.reference != "neighbours":
        yield "reference_own_height" if seen.loss.reference == "own" else "reference_by_build"
    if seen.loss.trusted and abs(largest - point) < seen.loss.se:
        yield "near_threshold"
    if suspicious:
        yield "suspicious"
    elif not grade.grade and seen.break_seen:
        yield "endplate_injury"
    elif grade.grade:
        if largest < point:
            yield "called_by_endplate" if seen.broken else "called_by_wall"
        if seen.coarse:
            yield "too_coarse_to_type"
        if seen.bulging:
            yield "possible_burst"
        if not (seen.coarse or seen.broken or seen.buckled) and here.box.hu is not None:
            yield "deformity_without_broken_endplate"
    rule = rules("endplate")
    for plate, signs in ((seen.superior, here.superior), (seen.inferior, here.inferior)):
        focal = signs is not None and signs.focality < rule["node_share"]
        if focal and plate.depression_mm > rule["depression_mm"]:
            yield "schmorl_like"


def _confidence(
    seen: _Evidence, grade: Genant, *, suspicious: float | None, agreement: float | None, slice_mm: float
) -> float:
    """Probability that the call is right, from the distance to where it would turn; or that a suspicion or a break is."""
    loss = seen.loss
    if suspicious is not None:
        return suspicious
    if not grade.grade and seen.break_seen:
        return float(rules("confidence")["injury"])
    turns = grade.operating_point if grade.threshold is None else grade.threshold
    sure = call_confidence((loss.largest - turns) / loss.se, agreement=agreement, slice_mm=slice_mm)
    if loss.reference == "neighbours":
        return sure
    limit = "most_alone" if loss.trusted or grade.grade else "most_among_broken"
    return min(sure, float(rules("confidence")[limit]))


def _sure_of(grade: Genant, loss: HeightLoss) -> Genant:
    """With the probability that the grade of a fracture is right."""
    if not grade.grade:
        return grade
    return replace(grade, confidence=grade_confidence(loss.largest, loss.se, grade.grade))


def _indicators(here: Measured, seen: _Evidence) -> dict[str, float]:
    """Research indicators."""
    bands = [plate.band_hu for plate in (seen.superior, seen.inferior) if plate.band_hu is not None]
    found = {
        "spoke_wheel": here.spokes,
        "anterior_kink_mm": seen.kink_mm,
        "fresh_band_hu": max(bands, default=None),
    }
    return {name: float(value) for name, value in found.items() if value is not None}
