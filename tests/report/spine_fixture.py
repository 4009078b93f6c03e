"""A handmade spine of simple shapes with its labels, and the reading a careful reader would give of it."""

from dataclasses import dataclass, replace

import numpy as np

from osteon.domain.anatomy import Tissue, verse_of_level
from osteon.domain.spine import (
    Denis,
    Endplate,
    Genant,
    HeightLoss,
    Heights,
    Hounsfield,
    PosteriorWall,
    ScanFacts,
    SpineReading,
    VertebraFinding,
)
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.volume import Grid, LabelMap, Volume

LEVELS = ("T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5")
EXPECTED = {
    "T9": 21.0,
    "T10": 22.0,
    "T11": 23.0,
    "T12": 24.5,
    "L1": 26.0,
    "L2": 27.0,
    "L3": 28.0,
    "L4": 28.0,
    "L5": 27.5,
}
LOST = {
    "T12": (0.43, 0.30, 0.05),
    "L1": (0.10, 0.27, 0.03),
    "L3": (0.22, 0.12, 0.02),
}  # anterior, middle, posterior
DISC_MM = 7.0


@dataclass(frozen=True)
class Body:
    """One planted vertebral body: centre (z, y, x) in mm, tilt in the sagittal plane, its three heights."""

    level: str
    centre: tuple
    tilt_deg: float
    heights: tuple


def planted():
    """The bodies from T9 down, on a gentle S curve with a small scoliosis."""
    bodies, z = [], 306.0
    for n, level in enumerate(LEVELS):
        lost = LOST.get(level, (0.02, 0.04, 0.0))
        heights = tuple(EXPECTED[level] * (1 - share) for share in lost)
        z -= heights[2] / 2
        bend = (n - 2.5) / 6
        centre = (z, 62.0 - 16 * np.exp(-((n - 6.5) ** 2) / 10), 60.0 + 7 * np.sin(n / 8 * np.pi))
        bodies.append(Body(level, centre, 9.0 * bend - 4, heights))
        z -= heights[2] / 2 + DISC_MM
    return bodies


def spine(spacing=(1.5, 1.0, 1.0)):
    """The volume and its labels; bones are brighter at their rim, T11 holds cement, the noise is always the same."""
    grid = Grid.regular(
        (int(320 / spacing[0]), int(150 / spacing[1]), int(120 / spacing[2])), spacing, (-60.0, -80.0, 5.0)
    )
    z, y, x = (np.arange(n, dtype=np.float32) * step for n, step in zip(grid.shape, spacing, strict=True))
    z, y, x = z[:, None, None], y[None, :, None], x[None, None, :]
    hu = np.where(((y - 70) / 72) ** 2 + ((x - 60) / 58) ** 2 < 1, 45.0, -1000.0) + 0 * z
    whole = np.zeros(grid.shape, np.int16)
    bodies = np.zeros(grid.shape, np.int16)
    tissue = np.zeros(grid.shape, np.int16)
    curve = [np.interp(z, [b.centre[0] for b in reversed(planted())], [b.centre[k] for b in reversed(planted())])
             for k in (1, 2)]  # fmt: skip
    canal = ((y - curve[0] - 27) / 8) ** 2 + ((x - curve[1]) / 11) ** 2
    hu[canal < 1] = 25
    tissue[(canal < 1) & (z > 20)] = Tissue.CANAL
    for body in planted():
        code = verse_of_level(body.level)
        turn = np.radians(body.tilt_deg)
        dz, dy, dx = z - body.centre[0], y - body.centre[1], x - body.centre[2]
        up, back = dz * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dz * np.sin(turn)
        front, middle, rear = body.heights
        along = np.clip(back / 17, -1, 1)
        floor = -rear / 2
        roof = (
            floor
            + (front + rear) / 2
            + (rear - front) / 2 * along
            - ((front + rear) / 2 - middle) * (1 - along**2)
        )
        inside = np.minimum(
            np.minimum(roof - up, up - floor), 17 * (1 - np.sqrt((back / 17) ** 2 + (dx / 22) ** 2))
        )
        arch = (canal < 2.1) & (canal >= 1) & (abs(up) < 9) & (back > 12)
        spinous = (abs(dx) < 3.5) & (back > 34) & (back < 62) & (abs(up + 0.35 * (back - 34)) < 8)
        hu = np.where(inside > 0, np.where(inside < 1.6, 520.0, 105 + (40 if body.level in LOST else 0)), hu)
        hu = np.where(arch | spinous, 380.0, hu)
        whole[arch | spinous | (inside > 0)] = code
        bodies[inside > 0] = code
        tissue[arch | spinous], tissue[inside > 0] = Tissue.POSTERIOR, Tissue.BODY
        if body.level == "T11":
            hu[(dz**2 + (dy + 3) ** 2 + (dx - 5) ** 2) < 60] = 1900
    hu = hu + np.random.default_rng(5).normal(0, 25, grid.shape)
    meta = {"modality": "CT", "kvp": 120.0, "format": "nifti"}
    volume = Volume(array=hu.astype(np.float32), affine=grid.affine, meta=meta)
    levels = tuple(LevelLabel(code=verse_of_level(name), level=name, confidence=0.97) for name in LEVELS)
    made = {name: LabelMap(array=array, affine=grid.affine) for name, array in
            (("vertebrae", whole), ("bodies", bodies), ("tissue", tissue))}  # fmt: skip
    labels = SpineLabels(levels=levels, anchored_by=("sacrum",), backend="embedded", version="1", **made)
    return volume, labels


def finding(body, origin=(-60.0, -80.0, 5.0)):
    """What is said of a planted body, from its own numbers."""
    expected = EXPECTED[body.level]
    lost = [1 - height / expected for height in body.heights]
    largest = max(lost)
    grade = sum(largest >= edge for edge in (0.2, 0.25, 0.4))
    kind = ("wedge", "biconcave", "crush")[int(np.argmax(lost))] if grade else "none"
    z, y, x = body.centre
    sound = Endplate(
        depression_mm=0.6, discontinuity=0.04, band_hu=8.0, tilt_deg=1.0, injured=False, signs=()
    )
    hurt = Endplate(depression_mm=4.1, discontinuity=0.38, band_hu=92.0, tilt_deg=12.0, injured=True,
                    signs=("depression", "discontinuity", "band"))  # fmt: skip
    burst = body.level == "T12"
    return VertebraFinding(
        level=body.level, level_confidence=0.97, evaluable=True,
        centroid_lps_mm=(x + origin[0], y + origin[1], z + origin[2]),
        heights_mm=Heights(anterior=body.heights[0], middle=body.heights[1], posterior=body.heights[2]),
        heights_parasagittal_mm=Heights(anterior=body.heights[0] - 0.4, middle=body.heights[1] - 0.3, posterior=body.heights[2]),
        height_loss=HeightLoss(anterior=lost[0], middle=lost[1], posterior=lost[2], se=0.02, self_loss=max(largest - 0.01, 0.0),
                               reference_mm=Heights(anterior=expected, middle=expected, posterior=expected),
                               reference_from=("T9", "T10", "L2", "L4")),
        wedge_deg=float(np.degrees(np.arctan((body.heights[2] - body.heights[0]) / 27))), lateral_wedge_deg=0.8,
        volume_ml=body.heights[1] * 1.17, disc_above_mm=6.8, disc_below_mm=7.1, local_kyphosis_deg=12.5, canal_ap_mm=15.8 - 3.5 * burst,
        canal_area_mm2=276.0 - 62 * burst, fractured=grade > 0, genant=Genant(grade=grade, type=kind, operating_point=0.2),
        superior=hurt if grade else sound, inferior=sound,
        posterior_wall=PosteriorWall(convexity_mm=3.2 if burst else 0.3, canal_area_ratio=0.77 if burst else 1.01, involved=burst),
        denis=Denis(scheme="compression", type="B", margin=0.52, evidence=("superior_injured",)) if grade else None,
        of_type=(3 if burst else 2) if grade else None,
        hu=None if grade else Hounsfield(median=104.0 + body.centre[0] / 60, mean=106.0, sd=31.0, volume_ml=7.4),
        confidence=0.97 if grade != 1 else 0.71, indicators={"fresh_band_hu": 92.0 if grade else 8.0, "anterior_kink_mm": 1.1},
        notes=("near_threshold",) if grade == 1 else (),
    )  # fmt: skip


def reading(**changes):
    """T9-L5: T12 grade 3 with its posterior wall, L1 grade 2 biconcave, L3 grade 1; T11 holds cement, L5 is cut off."""
    found = {body.level: finding(body) for body in planted()}
    bare = {"heights_mm": None, "heights_parasagittal_mm": None, "height_loss": None, "genant": None, "superior": None,
            "inferior": None, "posterior_wall": None, "denis": None, "hu": None, "confidence": None, "fractured": None}  # fmt: skip
    found["T11"] = replace(
        found["T11"], evaluable=False, not_evaluable=("cement",), contents=("cement",), **bare
    )
    found["L5"] = replace(
        found["L5"], evaluable=False, not_evaluable=("cropped",), level_confidence=0.93, **bare
    )
    found["T9"] = replace(found["T9"], level_confidence=0.91)
    facts = ScanFacts(source="ct/series-3", shape=(213, 150, 120), spacing_mm=(1.5, 1.0, 1.0), kvp=120.0, kernel="B60f",
                      contrast="portal_venous", slice_thickness_mm=1.5, manufacturer="SIEMENS", study_date="2026-11-03",
                      series_description="Spine 1.5 B60f", patient_id="P-0042")  # fmt: skip
    made = SpineReading(
        vertebrae=tuple(found[level] for level in LEVELS), scan=facts, anchored=True, backend="embedded",
        backend_version="1.0", operating_point=0.2, deformity_index=6, lordosis_deg=42.0, kyphosis_deg=None, hu_l1=None,
        hu_mean=106.4, hu_mean_of=("L2", "L4"), elapsed_s={"segment": 9.1, "measure": 3.4}, simulated=True, notes=("contrast_raises_hu",),
    )  # fmt: skip
    return replace(made, **changes)


def one_sided():
    """The same spine, with L2 pressed on one side: its middle has lost a tenth, its lower side the front third."""
    made = reading()
    side = Heights(anterior=17.3, middle=21.6, posterior=26.4)
    lost = HeightLoss(anterior=1 - 17.3 / 26.5, middle=1 - 21.6 / 26.5, posterior=1 - 26.4 / 26.8, se=0.02, self_loss=0.3,
                      reference_mm=Heights(anterior=26.5, middle=26.5, posterior=26.8), reference_from=("T9", "L4"))  # fmt: skip
    pressed = replace(made.at("L2"), heights_mm=Heights(anterior=24.9, middle=24.1, posterior=27.0),
                      heights_parasagittal_mm=side, height_loss=lost, fractured=True, hu=None, notes=("one_sided",),
                      genant=Genant(grade=2, type="wedge", operating_point=0.2))  # fmt: skip
    return replace(made, vertebrae=tuple(pressed if v.level == "L2" else v for v in made.vertebrae))


def suspicious():
    """The same spine, with a lytic lesion of L2 instead of nothing."""
    made = reading()
    flagged = {"L2": ("posterior_element_destruction", "lytic_focus")}
    return replace(made, vertebrae=tuple(
        replace(v, red_flags=flagged[v.level], fractured=None) if v.level in flagged else v for v in made.vertebrae
    ))  # fmt: skip


def unanchored():
    """The same spine without its ends: levels counted from below, nothing named."""
    made = reading(anchored=False, notes=("unanchored",))
    count = len(made.vertebrae)
    return replace(made, vertebrae=tuple(
        replace(v, level=f"V{count - n}", level_confidence=0.0) for n, v in enumerate(made.vertebrae)
    ))  # fmt: skip


def intact(**changes):
    """Every body as expected, nothing left out."""
    made = reading()
    heights = [finding(replace(b, heights=(EXPECTED[b.level],) * 3)) for b in planted()]
    return replace(made, vertebrae=tuple(heights), deformity_index=0, notes=(), hu_l1=108.0,
                   hu_mean_of=LEVELS[3:], **changes)  # fmt: skip
