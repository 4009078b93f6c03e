"""Names of vertebrae: anchors, variants, honesty; the posterior is a probability."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.core.errors import InputError
from osteon.domain.anatomy import level_rank
from osteon.imaging.segment.levels import Cues, assign_levels


def names(found):
    return [x.level for x in found.labels]


def ribs(n, free, **more):
    return [Cues(rib=0.999, **more)] * n + [Cues(rib=0.0, **more)] * free


def test_both_anchors_name_the_usual_spine():
    found = assign_levels(ribs(4, 5), sacrum=0.99)
    assert names(found) == ["T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5"]
    assert found.anchored_by == ("sacrum", "ribs") and found.notes == ()
    assert min(x.confidence for x in found.labels) > 0.85


def test_a_whole_spine_counts_its_ribs():
    thirteen = assign_levels([Cues(rib=0.0)] * 2 + ribs(13, 5), sacrum=0.99)
    assert names(thirteen)[2] == "T1" and "T13" in names(thirteen) and names(thirteen)[-1] == "L5"
    assert thirteen.notes[0] == "transitional_t13"
    eleven = assign_levels([Cues(rib=0.0)] * 2 + ribs(11, 5), sacrum=0.99)
    assert "T12" not in names(eleven) and names(eleven)[2] == "T1" and "absent_t12" in eleven.notes


def test_six_without_ribs_above_the_sacrum_are_in_doubt():
    found = assign_levels(ribs(4, 6), sacrum=0.99)
    usual = assign_levels(ribs(4, 5), sacrum=0.99)
    assert max(x.confidence for x in found.labels[-6:-1]) < 0.75 < usual.labels[-1].confidence
    assert {"L5", "L6"} <= {found.labels[-1].level, *(name for name, _ in found.labels[-1].alternatives)}


def test_anchors_that_disagree_cost_confidence():
    usual = assign_levels(ribs(3, 5), sacrum=0.99)
    four = assign_levels(ribs(3, 4), sacrum=0.99)
    assert max(x.confidence for x in four.labels) < min(x.confidence for x in usual.labels)


def test_neither_end_in_the_field_is_unanchored():
    found = assign_levels([Cues(rib=0.98, width_mm=30.0, depth_mm=29.0)] * 4, sacrum=0.0)
    assert names(found) == ["V4", "V3", "V2", "V1"] and [x.code for x in found.labels] == [104, 103, 102, 101]
    assert found.anchored_by == () and found.notes == ("unanchored",)
    assert all(x.confidence == 0.0 and x.alternatives for x in found.labels)
    assert found.labels[0].alternatives[0][0].startswith("T")


def test_one_rib_missed_in_the_middle_is_no_end_of_ribs():
    cues = [Cues(rib=0.9)] * 3 + [Cues(rib=0.1)] + [Cues(rib=0.9)] * 3
    assert assign_levels(cues, sacrum=0.0).anchored_by == ()


def test_the_pin_shifts_all():
    cues = [Cues(rib=0.0), Cues(rib=0.0, pin="L3"), Cues(rib=0.0)]
    found = assign_levels(cues, sacrum=0.0)
    assert names(found) == ["L2", "L3", "L4"] and found.anchored_by == ("user",)
    with pytest.raises(InputError, match="no vertebral level"):
        assign_levels([Cues(pin="Q7")], sacrum=0.0)
    with pytest.raises(InputError, match="do not fit"):
        assign_levels([Cues(pin="L3"), Cues(pin="L1")], sacrum=0.0)


def test_no_vertebra_no_level():
    assert assign_levels([], sacrum=1.0).labels == ()


@given(
    rib=st.lists(st.floats(0, 1), min_size=1, max_size=12),
    sacrum=st.floats(0, 1),
    size=st.floats(15, 60),
)
def test_posteriors_are_probabilities_and_levels_run_down(rib, sacrum, size):
    found = assign_levels([Cues(rib=r, width_mm=size) for r in rib], sacrum=sacrum)
    assert len(found.labels) == len(rib)
    for label in found.labels:
        shares = [label.confidence, *(p for _, p in label.alternatives)]
        assert all(0 <= p <= 1 for p in shares) and sum(shares) <= 1.001
    codes = [x.code for x in found.labels]
    assert len(set(codes)) == len(codes)
    if found.anchored_by:
        assert (np.diff([level_rank(x.level) for x in found.labels]) > 0).all()


def test_a_process_beside_the_sacrum_is_no_rib_that_names_levels():
    """What looks like a rib at the lowest vertebra above the sacrum neither anchors the names nor puts them in doubt."""
    seen = [Cues(cropped=True)] + [Cues(rib=0.0)] * 4 + [Cues(rib=0.82)]
    found = assign_levels(seen, sacrum=0.999)
    assert [label.level for label in found.labels] == ["T12", "L1", "L2", "L3", "L4", "L5"]
    assert found.anchored_by == ("sacrum",)
    assert found.notes == ()
    cervical = assign_levels([Cues(rib=0.0)] * 7 + [Cues(rib=0.99)], sacrum=0.0)
    assert cervical.anchored_by == ("ribs",)


def test_one_rib_missed_among_many_is_no_disagreement():
    missed = [*ribs(5, 0), Cues(rib=0.1), *ribs(5, 5)]
    assert "anchors_disagree" not in assign_levels(missed, sacrum=0.99).notes
    doubted = assign_levels(ribs(4, 4), sacrum=0.9999)
    assert doubted.notes == ("anchors_disagree",)
    assert max(label.confidence for label in doubted.labels) < 0.8
