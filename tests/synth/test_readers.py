"""Simulated readers: as good as they are said to be, moved by AI as far as they trust it, never beyond the limit."""

import numpy as np
import pytest

from osteon.core.errors import InputError, ShapeError
from osteon.stats.auc import auc
from osteon.synth.readers import ReaderModel, simulate_findings, simulate_readers

TRUTH = np.tile([0, 1], 1500)


def read(ai_call=TRUTH, *, seed=1, readers=4, **options):
    return simulate_readers(TRUTH, ai_call, readers=readers, rng=np.random.default_rng(seed), **options)


def accuracy(reads):
    return (reads.call == TRUTH).mean(axis=(1, 2))


@pytest.mark.parametrize("goal", [0.75, 0.9])
def test_readers_on_ct_alone_have_the_auc_they_were_given(goal):
    reads = read(readers=8, model=ReaderModel(auc=goal))
    assert np.mean([auc(TRUTH, row).value for row in reads.log_odds[0]]) == pytest.approx(goal, abs=0.02)


def test_a_reader_without_trust_does_not_see_the_ai():
    model = ReaderModel(trust=0.0)
    with_right, with_wrong = read(model=model), read(1 - TRUTH, model=model)
    assert (with_right.call == with_wrong.call).all()


def test_ai_helps_when_right_and_harms_when_wrong_and_more_with_more_trust():
    gains = [accuracy(read(model=ReaderModel(trust=trust)))[1] for trust in (0.2, 0.6, 1.0)]
    harms = [accuracy(read(1 - TRUTH, model=ReaderModel(trust=trust)))[1] for trust in (0.2, 0.6, 1.0)]
    assert gains == sorted(gains)
    assert harms == sorted(harms, reverse=True)
    assert gains[0] > accuracy(read())[0] > harms[0]


def test_the_ai_anchors_more_as_first_than_as_second_reader():
    first, second = (accuracy(read(1 - TRUTH, role=role))[1] for role in ("first", "second"))
    assert first < second


def test_times_keep_to_the_limit_and_a_second_reader_costs_time():
    first, second = read(role="first"), read(role="second")
    assert first.time_s.max() <= 600
    assert np.median(first.time_s[1]) < np.median(first.time_s[0]) < np.median(second.time_s[1])


def test_a_second_reader_adds_to_what_was_seen_at_the_same_reading():
    kinds = np.where(TRUTH == 1, np.tile(["A", "B"], 1500), "-")
    unmoved = read(role="second", model=ReaderModel(trust=0.0), types=kinds)
    assert (unmoved.call[0] == unmoved.call[1]).all()
    assert (unmoved.types[0] == unmoved.types[1]).all()
    moved = read(role="second")
    assert ((moved.log_odds[1] > moved.log_odds[0]) == (TRUTH == 1)).all()
    assert (moved.time_s[1] >= moved.time_s[0]).all()


def test_levels_and_grades_are_as_good_as_said_and_better_with_ai():
    found = simulate_findings(
        np.full(3000, 0.3), readers=2, rng=np.random.default_rng(2), model=ReaderModel(counting=0.9)
    )
    off = (found.level_off != 0).mean(axis=(1, 2))
    assert off[0] == pytest.approx(0.1, abs=0.01)
    assert off[1] == pytest.approx(0.05, abs=0.01)
    assert (found.grade == 2).mean(axis=(1, 2))[1] > (found.grade == 2).mean(axis=(1, 2))[0] > 0.7
    same = simulate_findings(np.zeros(100), readers=2, rng=np.random.default_rng(2), role="second")
    assert ((same.level_off[1] == 0) | (same.level_off[1] == same.level_off[0])).all()


def test_ratings_and_types_go_with_the_call():
    kinds = np.where(TRUTH == 1, np.tile(["A", "B"], 1500), "-")
    reads = read(types=kinds, ai_types=kinds)
    assert set(np.unique(reads.rating)) <= {1, 2, 3, 4, 5}
    assert (reads.rating[reads.call == 1] >= 3).all()
    assert (reads.rating[reads.call == 0] <= 3).all()
    assert ((reads.types == "-") == (reads.call == 0)).all()
    hit = (reads.call == 1) & (TRUTH == 1)
    right = [(reads.types[arm] == kinds)[hit[arm]].mean() for arm in (0, 1)]
    assert right[1] > right[0] > 0.7


def test_readers_share_what_is_hard():
    reads = read(readers=2, model=ReaderModel(shared=0.9))
    wrong = reads.call[0] != TRUTH
    assert (wrong[0] & wrong[1]).mean() > 1.5 * wrong[0].mean() * wrong[1].mean()


def test_what_is_refused():
    with pytest.raises(ShapeError):
        read(TRUTH[:-1])
    with pytest.raises(InputError):
        read(ai_sensitivity=1.0)
