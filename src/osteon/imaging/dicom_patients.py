"""Whose slices these are: by patient ID and name, so that two patients are never read as one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from osteon.imaging.dicom_header import Slice

__all__ = ["by_patient", "patient_of"]

Patient = tuple[str, frozenset[str]]


def patient_of(item: Slice) -> Patient:
    """
    Patient ID and the ways the name is written, without what spelling changes: case, separators, empty parts.

    "Wang^XiuYing=王^秀英" is one name in two scripts; either of them is the name.
    """
    name = item.facts.get("PatientName", "").casefold()
    ways = (" ".join(re.split(r"[\^\s]+", way)).strip() for way in name.split("="))
    return item.facts.get("PatientID", "").strip().casefold(), frozenset(filter(None, ways))


def _differ(a: Patient, b: Patient) -> bool:
    """Both say an ID, or a name, and not the same one; what one of them leaves empty tells nothing."""
    return bool((a[0] and b[0] and a[0] != b[0]) or (a[1] and b[1] and not a[1] & b[1]))


def by_patient(slices: Iterable[Slice]) -> list[list[Slice]]:
    """
    Slices by patient, in order of appearance.

    Slices that name nobody belong to the only patient there is; beside two patients they stand alone.
    """
    every = list(slices)
    said = {id(item): patient_of(item) for item in every}
    people: list[list[Patient]] = []
    for patient in sorted(dict.fromkeys(said.values()), key=lambda one: -bool(one[0]) - bool(one[1])):
        homes = [known for known in people if not any(_differ(patient, other) for other in known)]
        if len(homes) == 1:
            homes[0].append(patient)
        else:
            people.append([patient])
    lots: dict[int, list[Slice]] = {}
    for item in every:
        home = next(n for n, known in enumerate(people) if said[id(item)] in known)
        lots.setdefault(home, []).append(item)
    return list(lots.values())
