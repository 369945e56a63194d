"""Where two badly known factors multiply a template, each of them alone may empty it."""

import numpy as np
import pytest

from helpers.proposals import LOWER, Compared
from helpers.workspaces import MU, workspace
from muscan.inference.proposals.exchanges import Exchanges

WIDTH = 0.9  # relative, of the gamma of staterror
EVENTS = 86.4


def spec(own: float) -> dict:
    """A signal over a background that the data agree with; its shapesys has this relative uncertainty."""
    modifiers = [("mc", "staterror", [WIDTH * EVENTS]), ("own", "shapesys", [own * EVENTS])]
    return workspace({"A": ([326.0], {"signal": ([EVENTS], [MU, *modifiers]), "background": ([326.0], [])})})


def test_the_cheapest_factor_empties_a_signal():
    """With mu held at a large value the gamma of staterror goes to zero, at the price 1 / WIDTH^2 in the deviance."""
    fits = Compared(spec(2.0), Exchanges, 1e3)
    start = fits.point()
    deviance = fits.all.fit(fits.model.data[:, None], [start], np.array([432.0])).deviance[0]
    assert deviance == pytest.approx(1 / WIDTH**2, abs=1e-4)
    found, without = fits.both_ends(start, 432.0)
    lowest = fits.lowest_of_pyhf(432.0, **{"mc[0]": [1e-6, 0.1, 1.0], "own[0]": [0.01, 1.0]})
    assert found < lowest + LOWER
    assert without > lowest + 0.1


def test_one_badly_known_factor_needs_no_exchange():
    assert not Exchanges(Compared(spec(0.3), Exchanges).all.likelihood).possible
