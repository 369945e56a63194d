"""Behind ridges of interpolations there are lower minima."""

import numpy as np
import pytest

from helpers.proposals import LOWER, Compared
from helpers.workspaces import MU as POI
from helpers.workspaces import counting, workspace
from muscan.inference.proposals.proposal import Known
from muscan.inference.proposals.ridges import Ridges


def shape(up: list[float], down: list[float]) -> tuple:
    return ("shape", "histosys", {"hi_data": up, "lo_data": down})


# The workspace and where a fit begins. At an edge, where the first bin wants no bend and the second a low alpha, there
# are two valleys on one side: at -0.46 and -0.99, or at -0.57 and -1.23.
AT_AN_EDGE = {
    second: counting([11.0, second], [1.0, 1.0], [40.0, 100.0], shape([50.0, 120.0], [50.0, 80.0]))
    for second in (45.0, 41.0)
}
IN_THE_MIDDLE = workspace(
    {
        "A": (
            [75.0, 99.0],
            {
                "signal": ([6.7, 4.42], [POI]),
                "background": ([78.0, 72.3], []),
                "top": ([9.76, 17.6], [shape([13.6, 34.0], [5.13, 19.9])]),
            },
        )
    }
)
ALPHAS = [-2.0, -1.2, -0.4, 0.4, 1.2, 2.0]


@pytest.mark.parametrize("second", AT_AN_EDGE)
@pytest.mark.parametrize("start", [-1.0, -0.45])
def test_two_valleys_on_one_side_of_a_parameter_are_both_seen(second, start):
    fits = Compared(AT_AN_EDGE[second], Ridges)
    lowest = fits.lowest_of_pyhf(0.0, shape=ALPHAS)
    assert fits.end(fits.all, [fits.point(shape=start)], 0.0) < lowest + LOWER


def test_an_edge_is_not_crossed_without():
    """One of the two starts ends in the higher valley."""
    for spec in AT_AN_EDGE.values():
        fits = Compared(spec, Ridges)
        ends = [fits.end(fits.without, [fits.point(shape=start)], 0.0) for start in (-1.0, -0.45)]
        assert max(ends) > fits.lowest_of_pyhf(0.0, shape=ALPHAS) + 0.01


def test_the_valley_on_the_other_side_is_found():
    fits = Compared(IN_THE_MIDDLE, Ridges)
    found, without = fits.both_ends(fits.model.initial, 0.0)
    lowest = fits.lowest_of_pyhf(0.0, shape=ALPHAS)
    assert found < lowest + LOWER
    assert without > lowest + 0.1


def test_starts_are_behind_the_border():
    fits = Compared(IN_THE_MIDDLE, Ridges)
    proposal = next(each for each in fits.all._proposals if isinstance(each, Ridges))
    engine = fits.without
    data = np.repeat(fits.model.data[:, None], 3, axis=1)
    known = Known(engine.fit(data, [fits.model.initial], np.zeros(3)), data)
    further = proposal.starts(known)
    assert further.fit.tolist() == [0, 1, 2]
    index = fits.model.names.index("shape")
    assert further.border.parameter.tolist() == [index] * 3
    here, there = known.fits.parameters[index], further.starts[0][index]
    assert ((here - further.border.value) * (there - further.border.value) < 0).all()
