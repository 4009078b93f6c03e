"""results.json of a spine CT: headline numbers by their public names, and the whole reading to be read back."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osteon.core.errors import FileError
from osteon.core.provenance import Provenance
from osteon.core.result import as_dict
from osteon.domain.spine import SpineReading, VertebraFinding
from osteon.reading.spine_compare import compare_readings
from osteon.reading.spine_prior import prior_notes

__all__ = ["read_prior", "results_json"]


def results_json(
    reading: SpineReading,
    *,
    prior: SpineReading | None = None,
    provenance: Provenance | None = None,
    dicom: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """
    What results.json holds: proportions are fractions 0-1, lengths millimetres, ``spacing_mm`` along z, y, x.

    ``heights_mm`` of a vertebra are mid-sagittal. Its loss and expected heights belong to them or, where ``graded_on``
    is "lower_side", to ``heights_parasagittal_mm``.

    Parameters
    ----------
    prior : SpineReading or None
        An earlier reading; adds ``changes``, one entry a level, and ``prior``: whose it is and what speaks against it.
    dicom : mapping or None
        Which DICOM objects were written, or why none.
    files : mapping or None
        SHA-256 of each other file of the folder as it was written.
    """
    made: dict[str, Any] = {
        "study": "ovcf-reading",
        "simulated": reading.simulated,
        "source": reading.scan.source,
        "spacing_mm": list(reading.scan.spacing_mm),
        "series_choice": reading.scan.series_choice,
        "other_series": list(reading.scan.other_series),
        "backend": reading.backend,
        "backend_version": reading.backend_version,
        "anchored": reading.anchored,
        "anchored_by": list(reading.anchored_by),
        "provenance": list(reading.provenance),
        "operating_point": reading.operating_point,
        "elapsed_s": reading.elapsed_s.get("total", sum(reading.elapsed_s.values())),
        "elapsed_steps_s": dict(reading.elapsed_s),
        "n_fractures": len(reading.fractured),
        "worst_grade": max((v.genant.grade for v in reading.fractured if v.genant is not None), default=0),
        "deformity_index": reading.deformity_index,
        "suspicious_levels": [v.level for v in reading.vertebrae if v.red_flags],
        "endplate_injury_levels": [v.level for v in reading.vertebrae if v.endplate_injury],
        "not_evaluable_levels": [v.level for v in reading.vertebrae if not v.evaluable],
        "lordosis_deg": reading.lordosis_deg,
        "kyphosis_deg": reading.kyphosis_deg,
        "hu_l1": reading.hu_l1,
        "hu_mean": reading.hu_mean,
        "vertebrae": [_vertebra(v) for v in reading.vertebrae],
        "notes": list(reading.notes),
        "seed": provenance.seed if provenance is not None else None,
        "versions": provenance,
        "dicom": dict(dicom) if dicom is not None else None,
        "files": dict(files) if files is not None else None,
        "reading": reading,
    }
    if prior is not None:
        made["changes"] = compare_readings(reading, prior)
        made["prior"] = {
            "source": prior.scan.source,
            "patient_id": prior.scan.patient_id,
            "study_date": prior.scan.study_date,
            "notes": prior_notes(reading, prior),
        }
    plain: dict[str, Any] = as_dict(made)
    return plain


def _vertebra(v: VertebraFinding) -> dict[str, Any]:
    return {
        "level": v.level,
        "level_confidence": v.level_confidence,
        "evaluable": v.evaluable,
        "not_evaluable": v.not_evaluable,
        "heights_mm": v.heights_mm,
        "heights_parasagittal_mm": v.heights_parasagittal_mm,
        "graded_on": _graded_on(v),
        "expected_mm": v.height_loss.reference_mm if v.height_loss is not None else None,
        "height_loss": max(v.height_loss.largest, 0.0) if v.height_loss is not None else None,
        "fractured": v.fractured,
        "endplate_injury": v.endplate_injury,
        "genant": {"grade": v.genant.grade, "type": v.genant.type} if v.genant is not None else None,
        "grade_confidence": v.genant.confidence if v.genant is not None else None,
        "denis": {"scheme": v.denis.scheme, "type": v.denis.type, "confidence": v.denis.confidence}
        if v.denis is not None
        else None,
        "of_type": v.of_type,
        "of_confidence": v.of_confidence,
        "posterior_wall_involved": v.posterior_wall.involved if v.posterior_wall is not None else None,
        "local_kyphosis_deg": v.local_kyphosis_deg,
        "hu_median": v.hu.median if v.hu is not None else None,
        "vbmd_mg_cm3": v.hu.vbmd_mg_cm3 if v.hu is not None else None,
        "confidence": v.confidence,
        "contents": v.contents,
        "red_flags": v.red_flags,
        "flag_confidence": {p.flag: p.confidence for p in v.flag_places},
        "centroid_lps_mm": v.centroid_lps_mm,
        "notes": v.notes,
    }


def _graded_on(v: VertebraFinding) -> str | None:
    """Which heights ``expected_mm`` and ``height_loss`` belong to; None where there is no loss."""
    if v.height_loss is None:
        return None
    return "lower_side" if v.one_sided else "mid_sagittal"


def read_prior(place: Path) -> SpineReading:
    """
    The reading kept in a results.json, or in the folder that holds one.

    Raises
    ------
    FileError
        There is none, or it holds no reading of a spine.
    """
    path = place / "results.json" if place.is_dir() else place
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))["reading"]
        reading: SpineReading = _revived(SpineReading, kept)
    except OSError as error:
        raise FileError(
            f"{path}: cannot be read ({error.strerror}).", hint="Give the folder of an earlier reading."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise FileError(
            f"{path}: holds no reading of a spine.", hint="Give the folder of an earlier 'osteon read ct'."
        ) from error
    return reading


def _revived(kind: Any, value: Any) -> Any:
    """``value`` from JSON as an instance of the annotation ``kind``: dataclasses, tuples, mappings, unions with None."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        unknown = set(value) - {f.name for f in dataclasses.fields(kind)}
        if unknown:
            raise TypeError(f"{kind.__name__} has no {sorted(unknown)}")
        return kind(**{name: _revived(hints[name], item) for name, item in value.items()})
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _revived(next(k for k in inner if k is not types.NoneType), value)
    if origin is tuple:
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_revived(k, item) for k, item in zip(kinds, value, strict=True))
    return value
