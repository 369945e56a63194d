"""A free fit that ends above a held one has missed its valley, and is repeated from where the held one has ended."""

import numpy as np
import pytest

from helpers.far_valley import ABOVE, LOWEST, MU_HAT, far_valley
from helpers.proposals import Compared
from muscan.inference.proposals.held_fits import HeldFits

FAR = 60.0  # mu of the held fit, above MU_HAT


def fitted(left_out: bool) -> tuple[float, float, bool]:
    """Deviance and mu of the free fit, and whether it was repeated."""
    fits = Compared(far_valley(), HeldFits, 100.0)
    engine = fits.without if left_out else fits.all
    free, held, repeated = engine.fit_both(fits.model.data[:, None], fits.model.initial, FAR)
    assert held.deviance[0] < ABOVE
    return float(free.deviance[0]), float(free.parameters[fits.model.poi, 0]), bool(repeated[0])


def test_the_valley_of_the_held_fit_is_found():
    assert fitted(left_out=False) == (pytest.approx(LOWEST, abs=1e-4), pytest.approx(MU_HAT, rel=1e-3), True)


def test_without_the_free_fit_is_at_best_where_the_held_one_is():
    deviance, mu, _ = fitted(left_out=True)
    assert deviance > LOWEST + 0.1
    assert mu == pytest.approx(FAR)


def test_a_free_fit_that_ends_lower_is_not_repeated():
    fits = Compared(far_valley(), HeldFits, 100.0)
    _, _, repeated = fits.all.fit_both(np.repeat(fits.model.data[:, None], 2, axis=1), fits.model.initial, 1.0)
    assert not repeated.any()
