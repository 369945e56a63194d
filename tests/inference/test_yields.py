"""Expected events and their uncertainties against pyhf and closed formulas."""

import numpy as np
import pytest

from helpers.workspaces import SMALL, counting, engine_of, fit, referee, workspace
from muscan.inference.uncertainties import uncertainties
from muscan.inference.yields import prefit_covariance, propagate

TEMPLATE = [100.0, 81.0, 36.0]


def prefit_error(*modifiers: tuple, codes: dict | None = None, **options) -> np.ndarray:
    """Uncertainty of the background, one row, before any fit."""
    engine = engine_of(counting(TEMPLATE, [1.0, 2.0, 3.0], TEMPLATE, *modifiers, **options), codes)
    model = engine.model
    yields = propagate(engine.likelihood, model.initial, prefit_covariance(model))
    background = model.samples.index("background")
    np.testing.assert_allclose(yields.uncertainty[-1], yields.uncertainty[background])  # the signal has none
    np.testing.assert_allclose(yields.expected[background], TEMPLATE)
    return yields.uncertainty[background]


class TestBeforeTheFit:
    def test_shapesys(self):
        np.testing.assert_allclose(prefit_error(("stat", "shapesys", np.sqrt(TEMPLATE).tolist())), np.sqrt(TEMPLATE))

    def test_staterror(self):
        np.testing.assert_allclose(prefit_error(("stat", "staterror", np.sqrt(TEMPLATE).tolist())), np.sqrt(TEMPLATE))

    def test_normsys_with_exponential_interpolation(self):
        scale = ("scale", "normsys", {"hi": np.exp(0.1), "lo": np.exp(-0.1)})
        error = prefit_error(scale, codes={"normsys": "code1"})
        np.testing.assert_allclose(error, 0.1 * np.array(TEMPLATE), rtol=1e-6)

    def test_normsys_with_a_polynomial(self):
        """The slope at 0 of the polynomial that joins two exponentials at |alpha| = 1 with two derivatives."""
        up, down = 1.3, 0.9
        value = (up - down) / 2
        first = (up * np.log(up) - down * np.log(down)) / 2
        second = (up * np.log(up) ** 2 - down * np.log(down) ** 2) / 2
        slope = (15 * value - 7 * first + second) / 8
        error = prefit_error(("scale", "normsys", {"hi": up, "lo": down}))
        np.testing.assert_allclose(error, slope * np.array(TEMPLATE), rtol=1e-5)

    @pytest.mark.parametrize("codes", [{"histosys": "code0"}, {"histosys": "code4p"}])
    def test_histosys(self, codes):
        shift = np.array([5.0, -3.0, 2.0])
        data = {"hi_data": (TEMPLATE + shift).tolist(), "lo_data": (TEMPLATE - shift).tolist()}
        error = prefit_error(("shape", "histosys", data), codes=codes)
        np.testing.assert_allclose(error, np.abs(shift), rtol=1e-5)

    def test_lumi(self):
        lumi = {"name": "lumi", "auxdata": [1.0], "sigmas": [0.02], "bounds": [[0.5, 1.5]], "inits": [1.0]}
        error = prefit_error(("lumi", "lumi", None), parameters=[lumi])
        np.testing.assert_allclose(error, 0.02 * np.array(TEMPLATE), rtol=1e-6)

    def test_a_free_normalisation_has_no_uncertainty_before_the_fit(self):
        np.testing.assert_array_equal(prefit_error(("norm", "normfactor", None)), 0)

    def test_independent_uncertainties_add_in_quadrature(self):
        scale = ("scale", "normsys", {"hi": np.exp(0.1), "lo": np.exp(-0.1)})
        stat = ("stat", "shapesys", np.sqrt(TEMPLATE).tolist())
        error = prefit_error(scale, stat, codes={"normsys": "code1"})
        np.testing.assert_allclose(error, np.hypot(0.1 * np.array(TEMPLATE), np.sqrt(TEMPLATE)), rtol=1e-5)

    def test_one_parameter_on_two_samples_adds_linearly(self):
        scale = ("scale", "normsys", {"hi": np.exp(0.1), "lo": np.exp(-0.1)})
        samples = {
            "signal": ([1.0], [("mu", "normfactor", None)]),
            "top": ([50.0], [scale]),
            "other": ([30.0], [scale]),
        }
        engine = engine_of(workspace({"channel": ([80.0], samples)}), {"normsys": "code1"})
        model = engine.model
        yields = propagate(engine.likelihood, model.initial, prefit_covariance(model))
        errors = dict(zip([*model.samples, "total"], yields.uncertainty[:, 0], strict=True))
        assert errors == pytest.approx({"signal": 0, "top": 5, "other": 3, "total": 8}, rel=1e-5)


@pytest.mark.parametrize("spec", SMALL.values(), ids=SMALL)
def test_totals_after_the_fit_are_those_of_pyhf(spec):
    engine, (expected, _) = engine_of(spec), referee(spec)
    model = engine.model
    best = fit(engine, model.data, [model.initial])
    yields = propagate(engine.likelihood, best.parameters, uncertainties(engine, model.data, best).covariance)
    np.testing.assert_allclose(
        yields.expected[-1], expected.expected_data(best.parameters, include_auxdata=False), rtol=1e-12
    )
    np.testing.assert_allclose(yields.expected[:-1].sum(axis=0), yields.expected[-1], rtol=1e-12)
    assert np.isfinite(yields.uncertainty).all()
    assert (yields.uncertainty[-1] > 0).all()


def test_a_fit_that_describes_every_bin_has_the_uncertainty_of_the_data():
    """Two bins and two free normalisations: the fit returns n, and its covariance sqrt(n) in each bin."""
    spec = counting([130.0, 260.0], [40.0, 20.0], [100.0, 250.0], ("norm", "normfactor", None))
    engine = engine_of(spec, {}, "q", 1000.0)  # far bounds: HESSE of a bounded parameter is not quite the curvature
    model = engine.model
    best = fit(engine, model.data, [model.initial])
    yields = propagate(engine.likelihood, best.parameters, uncertainties(engine, model.data, best).covariance)
    np.testing.assert_allclose(yields.expected[-1], [130, 260], rtol=1e-4)
    np.testing.assert_allclose(yields.uncertainty[-1], np.sqrt([130, 260]), rtol=3e-3)
    by_sample = np.sqrt((yields.uncertainty[:-1] ** 2).sum(axis=0))
    assert (by_sample > 1.2 * yields.uncertainty[-1]).all()  # the two are anticorrelated


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.6])
def test_correlated_normalisations(correlation):
    signal, background = np.array([40.0, 20.0]), np.array([100.0, 250.0])
    spec = counting([130.0, 260.0], signal.tolist(), background.tolist(), ("norm", "normfactor", None))
    engine = engine_of(spec)
    model = engine.model
    order = [model.names.index(name) for name in ("mu", "norm")]
    sigma = np.array([0.3, 0.08])
    covariance = np.empty((2, 2))
    covariance[np.ix_(order, order)] = np.outer(sigma, sigma) * [[1, correlation], [correlation, 1]]
    parameters = np.empty(2)
    parameters[order] = 1.2, 0.95
    yields = propagate(engine.likelihood, parameters, covariance)
    variance = (signal * 0.3) ** 2 + (background * 0.08) ** 2 + 2 * correlation * signal * 0.3 * background * 0.08
    np.testing.assert_allclose(yields.uncertainty[-1], np.sqrt(variance), rtol=1e-6)
    toys = np.random.default_rng(0).multivariate_normal(parameters, covariance, size=20_000)
    spread = np.std([engine.likelihood.expected(toy[:, None])[:, 0] for toy in toys], axis=0)
    np.testing.assert_allclose(yields.uncertainty[-1], spread, rtol=0.02)


def test_without_free_parameters_there_is_no_uncertainty():
    engine = engine_of(counting([12.0], [3.0], [10.0]))
    model = engine.model
    yields = propagate(engine.likelihood, model.initial, np.zeros((1, 1)))
    np.testing.assert_array_equal(yields.uncertainty, 0)
