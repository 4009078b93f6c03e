"""
Heights of vertebral bodies by another road: percentiles of voxels in a turned frame, no code of osteon.

    OSTEON_DATA=... python validation/spine_reference_heights.py

Each body of the lumbar CT's comparison masks: its middle third from side to side, turned in the sagittal plane until it
fills the smallest rectangle; then 94 % of the columns at 10, 50 and 90 % of the depth.
"""

from __future__ import annotations

import os
from pathlib import Path

import nibabel as nib
import numpy as np

CODES = {"T12": 32, "L1": 31, "L2": 30, "L3": 29, "L4": 28, "L5": 27}
SITES = {"anterior": 0.9, "middle": 0.5, "posterior": 0.1}


def heights_of(points_ras: np.ndarray) -> dict[str, float]:
    """Heights (mm) of one body from the places of its voxels."""
    low, high = np.percentile(points_ras[:, 0], [100 / 3, 200 / 3])
    flat = points_ras[(points_ras[:, 0] >= low) & (points_ras[:, 0] <= high)][:, 1:]
    turned = min(
        (
            flat @ [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
            for a in np.radians(np.arange(-45, 45.1, 0.5))
        ),
        key=lambda p: float(np.prod(np.ptp(np.percentile(p, [3, 97], axis=0), axis=0))),
    )
    back, front = np.percentile(turned[:, 0], [1, 99])
    share = (turned[:, 0] - back) / (front - back)
    found = {}
    for name, at in SITES.items():
        column = turned[np.abs(share - at) <= 0.07, 1]
        found[name] = float(np.ptp(np.percentile(column, [3, 97])) / 0.94)
    return found


def reference_heights(folder: Path) -> dict[str, dict[str, float]]:
    """Heights per level of the comparison masks in ``folder``."""
    levels = nib.load(folder / "totalseg.nii.gz")
    codes, bodies = (
        np.asarray(levels.dataobj),
        np.asarray(nib.load(folder / "totalseg_vertebrae_body.nii.gz").dataobj),
    )
    found = {}
    for level, code in CODES.items():
        parts = (np.indices((4, 4, 4)).reshape(3, -1).T - 1.5) / 4  # a voxel is a cube, not its centre
        index = (np.argwhere((codes == code) & (bodies == 1))[:, None] + parts).reshape(-1, 3)
        found[level] = heights_of(nib.affines.apply_affine(levels.affine, index))
    return found


if __name__ == "__main__":
    place = Path(os.environ["OSTEON_DATA"]) / "ct" / "lumbar_3mm" / "spine_report" / "example_ct_report"
    for name, tall in reference_heights(place).items():
        print(f"{name:4s}" + "".join(f"  {site} {tall[site]:5.1f}" for site in SITES))
