"""Expected calibration error: known by hand, nought for a calibrated reader, bounded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.stats.reliability_bins import ece_by_chance, reliability_table


def test_a_calibrated_reader_has_a_small_error():
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, 200_000)
    table = reliability_table(p, rng.uniform(0, 1, p.size) < p)
    assert table.ece < 0.005
    assert sum(row.n for row in table.bins) == p.size


def test_an_overconfident_reader_is_off_by_what_he_overstates():
    right = np.arange(1000) % 10 < 7
    assert reliability_table(np.full(1000, 0.95), right).ece == pytest.approx(0.25)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_between_nought_and_one_and_no_case_is_lost(cases):
    table = reliability_table([p for p, _ in cases], [hit for _, hit in cases])
    assert 0 <= table.ece <= 1
    assert sum(row.n for row in table.bins) == len(cases)
    assert all(row.low - 1e-12 <= row.mean_confidence <= row.high + 1e-12 for row in table.bins)


def test_refusals():
    with pytest.raises(InputError, match="0-1"):
        reliability_table([95.0], [True])
    with pytest.raises(NotEnoughData):
        reliability_table([], [])
    with pytest.raises(ShapeError):
        reliability_table([0.5], [True, False])


def test_what_perfect_confidences_show_by_chance_is_what_drawn_answers_show():
    rng = np.random.default_rng(3)
    p = rng.uniform(0.4, 1, 120)
    drawn = [reliability_table(p, rng.uniform(0, 1, p.size) < p).ece for _ in range(3000)]
    assert ece_by_chance(p) == pytest.approx(np.mean(drawn), abs=3 * np.std(drawn) / np.sqrt(3000))


def test_by_chance_nothing_is_left_of_many_cases_or_of_certain_ones():
    assert ece_by_chance(np.full(4000, 0.9)) < 0.005
    assert ece_by_chance([1.0, 1.0, 0.0]) == 0.0
