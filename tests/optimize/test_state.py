"""States of fits are cut and joined, and never changed."""

import numpy as np

from helpers.problems import RosenbrockBelow
from muscan.optimize.state import State, Task, initial_state


def state_of(numbers: list[int], border=None) -> State:
    """The beginning of some of five fits, with numbers in their arrays that tell them apart."""
    data = np.stack([np.arange(5.0), 10 + np.arange(5.0), np.ones(5)])
    task = Task(data, np.arange(10.0).reshape(2, 5), np.zeros((2, 5), bool), border)
    return initial_state(RosenbrockBelow(9.0), task, np.array(numbers, int))


def arrays(state: State) -> list[np.ndarray]:
    return [array for part in state for array in (part if isinstance(part, tuple) else [part]) if array is not None]


def test_all_arrays_follow_their_fits():
    state = state_of([0, 1, 2, 3, 4])
    some = state.take(np.array([False, True, False, True, True]))
    for array, chosen in zip(arrays(state), arrays(some), strict=True):
        np.testing.assert_array_equal(chosen, array[..., [1, 3, 4]])
        assert chosen.flags.c_contiguous
    assert some.index.tolist() == [1, 3, 4]
    assert some.data[1].tolist() == [11.0, 13.0, 14.0]
    assert some.walls.force.shape == (1, 3)


def test_taking_copies():
    state = state_of([0, 1, 2])
    some = state.take(np.ones(3, bool))
    for array in arrays(some):
        array[...] = 1
    assert state.data[0].tolist() == [0.0, 1.0, 2.0]


def test_a_fit_that_is_alone_stands_twice_and_counts_once():
    alone = state_of([0, 1, 2]).take(np.array([False, False, True]))
    assert alone.index.tolist() == [2, 2]
    assert alone.fits == 1
    joined = alone.join(state_of([3, 4]))
    assert joined.index.tolist() == [2, 3, 4]
    assert joined.data[0].tolist() == [2.0, 3.0, 4.0]
    assert state_of([]).join(state_of([4])).index.tolist() == [4, 4]


def test_the_side_of_a_border_is_that_of_the_start():
    border = np.zeros(5, int), np.array([-1.0, 3.0, 1.0, 9.0, 9.0])  # the starts are 0, 1, 2, 3, 4
    state = state_of([0, 1, 2, 3], border)
    assert state.border.side.tolist() == [1.0, -1.0, 1.0, -1.0]
    points = np.array([[-2.0, 2.0, 0.5, 9.5], [0.0] * 4])
    assert state.border.crossed(points).tolist() == [True, False, True, True]
    some = state.take(np.array([True, False, False, True]))
    assert some.border.side.tolist() == [1.0, -1.0]
    assert some.join(state_of([4], border)).border.value.tolist() == [-1.0, 9.0, 9.0]
