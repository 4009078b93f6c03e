"""A folder of masks, one file a structure, as TotalSegmentator writes it (``vertebrae_L1.nii.gz``): one label map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from osteon.core.errors import FileError
from osteon.domain.anatomy import Tissue
from osteon.imaging.dicom_seg import Segments
from osteon.imaging.label_presets import LabelPreset, level_in, tissue_in
from osteon.imaging.volume import LabelMap

__all__ = ["mask_files", "read_mask_folder"]

_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha")
_WANTED = (Tissue.SACRUM, Tissue.DISC)  # "spinal_cord" is no canal, and nothing is read off ribs


def mask_files(folder: Path, known: LabelPreset) -> dict[str, Path]:
    """
    The files named after a vertebra, the sacrum or a disc, by their names without ending.

    Raises
    ------
    FileError
        There is none, or one name has two endings.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        ending = next((end for end in _ENDINGS if path.name.lower().endswith(end)), None)
        if ending is None:
            continue
        name = path.name[: -len(ending)]
        if name not in known.names and level_in(name) is None and tissue_in(name) not in _WANTED:
            continue
        if name in found:
            raise FileError(f"{path}: {found[name].name} is there too.", hint="Leave one of them.")
        found[name] = path
    if not found:
        raise FileError(
            f"{folder}: no mask in it is named after a vertebra.",
            hint="Expected files such as vertebrae_L1.nii.gz, or one label map.",
        )
    return found


def read_mask_folder(folder: Path, known: LabelPreset, *, read: Callable[[Path], Segments]) -> Segments:
    """
    The masks of a folder as one map that names its segments after the files; a later mask wins where two overlap.

    Parameters
    ----------
    known : LabelPreset
        Its ``names`` may name further files.
    read : callable
        Reads one file.

    Raises
    ------
    FileError
        See :func:`mask_files`; a file holds more than one label, or lies on another grid than the first.
    """
    whole: LabelMap | None = None
    names: dict[int, str] = {}
    notes: list[str] = []
    shared = 0
    for value, (name, path) in enumerate(mask_files(folder, known).items(), start=1):
        segments = read(path)
        mask = segments.labels
        if len(mask.present) > 1:
            raise FileError(
                f"{path}: holds the labels {', '.join(map(str, mask.present[:5]))}, expected a mask of one structure.",
                hint="Give a map of several labels as a file of its own.",
            )
        if whole is None:
            whole = LabelMap(array=np.zeros(mask.array.shape, np.uint16), affine=mask.affine, names=names)
        if not mask.grid.same_place(whole.grid):
            raise FileError(f"{path}: lies on another grid than the files before it.")
        inside = mask.array > 0
        shared += int(np.count_nonzero(whole.array[inside]))
        whole.array[inside] = value
        names[value] = name
        notes.extend(segments.notes)
    if whole is None:
        raise FileError(f"{folder}: no mask in it.")
    notes += [f"overlapping_segments:{shared}"] if shared else []
    return Segments(labels=whole, notes=tuple(dict.fromkeys(notes)))
