"""A free normalisation that the data determine badly may be several times as large in another valley."""

import numpy as np

from helpers.proposals import LOWER, Compared
from helpers.published import published
from helpers.random_starts import best_of_random_starts, throw
from helpers.workspaces import MU, engine_of, workspace
from muscan.inference.local_minima import local_minima
from muscan.inference.newton import Newton
from muscan.inference.proposals import defaults
from muscan.inference.proposals.free_normalisations import FreeNormalisations

TOP = (
    [11.1, 10.6],
    [("shape", "histosys", {"hi_data": [13.3, 14.2], "lo_data": [4.25, 2.13]}), ("k", "normfactor", None)],
)
SPEC = workspace({"A": ([36.0, 40.0], {"signal": ([9.46, 9.88], [MU]), "background": ([30.7, 51.1], []), "top": TOP})})


def test_the_valley_of_a_large_normalisation_is_found():
    fits = Compared(SPEC, FreeNormalisations)
    found, without = fits.both_ends(fits.model.initial, 0.0)
    lowest = fits.lowest_of_pyhf(0.0, shape=[-2.0, 0.0, 2.0], k=[0.1, 1.0, 3.0, 8.0])
    assert found < lowest + LOWER
    assert without > lowest + 1.0


def test_a_shape_that_makes_up_for_a_free_normalisation_of_a_published_search(data):
    """Of two toys of 1Lbb the lowest minimum has thrice the single top, with its interference at 1.4 sigma."""
    engine = engine_of(published(data, "1Lbb"))
    toys, model = throw(engine, 1000, seed=7)[:, [205, 750]], engine.model
    near = local_minima(engine.likelihood, toys, np.repeat(model.initial[:, None], 2, axis=1), model.fixed)
    best = best_of_random_starts(engine, toys, starts=60)
    assert (best < near.deviance - 0.1).all()
    assert (engine.fit(toys, [model.initial]).deviance <= best + 1e-6).all()
    without = Newton(model, tuple(each for each in defaults.NEWTON if each is not FreeNormalisations))
    assert (without.fit(toys, [model.initial]).deviance > best + 1e-6).any()


def test_nothing_is_proposed_beyond_the_bounds_of_a_normalisation():
    stated = {"name": "k", "bounds": [[0.0, 1.5]]}
    for parameters, possible in (((), True), ((stated,), False)):
        spec = SPEC | {"measurements": [{"name": "m", "config": {"poi": "mu", "parameters": list(parameters)}}]}
        assert FreeNormalisations(engine_of(spec).likelihood).possible == possible
