import csv

import numpy as np
import pytest

from osteon.core.errors import InputError, NotEnoughData
from osteon.stats.normality import normality, shapiro_wilk


def test_r_shapiro(oracle, oracle_csv):
    with oracle_csv("groups120.csv").open() as file:
        los = [float(row["los"]) for row in csv.DictReader(file)]
    answer, known = shapiro_wilk(los), oracle("statistics/groups")["shapiro_los"]
    assert (answer.statistic, answer.p) == pytest.approx((known["w"], known["p"]), abs=1e-5)
    assert not normality(los).normal


def test_rules():
    rng = np.random.default_rng(4)
    small, large = normality(rng.normal(size=200)), normality(rng.normal(size=6000))
    assert (small.normal, small.rule) == (True, "shapiro_wilk")
    assert (large.normal, large.rule, large.p) == (True, "skewness_kurtosis", None)
    skewed = normality(np.exp(1.5 * rng.normal(size=6000)))
    assert not skewed.normal
    assert skewed.skewness > 2


def test_shift_and_scale_leave_shapiro():
    values = np.random.default_rng(5).gamma(2, size=50)
    assert shapiro_wilk(values * 100 + 7).statistic == pytest.approx(shapiro_wilk(values).statistic, abs=1e-9)


def test_refusals():
    with pytest.raises(NotEnoughData):
        normality([1, 2])
    with pytest.raises(NotEnoughData, match="equal"):
        normality([3, 3, 3, 3])
    with pytest.raises(InputError, match="5000"):
        shapiro_wilk(np.arange(5001))
