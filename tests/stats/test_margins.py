"""Margins: bounds hold for every table that has them, and kappa needs no more than they and the diagonal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.core.errors import InputError
from osteon.stats.agreement import cohens_kappa, mcnemar
from osteon.stats.margins import kappa_band, kappa_from_margins, mcnemar_bounds, sd_bounds

counts = st.integers(0, 40)


@given(counts, counts, counts, counts)
def test_the_p_of_every_pairing_lies_within_the_bounds(both, first, second, neither):
    n = both + first + second + neither
    if n == 0 or first + second == 0:
        return
    bounds = mcnemar_bounds(both + first, both + second, n)
    assert mcnemar(first_only=first, second_only=second).p_exact in bounds.p_exact
    assert bounds.first_only[0] <= first <= bounds.first_only[1]


def test_equal_totals_may_hide_no_difference_at_all():
    bounds = mcnemar_bounds(5, 5, 10)
    assert bounds.fewest is None
    assert bounds.p_exact.high == 1.0


def test_more_right_than_cases_is_refused():
    with pytest.raises(InputError):
        mcnemar_bounds(11, 5, 10)


@given(st.lists(st.lists(st.integers(1, 30), min_size=3, max_size=3), min_size=3, max_size=3))
def test_kappa_from_margins_is_kappa(table):
    cells = np.array(table)
    value = kappa_from_margins(int(np.trace(cells)), cells.sum(axis=1), cells.sum(axis=0))
    assert value == pytest.approx(cohens_kappa(cells).value, abs=1e-12)


@pytest.mark.parametrize(
    ("kappa", "paper", "landis"),
    [(0.399, "poor", "fair"), (0.4, "fair_to_good", "fair"), (0.41, "fair_to_good", "moderate"),
     (0.75, "excellent", "substantial"), (0.852, "excellent", "almost_perfect"), (-0.1, "poor", "poor"),
     (0.0, "poor", "poor")],
)  # fmt: skip
def test_bands(kappa, paper, landis):
    assert kappa_band(kappa) == paper
    assert kappa_band(kappa, scheme="landis_koch") == landis


@given(st.lists(st.floats(-50, 50), min_size=4, max_size=30).filter(lambda x: max(x) - min(x) > 1))
def test_every_sample_has_a_possible_deviation(sample):
    bounds = sd_bounds(n=len(sample), mean=float(np.mean(sample)), low=min(sample), high=max(sample))
    assert bounds.low - 1e-9 <= np.std(sample, ddof=1) <= bounds.high + 1e-9
