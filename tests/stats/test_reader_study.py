"""The multi-reader analysis beside the printed output of OR-DBM MRMC, and the laws it must keep."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import InputError, NotEnoughData, ShapeError
from osteon.stats.agreement import mcnemar
from osteon.stats.auc import compare_aucs
from osteon.stats.reader_study import reader_study

RANDOM, CASES, READERS = (
    "random_readers_random_cases",
    "fixed_readers_random_cases",
    "random_readers_fixed_cases",
)


@pytest.fixture(scope="module")
def van_dyke(real_data):
    with (real_data / "tabular" / "mrmc" / "VanDyke.csv").open() as lines:
        rows = [
            tuple(int(float(row[k])) for k in ("treatment", "reader", "case", "truth", "rating"))
            for row in csv.DictReader(lines)
        ]
    ratings, truth = np.zeros((2, 5, 114)), np.zeros(114)
    for arm, reader, case, sick, rating in rows:
        ratings[arm - 1, reader - 1, case - 1] = rating
        truth[case - 1] = sick
    return ratings, truth


def studied(data, **options):
    ratings, truth = data
    arms, readers = [str(i + 1) for i in range(len(ratings))], [f"R{i}" for i in range(ratings.shape[1])]
    return reader_study(ratings, truth, arms=arms, readers=readers, **options)


def test_van_dyke_by_jackknife_is_the_printed_output(van_dyke, oracle):
    known, study = oracle("reader_study/van_dyke"), studied(van_dyke)
    assert study.figures.values == pytest.approx(np.array([known["auc"]["1"], known["auc"]["2"]]), abs=5e-9)
    for name, value in known["components"].items():
        assert getattr(study.components, name) == pytest.approx(value, abs=5.1e-9), name
    for name, value in known["ms"].items():
        assert getattr(study.components, f"ms_{name}") == pytest.approx(value, abs=5.1e-9), name
    test, printed = study.test(RANDOM), known["random_random"]
    (gap,) = test.differences
    assert round(test.statistic, 2) == printed["F"]
    assert test.statistic == pytest.approx(4.456, abs=5e-4)
    assert (round(test.df2, 2), round(test.p, 4)) == (printed["ddf"], printed["p"])
    assert gap.difference == pytest.approx(printed["difference"], abs=5e-6)
    assert (round(gap.se, 5), round(gap.ci.low, 5), round(gap.ci.high, 5)) == (printed["se"], *printed["ci"])
    assert gap.p == pytest.approx(test.p, abs=1e-12)


@pytest.mark.parametrize(
    ("scope", "name"), [(RANDOM, "random_random"), (CASES, "fixed_random"), (READERS, "random_fixed")]
)
def test_van_dyke_in_each_scope(van_dyke, oracle, scope, name):
    printed, test = oracle("reader_study/van_dyke")[name], studied(van_dyke).test(scope)
    (gap,) = test.differences
    statistic = printed.get("F") or printed["chi2"]
    assert test.statistic == pytest.approx(statistic, abs=0.005 if "F" in printed else 5e-6)
    assert test.p == pytest.approx(printed["p"], abs=5e-5)
    assert (gap.se, gap.ci.low, gap.ci.high) == pytest.approx((printed["se"], *printed["ci"]), abs=5.1e-6)
    for mean in test.means:
        known = printed["single"][mean.arm]
        assert (mean.se, mean.ci.low, mean.ci.high) == pytest.approx((known["se"], *known["ci"]), abs=5.1e-9)


def test_van_dyke_reader_by_reader(van_dyke, oracle):
    known = oracle("reader_study/van_dyke")["fixed_random"]["readers"]
    for own, (difference, se, p) in zip(studied(van_dyke).by_reader, known, strict=True):
        assert (own.difference, own.se) == pytest.approx((difference, se), abs=5.1e-6)
        assert own.p == pytest.approx(p, abs=5.1e-5)


def test_van_dyke_by_delong(van_dyke, oracle):
    known, study = oracle("reader_study/van_dyke")["delong"], studied(van_dyke, method="delong")
    for name in ("error", "cov1", "cov2", "cov3"):
        assert getattr(study.components, name) == pytest.approx(known[name], abs=5.1e-9)
    test = study.test(RANDOM)
    assert (round(test.statistic, 4), round(test.df2, 2), round(test.p, 4)) == (
        known["F"],
        known["ddf"],
        known["p"],
    )


def simulated(seed, *, arms=2, readers=3, cases=40):
    rng = np.random.default_rng(seed)
    truth = (np.arange(cases) < cases // 2).astype(float)
    return np.round(rng.normal(size=(arms, readers, cases)) + truth + rng.normal(size=cases), 1), truth


def test_one_reader_is_the_paired_delong_test():
    ratings, truth = simulated(1, readers=1)
    study = studied((ratings, truth), method="delong")
    pair = compare_aucs(truth, {"1": ratings[0, 0], "2": ratings[1, 0]}).pairs[0]
    (test,) = study.tests
    assert test.scope == CASES
    assert test.statistic == pytest.approx(pair.z**2, rel=1e-9)
    assert test.p == pytest.approx(pair.p, rel=1e-9)
    assert study.by_reader[0].se == pytest.approx(pair.se, rel=1e-9)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_the_order_of_readers_and_cases_changes_nothing(seed):
    ratings, truth = simulated(seed)
    rng = np.random.default_rng(seed)
    readers, cases = rng.permutation(ratings.shape[1]), rng.permutation(truth.size)
    plain, shuffled = studied((ratings, truth)), studied((ratings[:, readers][:, :, cases], truth[cases]))
    for one, other in zip(plain.tests, shuffled.tests, strict=True):
        assert (one.statistic, one.p, one.df2) == pytest.approx(
            (other.statistic, other.p, other.df2), rel=1e-9
        )


def test_swapping_the_arms_turns_the_difference_round():
    ratings, truth = simulated(4)
    plain, swapped = studied((ratings, truth)).test(RANDOM), studied((ratings[::-1], truth)).test(RANDOM)
    assert plain.differences[0].difference == pytest.approx(-swapped.differences[0].difference)
    assert plain.p == pytest.approx(swapped.p)


def test_the_jackknife_leaves_out_cases_one_by_one():
    ratings, truth = simulated(5, readers=2, cases=14)
    fast = studied((ratings, truth)).figures.covariance
    left = np.stack([
        studied((np.delete(ratings, i, axis=2), np.delete(truth, i)), method="delong").figures.values.ravel()
        for i in range(truth.size)
    ])  # fmt: skip
    n = truth.size
    slow = (left - left.mean(axis=0)).T @ (left - left.mean(axis=0)) * (n - 1) / n
    assert fast.reshape(4, 4) == pytest.approx(slow, abs=1e-12)


def test_the_jackknife_leaves_out_whole_patients():
    ratings, truth = simulated(6, readers=2, cases=24)
    truth = np.tile([1.0, 0.0, 0.0], 8)  # three vertebrae a patient, one broken
    patients = np.repeat(np.arange(8), 3)
    fast = studied((ratings, truth), clusters=patients).figures.covariance
    left = np.stack([
        studied((ratings[:, :, patients != i], truth[patients != i]), method="delong").figures.values.ravel()
        for i in range(8)
    ])  # fmt: skip
    slow = (left - left.mean(axis=0)).T @ (left - left.mean(axis=0)) * 7 / 8
    assert fast.reshape(4, 4) == pytest.approx(slow, abs=1e-12)


def test_readings_that_belong_together_widen_the_interval():
    ratings, truth = simulated(7, cases=30)
    doubled = np.repeat(ratings, 2, axis=2), np.repeat(truth, 2)
    alone = studied(doubled).test(CASES).differences[0].se
    together = studied(doubled, clusters=np.repeat(np.arange(30), 2)).test(CASES).differences[0].se
    assert together == pytest.approx(studied((ratings, truth)).test(CASES).differences[0].se, rel=1e-9)
    assert together > 1.2 * alone


@pytest.mark.parametrize("endpoint", ["accuracy", "sensitivity", "specificity"])
def test_one_reader_with_calls_is_close_to_mcnemar(endpoint):
    rng = np.random.default_rng(11)
    truth = (rng.random(400) < 0.6).astype(float)
    calls = np.where(rng.random((2, 1, 400)) < np.array([0.8, 0.88])[:, None, None], truth, 1 - truth)
    study = studied((calls, truth), endpoint=endpoint)
    counted = {"accuracy": truth >= 0, "sensitivity": truth == 1, "specificity": truth == 0}[endpoint]
    right = (calls[:, 0] == truth)[:, counted]
    paired = mcnemar(
        first_only=int((right[0] & ~right[1]).sum()), second_only=int((right[1] & ~right[0]).sum())
    )
    assert study.figures.values[:, 0] == pytest.approx(right.mean(axis=1))
    assert study.tests[0].statistic == pytest.approx(paired.chi2, rel=0.12)


def test_identical_arms_do_not_differ():
    ratings, truth = simulated(8)
    study = studied((np.stack([ratings[0], ratings[0]]), truth))
    assert study.test(READERS).p == 1.0
    assert "no_variation" in study.test(READERS).notes


def test_what_is_refused():
    ratings, truth = simulated(9)
    with pytest.raises(ShapeError):
        studied((ratings[:, :, :-1], truth))
    with pytest.raises(InputError, match="0 or 1"):
        studied((ratings, truth), endpoint="accuracy")
    with pytest.raises(InputError, match="missing"):
        studied((np.where(ratings > 1, np.nan, ratings), truth))
    with pytest.raises(NotEnoughData):
        studied((ratings[:1], truth))
    with pytest.raises(InputError, match="clusters"):
        studied((ratings, truth), method="delong", clusters=truth)
