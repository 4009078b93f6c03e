"""
Heights of vertebral bodies by another road: percentiles of voxels in a turned frame, no code of osteon.

    OSTEON_DATA=... python validation/spine_reference_heights.py

Each body of the lumbar CT's comparison masks: its middle third from side to side, turned in the sagittal plane until it
fills the smallest rectangle; 94 % of each column 1.5 mm wide, then the median column at 10, 50 and 90 % of the depth.
"""

import os
from pathlib import Path

import nibabel as nib
import numpy as np

CODES = {"T12": 32, "L1": 31, "L2": 30, "L3": 29, "L4": 28, "L5": 27}
SITES = {"anterior": 0.9, "middle": 0.5, "posterior": 0.1}
ANGLES = np.radians(np.arange(-45, 45.1, 0.5))


def cubes_filled(voxels: np.ndarray) -> np.ndarray:
    """Places (index) spread over each voxel: it is a cube, not its centre."""
    return (voxels[:, None] + (np.indices((8, 8, 8)).reshape(3, -1).T - 3.5) / 8).reshape(-1, 3)


def heights_of(points_ras: np.ndarray) -> dict[str, float]:
    """Heights (mm) of one body from the places of its voxels."""
    low, high = np.percentile(points_ras[:, 0], [100 / 3, 200 / 3])
    central = points_ras[(points_ras[:, 0] >= low) & (points_ras[:, 0] <= high)]
    turned = min(
        (central[:, 1:] @ [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]] for a in ANGLES),
        key=lambda p: float(np.prod(np.ptp(np.percentile(p, [3, 97], axis=0), axis=0))),
    )
    back, front = np.percentile(turned[:, 0], [1, 99])
    share = (turned[:, 0] - back) / (front - back)
    found = {}
    for name, at in SITES.items():
        near = np.abs(share - at) <= 0.07
        place = np.floor(np.stack([central[near, 0], turned[near, 0]], axis=1) / 1.5)
        _, column = np.unique(place, axis=0, return_inverse=True)
        columns = [turned[near, 1][column == k] for k in range(column.max() + 1)]
        found[name] = float(np.median([np.ptp(np.percentile(c, [3, 97])) / 0.94 for c in columns]))
    return found


def reference_heights(folder: Path) -> dict[str, dict[str, float]]:
    """Heights per level of the comparison masks in ``folder``."""
    levels = nib.load(folder / "totalseg.nii.gz")
    bodies = np.asarray(nib.load(folder / "totalseg_vertebrae_body.nii.gz").dataobj) == 1
    found = {}
    for level, code in CODES.items():
        voxels = np.argwhere((np.asarray(levels.dataobj) == code) & bodies)
        found[level] = heights_of(nib.affines.apply_affine(levels.affine, cubes_filled(voxels)))
    return found


if __name__ == "__main__":
    place = Path(os.environ["OSTEON_DATA"]) / "ct" / "lumbar_3mm" / "spine_report" / "example_ct_report"
    for name, tall in reference_heights(place).items():
        print(f"{name:4s}" + "".join(f"  {site} {tall[site]:5.1f}" for site in SITES))
