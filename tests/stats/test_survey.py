import csv
import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.api import WLS

from osteon.core.errors import ConfigError, InputError, NotEnoughData, ShapeError
from osteon.stats.survey import survey_design, survey_mean, survey_proportion, survey_ratio, survey_total

samples = st.lists(st.floats(-100, 100), min_size=3, max_size=30).filter(lambda v: np.ptp(v) > 1e-3)


def clustered(seed, n=120, strata=3, psu=4):
    rng = np.random.default_rng(seed)
    stratum, unit = rng.integers(0, strata, n), rng.integers(0, psu, n)
    y = rng.normal(size=n) + np.random.default_rng(seed + 1).normal(size=(strata, psu))[stratum, unit]
    return y, rng.uniform(1, 5, n), stratum, unit


@pytest.fixture(scope="module")
def nhanes(real_data):
    with gzip.open(real_data / "tabular/nhanes/nhanes_2017_mar2020_age50_bone.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    return lambda name: np.array([float(row[name]) if row[name] else np.nan for row in rows])


def test_two_strata_by_hand():
    # stratum 1: PSU totals of w y 2, 6; stratum 2: 10, 4. Total 22; variance 2 ((2-4)^2 + (6-4)^2) + 2 (9 + 9) = 52
    design = survey_design([1, 1, 1, 1, 2, 2], strata=[1, 1, 1, 1, 2, 2], psu=[1, 1, 2, 2, 1, 2])
    y = [1, 1, 2, 4, 5, 2]
    total = survey_total(y, design)
    assert (total.value, total.se**2, total.df) == pytest.approx((22, 52, 2))
    assert total.ci.high - 22 == pytest.approx(stats.t.ppf(0.975, 2) * 52**0.5)
    # mean 22 / 8 = 2.75; influences w (y - 2.75) / 8: PSU sums -3.5, .5 | 4.5, -1.5 over 8
    # variance (2 (2^2 + 2^2) + 2 (3^2 + 3^2)) / 64 = 52 / 64
    mean = survey_mean(y, design)
    assert (mean.value, mean.se**2) == pytest.approx((2.75, 52 / 64))
    ratio = survey_ratio(y, [1] * 6, design)
    assert (ratio.value, ratio.se) == pytest.approx((mean.value, mean.se))


def test_domain_keeps_empty_psus_by_hand():
    # domain = rows 0 and 1, both in PSU 1 and 2 of stratum 1, none in PSU 3
    design = survey_design([1, 1, 1, 1], psu=[1, 2, 3, 3])
    answer = survey_total([3, 6, 100, 100], design, domain=np.array([True, True, False, False]))
    assert answer.value == 9
    assert answer.se**2 == pytest.approx(3 / 2 * ((3 - 3) ** 2 + (6 - 3) ** 2 + (0 - 3) ** 2))
    assert (answer.n, answer.df) == (2, 1)


@settings(max_examples=60, deadline=None)
@given(samples)
def test_simple_random_sample_reduces_to_the_textbook(values):
    answer = survey_mean(values, survey_design([7.0] * len(values)))
    assert answer.value == pytest.approx(np.mean(values), abs=1e-9)
    assert answer.se == pytest.approx(np.std(values, ddof=1) / len(values) ** 0.5, rel=1e-7)
    assert answer.design_effect == pytest.approx(1)
    assert answer.df == len(values) - 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 9999))
def test_one_stratum_equals_clustered_regression_of_statsmodels(seed):
    y, w, _, unit = clustered(seed)
    fit = WLS(y, np.ones(y.size), weights=w).fit(cov_type="cluster", cov_kwds={"groups": unit})
    answer = survey_mean(y, survey_design(w, psu=unit))
    assert (answer.value, answer.se) == pytest.approx((fit.params[0], fit.bse[0]))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 9999), st.floats(0.1, 1e4))
def test_scale_of_weights_and_names_of_units_do_not_matter(seed, scale):
    y, w, stratum, unit = clustered(seed)
    one = survey_mean(y, survey_design(w, strata=stratum, psu=unit))
    other = survey_mean(
        y, survey_design(w * scale, strata=[f"s{9 - s}" for s in stratum], psu=[f"p{u}" for u in unit])
    )
    assert (one.value, one.se, one.df) == pytest.approx((other.value, other.se, other.df))


def test_missing_is_a_domain():
    y, w, stratum, unit = clustered(3)
    gaps = np.where(np.arange(y.size) % 5 == 0, np.nan, y)
    design = survey_design(w, strata=stratum, psu=unit)
    one, other = survey_mean(gaps, design), survey_mean(y, design, domain=np.arange(y.size) % 5 != 0)
    assert (one.value, one.se) == (other.value, other.se)
    assert one.notes == ("missing:24",)


def test_parts_add_up():
    y, w, stratum, unit = clustered(4)
    design, part = survey_design(w, strata=stratum, psu=unit), y > 0
    totals = [survey_total(y, design, domain=d).value for d in (part, ~part)]
    assert sum(totals) == pytest.approx(survey_total(y, design).value)


def test_lonely_psu():
    weights, strata, psu = [1, 1, 1, 1], [1, 1, 2, 2], [1, 2, 1, 1]
    with pytest.raises(NotEnoughData, match="single PSU"):
        survey_mean([1, 2, 3, 4], survey_design(weights, strata=strata, psu=psu))
    design = survey_design(weights, strata=strata, psu=psu, lonely="adjust")
    answer = survey_total([1, 2, 3, 4], design)
    # totals 1, 2 | 7; grand mean 10/3
    assert answer.se**2 == pytest.approx(2 * (0.25 + 0.25) + (7 - 10 / 3) ** 2)
    assert answer.notes == ("lonely_psu:1",)


def test_proportion_intervals():
    flag, design = [1, 0, 0, 1, 0, 0], survey_design([1] * 6)
    answer = survey_proportion(flag, design)
    mirror = survey_proportion([1 - f for f in flag], design)
    assert answer.ci.low == pytest.approx(1 - mirror.ci.high)
    assert "few_events:2" in answer.notes
    none = survey_proportion([0] * 6, design)
    assert none.notes == ("no_events",)
    assert (none.ci.low, none.ci.high) == pytest.approx((0, 1 - 0.025 ** (1 / 6)))


def test_nhanes_osteoporosis(nhanes):
    weights = nhanes("WTMECPRP")
    design = survey_design(weights, strata=nhanes("SDMVSTRA"), psu=nhanes("SDMVPSU"))
    t = (nhanes("bmd_femur_neck") - 0.858) / 0.120
    flag = np.where(np.isnan(t), np.nan, t <= -2.5)
    everyone = survey_proportion(flag, design)
    men, women = (survey_proportion(flag, design, domain=nhanes("RIAGENDR") == code) for code in (1, 2))
    assert everyone.value == pytest.approx(0.06, abs=0.006)  # NCHS 2017-18: 6.3 %
    assert 0.085 < women.value < 0.105
    assert men.value == pytest.approx(0.02, abs=0.005)
    assert women.se == pytest.approx(0.010, abs=0.004)
    assert men.se == pytest.approx(0.0037, abs=0.002)
    assert 0.063 in everyone.ci
    neck = nhanes("bmd_femur_neck")
    means = [survey_mean(neck, design, domain=nhanes("RIAGENDR") == code).value for code in (1, 2)]
    assert means == pytest.approx([0.812, 0.712], abs=0.008)


def test_refusals():
    design = survey_design([1, 1, 1])
    with pytest.raises(InputError, match="weights"):
        survey_design([1, -1])
    with pytest.raises(NotEnoughData, match="weights"):
        survey_design([0, 0])
    with pytest.raises(ShapeError):
        survey_design([1, 1], strata=[1])
    with pytest.raises(InputError, match="missing label"):
        survey_design([1, 1], strata=[1, np.nan])
    with pytest.raises(ConfigError, match="lonely"):
        survey_design([1, 1], lonely="remove")
    with pytest.raises(ShapeError, match="3 people"):
        survey_mean([1, 2], design)
    with pytest.raises(ShapeError, match="boolean"):
        survey_mean([1, 2, 3], design, domain=[1, 0, 1])
    with pytest.raises(NotEnoughData, match="at least 2"):
        survey_mean([1, np.nan, np.nan], design)
    with pytest.raises(NotEnoughData, match="degree"):
        survey_mean(
            [1, 2, 3, 4], survey_design([1] * 4, psu=[1, 1, 1, 2]), domain=np.array([True, True, True, False])
        )
    with pytest.raises(InputError, match="0, 1"):
        survey_proportion([0, 1, 2], design)
    with pytest.raises(NotEnoughData, match="undefined"):
        survey_ratio([1, 2, 3], [0, 0, 0], design)
