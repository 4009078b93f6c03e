"""Everything that ``osteon read ct`` leaves in its folder: results, report, masks, and DICOM objects for a DICOM scan."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osteon.core.errors import InputError
from osteon.core.files import staged_folder, whole_file, write_json
from osteon.core.provenance import provenance
from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.imaging.segment.labels import SpineLabels
from osteon.imaging.volume import Volume
from osteon.imaging.write import write_nifti
from osteon.report.save import save
from osteon.report.spine_ct import spine_ct_document
from osteon.report.spine_folder import checksums, own_files
from osteon.report.spine_results import read_prior, results_json
from osteon.report.spine_scene import spine_scene
from osteon.report.words import words

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from osteon.report.dicom_source import DicomSource

__all__ = ["read_prior", "save_reading"]


def save_reading(
    out: Path,
    reading: SpineReading,
    volume: Volume | None,
    labels: SpineLabels | None,
    *,
    lang: str,
    prior: SpineReading | None = None,
    command: str = "",
) -> tuple[Path, ...]:
    """
    Write a reading into ``out``: results.json, report.html, report.pdf, report.docx, tables/, figures/, the masks, and
    segmentation.dcm, report.dcm, key-image.dcm, a key-image-LEVEL.dcm for each close-up and report-pdf.dcm where the scan
    was DICOM.

    All files appear together or none does, and what an earlier reading left in ``out`` goes (whether it may,
    :func:`osteon.report.spine_folder.check_folder` says). Without ``volume`` the key images are drawn from the label map alone; a
    DICOM scan that nothing can refer to (empty identifiers) gets no DICOM objects and results.json says why.

    Returns
    -------
    tuple of Path
        What was written, sorted.
    """
    made = provenance(seed=None, inputs=(Path(reading.scan.source),), command=command)
    known = {label.level for label in labels.levels} if labels is not None else set()
    drawn = labels if any(v.level in known for v in reading.vertebrae) else None
    scene = spine_scene(reading, drawn, volume) if drawn is not None else None
    document = spine_ct_document(reading, key_images=scene, prior=prior, provenance=made)
    earlier = own_files(out)
    with staged_folder(out) as stage:
        save(document, stage, lang)
        if labels is not None:
            axes = str(volume.meta.get("axes", "")) if volume is not None else ""
            write_nifti(labels.vertebrae, stage / "segmentation.nii.gz", axes=axes)
            write_nifti(labels.bodies, stage / "bodies.nii.gz", axes=axes)
        with warnings.catch_warnings():  # a patient's name of one word is the hospital's matter
            warnings.filterwarnings(
                "ignore", message="The string .* is unlikely to represent", category=UserWarning
            )
            dicom = (
                _dicom(stage, reading, volume, drawn, lang=lang, prior=prior) if drawn is not None else None
            )
        files = checksums(stage)
        results = results_json(reading, prior=prior, provenance=made, dicom=dicom, files=files)
        write_json(stage / "results.json", results)
    written = tuple(sorted(out / name for name in (*files, "results.json")))
    for stale in set(earlier) - set(written):
        stale.unlink()
    return written


def _dicom(
    stage: Path,
    reading: SpineReading,
    volume: Volume | None,
    labels: SpineLabels,
    *,
    lang: str,
    prior: SpineReading | None,
) -> dict[str, Any] | None:
    """Write the DICOM objects of a DICOM scan; says what was written, or why nothing could be."""
    if volume is None or volume.meta.get("format") != "dicom":
        return None
    from osteon.report.dicom_sc import encapsulated_pdf
    from osteon.report.dicom_seg import spine_seg
    from osteon.report.dicom_source import dicom_source
    from osteon.report.dicom_sr import spine_sr

    try:
        source = dicom_source(volume)
        seg = spine_seg(labels, source, simulated=reading.simulated)
    except InputError as error:
        return {"written": [], "why_not": error.message}
    say = words(lang)
    title = say("spine_ct.title")
    if reading.simulated:
        title = f"{say('report.simulated_mark')} · {title}"
    pdf = encapsulated_pdf(
        (stage / "report.pdf").read_bytes(), source, title=title, simulated=reading.simulated
    )
    objects = {
        "segmentation.dcm": seg,
        "report.dcm": spine_sr(reading, seg, source, lang=lang, prior=prior),
        "report-pdf.dcm": pdf,
        **_key_images(stage / "figures", reading, source),
    }
    for name, made in objects.items():
        with whole_file(stage / name) as draft:
            made.save_as(draft, enforce_file_format=True)
    return {"written": sorted(objects), "why_not": None}


def _key_images(figures: Path, reading: SpineReading, source: DicomSource) -> dict[str, Dataset]:
    """The overview and the close-ups that the report shows, one series."""
    import highdicom as hd

    from osteon.report.dicom_sc import key_image

    series = hd.UID()
    shown: dict[str, tuple[Path, VertebraFinding | None]] = {
        "key-image.dcm": (figures / "figure-spine.png", None)
    }
    for vertebra in reading.vertebrae:
        if (picture := figures / f"figure-{vertebra.level.lower()}.png").exists():
            shown[f"key-image-{vertebra.level}.dcm"] = (picture, vertebra)
    return {
        name: key_image(
            picture.read_bytes(),
            source,
            simulated=reading.simulated,
            series=series,
            number=number,
            vertebra=vertebra,
        )
        for number, (name, (picture, vertebra)) in enumerate(shown.items(), 1)
    }
