"""A single fit is computed as a batch of two."""

import numpy as np

from muscan.base.batches import accept_single_fit, batch_of, repeat_single


def test_a_single_number_is_given_twice():
    assert repeat_single(np.array([3])).tolist() == [3, 3]
    assert repeat_single(np.array([3, 5])).tolist() == [3, 5]
    assert repeat_single(np.zeros(0, int)).tolist() == []


def test_one_set_of_values_becomes_two_columns():
    assert batch_of([1.0, 2.0]).tolist() == [[1.0, 1.0], [2.0, 2.0]]


class Sums:
    """Return the sums of the columns, and record the number of columns."""

    @accept_single_fit
    def __call__(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        self.columns = values.shape[1]
        return (values * weights).sum(axis=0)


def test_a_method_sees_two_columns_and_returns_one():
    sums = Sums()
    values, weights = np.random.default_rng(1).normal(0, [[1e8], [1.0]] * 500, (2, 1000, 7))
    together = sums(values, weights)
    assert sums.columns == together.size == 7
    alone = [sums(values[:, [i]], weights[:, [i]]) for i in range(7)]
    assert sums.columns == 2
    assert [each.shape for each in alone] == [(1,)] * 7
    np.testing.assert_array_equal(np.concatenate(alone), together)
