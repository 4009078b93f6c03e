"""
Where the image itself puts the endplates: a third witness beside the reading and the comparison masks.

    OSTEON_DATA=... python validation/spine_image_edges.py

Across the middle of an endplate the image is averaged and a bright line between two plateaus, blurred, is fitted to it; the
line's outer edge is the endplate. From the reading come the frame and the shape of the surface, not its place. Where no clear
line stands between denser marrow and a darker disc, nothing is said; that rule was set on four other spines. Judged on SIMULATED spines of known height in cubes of
3 mm, then asked about the lumbar CT. Writes validation/spine_image_edges.csv and .md.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.optimize import least_squares
from scipy.special import ndtr
from spine_reference_heights import reference_heights

from osteon.core.provenance import code_version
from osteon.imaging.read import read_volume
from osteon.imaging.resample import resample
from osteon.imaging.segment.labels import SpineLabels
from osteon.imaging.volume import Volume
from osteon.reading.spine_ct import CtOptions, read_ct, read_spine
from osteon.reading.spine_vertebra import Measured, measured, places
from osteon.synth.spine_ct import phantom
from osteon.synth.spine_ranges import TRAINING

HERE = Path(__file__).parent
LEVELS = ("L1", "L2", "L3", "L4", "L5")
FIRST_SEED, SPINES, CUBE_MM = 77_000_004, 8, 3.0
LINE_MM = 1.0  # thickness of a bony endplate
BLUR_MM = (0.9, 2.2)
ALONG_MM = np.arange(-14.0, 12.01, 0.25)


def outer_edge(hu: np.ndarray) -> float | None:
    """Where the line's outer edge lies on :data:`ALONG_MM`, from the marrow outwards; None where no line is clear."""
    near = (ALONG_MM > -5) & (ALONG_MM < 4)
    brightest = float(ALONG_MM[near][hu[near].argmax()])
    used = np.abs(ALONG_MM - brightest + 1) < 8
    t, seen = ALONG_MM[used], hu[used]

    def off(p: np.ndarray) -> np.ndarray:
        edge, line, blur, marrow, disc = p
        outer, inner = ndtr((t - edge) / blur), ndtr((t - edge + LINE_MM) / blur)
        return marrow + (disc - marrow) * outer + line * (inner - outer) - seen

    low = [brightest - 3, 0, BLUR_MM[0], -200, -200]
    high = [brightest + 3.5, 4000, BLUR_MM[1], 600, 600]
    starts = [[brightest + k, 300, 1.3, seen[:6].mean(), seen[-6:].mean()] for k in (0, 1)]
    fits = [
        least_squares(off, np.clip(s, low, high), bounds=(low, high), loss="soft_l1", f_scale=8)
        for s in starts
    ]
    edge, line, blur, marrow, disc = min(fits, key=lambda fit: fit.cost).x
    return float(edge) if line >= 150 and blur < BLUR_MM[1] - 0.01 and marrow > disc + 10 else None


def middle_mm(body: Measured, volume: Volume) -> float | None:
    """Middle height of a body by the image, millimetres."""
    plates, frame = body.plates, body.frame
    strip = (np.abs(plates.share_u()) <= 1 / 3)[:, None] & (np.abs(plates.share_v() - 0.5) <= 0.12)
    moved = []
    for outward, surface in ((1, plates.top_mm), (-1, plates.bottom_mm)):
        u, v = np.nonzero(strip & np.isfinite(surface))
        w = surface[u, v][:, None] + outward * ALONG_MM
        points = np.stack(
            [np.broadcast_to(plates.u_mm[u][:, None], w.shape), np.broadcast_to(plates.v_mm[v][:, None], w.shape), w],
            axis=-1,
        )  # fmt: skip
        index = np.moveaxis(volume.grid.index(frame.world(points)), -1, 0)
        hu = map_coordinates(volume.array.astype(np.float32), index, order=1, mode="nearest")
        moved.append(outer_edge(hu.mean(axis=0)))
    top, bottom = moved
    return None if top is None or bottom is None else body.shape.heights_mm.middle + top + bottom


def witnessed(volume: Volume, labels: SpineLabels) -> dict[str, tuple[float, float | None]]:
    """Middle height of each lumbar body: of the reading, and of the image."""
    there = places(labels)
    found = {}
    for at, place in enumerate(there):
        if place.label.level in LEVELS:
            body = measured(there, at, labels, volume)
            found[place.label.level] = (body.shape.heights_mm.middle, middle_mm(body, volume))
    return found


def known_rows() -> list[dict[str, object]]:
    """The same on SIMULATED spines whose heights are known."""
    rows: list[dict[str, object]] = []
    for seed in range(FIRST_SEED, FIRST_SEED + SPINES):
        shown = phantom(seed, spacing_mm=(1.0, 1.0, 1.0), ranges=TRAINING, fov="lumbar", fractures=[])
        volume = resample(shown.volume, (CUBE_MM,) * 3)
        read = read_spine(volume, options=CtOptions(cross_check=False), simulated=True)
        true = {v.level: v.heights_mm[1] for v in shown.anatomy.shown}
        for level, (reading, image) in witnessed(volume, read.labels).items():
            if level in true:
                rows.append({"scan": f"SIMULATED {seed}", "level": level, "true_mm": true[level], "reading_mm": reading, "image_mm": image})  # fmt: skip
        print(seed, flush=True)
    return rows


def main() -> None:
    """Judge the witness, ask it, write the table."""
    rows = known_rows()
    clear = [r for r in rows if r["image_mm"] is not None]
    off = {k: np.array([r[f"{k}_mm"] - r["true_mm"] for r in clear]) for k in ("image", "reading")}  # type: ignore[operator]
    bias = float(off["image"].mean())
    root = Path(os.environ["OSTEON_DATA"]) / "ct" / "lumbar_3mm"
    masks = reference_heights(root / "spine_report" / "example_ct_report")
    scan = root / "example_ct.nii.gz"
    real = [
        {"scan": "lumbar_3mm", "level": level, "true_mm": None, "reading_mm": reading, "image_mm": image, "masks_mm": masks[level]["middle"]}
        for level, (reading, image) in witnessed(read_volume(scan).canonical(), read_ct(scan).labels).items()
    ]  # fmt: skip
    fields = list(real[0])
    with (HERE / "spine_image_edges.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {k: round(v, 2) if isinstance(v, float) else v for k, v in r.items()} for r in rows + real
        )
    said = [r for r in real if r["image_mm"] is not None]
    lines = [
        "# Middle heights: the image as a third witness", "",
        "Made by `OSTEON_DATA=... python validation/spine_image_edges.py`. Evaluation only; nothing in the reading was changed by it.", "",
        f"Judged where the truth is known: {len(rows)} bodies of {SPINES} SIMULATED lumbar spines in cubes of {CUBE_MM:.0f} mm, a clear line at both endplates of {len(clear)}. There the image is off by {np.abs(off['image']).mean():.2f} mm on average (bias {bias:+.2f}, standard deviation {off['image'].std(ddof=1):.2f}); the reading of the same bodies by {np.abs(off['reading']).mean():.2f} (bias {off['reading'].mean():+.2f}). Code {code_version()}.", "",
        "Asked about the lumbar CT, in cubes of 3 mm too; “image” is less its bias above, “masks” is the script on the comparison masks (another model's output):", "",
        "| level | image | reading | masks | reading - image | masks - image |", "|---|---|---|---|---|---|",
        *(f"| {r['level']} | {r['image_mm'] - bias:.1f} | {r['reading_mm']:.1f} | {r['masks_mm']:.1f} | {r['reading_mm'] - r['image_mm'] + bias:+.1f} | {r['masks_mm'] - r['image_mm'] + bias:+.1f} |" for r in said), "",  # type: ignore[operator]
        f"No clear line: {', '.join(str(r['level']) for r in real if r['image_mm'] is None) or 'nowhere'}.", "",
    ]  # fmt: skip
    (HERE / "spine_image_edges.md").write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines[4:]))


if __name__ == "__main__":
    main()
