"""Label maps of any tool as a labelled spine: vertebrae by VerSe code, bodies, tissues, with or without their CT."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pydicom
from scipy import ndimage

from osteon.core.errors import FileError
from osteon.core.files import sha256
from osteon.domain.anatomy import Tissue, level_of_verse, level_rank, verse_of_level
from osteon.imaging.bodies import bodies_with_doubts
from osteon.imaging.dicom_files import DAMAGED
from osteon.imaging.dicom_rtstruct import read_rtstruct
from osteon.imaging.dicom_seg import Segments, read_seg
from osteon.imaging.label_folder import mask_files, read_mask_folder
from osteon.imaging.label_presets import LabelPreset, level_in, load_preset, tissue_in
from osteon.imaging.resample import label_boxes, resample_labels
from osteon.imaging.segment.labels import LevelLabel, SpineLabels
from osteon.imaging.segment.levels import USUAL_COUNT
from osteon.imaging.volume import Grid, LabelMap, Volume

__all__ = ["read_label_map", "read_labels"]

LARGE, APART_MM = 0.4, 20.0
"""Pieces of a label with this share of the largest, at heights this far apart, are bodies of their own; halves are not."""
_NIFTI_NAME = re.compile(rb'<Label Key="(\d+)"[^>]*><!\[CDATA\[([^\]]*)\]\]>')


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What each value of one map stands for."""

    levels: dict[int, str]
    tissue: dict[int, Tissue]
    notes: tuple[str, ...]


def read_labels(
    path: Path,
    *,
    preset: str | Path,
    like: Volume | None = None,
    regions: Path | None = None,
    read: Callable[..., Segments] | None = None,
) -> SpineLabels:
    """
    A labelled spine from a label map of another tool or of a person.

    Parameters
    ----------
    path : Path
        NIfTI, NRRD, MetaImage, DICOM SEG or RTSTRUCT; or a folder of masks named after their vertebrae.
    preset : str or Path
        One of :data:`osteon.imaging.label_presets.PRESETS`; "names" to go by what the file calls its segments (always
        so for RTSTRUCT and folders); or a TOML file (see :func:`osteon.imaging.label_presets.load_preset`).
    like : Volume, optional
        The image; labels come on its grid. Without it they stay on their own, canonical.
    regions : Path, optional
        A second map that tells body from arch and disc (preset table ``regions``). Without it bodies are cut from the
        whole vertebrae by :func:`osteon.imaging.bodies.bodies_of`.
    read : callable, optional
        In place of :func:`read_label_map`, for each file.

    Returns
    -------
    SpineLabels
        Levels from the head down, note "imported"; ``anchored_by`` ("labels",). Nobody can tell a person's names from a
        program's: their confidence is :data:`osteon.imaging.segment.levels.USUAL_COUNT`. Where the map only counts its
        vertebrae (preset key ``unnamed``) they are "V1", "V2", ... from below, confidence 0, anchored by nothing.

    Raises
    ------
    FileError
        Damaged; a value the preset does not know; names that contradict it; two values for one level; vertebrae that
        lie in no head-to-foot order; a label that holds several bodies; labels outside the image; or no vertebra at all.
    ConfigError
        See :func:`osteon.imaging.label_presets.load_preset`.
    """
    path = Path(path)
    known, read = load_preset(preset), read or read_label_map
    if path.is_dir():
        segments = read_mask_folder(path, known, read=read)
        meaning = _meaning(segments.labels, LabelPreset(name="names", names=known.names), path)
        digest = sha256(*mask_files(path, known).values())[:12]
    else:
        segments = read(path, like=None if like is None else like.grid)
        meaning = _meaning(segments.labels, known, path)
        digest = sha256(path)[:12]
    if like is None:
        segments = segments.with_margin()
    notes = [*segments.notes, *meaning.notes, *((known.note,) if known.note else ())]
    codes = {value: _code(level) for value, level in meaning.levels.items()}
    vertebrae = _mapped(segments.labels, codes, names={c: v for v, c in _names(codes, meaning).items()})
    tissue = _mapped(segments.labels, {value: int(t) for value, t in meaning.tissue.items()})
    if like is not None:
        vertebrae, tissue, moved = _on_image(vertebrae, tissue, like, segments, path)
        notes.extend(moved)
    parts = None if regions is None else read(regions).labels
    bodies, doubts = _bodies(vertebrae, known, parts, regions or path)
    _check_single(bodies, path)
    notes.extend(
        ("bodies_from_regions",) if regions else () if known.content == "bodies" else ("bodies_by_geometry",)
    )
    tissue = _with_bone(tissue, vertebrae, bodies)
    levels = _levels(vertebrae, bodies, doubts, path)
    return SpineLabels(
        vertebrae=vertebrae, bodies=bodies, tissue=tissue, levels=levels,
        anchored_by=() if any(map(_unnamed, meaning.levels.values())) else ("labels",),
        backend=f"import:{known.name}", version=digest, border=known.border,
        provenance=(f"import:{known.name} {path.name} sha256:{digest}",),
        notes=tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def read_label_map(path: Path, *, like: Grid | None = None) -> Segments:
    """
    The label values of a file as they are, canonical, with the names it gives them.

    Raises
    ------
    FileError
        Missing, damaged, of an unknown format, or not whole numbers from 0 up.
    """
    path = Path(path)
    name = path.name.lower()
    if not path.is_file():
        raise FileError(f"{path}: no such file.")
    if name.endswith((".nii", ".nii.gz")):
        from osteon.imaging.nifti import placed_array

        array, affine, notes = placed_array(path)
        return _plain(array, affine, notes, _nifti_names(path), path)
    if name.endswith((".nrrd", ".nhdr", ".mha", ".mhd")):
        from osteon.imaging.itk_formats import placed_array as placed_itk

        array, affine, notes, keys = placed_itk(path)
        return _plain(array, affine, notes, _nrrd_names(keys), path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(path, force=True, stop_before_pixels=True, specific_tags=["Modality"])
            modality = str(header.get("Modality", ""))
    except DAMAGED as error:
        raise FileError(f"{path}: no label map that can be read ({error}).") from error
    if modality == "SEG":
        return read_seg(path)
    if modality == "RTSTRUCT":
        return read_rtstruct(path, like=like)
    raise FileError(
        f"{path}: no label map (modality {modality or 'unknown'}).",
        hint="Expected NIfTI, NRRD, MetaImage, DICOM SEG or RTSTRUCT.",
    )


def _plain(
    array: npt.NDArray[Any],
    affine: npt.NDArray[np.float64],
    notes: tuple[str, ...],
    names: dict[int, str],
    path: Path,
) -> Segments:
    low, high = float(array.min()), float(array.max())
    if not (low > -1e-3 and high < 65_535.5):  # also where one is undefined
        raise FileError(
            f"{path}: labels from {low:g} to {high:g}, expected 0 to 65535.", hint="Is it the image itself?"
        )
    kind = np.uint8 if high < 255.5 else np.uint16
    whole = array.astype(kind)
    if array.dtype.kind == "f" and not np.array_equal(array, whole):
        whole = np.rint(array).astype(kind)
        if np.abs(array - whole).max() > 1e-3:
            raise FileError(f"{path}: holds fractions, expected the whole numbers of a label map.")
    turned = LabelMap(array=whole, affine=affine, names=names).canonical()
    return Segments(labels=replace(turned, array=np.ascontiguousarray(turned.array)), notes=notes)


def _nifti_names(path: Path) -> dict[int, str]:
    """The label table that TotalSegmentator and Connectome Workbench put into the header."""
    image: Any = nibabel.load(path)
    content = b"".join(
        bytes(e.get_content()) for e in getattr(image.header, "extensions", ()) if e.get_code() == 0
    )
    return {int(value): name.decode("utf-8", "replace") for value, name in _NIFTI_NAME.findall(content)}


def _nrrd_names(keys: dict[str, str]) -> dict[int, str]:
    """Segment names of 3D Slicer (.seg.nrrd)."""
    values = {key[:-11]: value for key, value in keys.items() if key.endswith("_LabelValue")}
    return {int(v): keys.get(f"{k}_Name", "") for k, v in values.items() if v.isdigit()}


def _meaning(labels: LabelMap, known: LabelPreset, path: Path) -> _Meaning:
    """Levels and tissues of the values that occur; a value nobody knows is an error, never dropped in silence."""
    levels: dict[int, str] = {}
    tissue: dict[int, Tissue] = {}
    unknown, ignored = [], 0
    for value in sorted(label_boxes(labels.array)):
        name = labels.names.get(value, "")
        said = known.names.get(name) or level_in(name)
        listed = known.levels.get(value)
        if said is not None and said in Tissue.__members__:
            tissue[value] = Tissue[said]
        elif listed and said and listed != said:
            raise FileError(
                f"{path}: label {value} is {listed} by the preset {known.name} but the file calls it {name!r}.",
                hint="Choose the preset of the tool that made it, or names.",
            )
        elif listed or known.parts.get(value):
            levels[value] = listed or known.parts[value]
        elif value in known.unnamed:
            levels[value] = known.unnamed[value]
        elif value in known.tissue:
            tissue[value] = known.tissue[value]
        elif value in known.ignored:
            ignored += 1
        elif said and known.name == "names":
            levels[value] = said
        elif known.name == "names" and name:
            if (kind := tissue_in(name)) is not None:
                tissue[value] = kind
            else:
                ignored += 1
        else:
            unknown.append(f"{value} ({name})" if name else str(value))
    if unknown:
        raise FileError(
            f"{path}: labels unknown to the preset {known.name}: {', '.join(unknown[:12])}.",
            hint="Choose another preset, or list them under ignored in a TOML of your own.",
        )
    for level in set(levels.values()):
        owners = [v for v, said in levels.items() if said == level and v not in known.parts]
        if len(owners) > 1:
            raise FileError(
                f"{path}: labels {owners} all mean {level}.", hint="Each level may have one label."
            )
    if len({_unnamed(level) for level in levels.values()}) > 1:
        raise FileError(
            f"{path}: some labels name a level, others ({', '.join(filter(_unnamed, levels.values()))}) only count.",
            hint="Name all of them, or none.",
        )
    if not levels:
        raise FileError(f"{path}: no vertebra in it ({len(label_boxes(labels.array))} labels).")
    return _Meaning(levels, tissue, (f"ignored_labels:{ignored}",) if ignored else ())


def _unnamed(level: str) -> bool:
    return level.startswith("V")


def _code(level: str) -> int:
    """The value in osteon's label maps, see :class:`LevelLabel`."""
    return 100 + int(level[1:]) if _unnamed(level) else verse_of_level(level)


def _place(level: str) -> int:
    """Rises from the head down."""
    return -int(level[1:]) if _unnamed(level) else level_rank(level)


def _names(codes: dict[int, int], meaning: _Meaning) -> dict[str, int]:
    return {meaning.levels[value]: code for value, code in codes.items()}


def _mapped(labels: LabelMap, codes: dict[int, int], *, names: dict[int, str] | None = None) -> LabelMap:
    table = np.zeros(max(int(labels.array.max(initial=0)), *codes, 0) + 1, dtype=np.uint8)
    for value, code in codes.items():
        table[value] = code
    return LabelMap(array=table[labels.array], affine=labels.affine, names=names or {})


def _on_image(
    vertebrae: LabelMap, tissue: LabelMap, like: Volume, segments: Segments, path: Path
) -> tuple[LabelMap, LabelMap, list[str]]:
    notes = []
    if not vertebrae.grid.same_place(like.grid):
        before = label_boxes(vertebrae.array)
        vertebrae = resample_labels(vertebrae, like.grid)
        tissue = resample_labels(tissue, like.grid)
        after = label_boxes(vertebrae.array)
        if not after:
            raise FileError(
                f"{path}: no label lies inside the image.",
                hint="Are they of the same scan, in the same frame?",
            )
        notes.append("labels_resampled")
        if lost := len(before) - len(after):
            notes.append(f"labels_outside_image:{lost}")
    frame = str(like.meta.get("frame_uid", ""))
    if frame and segments.frame_uid and frame != segments.frame_uid:
        notes.append("frame_of_reference_differs")
    return vertebrae, tissue, notes


def _bodies(
    vertebrae: LabelMap, known: LabelPreset, parts: LabelMap | None, path: Path
) -> tuple[LabelMap, tuple[int, ...]]:
    if parts is not None and not known.regions:
        raise FileError(
            f"{path}: the preset {known.name} has no table of regions.",
            hint="Add [regions] to a TOML of your own, or leave the regions out.",
        )
    if known.content == "bodies":
        return vertebrae, ()
    if parts is None:
        return bodies_with_doubts(vertebrae)
    body = _mapped(parts, {value: 1 for value, kind in known.regions.items() if kind == Tissue.BODY})
    if not body.grid.same_place(vertebrae.grid):
        body = resample_labels(body, vertebrae.grid)
    array = np.where(body.array > 0, vertebrae.array, 0).astype(vertebrae.array.dtype)
    if not array.any():
        raise FileError(f"{path}: no body of a labelled vertebra in it.")
    return LabelMap(array=array, affine=vertebrae.affine, names=vertebrae.names), ()


def _check_single(bodies: LabelMap, path: Path) -> None:
    """One label, one body: a map that tells body from disc alone must not be read as one that tells vertebrae apart."""
    for code, (z, y, x) in label_boxes(bodies.array).items():
        part = bodies.cropped((z, y, x))
        pieces, _ = ndimage.label(part.array == code)
        sizes = np.bincount(pieces.ravel())[1:]
        large = 1 + np.flatnonzero(sizes > LARGE * sizes.max())
        middles = ndimage.center_of_mass(pieces > 0, pieces, large)
        heights = np.sort([part.grid.world(np.array(middle))[2] for middle in middles])
        several = 1 + int(np.count_nonzero(np.diff(heights) > APART_MM))
        if several > 1:
            raise FileError(
                f"{path}: the label of {level_of_verse(code)} holds {several} bodies, expected one.",
                hint="A map of body and disc alone goes with --regions beside the map of the vertebrae.",
            )


def _with_bone(tissue: LabelMap, vertebrae: LabelMap, bodies: LabelMap) -> LabelMap:
    array = tissue.array.copy()
    array[vertebrae.array > 0] = Tissue.POSTERIOR
    array[bodies.array > 0] = Tissue.BODY
    return replace(tissue, array=array, names={int(kind): kind.name for kind in Tissue if kind})


def _levels(
    vertebrae: LabelMap, bodies: LabelMap, doubts: tuple[int, ...], path: Path
) -> tuple[LevelLabel, ...]:
    """One label per vertebra, head down; the head is where the map says, or the map is not what the preset thinks."""
    boxes, seen = label_boxes(vertebrae.array), label_boxes(bodies.array)
    ordered = sorted((vertebrae.names[k], k) for k in boxes)
    ordered.sort(key=lambda item: _place(item[0]))
    heights = [_height(vertebrae, k, boxes[k]) for _, k in ordered]
    wrong = [ordered[n + 1][0] for n in range(len(ordered) - 1) if heights[n] <= heights[n + 1]]
    if wrong and len(wrong) * 2 >= len(ordered) - 1:
        raise FileError(
            f"{path}: the vertebrae lie in the wrong order, e.g. {wrong[0]} is above the level before it.",
            hint="The preset or the orientation of the file is wrong.",
        )
    found = []
    for level, code in ordered:
        box = seen.get(code, boxes[code])
        cropped = any(s.start == 0 or s.stop == n for s, n in zip(box, vertebrae.array.shape, strict=True))
        notes = ["imported"]
        notes += ["body_split_by_size"] if code in doubts else []
        notes += ["out_of_order"] if level in wrong else []
        notes += ["no_body"] if code not in seen else []
        sure = 0.0 if _unnamed(level) else USUAL_COUNT
        found.append(LevelLabel(code=code, level=level, confidence=sure, cropped=cropped, notes=tuple(notes)))
    return tuple(found)


def _height(vertebrae: LabelMap, code: int, box: tuple[slice, ...]) -> float:
    z, y, x = box
    part = vertebrae.cropped((z, y, x))
    return float(part.grid.world(np.argwhere(part.array == code).mean(axis=0))[2])
