"""Tests on printed summaries agree with the same tests on the rows behind them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from osteon.core.errors import InputError, ShapeError
from osteon.stats.printed import (
    accuracy_range,
    anova_from_summary,
    auc_difference_p,
    binormal_auc,
    hanley_mcneil_se,
    pooled_mean_sd,
    prevalence_from_accuracy,
)


def test_anova_from_summary_equals_anova_on_rows():
    rng = np.random.default_rng(1)
    groups = [rng.normal(m, s, n) for m, s, n in ((1, 1, 12), (1.5, 2, 30), (0.4, 1.2, 9))]
    expected = stats.f_oneway(*groups)
    found = anova_from_summary(
        [len(g) for g in groups], [g.mean() for g in groups], [g.std(ddof=1) for g in groups]
    )
    assert found.f == pytest.approx(expected.statistic, rel=1e-12)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    mean, sd = pooled_mean_sd(
        [len(g) for g in groups], [g.mean() for g in groups], [g.std(ddof=1) for g in groups]
    )
    rows = np.concatenate(groups)
    assert (mean, sd) == pytest.approx((rows.mean(), rows.std(ddof=1)), rel=1e-12)


def test_hanley_mcneil_matches_simulated_spread_of_exponential_scores():
    rng = np.random.default_rng(5)
    high, low = rng.exponential(4.0, (4000, 60)), rng.exponential(1.0, (4000, 90))
    aucs = [(ill[:, None] > well[None]).mean() for ill, well in zip(high, low, strict=True)]
    assert np.mean(aucs) == pytest.approx(0.8, abs=0.005)  # rate ratio 4 : 1
    assert hanley_mcneil_se(0.8, events=60, nonevents=90) == pytest.approx(np.std(aucs), rel=0.04)


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.floats(0, 1))
def test_accuracy_lies_between_sensitivity_and_specificity(sensitivity, specificity, prevalence):
    accuracy = prevalence * sensitivity + (1 - prevalence) * specificity
    limits = accuracy_range(sensitivity, specificity)
    assert limits.low - 1e-12 <= accuracy <= limits.high + 1e-12
    if abs(sensitivity - specificity) > 1e-3:
        implied = prevalence_from_accuracy(accuracy, sensitivity=sensitivity, specificity=specificity)
        assert implied == pytest.approx(prevalence, abs=1e-9)


def test_p_of_two_printed_aucs_brackets_the_plain_z_test():
    first, second = (0.942, 0.932, 0.952), (0.918, 0.901, 0.935)
    se = [(high - low) / 2 / stats.norm.ppf(0.975) for _, low, high in (first, second)]
    plain = 2 * stats.norm.sf((0.942 - 0.918) / np.hypot(*se))
    p = auc_difference_p(first, second)
    assert p.low < plain < p.high
    assert p == auc_difference_p(second, first)


def test_binormal_auc_is_one_half_between_equals():
    assert binormal_auc(2.0, 0.3, 2.0, 0.9) == 0.5


@pytest.mark.parametrize("bad", [([3], [1.0], [1.0]), ([3, 3], [1.0], [1.0, 1.0])])
def test_lists_of_unequal_length_are_refused(bad):
    with pytest.raises(ShapeError):
        anova_from_summary(*bad)


def test_impossible_summaries_are_refused():
    with pytest.raises(InputError):
        anova_from_summary([3, 1], [1.0, 2.0], [1.0, 1.0])
    with pytest.raises(InputError):
        hanley_mcneil_se(1.0, events=3, nonevents=3)
    with pytest.raises(InputError):
        prevalence_from_accuracy(0.8, sensitivity=0.8, specificity=0.8)
