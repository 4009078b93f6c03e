"""An earlier reading: refused where it is another patient's, the same scan or a later one; doubts stay said."""

from dataclasses import replace

import pytest

from osteon.core.errors import InputError
from osteon.domain.spine import ScanFacts, SpineReading
from osteon.reading.spine_prior import check_prior, prior_notes


def scan(patient="A-1", day="20260301", study="1.2.3", **changes):
    facts = ScanFacts(source="x", shape=(10, 10, 10), spacing_mm=(1.0, 1.0, 1.0), patient_id=patient, study_date=day,
                      study_uid=study, series_uid=f"{study}.1" if study else "")  # fmt: skip
    return replace(facts, **changes)


def reading(facts, **changes):
    made = SpineReading(
        vertebrae=(), scan=facts, anchored=True, backend="x", backend_version="1", operating_point=0.2
    )
    return replace(made, **changes)


EARLIER = scan(day="20250301", study="1.2.2")


def test_an_earlier_scan_of_the_same_patient_is_compared_without_a_word():
    check_prior(scan(), reading(EARLIER))
    assert prior_notes(reading(scan()), reading(EARLIER)) == ()


@pytest.mark.parametrize(("earlier", "said", "note"), [
    (replace(EARLIER, patient_id="B-2"), r"'A-1'.*'B-2'.*--prior-unchecked", "patient_differs"),
    (replace(EARLIER, study_uid="1.2.3"), r"same examination \(1\.2\.3\)", "same_scan"),
    (replace(EARLIER, series_uid="1.2.3.1", study_uid=""), r"same examination \(1\.2\.3\.1\)", "same_scan"),
    (replace(EARLIER, study_date="20270101"), "20260301.*20270101", "not_earlier"),
])  # fmt: skip
def test_what_is_no_earlier_scan_of_the_patient_is_refused_unless_the_user_answers_for_it(
    earlier, said, note
):
    with pytest.raises(InputError, match=said):
        check_prior(scan(), reading(earlier))
    check_prior(scan(), reading(earlier), unchecked=True)
    assert prior_notes(reading(scan()), reading(earlier)) == (note,)


@pytest.mark.parametrize("simulated", [True, False])
def test_an_invented_scan_is_never_compared_with_a_real_one(simulated):
    with pytest.raises(InputError, match="SIMULATED"):
        check_prior(scan(), reading(EARLIER, simulated=not simulated), simulated=simulated, unchecked=True)
    check_prior(scan(), reading(EARLIER, simulated=simulated), simulated=simulated)


def test_what_a_file_does_not_say_is_no_refusal_but_a_note():
    unsaid = scan(patient="", day="", study="")
    check_prior(unsaid, reading(EARLIER))
    assert prior_notes(reading(unsaid), reading(EARLIER)) == ("patient_unknown", "date_unknown")
    check_prior(unsaid, reading(unsaid))
    assert prior_notes(reading(scan()), reading(scan(study="1.2.9"))) == ("same_day",)


def test_levels_that_may_not_be_the_same_are_said():
    now, earlier = reading(scan()), reading(EARLIER)
    assert prior_notes(replace(now, anchored=False), earlier) == ("levels_unnamed",)
    assert prior_notes(now, replace(earlier, notes=("levels_pinned",))) == ("levels_pinned",)
    assert prior_notes(replace(now, notes=("gap_in_levels",)), earlier) == ("levels_in_doubt",)
