"""Fits to the data begin at several points, as no derivation foresees all valleys."""

import numpy as np

from helpers.proposals import LOWER, Compared
from helpers.workspaces import MU, SMALL, counting, engine_of, workspace
from muscan.inference.proposals.scattered import POINTS, Scattered

TOP = (
    [5.65, 9.26, 3.14],
    [("shape", "histosys", {"hi_data": [1.64, 3.1, 5.14], "lo_data": [7.75, 10.5, 4.64]}), ("k", "normfactor", None)],
)
BACKGROUND = ([80.3, 48.3, 56.5], [])
SPEC = workspace(
    {"A": ([68.0, 48.0, 70.0], {"signal": ([6.45, 4.03, 6.41], [MU]), "background": BACKGROUND, "top": TOP})}
)


def test_a_valley_that_one_start_misses_is_found():
    fits = Compared(SPEC, Scattered)
    lowest = fits.lowest_of_pyhf(0.0, shape=[-3.0, -1.0, 1.0, 3.0], k=[0.1, 1.0, 3.0, 8.0])
    found, without = (fits.end(engine, engine.starts(), 0.0) for engine in (fits.all, fits.without))
    assert found < lowest + LOWER
    assert without > lowest + 0.5


def test_the_points_are_always_the_same_and_in_the_widths_of_the_constraints():
    proposal = Scattered(engine_of(SMALL["every modifier"]).likelihood)
    first, again = (engine_of(SMALL["every modifier"]).starts() for _ in range(2))
    assert len(first) == 1 + POINTS
    np.testing.assert_array_equal(first, again)
    model = proposal.model
    moved, widths = np.array(first[1:]) - model.initial, model.constrained_widths()
    assert (moved[:, np.isnan(widths)] == 0).all()
    assert (moved[:, ~np.isnan(widths)] != 0).all()
    assert 0.5 < np.nanstd(moved / widths) < 1.5


def test_there_is_one_start_where_nothing_is_interpolated():
    engine = engine_of(counting([5.0], [1.0], [5.0], ("stat", "shapesys", [1.0])))
    assert len(engine.starts()) == 1
