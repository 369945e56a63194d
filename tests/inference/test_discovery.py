"""The significance of an excess: against pyhf, closed formulas, and where there is no number."""

import csv
import math

import numpy as np
import pyhf
import pytest
from scipy.special import log_ndtr

from helpers.published import published
from helpers.workspaces import counting, engine_of, normsys, referee
from muscan.base.errors import FitError
from muscan.base.json_input import read_json
from muscan.inference.discovery import LEAST_P0, Excess, NoSignificance, excess, significance
from muscan.inference.fits import Fits
from muscan.inference.hypotest import prepare
from muscan.steps.discover import discovery_record

TESTSUITE = (
    "1bin_normsys",
    "1bin_shapesys",
    "1bin_shapesys_q0",
    "2bin_histosys",
    "2bin_2channel",
    "2bin_2channel_couplednorm",
    "2bin_2channel_coupledshapefactor",
)
UPWARDS = counting([62.0, 60.0], [10.0, 6.0], [50.0, 52.0], normsys(0.1))


def found(spec: dict, blinded: bool = False, **options) -> Excess:
    engine = engine_of(spec, **options)
    return excess(engine, prepare(engine, "qtilde"), blinded)


def p0(result: Excess) -> list[float]:
    """Observed, then expected from a downward to an upward fluctuation of data with signal."""
    return [result.observed.p0, *(each.p0 for each in result.expected)]


def of_pyhf(spec: dict, optimizer, init: dict | None = None):
    """The same p0 of pyhf, and its calculator, which has the fits."""
    model, data = referee(spec)
    start = model.config.suggested_init()
    for name, value in (init or {}).items():
        start[model.config.par_names.index(name)] = value
    before = pyhf.get_backend()
    pyhf.set_backend("numpy", optimizer)
    try:
        observed, expected, calculator = pyhf.infer.hypotest(
            0.0, data, model, init_pars=start, test_stat="q0", return_expected_set=True, return_calculator=True
        )
    finally:
        pyhf.set_backend(*before)
    return [float(observed), *map(float, expected[::-1])], calculator.fitted_pars


def precise_minuit():
    return pyhf.optimize.minuit_optimizer(tolerance=1e-8, strategy=2)


def precise_scipy():
    """With the 64 and 126 parameters of published likelihoods, pyhf's Minuit ends above the minimum."""
    return pyhf.optimize.scipy_optimizer(tolerance=1e-10, maxiter=1000)


def deviance(spec: dict, parameters: np.ndarray) -> float:
    """-2 log L of pyhf, in its normalisation."""
    model, data = referee(spec)
    return -2 * float(model.logpdf(parameters, data)[0])


# pyhf


@pytest.mark.parametrize("name", TESTSUITE)
def test_the_testsuite_of_pyhf(data, name):
    spec = read_json(data / "pyhf-testsuite" / f"ws_{name}.json")
    theirs, _ = of_pyhf(spec, precise_minuit())
    assert p0(found(spec)) == pytest.approx(theirs, rel=1e-6)


def test_pyhf_misses_the_minimum_of_coupledhistosys(data):
    """From its usual start, its free fit ends 1.47 above ours; from another one, it finds the same minimum."""
    spec = read_json(data / "pyhf-testsuite" / "ws_2bin_2channel_coupledhistosys.json")
    usual, fits = of_pyhf(spec, precise_minuit())
    other, better = of_pyhf(spec, precise_minuit(), {"coupled_histosys": -1.0})
    ours = p0(found(spec))
    assert ours[1:] == pytest.approx(usual[1:], rel=1e-6)
    assert ours[0] == pytest.approx(other[0], rel=1e-6)
    assert usual[0] > 3 * ours[0]
    gap = deviance(spec, fits.free_fit_to_data) - deviance(spec, better.free_fit_to_data)
    assert gap == pytest.approx(1.47, abs=0.01)
    engine = engine_of(spec)
    free = prepare(engine, "qtilde").free
    assert deviance(spec, free.parameters) == pytest.approx(deviance(spec, better.free_fit_to_data), abs=1e-7)


@pytest.mark.parametrize("floating", [False, True])
@pytest.mark.parametrize("dataset", ["original", "mismatched"])
def test_the_default_question(seed_question, dataset, floating):
    with (seed_question / f"{dataset}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    signal, background, observed = ([float(row[name]) for row in rows] for name in ("signal", "background", "observed"))
    modifiers = [("background_stat", "shapesys", np.sqrt(background).tolist())]
    modifiers += [("bkgnorm", "normfactor", None)] if floating else []
    spec = counting(observed, signal, background, *modifiers)
    theirs, _ = of_pyhf(spec, precise_scipy())
    assert p0(found(spec)) == pytest.approx(theirs, rel=1e-6)


def test_sbottom(data):
    """mu_hat is 0: pyhf, which stops just beside, has p0 = 0.499997."""
    spec = published(data, "sbottom-A")
    theirs, _ = of_pyhf(spec, precise_scipy())
    ours = p0(found(spec))
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert ours[0] == 0.5


def test_1lbb(data):
    """pyhf's fit with mu held at 1, from which it makes the Asimov data, ends above ours."""
    spec = published(data, "1Lbb")
    theirs, fits = of_pyhf(spec, precise_scipy())
    ours = p0(found(spec))
    assert ours == pytest.approx(theirs, abs=1e-5)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-6)
    engine = engine_of(spec)
    held = engine.fit(engine.model.data[:, None], engine.starts(), np.array([1.0])).one(0)
    gap = deviance(spec, fits.asimov_pars) - deviance(spec, held.parameters)
    assert 1e-9 < gap < 1e-5


# Closed formulas


@pytest.mark.parametrize(("n", "b"), [(7.0, 3.0), (130.0, 100.0), (60.0, 50.0)])
def test_a_counting_experiment(n, b):
    """arXiv:1007.1727, equation (97); the Asimov data have b + s events."""
    s = 10.0
    result = found(counting([n], [s], [b]))

    def z(events: float) -> float:
        return math.sqrt(2 * (events * math.log(events / b) - (events - b)))

    observed, *expected = (each.Z for each in (result.observed, *result.expected))
    assert observed == pytest.approx(z(n), rel=1e-6)
    assert expected == pytest.approx([z(b + s) + i for i in range(-2, 3)], rel=1e-6)
    assert result.mu_hat == pytest.approx((n - b) / s, rel=1e-6)


@pytest.mark.parametrize("test_statistic", ["qtilde", "q"])
def test_a_deficit_is_no_excess(test_statistic):
    engine = engine_of(counting([38.0], [10.0], [50.0], normsys(0.1)), None, test_statistic)
    record = discovery_record(excess(engine, prepare(engine, test_statistic), blinded=False))
    assert (record.q0_obs, record.p0_obs, record.Z_obs) == (0, 0.5, 0)
    assert record.no_excess
    assert record.status == {"observed": "ok", "expected": "ok"}
    assert record.mu_hat <= 0 if test_statistic == "qtilde" else record.mu_hat < -0.5


@pytest.mark.parametrize("z", [0.0, 1.0, 5.0, 12.0, 30.0, 37.5])
def test_p0_in_the_far_tail(z):
    assert math.log(significance(z).p0) == pytest.approx(log_ndtr(-z), rel=1e-12)


def test_p0_too_small_for_a_number_is_a_bound():
    """20,000 events where 50 are expected: Z is exact, p0 is not zero."""
    record = discovery_record(found(counting([20000.0], [1000.0], [50.0]), poi_bound=100.0))
    z = math.sqrt(2 * (20000 * math.log(400) - 19950))
    assert record.Z_obs == pytest.approx(z, rel=1e-6)
    assert z > 400
    assert (record.p0_obs, record.p0_obs_bound, record.status["observed"]) == (None, LEAST_P0, "ok")
    assert record.p0_exp == [None] * 5
    assert record.p0_exp_bound == [LEAST_P0] * 5


# Where there is no number


def test_a_best_fit_at_the_upper_bound_gives_bounds():
    """mu = 10 is the end of the fits, and 45 would fit the data: a free fit would have a larger q0."""
    record = discovery_record(found(counting([500.0], [10.0], [50.0])))
    at_bound = 2 * (500 * math.log(150 / 50) - 100)
    assert record.status == {"observed": "at_bound", "expected": "ok"}
    assert (record.p0_obs, record.Z_obs, record.mu_hat) == (None, None, 10)
    assert record.Z_obs_bound == pytest.approx(math.sqrt(at_bound), rel=1e-6)
    assert math.log(record.p0_obs_bound) == pytest.approx(log_ndtr(-math.sqrt(at_bound)), rel=1e-6)
    assert "include larger values of mu in the scan" in record.reason["observed"]


def test_a_blind_analysis_has_expected_values_from_the_fit_without_signal():
    """The Asimov data have the templates at their nominal values, because the data do."""
    spec = counting([50.0, 52.0], [10.0, 6.0], [50.0, 52.0])
    result = found(spec, blinded=True)
    assert result.observed is None
    z = math.sqrt(sum(2 * ((b + s) * math.log(1 + s / b) - s) for s, b in ((10, 50), (6, 52))))
    assert [each.Z for each in result.expected] == pytest.approx([z + i for i in range(-2, 3)], rel=1e-6)
    record = discovery_record(result).without_observed()
    assert record.status == {"observed": "blinded", "expected": "ok"}
    hidden = (record.mu_hat, record.no_excess, record.q0_obs, record.p0_obs, record.Z_obs, record.p0_obs_bound)
    assert hidden == (None,) * 6


class Failing:
    """An engine whose fits with mu held at some values fail, or end too low, if the data are the observed ones."""

    def __init__(self, engine, mu: float, shift: float, asimov: bool = False):
        self.engine, self.mu, self.shift, self.asimov = engine, mu, shift, asimov

    def __getattr__(self, name: str):
        return getattr(self.engine, name)

    def fit(self, data: np.ndarray, starts: list, mu: np.ndarray) -> Fits:
        fits = self.engine.fit(data, starts, mu)
        observed = (data == self.engine.model.data[:, None]).all(axis=0)
        which = (mu == self.mu) & (observed != self.asimov)
        return fits._replace(deviance=np.where(which, fits.deviance + self.shift, fits.deviance))


def record_with(mu: float, shift: float, **options):
    engine = engine_of(UPWARDS)
    return discovery_record(excess(Failing(engine, mu, shift, **options), prepare(engine, "qtilde"), blinded=False))


def test_a_fit_that_fails_costs_what_needs_it():
    good = discovery_record(found(UPWARDS))
    without_observed = record_with(0.0, np.nan)
    assert without_observed.status == {"observed": "fit_failed", "expected": "ok"}
    assert "the fit at mu = 0 did not converge" in without_observed.reason["observed"]
    assert (without_observed.p0_obs, without_observed.Z_obs, without_observed.no_excess) == (None, None, None)
    assert without_observed.p0_exp == good.p0_exp
    for record, mu in ((record_with(1.0, np.nan), 1), (record_with(0.0, np.nan, asimov=True), 0)):
        assert record.status == {"observed": "ok", "expected": "fit_failed"}
        assert f"the fit at mu = {mu} did not converge" in record.reason["expected"]
        assert record.p0_exp == record.Z_exp == record.q0_exp == [None] * 5
        assert (record.p0_obs, record.Z_obs) == (good.p0_obs, good.Z_obs)


@pytest.mark.parametrize("mu", [0.0, 1.0])
def test_a_held_fit_below_the_free_one_gives_nothing(mu):
    with pytest.raises(FitError, match="below the free fit in -2 log L: the free fit is stuck in a local minimum"):
        record_with(mu, -10.0)


def test_without_any_result_the_step_fails():
    missing = [NoSignificance("fit_failed", f"the fit at mu = {mu} did not converge") for mu in (0, 1)]
    with pytest.raises(FitError, match="the fit at mu = 0 did not converge; the fit at mu = 1 did not converge"):
        discovery_record(Excess(1.0, None, *missing))
