"""Before and after: the printed figures by hand, planted effects recovered by the right design, ranges of what is unknown."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS

from osteon.core.errors import NotEnoughData
from osteon.studies.before_after import before_after, interrupted_series, printed_comparisons
from osteon.studies.published_s0 import recheck
from osteon.synth.portraits import changing_clinic

SCALE = ("dissatisfied", "satisfied", "very_satisfied")


def compare(table, **options):
    return before_after(table, scale=SCALE, satisfied_from="satisfied", **options)


def test_the_printed_figures_by_hand():
    match, days, satisfied = printed_comparisons()
    assert match.classic.statistic == pytest.approx(200 * (32 * 40 - 60 * 68) ** 2 / (100 * 100 * 92 * 108))
    assert match.classic.p == pytest.approx(7.11e-5, rel=1e-2)
    assert match.effects[2].value == pytest.approx(60 * 68 / (40 * 32))
    assert satisfied.classic.statistic == pytest.approx(27.5556, abs=1e-4)
    t = (33.1 - 45.2) / np.sqrt((8.3**2 + 6.5**2) / 100)
    assert days.classic.statistic == pytest.approx(t)
    assert days.robust.df[0] == pytest.approx(187.2, abs=0.1)
    assert days.effects[0].value == pytest.approx(-12.1 / np.sqrt((8.3**2 + 6.5**2) / 2))
    assert days.ci.low < -12.1 < days.ci.high


def test_should_the_same_patients_stand_on_both_sides_the_range_of_mcnemar_holds_every_pairing():
    match, _, satisfied = printed_comparisons()
    for line, (before, after) in ((match, (32, 60)), (satisfied, (62, 93))):
        for both in range(max(0, before + after - 100), min(before, after) + 1):
            p = stats.binomtest(before - both, before + after - 2 * both).pvalue
            assert line.paired[0] <= p * 1.0001 or p <= line.paired[1]
        assert line.paired[0] < line.paired[1] < 0.05


def test_what_does_not_follow_from_the_paper():
    wrong = {line.figure for line in recheck() if line.follows == "no"}
    assert wrong == {"age_mean", "age_sd"}
    age = next(line for line in recheck() if line.figure == "age_mean")
    assert age.recomputed == pytest.approx((27 * 75.45 + 32 * 61.2 + 23 * 49.71 + 18 * 68.88) / 100)


def test_only_the_time_series_recovers_the_planted_effect():
    found = [compare(changing_clinic(seed=s).table, adjust_for=("age_years",)) for s in range(12)]
    effect, levels = -4.0, [each.series.level for each in found]
    assert np.mean(levels) == pytest.approx(effect, abs=1.3)
    covered = np.mean([effect in each.series.level_ci for each in found])
    assert covered >= 0.75
    plain = np.mean([each.lines[0].difference for each in found])
    matched = np.mean([each.matched.value for each in found])
    assert plain < matched < effect  # matching removes the case mix, the trend stays


def test_the_segmented_regression_is_that_of_statsmodels():
    table = changing_clinic(seed=4).table
    ours = interrupted_series(table)
    monthly = table.groupby("month")["healing_days"].mean()
    t = monthly.index.to_numpy() - 12
    design = np.column_stack([np.ones(24), t, t >= 0, (t >= 0) * t]).astype(float)
    fit = OLS(monthly.to_numpy(), design).fit(
        cov_type="HAC", cov_kwds={"maxlags": 1, "use_correction": True}, use_t=True
    )
    assert ours.level == pytest.approx(fit.params[2])
    assert [ours.level_ci.low, ours.level_ci.high] == pytest.approx(fit.conf_int()[2].tolist())
    assert ours.trend_before == pytest.approx(fit.params[1])


def test_experts_who_say_the_same_agree_and_those_who_guess_do_not():
    r = np.random.default_rng(1)
    grades = pd.Categorical.from_codes(r.integers(0, 3, 60), ["low", "middle", "high"], ordered=True)
    table = pd.DataFrame({
        "portrait_period": ["before", "after"] * 30, "treatment_match": grades,
        "satisfaction": r.choice(SCALE, 60), "treatment_match_expert_1": grades, "treatment_match_expert_2": grades,
        "treatment_match_expert_3": pd.Categorical.from_codes(r.integers(0, 3, 60), ["low", "middle", "high"], ordered=True),
    })  # fmt: skip
    found = dict(compare(table).agreement)
    assert found["1_2"].value == 1.0
    assert abs(found["1_3"].value) < 0.4
    assert found["all"].value < 1.0
    assert {line.measure for line in compare(table).lines} == {"satisfied", "match_high"}


def test_too_few_on_a_side_are_refused():
    with pytest.raises(NotEnoughData, match="2 after"):
        compare(pd.DataFrame({"portrait_period": ["before"] * 10 + ["after"] * 2, "healing_days": 30.0}))
