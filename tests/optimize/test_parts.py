"""The parts of the optimiser, each alone: acceptance, bounds, kinks, convergence."""

import numpy as np
import pytest

from helpers.problems import Flat, Logarithm, Rosenbrock, Sheared
from muscan.optimize import bounds, kinks
from muscan.optimize.acceptance import accept, exhausted
from muscan.optimize.convergence import EDM, judge
from muscan.optimize.direction import newton_step
from muscan.optimize.state import State, Task, initial_state
from muscan.optimize.trial import advance
from muscan.optimize.walls import Walls, corrected_walls, wall_terms

YES, NO = np.ones(2, bool), np.zeros(2, bool)


def standing(problem=None, start: tuple = (1.0, 2.0), data: tuple = (1.0, 1.0), **changes) -> State:
    """Two equal fits that stand at `start`, with some of their state changed."""
    columns = (np.repeat(np.reshape(each, (-1, 1)), 2, axis=1).astype(float) for each in (data, start))
    task = Task(*columns, np.zeros((len(start), 2), bool), None)
    return initial_state(problem or Rosenbrock(), task, np.arange(2))._replace(**changes)


class TestAcceptance:
    def accepted(self, tried: list, **changes) -> tuple[State, list[bool]]:
        there = np.array([[3.0, 3.0], [4.0, 4.0]])
        changes = {"value": np.array([5.0, 5.0]), "slope": np.array([-1.0, -1.0]), "there": there} | changes
        state, accepted = accept(standing(**changes), np.array(tried), np.zeros((2, 1)))
        return state, accepted.tolist()

    def test_what_falls_enough_is_accepted(self):
        """1e-4 of the slope of -1 is asked for."""
        state, accepted = self.accepted([5 - 1.1e-4, 5 - 0.9e-4])
        assert accepted == [True, False]
        assert state.here[0].tolist() == [3.0, 1.0]
        assert state.value.tolist() == [5 - 1.1e-4, 5.0]
        assert state.age.tolist() == [1, 1]

    def test_rounding_does_not_count(self):
        assert self.accepted([5 + 3e-11, 5 + 9e-11], slope=np.zeros(2))[1] == [True, False]

    def test_steps_are_shortened_to_the_minimum_of_a_parabola(self):
        """5 - s + c s^2 with c = 2 has its minimum at s = 1/4; with c = 100 it is out of reach at 1/200."""
        state, accepted = self.accepted([5 - 1 + 2, 5 - 1 + 100])
        assert accepted == [False, False]
        assert state.length.tolist() == [0.25, 0.1]
        assert self.accepted([np.inf, 5 - 1 + 1.001])[0].length.tolist() == pytest.approx([0.25, 0.49950], rel=1e-4)

    def test_a_start_without_a_value_goes_halfway_to_the_centre(self):
        state, accepted = self.accepted([np.nan, 7.0], value=np.full(2, np.inf))
        assert accepted == [False, True]
        assert state.here.tolist() == [[1.5, 3.0], [2.0, 4.0]]
        assert state.length.tolist() == [0.5, 1.0]

    def test_very_short_steps_are_given_up(self):
        state = standing(length=np.array([0.9e-9, 1.1e-9]))
        assert exhausted(state, NO).tolist() == [True, False]
        assert exhausted(state, YES).tolist() == [False, False]


class TestBounds:
    def test_a_parameter_on_a_bound_may_leave_it_and_not_cross_it(self):
        gradient = np.array([[1.0, -1.0, 1.0, -1.0, 1.0]])
        theta = np.array([[0.0, 0.0, 2.0, 2.0, 1.0]])
        free = bounds.free_to_move(gradient, theta, np.zeros((1, 1)), np.full((1, 1), 2.0))
        assert free.tolist() == [[False, True, True, False, True]]

    def test_a_step_ends_at_the_first_bound(self):
        """The first parameter meets its bound after a quarter of the step."""
        step = bounds.end_at_first_bound(np.array([[4.0, -4.0], [8.0, 8.0]]), *self.room())
        assert step.tolist() == [[1.0, -1.0], [2.0, 2.0]]

    def room(self) -> tuple:
        """Where the steps begin, the gradient, what is held, and the bounds, at a distance of 1 and 100."""
        distance = np.array([[1.0, 1.0], [100.0, 100.0]])
        return np.zeros((2, 2)), np.array([[3.0, 3.0], [4.0, 4.0]]), np.zeros((2, 2), bool), -distance, distance

    def test_where_a_step_leads_nowhere_it_goes_straight_down(self):
        here, gradient, held, low, high = self.room()
        here[0] = 1.0  # on its bound
        step = bounds.end_at_first_bound(np.array([[4.0, 4.0], [8.0, 8.0]]), here, gradient, held, low, high)
        np.testing.assert_allclose(step, -gradient * 0.01 / 5.01)

    def test_what_is_lost_to_bounds(self):
        """Of the decrease of 10 the bounds leave 0.5: not enough, unless it leads straight down."""
        gradient = np.array([[1.0, 1.0], [1.0, 0.0]])
        step, left = np.full((2, 2), -5.0), np.array([[-1.0, -0.5], [0.5, 0.5]])
        assert bounds.is_lost_to_bounds(gradient, step, left).tolist() == [True, False]
        assert bounds.is_lost_to_bounds(gradient, step, step).tolist() == [False, False]

    def test_steps_along_bounds_leave_out_what_presses_on_them(self):
        """Next to the bound of x, the Newton step wants x to fall and y to rise; cut, it would lead uphill."""
        problem = Sheared(low=[1.0, -np.inf])
        state = standing(problem, (1.0 + 1e-9, 0.0), (20.0,))
        parts = problem.derivatives(state.there, state.data, state.walls)
        active = np.ones((2, 2), bool)
        step = newton_step(parts, active, YES, np.zeros(2, int)).step
        np.testing.assert_allclose(step[:, 0], [-1.0, 20.0], rtol=1e-6)
        assert bounds.redirect_along_bounds(problem, state, parts, active, YES, step) == pytest.approx(step)
        state = standing(problem, (1.0 + 1e-9, 5.0), (10.0,))
        parts = problem.derivatives(state.there, state.data, state.walls)
        step = newton_step(parts, active, YES, np.zeros(2, int)).step
        np.testing.assert_allclose(step[:, 0], [-1.0, 5.0], rtol=1e-6)
        assert bounds.redirect_along_bounds(problem, state, parts, active, YES, step)[:, 0] == pytest.approx(
            [0.0, -5.0]
        )

    def test_a_step_that_bounds_turn_uphill_is_tried_up_to_the_first_bound(self):
        """The Newton step (-1.5, 10) meets the bound of x after a third of it."""
        problem = Sheared(low=[1.0, -np.inf])
        state = standing(problem, (1.5, 0.0), (10.0,), value=np.zeros(2))
        gradient = problem.derivatives(state.there, state.data, state.walls).gradient
        state = advance(problem, state, np.array([[-1.5, -1.5], [10.0, 10.0]]), gradient, YES)
        assert state.there[:, 0] == pytest.approx([1.0, 10 / 3])
        assert state.step[:, 0] == pytest.approx([-0.5, 10 / 3])
        assert state.slope == pytest.approx(51.5 * -0.5 + 5 * 10 / 3)


class TestKinks:
    def test_fits_stay_on_their_side(self):
        here = np.array([[0.5, -0.5, 0.0, -0.0], [1.0] * 4])
        low, high = kinks.one_sided_bounds(np.array([0]), here, np.full((2, 1), -9.0), np.full((2, 1), 9.0))
        assert low.tolist() == [[0.0, -9.0, 0.0, -9.0], [-9.0] * 4]
        assert high.tolist() == [[9.0, 0.0, 9.0, 0.0], [9.0] * 4]

    def test_zeros_have_the_sign_of_their_side(self):
        there = kinks.with_sides_of(np.array([0]), np.array([[0.0, 0.0, 0.3]]), np.array([[1.0, -1.0, -1.0]]))
        assert there.tolist() == [[0.0, 0.0, 0.3]]
        assert np.signbit(there).tolist() == [[False, True, False]]


class TestConvergence:
    def ends(self, edm: float, before: float, slope: float, **changes) -> list:
        state = standing(Rosenbrock(), edm=np.full(2, before), slope=np.full(2, slope), **changes)
        _, verdict = judge(Rosenbrock(), state, np.full(2, edm), YES, YES)
        return [verdict.done.all(), verdict.lost.all(), verdict.ahead[0]]

    def test_the_distance_falls_at_least_as_in_the_last_step(self):
        """From 1e-3 to 1e-7; the next step ends at 1e-11. A step that a bound has cut short does not count."""
        assert self.ends(1e-7, 1e-3, -1e-7) == [True, False, pytest.approx(1e-11)]
        assert self.ends(1e-7, 1e-3, -0.9e-7) == [False, False, pytest.approx(1e-7)]
        assert self.ends(1e-7, np.nan, -1e-7) == [False, False, pytest.approx(1e-7)]
        assert self.ends(0.5 * EDM, np.nan, -EDM)[:2] == [True, False]

    def test_fits_are_given_up(self):
        assert not self.ends(1.0, np.nan, -1.0, age=np.full(2, 199))[1]
        assert self.ends(1.0, np.nan, -1.0, age=np.full(2, 200))[1]
        assert not self.ends(1.0, np.nan, -1.0, nudges=np.full(2, 5))[1]
        assert self.ends(1.0, np.nan, -1.0, nudges=np.full(2, 6))[1]

    def test_newton_steps_on_a_flat_function(self):
        """The Hessian is singular. Close to the minimum a little is added to it, and the step counts as Newton's."""
        problem = Flat()
        for distance, newton in ((1.0, False), (1e-3, True)):
            state = standing(problem, (1.0, 2.0), (3.0 + distance,))
            parts = problem.derivatives(state.there, state.data, state.walls)
            found = newton_step(parts, np.ones((2, 2), bool), YES, np.zeros(2, int))
            assert found.newton.tolist() == [newton] * 2
            assert found.step.sum(axis=0) == pytest.approx(distance, rel=1e-6)


class TestWalls:
    def test_their_terms_are_those_of_the_augmented_lagrangian(self):
        """With the force 3 and the stiffness 2 the wall pushes where c < 3/2."""
        condition, walls = np.array([[-1.0, 1.0, 2.0]]), Walls(np.full((1, 3), 3.0), np.full(3, 2.0))
        terms = wall_terms(condition, walls)
        assert terms.value.tolist() == [[(25 - 9) / 4, (1 - 9) / 4, -9 / 4]]
        assert terms.push.tolist() == [[5.0, 1.0, 0.0]]
        assert terms.curvature.tolist() == [[2.0, 2.0, 0.0]]

    def test_forces_converge_to_the_multiplier(self):
        """x^2 / 2 with x >= 1 has the multiplier 1; with a wall, the minimum is at (force + k) / (1 + k)."""
        walls = Walls(np.zeros((1, 1)), np.full(1, 10.0))
        for _ in range(4):
            x = (walls.force + walls.stiffness) / (1 + walls.stiffness)
            walls, change = corrected_walls(walls, x - 1, np.ones((1, 1), bool))
        assert walls.force[0, 0] == pytest.approx(1.0, abs=1e-9)
        assert change[0] < EDM
        assert walls.stiffness.tolist() == [1e5]

    def test_they_are_nowhere_else(self):
        walls = Walls(np.full((1, 2), 0.5), np.full(2, 10.0))
        found, _ = corrected_walls(walls, np.full((1, 2), -1.0), np.array([[True, False]]))
        assert found.force.tolist() == [[10.5, 0.0]]


def test_values_that_are_not_defined_are_no_minima():
    state = standing(Logarithm(), (-1.0,), (0.0,))
    with np.errstate(invalid="ignore"):
        parts = Logarithm().derivatives(state.there, state.data, state.walls)
    assert accept(state, parts.value, np.ones((1, 1)))[1].tolist() == [False, False]
