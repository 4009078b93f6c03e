import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.core.errors import ConfigError, InputError
from osteon.stats.multiplicity import adjusted_p

ps = st.lists(st.floats(0, 1), min_size=1, max_size=20)
methods = st.sampled_from(["holm", "bonferroni", "bh"])


def test_r_p_adjust(oracle):
    known = oracle("statistics/groups")["p_adjust"]
    assert adjusted_p(known["p"], method="holm") == pytest.approx(known["holm"], abs=1e-9)
    assert adjusted_p(known["p"], method="bh") == pytest.approx(known["bh"], abs=1e-9)
    assert adjusted_p(known["p"][::-1], method="holm") == pytest.approx(known["holm"][::-1], abs=1e-9)


@given(ps, methods)
def test_never_below_raw_and_in_the_same_order(p, method):
    adjusted = adjusted_p(p, method=method)
    assert np.all(adjusted >= np.array(p) * (1 - 1e-12))
    assert np.all(adjusted <= 1)
    assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= -1e-12)


@given(ps)
def test_bonferroni_is_the_strictest_and_bh_the_mildest(p):
    bonferroni, holm, bh = (adjusted_p(p, method=method) for method in ("bonferroni", "holm", "bh"))
    assert np.all(bonferroni >= holm - 1e-12)
    assert np.all(holm >= bh - 1e-12)


def test_refusals():
    with pytest.raises(InputError, match="from 0 to 1"):
        adjusted_p([0.2, 1.2], method="holm")
    with pytest.raises(InputError, match="missing"):
        adjusted_p([0.2, np.nan], method="holm")
    with pytest.raises(ConfigError, match="method"):
        adjusted_p([0.2], method="sidak")
