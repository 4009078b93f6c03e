"""Whether an earlier reading may be compared with a scan: one patient, one kind of scan, the earlier one earlier."""

from __future__ import annotations

from osteon.core.errors import InputError
from osteon.domain.spine import ScanFacts, SpineReading

__all__ = ["NAMES_IN_DOUBT", "check_prior", "prior_notes"]

#: Notes of a reading that put the names of its levels in doubt.
NAMES_IN_DOUBT = (
    "anchors_disagree",
    "gap_in_levels",
    "levels_out_of_order",
    "duplicate_level",
    "pin_past_odd_spacing",
    "names_do_not_fit",
)


def check_prior(
    scan: ScanFacts, prior: SpineReading, *, simulated: bool = False, unchecked: bool = False
) -> None:
    """
    Refuse an earlier reading that is not one of this patient or not earlier.

    What a file does not say (a NIfTI says neither patient nor date) refuses nothing; :func:`prior_notes` names it.

    Parameters
    ----------
    simulated : bool
        ``scan`` was invented.
    unchecked : bool
        The user answers for patient and dates; an invented scan is still not compared with a real one.

    Raises
    ------
    InputError
        Another patient; the same examination; a later one; one of the two is invented and the other real.
    """
    if simulated != prior.simulated:
        kinds = ("SIMULATED", "a real one")
        ours, theirs = kinds if simulated else kinds[::-1]
        raise InputError(
            f"the scan is {ours}, the earlier reading is of {theirs}.",
            hint="Compare invented scans with invented ones, real ones with real ones.",
        )
    doubts = () if unchecked else _doubts(scan, prior.scan)
    if "patient_differs" in doubts:
        raise InputError(
            f"the scan is of patient {scan.patient_id!r}, the earlier reading of patient {prior.scan.patient_id!r}.",
            hint="Give an earlier reading of the same patient; where both IDs are one person's, add --prior-unchecked.",
        )
    if "same_scan" in doubts:
        raise InputError(
            f"the earlier reading is of this same examination ({prior.scan.study_uid or prior.scan.series_uid}).",
            hint="Give the folder of an earlier scan; to compare two readings of one scan, add --prior-unchecked.",
        )
    if "not_earlier" in doubts:
        raise InputError(
            f"the scan is of {scan.study_date}, the reading given as the earlier one of {prior.scan.study_date}.",
            hint="Read the later scan with --prior of the earlier one; where a date is wrong, add --prior-unchecked.",
        )


def prior_notes(now: SpineReading, prior: SpineReading) -> tuple[str, ...]:
    """
    What a reader of the comparison has to know: codes of what is unknown, or was overridden, about patient, dates, levels.

    "patient_differs", "same_scan" and "not_earlier" occur only where the user asked not to check.
    """
    notes = list(_doubts(now.scan, prior.scan))
    if not (now.anchored and prior.anchored):
        notes.append("levels_unnamed")
    else:
        both = (*now.notes, *prior.notes)
        notes += ["levels_pinned"] if "levels_pinned" in both else []
        notes += ["levels_in_doubt"] if set(both) & set(NAMES_IN_DOUBT) else []
    return tuple(notes)


def _doubts(scan: ScanFacts, earlier: ScanFacts) -> tuple[str, ...]:
    found = []
    patients = scan.patient_id.strip(), earlier.patient_id.strip()
    if not all(patients):
        found.append("patient_unknown")
    elif patients[0] != patients[1]:
        found.append("patient_differs")
    if (scan.study_uid and scan.study_uid == earlier.study_uid) or (
        scan.series_uid and scan.series_uid == earlier.series_uid
    ):
        found.append("same_scan")
    days = scan.study_date.strip(), earlier.study_date.strip()
    if not all(days):
        found.append("date_unknown")
    elif days[1] > days[0]:
        found.append("not_earlier")
    elif days[0] == days[1] and "same_scan" not in found:
        found.append("same_day")
    return tuple(found)
