"""The free fit to the data may lie many errors away, where a bin of the signal is emptied."""

import pytest

from helpers.far_valley import ABOVE, LOWEST, MU_HAT, far_valley
from helpers.proposals import Compared
from helpers.workspaces import engine_of
from muscan.inference.hypotest import prepare
from muscan.inference.proposals.along_poi import AlongPoi


def test_the_far_valley_is_found():
    fits = Compared(far_valley(), AlongPoi, 100.0)
    best, without = (prepare(each, "qtilde").free for each in (fits.all, fits.without))
    assert best.deviance == pytest.approx(LOWEST, abs=1e-4)
    assert best.parameters[fits.model.poi] == pytest.approx(MU_HAT, rel=1e-3)
    assert without.deviance == pytest.approx(ABOVE, abs=1e-4)
    assert without.parameters[fits.model.poi] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("width", "possible"), [(0.7, True), (0.5, False)])
def test_only_badly_known_factors_make_it_worth_while(width, possible):
    assert AlongPoi(engine_of(far_valley(width)).likelihood).possible == possible
