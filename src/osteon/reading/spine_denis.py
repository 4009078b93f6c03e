"""Which endplates are injured, whether the posterior wall is involved, and the types that follow: Denis and OF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from osteon.core.errors import InputError
from osteon.domain.spine import Denis, Endplate, HeightLoss, PosteriorWall
from osteon.reading.spine_neighbours import Expected, expected
from osteon.reading.spine_rules import rules
from osteon.reading.spine_vertebra import SIDES, Measured
from osteon.reading.spine_wall import bulge_mm

__all__ = [
    "BREAKS",
    "anterior_kink",
    "denis_type",
    "endplate_findings",
    "of_margin",
    "of_type",
    "posterior_wall",
]

Side = Literal["superior", "inferior"]
BREAKS = ("depression", "discontinuity", "band")
COMPRESSION = {(True, True): "A", (True, False): "B", (False, True): "C", (False, False): "D"}


def endplate_findings(
    measured: Mapping[str, Measured], level: str, *, good: frozenset[str], loss: HeightLoss
) -> tuple[Endplate, Endplate]:
    """
    The evidence at the superior and the inferior endplate, less what the unfractured neighbours' same endplate shows.

    Signs of a broken endplate: depression, discontinuity, a dense band below. Signs of a displaced one: sunk (nearer to
    the pedicles than in the neighbours, beyond what its tilt explains) and tilt; where the anterior wall alone gives way,
    both endplates tilt about their backs and stay whole. An endplate is injured where two signs speak, one of them of a
    break, or where one sign alone is strong; a tilt never speaks alone. Below a cortex that is seen whole and not
    depressed a dense band belongs to what broke elsewhere in the body, and sinking alone speaks only where the other
    endplate is not broken either.

    Raises
    ------
    InputError
        The signs of ``level`` were not read.
    """
    seen = {side: _ratios(measured, level, side, good=good, loss=loss) for side in SIDES}
    broken = {side: _broken(ratios) for side, (_, ratios) in seen.items()}
    made = []
    for side, other in zip(SIDES, reversed(SIDES), strict=True):
        values, ratios = seen[side]
        injury = _injury(ratios, elsewhere=broken[other])
        made.append(
            Endplate(
                depression_mm=values["depression"],
                discontinuity=values.get("discontinuity"),
                band_hu=values.get("band"),
                tilt_deg=values["tilt"],
                injured=injury > 1.0,
                signs=tuple(name for name, ratio in ratios.items() if ratio > 1.0),
                injury=injury,
            )
        )
    return made[0], made[1]


def _whole(ratios: Mapping[str, float]) -> bool:
    """Whether the cortex of an endplate is seen without a gap, and not depressed."""
    rule = rules("endplate")
    gap = ratios.get("discontinuity")
    return (
        gap is not None and gap * rule["discontinuity"] <= rule["whole_cortex"] and ratios["depression"] < 1.0
    )


def _broken(ratios: Mapping[str, float]) -> bool:
    """Whether an endplate shows a break itself."""
    return not _whole(ratios) and max(ratios.get(name, 0.0) for name in BREAKS) > 1.0


def _injury(ratios: Mapping[str, float], *, elsewhere: bool) -> float:
    """
    How far an endplate is from counting as injured, 1 on the threshold.

    Parameters
    ----------
    ratios : signs over their thresholds
    elsewhere : whether the other endplate is broken
    """
    rule = rules("endplate")
    left_out = {"tilt"}
    if _whole(ratios):
        ratios = {name: ratio for name, ratio in ratios.items() if name != "band"}
        left_out |= {"sunk"} if elsewhere else set()
    broken = max(ratios.get(name, 0.0) for name in BREAKS)
    second = sorted([0.0, *ratios.values()])[-2]
    alone = [ratio / rule[f"strong_{name}"] for name, ratio in ratios.items() if name not in left_out]
    return float(max(min(broken, second), *alone))


def _ratios(
    measured: Mapping[str, Measured], level: str, side: Side, *, good: frozenset[str], loss: HeightLoss
) -> tuple[dict[str, float], dict[str, float]]:
    """The signs of one endplate less the neighbours', and each over its threshold; without an image only three."""
    rule = rules("endplate")
    all_signs = {k: m.superior if side == "superior" else m.inferior for k, m in measured.items()}
    here = all_signs[level]
    if here is None:
        raise InputError(f"the endplates of {level} were not read.", hint="Call with_signs first.")

    def usual(name: str, default: float, floor: float) -> Expected:
        values = {k: None if s is None else getattr(s, name) for k, s in all_signs.items()}
        return expected(values, level, good, default=default, sd_floor=floor)

    depth = usual("depression_mm", rule["normal_depression_mm"], rule["depression_sd_floor_mm"])
    values = {
        "depression": here.depression_mm - depth.value,
        "tilt": here.tilt_deg - usual("tilt_deg", rule["normal_tilt_deg"], 2.0).value,
    }
    limits = {
        "depression": max(rule["depression_mm"], rule["depression_sd"] * depth.sd),
        "discontinuity": rule["discontinuity"],
        "band": rule["band_hu"],
        "tilt": rule["tilt_deg"],
        "sunk": rule["sunk_mm"],
    }
    if here.discontinuity is not None:
        values["discontinuity"] = max(here.discontinuity - usual("discontinuity", 0.0, 0.02).value, 0.0)
    if here.band_hu is not None:
        values["band"] = here.band_hu - usual("band_hu", 0.0, 10.0).value
    sunk = _sunk_mm(measured, level, side, good, loss.reference_mm.middle)
    if (
        sunk is not None
    ):  # tilting about its back, an endplate comes down by half as much in its middle as in front
        half = measured[level].plates.depth_mm / 2
        values["sunk"] = sunk - half * float(np.tan(np.radians(max(values["tilt"], 0.0))))
    ratios = {name: values[name] / limit for name, limit in limits.items() if name in values}
    if here.focality < rule["node_share"]:  # a Schmorl node is no fracture
        ratios["depression"] = min(ratios["depression"], 1.0)
    return values, ratios


def _sunk_mm(
    measured: Mapping[str, Measured], level: str, side: Side, good: frozenset[str], middle_mm: float
) -> float | None:
    """How much nearer to the pedicles an endplate lies than in the neighbours, whose share of the height is the measure."""

    def gap(m: Measured) -> float | None:
        if m.pedicle_mm is None:
            return None
        slope_u, slope_v, level_mm = m.plates.planes[0 if side == "superior" else 1]
        place = (
            level_mm + slope_u * m.plates.middle_u_mm + slope_v * (m.plates.back_mm + m.plates.front_mm) / 2
        )
        return (place - m.pedicle_mm) if side == "superior" else (m.pedicle_mm - place)

    own = gap(measured[level])
    shares = {}
    for name in good:
        other = gap(measured[name]) if name in measured else None
        shares[name] = None if other is None else other / measured[name].shape.heights_mm.middle
    usual = expected(shares, level, good, default=0.5, sd_floor=0.05)
    if own is None or usual.n < 2:
        return None
    return usual.value * middle_mm - own


def posterior_wall(
    measured: Mapping[str, Measured], level: str, *, good: frozenset[str]
) -> PosteriorWall | None:
    """Whether the posterior wall stands into the canal; None where it could not be followed."""
    rule = rules("denis")
    here = measured[level]
    bulge = bulge_mm(measured, level, good=good)
    hollow = expected(
        {k: m.convexity_mm for k, m in measured.items()}, level, good, default=-0.5, sd_floor=0.5
    )
    areas = {k: (m.canal.area_mm2 if m.canal else None) for k, m in measured.items()}
    area = expected(areas, level, good, default=None, sd_floor=10.0)
    own = areas[level]
    ratio = own / area.value if own is not None and area.n >= 2 and area.value > 0 else None
    coarse = max(1.0, here.box.voxel_mm / rule["wall_voxel_mm"])  # coarse voxels roughen a wall
    narrow = ratio is not None and ratio < rule["canal_ratio"]
    if bulge is None:
        return PosteriorWall(convexity_mm=None, canal_area_ratio=ratio, involved=narrow) if narrow else None
    beyond = bulge - hollow.value
    bulges = bulge > coarse * rule["wall_mm"] and beyond > coarse * rule["wall_over_neighbours_mm"]
    closing = ratio is not None and ratio < rule["canal_closing"]
    return PosteriorWall(
        convexity_mm=bulge,
        canal_area_ratio=ratio,
        involved=bool(bulges or closing or (narrow and beyond > coarse)),
    )


def anterior_kink(measured: Mapping[str, Measured], level: str, *, good: frozenset[str]) -> float | None:
    """How much further the anterior wall stands out in its middle than the neighbours' (mm); None where it was not seen."""
    own = measured[level].kink_mm
    usual = expected({k: m.kink_mm for k, m in measured.items()}, level, good, default=-1.0, sd_floor=0.5)
    return None if own is None else own - usual.value


def denis_type(
    superior: Endplate,
    inferior: Endplate,
    *,
    loss: HeightLoss,
    kink_mm: float | None,
    wall: PosteriorWall | None,
) -> Denis:
    """
    Compression type of Denis for a fractured vertebra: A both endplates injured, B superior, C inferior, D neither and the
    anterior cortex gave way. ``type`` is None where neither endplate nor the anterior wall explains the loss.

    The anterior wall explains it where it is buckled, or where the front has lost height, the back has kept it and both
    endplates are smooth. An involved posterior wall is named in the evidence ("posterior_wall"): consider a burst fracture,
    whose own letters mean other things.
    """
    rule = rules("denis")
    evidence = [f"superior_{sign}" for sign in superior.signs] + [
        f"inferior_{sign}" for sign in inferior.signs
    ]
    letter: str | None = COMPRESSION[superior.injured, inferior.injured]
    if letter == "D":
        kinked = kink_mm is not None and kink_mm > rule["kink_mm"]
        front = loss.anterior >= max(rule["anterior_loss"], loss.posterior + rule["anterior_excess"])
        evidence += ["anterior_loss"] if front else []
        evidence += ["anterior_kink"] if kinked else []
        smooth = max(superior.depression_mm, inferior.depression_mm) < rule["smooth_mm"]
        letter = letter if kinked or (front and smooth) else None
    if wall is not None and wall.involved:
        evidence.append("posterior_wall")
    margin = min(abs(plate.injury - 1.0) for plate in (superior, inferior))
    return Denis(scheme="compression", type=letter, margin=margin, evidence=tuple(evidence))


def of_type(superior: Endplate, inferior: Endplate, *, loss: HeightLoss, wall: PosteriorWall | None) -> int:
    """
    Proposal of the OF type of a fractured vertebra, 2 to 4: OF 1 needs MRI and OF 5 cannot be seen on bodies alone.

    Source: Schnake et al. 2018, Global Spine J 8(2S):46S.
    """
    rule = rules("of")
    if (superior.injured and inferior.injured) or loss.largest >= rule["collapse_loss"]:
        return 4
    distinct = (wall is not None and wall.involved) or loss.posterior > rule["posterior_share"]
    return 3 if distinct else 2


def of_margin(
    superior: Endplate, inferior: Endplate, *, loss: HeightLoss, wall: PosteriorWall | None
) -> float:
    """
    How far the proposed OF type is from turning into another, in units of the threshold that is nearest.

    Both endplates injured or the frame collapsed make type 4; short of that the posterior wall and the posterior height
    tell 3 from 2.
    """
    rule = rules("of")
    less = min(superior.injury, inferior.injury) - 1.0
    collapse = loss.largest / rule["collapse_loss"] - 1.0
    if less > 0 or collapse >= 0:
        return float(max(less, collapse))
    turns = [-less, -collapse]
    if wall is None or not wall.involved:
        turns.append(abs(loss.posterior / rule["posterior_share"] - 1.0))
    return float(min(turns))
