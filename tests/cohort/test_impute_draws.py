"""Draws that belong to a row: the published generator, then the distributions, then what a key depends on."""

import numpy as np
import pytest
from scipy import stats

from osteon.cohort.impute_draws import RowDraws, mixed, row_keys


def test_splitmix64_as_published():
    known = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    state = np.array([1234567], dtype=np.uint64)
    assert [int(mixed(state, number)[0]) for number in range(5)] == known


@pytest.fixture(scope="module")
def values():
    """Rows as alike as patients are: small whole numbers, flags, gaps; all different."""
    grid = np.stack(
        np.meshgrid(np.arange(60.0), [0.0, 1.0, np.nan], np.arange(150.0, 190.0), [0.0, 1.0]), axis=-1
    )
    return grid.reshape(-1, 4)


@pytest.mark.parametrize("number", [0, 1, 999])
def test_draws_are_uniform_normal_and_whole(values, number):
    draws = RowDraws(keys=mixed(row_keys(values, seed=5), number))
    n = len(values)
    u, z, k = draws.random(n), draws.standard_normal(n), draws.integers(7, size=n)
    assert stats.kstest(u, "uniform").pvalue > 0.001
    assert stats.kstest(z, "norm").pvalue > 0.001
    assert stats.chisquare(np.bincount(k, minlength=7)).pvalue > 0.001
    neighbours = [np.corrcoef(u[:-step], u[step:])[0, 1] for step in (1, 2, 40, 80)]
    assert np.abs([np.corrcoef(u, z)[0, 1], *neighbours]).max() < 4 / np.sqrt(n)


def test_columns_of_the_table_tell_nothing_of_the_draw(values):
    u = RowDraws(keys=row_keys(values, seed=1)).random(len(values))
    for column in values.T:
        groups = [u[column == level] for level in np.unique(column[~np.isnan(column)])]
        assert stats.f_oneway(*groups).pvalue > 0.001


def test_keys_differ_by_row_place_and_seed_and_not_by_the_writing_of_a_value(values):
    keys = row_keys(values, seed=1)
    assert len(np.unique(keys)) == len(values)
    assert not np.isin(row_keys(values, seed=2), keys).any()
    assert row_keys(np.array([[1.0, 2.0]]), seed=1) != row_keys(np.array([[2.0, 1.0]]), seed=1)
    other = np.uint64(0xFFF8000000000001).view(np.float64)
    assert np.array_equal(
        row_keys(np.array([[0.0, np.nan]]), seed=1), row_keys(np.array([[-0.0, other]]), seed=1)
    )


def test_uniform_draws_never_reach_an_end():
    """The keys whose mixed bits are all zero and all one."""
    draws = [RowDraws(keys=np.array([key], dtype=np.uint64)).random(1)[0] for key in unmixed([0, 2**64 - 1])]
    assert draws[0] == 2.0**-53
    assert draws[1] == 1 - 2.0**-53


def unmixed(outputs):
    """Inverse of the mixing with counter 0, by exact integers."""
    back = []
    for z in outputs:
        z ^= (z >> 31) ^ (z >> 62)
        z = z * pow(0x94D049BB133111EB, -1, 2**64) % 2**64
        z ^= (z >> 27) ^ (z >> 54)
        z = z * pow(0xBF58476D1CE4E5B9, -1, 2**64) % 2**64
        z ^= (z >> 30) ^ (z >> 60)
        back.append((z - 0x9E3779B97F4A7C15) % 2**64)
    return back
