"""The shipped net reads invented scans it never saw."""

import pytest

from osteon.models.spine_net import spine_net
from osteon.reading.spine_ct_held_out import coarse_held_out, fine_held_out
from osteon.synth.spine_ranges import UNSEEN


@pytest.mark.slow
def test_tissues_of_a_scan_beyond_the_ranges_of_training():
    dice = coarse_held_out(spine_net(), n=1, seed=77, ranges=UNSEEN, bfloat16=True).dice
    assert dice["body"] > 0.85
    assert dice["canal"] > 0.8


@pytest.mark.slow
def test_bodies_seen_closely_from_a_point_that_is_off():
    found = fine_held_out(spine_net(), n=3, seed=77, bfloat16=True)
    assert found.body > 0.85
    assert found.vertebra > 0.85
    assert abs(found.volume_bias) < 0.1
