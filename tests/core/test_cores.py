"""Work on several threads: in order, failing as one thread would, and stopped when nobody waits for it."""

import threading
import time

import pytest

from osteon.core.cores import side_by_side, working_threads


def test_results_come_in_order_however_long_each_takes():
    assert list(side_by_side(lambda k: time.sleep(0.01 * (3 - k)) or k, range(4), threads=4)) == [0, 1, 2, 3]


def test_work_is_done_on_several_threads_at_once():
    together = threading.Barrier(2, timeout=20)  # one thread alone would never pass
    assert len(list(side_by_side(lambda _: together.wait(), range(2), threads=2))) == 2


def test_a_failure_is_raised_where_its_result_is_taken():
    results = side_by_side(lambda k: 1 // k, [1, 0, 1], threads=1)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_what_nobody_waits_for_is_not_begun():
    begun = []
    go_on = threading.Event()

    def work(k):
        begun.append(k)
        return k if k == 0 else go_on.wait(timeout=20)

    results = side_by_side(work, range(50), threads=1)
    assert next(results) == 0
    threading.Timer(0.1, go_on.set).start()
    results.close()
    assert len(begun) <= 3


def test_the_number_of_threads_can_be_set(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert working_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert 1 <= working_threads(at_most=2) <= 2
