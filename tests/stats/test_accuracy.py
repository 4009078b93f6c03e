"""Two-by-two tables against published figures, then laws, then refusals."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.core.errors import ConfigError, InputError, NotEnoughData
from osteon.stats.accuracy import at_threshold, diagnostic_accuracy
from osteon.stats.proportion import proportion

cell = st.integers(0, 300)


def table(tp, fp, fn, tn, **options):
    return diagnostic_accuracy(
        true_positive=tp, false_positive=fp, false_negative=fn, true_negative=tn, **options
    )


def test_reading_study(oracle):
    """The CT reading study's printed counts, recomputed in ovcf_reading."""
    conventional = table(153, 5, 26, 36)
    shares = [conventional.sensitivity, conventional.specificity, conventional.ppv, conventional.npv]
    assert [round(share.value, 4) for share in shares] == [0.8547, 0.8780, 0.9684, 0.5806]
    assisted = table(167, 3, 12, 38)
    shares = [assisted.sensitivity, assisted.specificity, assisted.ppv, assisted.npv]
    assert [round(share.value, 4) for share in shares] == [0.9330, 0.9268, 0.9824, 0.7600]
    assert round(assisted.accuracy.value, 4) == 0.9318
    printed = next(
        row for row in oracle("statistics/proportions")["intervals"] if (row["k"], row["n"]) == (205, 220)
    )
    assert (assisted.accuracy.ci.low, assisted.accuracy.ci.high) == pytest.approx(printed["wilson"], abs=1e-9)


def test_likelihood_ratio_closed_form():
    """Simel, Samsa & Matchar: variance of log LR+ is 1/a - 1/(a+c) + 1/b - 1/(b+d)."""
    ours = table(90, 20, 10, 80).lr_positive
    reach = 1.959963984540054 * math.sqrt(1 / 90 - 1 / 100 + 1 / 20 - 1 / 100)
    assert ours.value == pytest.approx(4.5)
    assert (ours.ci.low, ours.ci.high) == pytest.approx((4.5 * math.exp(-reach), 4.5 * math.exp(reach)))
    assert table(90, 20, 10, 80).lr_negative.value == pytest.approx(0.125)


def test_youden_interval_is_newcombes_difference():
    """Sensitivity + specificity - 1 is the difference sensitivity - (1 - specificity): Newcombe's method 10, 56/70 - 48/80."""
    ours = table(56, 48, 14, 32).youden  # sensitivity 56/70, false positive rate 48/80
    assert ours.value == pytest.approx(0.2)
    assert (ours.ci.low, ours.ci.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@given(cell, cell, cell, cell)
def test_identities(tp, fp, fn, tn):
    if tp + fn == 0 or fp + tn == 0:
        with pytest.raises(NotEnoughData):
            table(tp, fp, fn, tn)
        return
    ours = table(tp, fp, fn, tn)
    assert ours.accuracy.k == tp + tn
    assert ours.n == tp + fp + fn + tn
    assert ours.f1.value == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert (ours.ppv is None) == (tp + fp == 0)
    assert (ours.npv is None) == (tn + fn == 0)
    for measure in (ours.f1, ours.youden, ours.lr_positive, ours.lr_negative):
        assert measure is None or measure.ci.low - 1e-12 <= measure.value <= measure.ci.high + 1e-12
    if fp and tn and ours.lr_positive.value:
        odds = ours.prevalence.value / (1 - ours.prevalence.value) * ours.lr_positive.value
        assert odds / (1 + odds) == pytest.approx(ours.ppv.value)
    absent = [ours.ppv, ours.npv, ours.lr_positive, ours.lr_negative].count(None)
    assert len(ours.notes) == absent


@given(cell, cell, cell, cell)
def test_calling_the_other_class_swaps_the_measures(tp, fp, fn, tn):
    if tp + fn and fp + tn:
        ours, other = table(tp, fp, fn, tn), table(tn, fn, fp, tp)
        assert (ours.sensitivity, ours.specificity) == (other.specificity, other.sensitivity)
        assert (ours.ppv, ours.npv) == (other.npv, other.ppv)
        assert ours.youden.value == pytest.approx(other.youden.value)


def test_threshold_counts_equality_as_positive():
    ours = at_threshold([True, True, False, False], [0.3, 0.2, 0.3, 0.1], threshold=0.3)
    cells = (ours.true_positive, ours.false_positive, ours.false_negative, ours.true_negative)
    assert cells == (1, 1, 1, 1)
    assert at_threshold([1, 0], [1, 0], threshold=0.5, level=0.9).sensitivity == proportion(1, 1, level=0.9)


def test_refusals():
    with pytest.raises(NotEnoughData):
        table(0, 3, 0, 4)
    with pytest.raises(InputError):
        table(5, -1, 2, 4)
    with pytest.raises(InputError):
        table(5.5, 1, 2, 4)
    with pytest.raises(ConfigError):
        table(5, 1, 2, 4, level=1.0)
    with pytest.raises(NotEnoughData):
        at_threshold([1, 1], [0.1, 0.2], threshold=0.1)
    with pytest.raises(InputError, match="threshold"):
        at_threshold([1, 0], [0.1, 0.2], threshold=float("nan"))
