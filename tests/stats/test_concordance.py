import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.stats.concordance import concordance
from osteon.stats.times import Survival

ROWS = st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.integers(-3, 3)), min_size=2, max_size=30)


def pairs(rows):
    """Every comparable pair, the slow way: (+1 concordant, -1 discordant, 0 tied) with both places."""
    for i, (time_i, event_i, risk_i) in enumerate(rows):
        for j, (time_j, event_j, risk_j) in enumerate(rows):
            if event_i and (time_i < time_j or (time_i == time_j and not event_j)):
                yield np.sign(risk_i - risk_j), i, j


@given(ROWS)
def test_counts_and_error_are_those_of_all_pairs_one_by_one(rows):
    known = list(pairs(rows))
    follow_up = Survival(time=[row[0] for row in rows], event=[row[1] for row in rows])
    if not known:
        with pytest.raises(NotEnoughData):
            concordance(follow_up, [row[2] for row in rows])
        return
    got = concordance(follow_up, [row[2] for row in rows])
    signs = np.array([sign for sign, _, _ in known])
    assert (got.concordant, got.discordant, got.tied_risk) == tuple((signs == s).sum() for s in (1, -1, 0))
    assert got.value == pytest.approx((signs + 1).mean() / 2)
    influence = np.zeros(len(rows))
    for sign, i, j in known:
        influence[[i, j]] += ((sign + 1) / 2 - got.value) / len(known)
    assert got.se == pytest.approx(np.sqrt((influence**2).sum()))


@given(ROWS, st.integers(0, 1000))
def test_order_of_rows_and_monotone_transforms_leave_it_and_reversal_mirrors_it(rows, seed):
    follow_up = Survival(time=[row[0] for row in rows], event=[row[1] for row in rows])
    risk = np.array([row[2] for row in rows], dtype=float)
    try:
        plain = concordance(follow_up, risk)
    except NotEnoughData:
        return
    order = np.random.default_rng(seed).permutation(len(rows))
    assert concordance(follow_up.where(order), np.exp(risk[order])).value == pytest.approx(plain.value)
    assert concordance(follow_up, -risk).value == pytest.approx(1 - plain.value)
    assert concordance(follow_up, -risk).se == pytest.approx(plain.se)


def test_bad_risks_are_refused():
    follow_up = Survival(time=[1, 2], event=[1, 1])
    with pytest.raises(ShapeError):
        concordance(follow_up, [1.0])
    with pytest.raises(InputError, match="1 missing"):
        concordance(follow_up, [1.0, np.nan])
