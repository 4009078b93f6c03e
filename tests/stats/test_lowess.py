"""Lowess against statsmodels where it is right, then exact laws, then ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.nonparametric.smoothers_lowess import lowess as other

from osteon.stats.lowess import lowess


@pytest.mark.parametrize("skip", [0.0, 0.01, 0.1])
@pytest.mark.parametrize("span", [0.3, 2 / 3])
def test_equals_statsmodels_without_ties(span, skip):
    rng = np.random.default_rng(3)
    x = rng.beta(2, 5, 300)
    y = (rng.random(300) < x).astype(float)
    theirs = other(y, x, frac=span, it=0, delta=skip * np.ptp(x), return_sorted=False)
    assert np.interp(x, *lowess(x, y, span=span, skip=skip)) == pytest.approx(
        theirs, abs=1e-8
    )  # R and we take weight 1 within .001 of the radius, statsmodels does not


@given(
    st.lists(st.integers(0, 30), min_size=3, max_size=60).filter(lambda v: len(set(v)) > 1),
    st.floats(0.2, 1.0),
)
def test_a_straight_line_stays_straight_and_shifts_pass_through(values, span):
    x = np.array(values, dtype=float)
    at, smooth = lowess(x, 3.0 - 0.5 * x, span=span)
    assert smooth == pytest.approx(3.0 - 0.5 * at, abs=1e-8)
    assert (at[0], at[-1]) == (x.min(), x.max())
    y = np.sin(x)
    assert lowess(x, y + 2.0, span=span)[1] == pytest.approx(lowess(x, y, span=span)[1] + 2.0)


def test_a_span_of_ties_is_their_mean():
    x = np.repeat([0.1, 0.5, 0.9], [80, 10, 10])
    y = np.r_[np.ones(20), np.zeros(80)]
    at, smooth = lowess(x, y)
    assert at.tolist() == [0.1, 0.5, 0.9]
    assert smooth[0] == pytest.approx(0.25)
