"""The interface of engines, which both of them have; and pyhf, which is left as it was."""

import inspect

import numpy as np
import pyhf
import pytest

from helpers.workspaces import SMALL, counting, normsys
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.likelihood import Likelihood
from muscan.inference.engine import Engine
from muscan.inference.engines import ENGINES, engine
from muscan.inference.minuit import fit as fit_by_minuit
from muscan.inference.newton import NewtonAlone
from muscan.inference.proposals import defaults
from muscan.inference.proposals.along_poi import AlongPoi
from muscan.inference.proposals.held_fits import HeldFits
from muscan.inference.signal_point import bounded

SIGNAL, BACKGROUND = 4.0, 10.0
FIXED = counting([18.0], [SIGNAL], [BACKGROUND])
INTERFACE = [name for name, each in vars(Engine).items() if inspect.isfunction(each) and not name.startswith("_")]


def made(name: str, spec: dict = FIXED, test_statistic: str = "qtilde") -> Engine:
    return engine(name, bounded(compile_workspace(spec), test_statistic, 10.0), spec)


@pytest.fixture(params=ENGINES)
def fitted(request) -> Engine:
    return made(request.param)


def deviance(observed: np.ndarray, mu: np.ndarray) -> np.ndarray:
    """Of a counting experiment."""
    expected = BACKGROUND + mu * SIGNAL
    return 2 * (expected - observed + observed * np.log(observed / expected))


def test_the_interface_is_complete(fitted):
    assert set(INTERFACE) == {"fit", "fit_held", "starts", "fit_both", "repeat_above", "look_along_poi", "with_model"}
    public = {name for name in dir(fitted) if not name.startswith("_")}
    assert public - set(INTERFACE) <= {"name", "model", "likelihood", "rescues"}
    for name in INTERFACE:
        ours, theirs = (inspect.signature(getattr(each, name)) for each in (type(fitted), Engine))
        assert list(ours.parameters.items()) == list(theirs.parameters.items())


def test_the_best_fit_of_a_counting_experiment(fitted):
    observed = np.array([[18.0, 12.0, 5.0]])
    fits = fitted.fit(observed, [fitted.model.initial])
    np.testing.assert_allclose(fits.parameters[0], [2.0, 0.5, 0.0], atol=2e-3)
    np.testing.assert_allclose(fits.deviance, deviance(observed[0], np.array([2.0, 0.5, 0.0])), atol=1e-5)


def test_some_fits_with_the_poi_held(fitted):
    observed = np.array([[18.0, 18.0, 12.0]])
    fits = fitted.fit(observed, [fitted.model.initial], np.array([1.0, np.nan, 3.0]))
    np.testing.assert_allclose(fits.parameters[0], [1.0, 2.0, 3.0], atol=2e-3)
    np.testing.assert_allclose(fits.deviance, deviance(observed[0], np.array([1.0, 2.0, 3.0])), atol=1e-5)


def test_fits_with_other_parameters_held(fitted):
    """Each fit holds another choice of parameters; with everything held it is the deviance itself."""
    spec = counting([18.0], [SIGNAL], [BACKGROUND], normsys(0.1))
    engine = made(fitted.name, spec)
    names = engine.model.names
    starts = np.array([[1.0, 2.0, 0.5] if name == "mu" else [1.0, 0.3, -1.0] for name in names])
    held = np.array([[False, True, True] if name == "mu" else [True, False, True] for name in names])
    data = np.repeat(engine.model.data[:, None], 3, axis=1)
    fits = engine.fit_held(data, starts, held)
    np.testing.assert_array_equal(fits.parameters[held], starts[held])
    up, (mu, scale) = BACKGROUND * 1.1, (names.index("mu"), names.index("scale"))
    assert fits.parameters[mu, 0] == pytest.approx((18.0 - up) / SIGNAL, abs=2e-3)
    assert fits.deviance[0] == pytest.approx(1.0, abs=1e-5)
    assert fits.deviance[2] == pytest.approx(engine.likelihood.deviance_of(starts[:, 2], engine.model.data), rel=1e-12)
    grid = np.linspace(-2, 2, 40_001)
    points = np.zeros((2, len(grid)))
    points[mu], points[scale] = 2.0, grid
    lowest = engine.likelihood.deviance(points, np.repeat(engine.model.data[:, None], len(grid), axis=1)).min()
    assert fits.deviance[1] == pytest.approx(lowest, abs=1e-5)


def test_held_parameters_may_be_beyond_their_bounds(fitted):
    """Minuit would move them to the bound."""
    observed, beyond = np.array([[18.0, 18.0]]), np.array([[12.0, 30.0]])
    fits = fitted.fit_held(observed, beyond, np.ones((1, 2), bool))
    np.testing.assert_array_equal(fits.parameters, beyond)
    np.testing.assert_allclose(fits.deviance, deviance(observed[0], beyond[0]), rtol=1e-9)
    model = compile_workspace(counting([18.0], [SIGNAL], [BACKGROUND], normsys(0.1)))
    parameters, value, _ = fit_by_minuit(Likelihood(model), model.data, np.array([30.0, 0.0]), np.array([True, False]))
    assert parameters[model.poi] == 30.0
    assert value < deviance(18.0, 30.0)


def test_both_fits(fitted):
    observed = np.array([[18.0, 12.0]])
    free, held, repeated = fitted.fit_both(observed, fitted.model.initial, 1.5)
    np.testing.assert_allclose(free.deviance, 0.0, atol=1e-5)
    np.testing.assert_allclose(held.deviance, deviance(observed[0], np.full(2, 1.5)), rtol=1e-9)
    assert not repeated.any()


def test_a_free_fit_above_a_held_one_is_repeated_from_there(fitted):
    """One is far too high, one only by rounding, one has failed."""
    observed = np.array([[18.0, 18.0, 18.0]])
    free = fitted.fit(observed, [fitted.model.initial])
    held = fitted.fit(observed, [fitted.model.initial], np.full(3, 2.0))
    free.parameters[0, 0], free.deviance[0] = 0.0, deviance(18.0, 0.0)
    free.deviance[1], free.deviance[2] = held.deviance[1] + 1e-9, np.nan
    repeated = fitted.repeat_above(observed, free, held)
    assert repeated.tolist() == [True, False, False]
    assert free.parameters[0, 0] == pytest.approx(2.0, abs=2e-3)
    assert free.deviance[1] == held.deviance[1]
    assert np.isnan(free.deviance[2])


@pytest.mark.parametrize("name", ENGINES)
def test_another_model_is_fitted_by_the_same_kind_of_engine(name):
    before = made(name)
    after = before.with_model(before.model.with_poi_bounds(0.0, 1.0))
    assert type(after) is type(before)
    assert after.name == before.name == name
    assert after.fit(np.array([[18.0]]), [before.model.initial]).parameters[0, 0] == pytest.approx(1.0, abs=1e-3)


def test_where_fits_to_the_data_begin():
    """At scattered points too where something is interpolated; pyhf's at the initial values alone."""
    for name, spec, number in (("newton", SMALL["normsys"], 4), ("newton", FIXED, 1), ("pyhf", SMALL["normsys"], 1)):
        points = made(name, spec).starts()
        assert len(points) == number
        np.testing.assert_array_equal(points[0], made(name, spec).model.initial)


def test_an_engine_keeps_its_proposals():
    model = made("newton").model
    few = (AlongPoi, HeldFits)
    found = NewtonAlone(model, few).with_model(model)
    assert isinstance(found, NewtonAlone)
    assert [type(each) for each in found._proposals] == list(few)
    assert few == defaults.PYHF


class Unknown(Exception):
    """An error of which muscan knows nothing."""


class TestPyhfIsLeftAsItWas:
    @pytest.fixture(params=["scipy", "minuit"])
    def before(self, request):
        """A backend and an optimizer that a user has chosen; afterwards those that were there at first."""
        first = pyhf.get_backend()
        options = {"maxiter": 77}
        optimize = pyhf.optimize
        chosen = optimize.scipy_optimizer if request.param == "scipy" else optimize.minuit_optimizer
        pyhf.set_backend("numpy", chosen(**options), precision="32b")
        yield pyhf.get_backend()
        pyhf.set_backend(*first, precision="64b")

    def fit(self) -> Engine:
        found = made("pyhf", counting([18.0], [SIGNAL], [BACKGROUND], normsys(0.1)))
        found.fit(found.model.data[:, None], [found.model.initial])
        return found

    def test_after_a_fit(self, before):
        self.fit()
        assert all(now is then for now, then in zip(pyhf.get_backend(), before, strict=True))

    @pytest.mark.parametrize("error", [Unknown, KeyboardInterrupt])
    def test_after_an_error(self, before, error, monkeypatch):
        def fail(*arguments, **options):
            raise error

        monkeypatch.setattr(pyhf.infer.mle, "fit", fail)
        with pytest.raises(error):
            self.fit()
        assert all(now is then for now, then in zip(pyhf.get_backend(), before, strict=True))

    def test_within_a_fit_minuit_is_used(self, before, monkeypatch):
        seen, fit = [], pyhf.infer.mle.fit

        def spy(*arguments, **options):
            seen.append(pyhf.get_backend())
            return fit(*arguments, **options)

        monkeypatch.setattr(pyhf.infer.mle, "fit", spy)
        self.fit()
        ((tensorlib, optimizer),) = seen
        assert (tensorlib.name, tensorlib.precision, optimizer.name) == ("numpy", "64b", "minuit")

    def test_a_fit_that_pyhf_gives_up_has_found_nothing(self, before, monkeypatch):
        def fail(*arguments, **options):
            raise pyhf.exceptions.FailedMinimization(None)

        monkeypatch.setattr(pyhf.exceptions.FailedMinimization, "__init__", lambda self, result: None)
        monkeypatch.setattr(pyhf.infer.mle, "fit", fail)
        found = made("pyhf")
        fits = found.fit(found.model.data[:, None], [found.model.initial])
        assert np.isnan(fits.deviance).all()
        assert pyhf.get_backend()[1] is before[1]
