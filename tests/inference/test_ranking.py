"""Impacts of nuisance parameters: cabinetry, closed formulas, and what cannot be ranked."""

import cabinetry
import numpy as np
import pandas as pd
import pytest
from cabinetry.fit.results_containers import FitResults

from helpers.published import published
from helpers.workspaces import LUMI, MU, SMALL, counting, engine_of, normsys, referee, workspace
from muscan.inference import ranking_basis, shifts
from muscan.inference.engines import engine
from muscan.inference.hypotest import prepare
from muscan.inference.newton import Newton
from muscan.inference.ranking import DISAGREE, IMPACTS, impact_records, impacts
from muscan.inference.ranking_basis import Basis, basis
from muscan.records.ranking import Impact

SHIFTS = ("prefit_down", "prefit_up", "postfit_down", "postfit_up")


def based(spec: dict, blinded: bool = False, kind: type = Newton) -> Basis:
    made = engine_of(spec)
    return basis(kind(made.model), prepare(made, "qtilde"), blinded)


def ranked(spec: dict, **options) -> list[Impact]:
    at = based(spec, **options)
    return impact_records(at, impacts(at), {})


def by_name(records: list[Impact]) -> dict[str, Impact]:
    return {each.name: each for each in records}


# Two regions with all kinds of constraints.
REGIONS = workspace(
    {
        "region": (
            [121.0, 95.0],
            {
                "signal": ([12.0, 20.0], [MU, ("lumi", "lumi", None)]),
                "top": (
                    [60.0, 45.0],
                    [
                        ("top_norm", "normfactor", None),
                        ("top_scale", "normsys", {"hi": 1.12, "lo": 0.91}),
                        ("jets", "histosys", {"hi_data": [66.0, 46.0], "lo_data": [55.0, 42.0]}),
                    ],
                ),
                "fakes": ([40.0, 30.0], [("fakes_stat", "shapesys", [5.0, 4.0]), ("mc", "staterror", [2.0, 3.0])]),
            },
        ),
        "control": (
            [310.0],
            {"top": ([300.0], [("top_norm", "normfactor", None), ("top_scale", "normsys", {"hi": 0.96, "lo": 1.05})])},
        ),
    },
    parameters=(LUMI,),
)


def default_question(folder) -> dict:
    histograms = pd.read_csv(folder / "original.csv")
    templates = (histograms[name].tolist() for name in ("observed", "signal", "background"))
    stat = ("background_stat", "shapesys", np.sqrt(histograms["background"]).tolist())
    return counting(*templates, stat, ("bkgnorm", "normfactor", None))


class TestCabinetry:
    """The shifts of cabinetry, whose fits need a tight tolerance, within 1e-3 of the uncertainty of mu."""

    def assert_equal(self, spec: dict, monkeypatch, names=(), **options) -> None:
        at = based(spec)
        ours = by_name(impact_records(at, impacts(at), {}))
        model, data = referee(spec)
        if names:  # cabinetry makes no fit for a parameter without uncertainty
            chosen = np.isin(at.profile.engine.model.names, names)
            width = cabinetry.model_utils.prefit_uncertainties(model)
            monkeypatch.setattr(cabinetry.model_utils, "prefit_uncertainties", lambda _: np.where(chosen, width, 0.0))
            best, errors = at.profile.best.parameters, np.where(chosen, at.errors, 0.0)
            options |= {"init_pars": best.tolist()}
            options |= {"fit_results": FitResults(best, errors, model.config.par_names, np.eye(len(best)), 0.0)}
        bounds = [tuple(each) for each in at.profile.engine.model.bounds.tolist()]
        theirs = cabinetry.fit.ranking(model, data.tolist(), par_bounds=bounds, tolerance=1e-3, **options)
        for row, name in enumerate(theirs.labels):
            if name in ours and (not names or name in names):
                found = [getattr(ours[name], f"impact_{shift}") or 0.0 for shift in SHIFTS]
                expected = [getattr(theirs, shift)[row] for shift in SHIFTS]
                np.testing.assert_allclose(found, expected, atol=1e-3 * at.sigma, err_msg=name)

    def test_default_question(self, seed_question, monkeypatch):
        self.assert_equal(default_question(seed_question), monkeypatch, strategy=2)

    def test_every_kind_of_constraint(self, monkeypatch):
        self.assert_equal(REGIONS, monkeypatch, strategy=2)

    def test_published_likelihood(self, data, monkeypatch):
        """From pyhf's initial values, cabinetry fails here; two parameters, because each fit takes a second."""
        names = ("ttbar_ISR_Down", "mu_ttbar")
        self.assert_equal(published(data, "sbottom-A"), monkeypatch, names, strategy=1)


# A linear model with large counts: 4 million events of background, of which 1 % follow `a` and 0.5 % `b`; the control
# region measures `a` as well as its constraint does. Wide bounds, so that HESSE gives the error of the covariance.
SIGNAL, BACKGROUND, CONTROL = 1e5, 4e6, 1e4
LINEAR = workspace(
    {
        "region": (
            [BACKGROUND],
            {"s": ([SIGNAL], [MU]), "b": ([BACKGROUND], [normsys(0.01, "a"), normsys(0.005, "b")])},
        ),
        "control": ([CONTROL], {"b": ([CONTROL], [normsys(0.01, "a")])}),
    },
    parameters=tuple({"name": name, "bounds": [[-100.0, 100.0]]} for name in "ab"),
)
JACOBIAN = np.array([[SIGNAL, 0.01 * BACKGROUND, 0.005 * BACKGROUND], [0, 0.01 * CONTROL, 0]])  # by mu, a, b
COVARIANCE = np.linalg.inv(JACOBIAN.T @ np.diag([1 / BACKGROUND, 1 / CONTROL]) @ JACOBIAN + np.diag([0, 1, 1]))
SIGMA = np.sqrt(np.diag(COVARIANCE))


def test_gaussian_likelihood():
    """All methods give the covariance of mu and the parameter, in units of the width of their shift."""
    records = by_name(ranked(LINEAR))
    assert list(records) == ["a", "b"]
    for i, name in ((1, "a"), (2, "b")):
        each, slope = records[name], COVARIANCE[0, i] / SIGMA[i] ** 2
        assert each.status == "ok"
        assert each.methods_agree
        sizes = {"prefit": slope, "postfit": slope * SIGMA[i], "observable": COVARIANCE[0, i]}
        for method, size in sizes.items():
            found = [getattr(each, f"impact_{method}_{side}") for side in ("down", "up")]
            np.testing.assert_allclose(found, [-size, size], atol=4e-3 * SIGMA[0], err_msg=f"{name} {method}")
        assert each.impact_covariance == pytest.approx(slope * SIGMA[i], rel=1e-3)
        assert each.constraint == pytest.approx(SIGMA[i], rel=1e-3)
        assert each.pull == pytest.approx(0, abs=1e-6)
    assert records["a"].constraint == pytest.approx(np.sqrt(0.5), rel=1e-3)


def test_asymmetric_likelihood():
    """A background that rises by 40 %, or falls by 2 %: mu_hat follows it in steps of very different size."""
    spec = counting([1000.0], [100.0], [1000.0], ("scale", "normsys", {"hi": 1.4, "lo": 0.98}))
    (each,) = ranked(spec)
    assert each.impact_prefit_up == pytest.approx(-4.0, rel=1e-4)
    assert each.impact_prefit_down == pytest.approx(0.2, rel=1e-4)
    # the auxiliary measurement alone decides the parameter
    assert (each.impact_observable_down, each.impact_observable_up) == pytest.approx((0.2, -4.0), rel=1e-4)
    assert each.status == "ok"
    assert each.methods_agree is False
    assert DISAGREE == 0.1


def test_poisson_constraint():
    """The auxiliary count tau = (50 / 5)^2 = 100 is shifted by its square root."""
    (each,) = ranked(counting([60.0], [10.0], [50.0], ("stat", "shapesys", [5.0])))
    assert (each.impact_observable_down, each.impact_observable_up) == pytest.approx((0.5, -0.5), rel=1e-5)
    assert each.prefit_uncertainty == pytest.approx(0.1)
    assert (each.impact_prefit_down, each.impact_prefit_up) == pytest.approx((0.5, -0.5), rel=1e-5)


def test_shift_beyond_a_bound_stops_there():
    """A relative uncertainty of 160 %: the count of 0.39 cannot fall by 0.62, nor gamma below 0."""
    (each,) = ranked(counting([60.0], [10.0], [50.0], ("stat", "shapesys", [80.0])))
    assert each.stopped == ["impact_prefit_down", "impact_postfit_down", "impact_observable_down"]
    assert each.impact_prefit_down == pytest.approx(5.0, rel=1e-4)
    assert each.impact_prefit_up == pytest.approx(-8.0, rel=1e-4)
    assert each.status == "ok"


class TestNegativeMu:
    def test_deficit(self):
        """mu_hat is zero in the fits of limits, and (38 - 50) / 10 in one bin with both signs."""
        spec = counting([38.0], [10.0], [50.0], normsys(0.1))
        assert prepare(engine_of(spec), "qtilde").free.parameters[0] == 0
        at = based(spec)
        assert at.profile.best.parameters[0] == pytest.approx(-1.2, rel=1e-5)
        (each,) = impact_records(at, impacts(at), {})
        assert (each.impact_prefit_down, each.impact_prefit_up) == pytest.approx((0.5, -0.5), rel=1e-5)

    def test_range_grows_until_the_best_fit_is_inside(self):
        at = based(counting([500.0], [10.0], [1000.0], normsys(0.1)))
        assert at.profile.best.parameters[0] == pytest.approx(-50, rel=1e-5)
        assert at.profile.engine.model.bounds[0].tolist() == [-80, 80]
        assert at.status == "ok"

    def test_best_fit_at_a_bound(self, monkeypatch):
        monkeypatch.setattr(ranking_basis, "LARGEST_MU", 5.0)
        at = based(counting([500.0], [10.0], [1000.0], normsys(0.1)))
        assert (at.status, at.usable) == ("at_bound", False)
        assert at.reason == "mu_hat = -10 is at a bound of mu"
        (each,) = impact_records(at, None, {})
        assert (each.status, each.largest, each.impact_covariance) == ("at_bound", None, None)

    def test_nothing_observed(self):
        """mu_hat = -b / s, where nothing is expected: it would fall further if that were possible."""
        at = based(counting([0.0], [3.0], [1.5], normsys(0.1)))
        assert at.profile.best.parameters[0] == pytest.approx(-0.5, rel=1e-4)
        assert (at.status, at.usable) == ("at_edge", False)
        assert "in bin 1 of channel channel" in at.reason

    def test_bin_that_is_empty_in_data_and_model(self):
        at = based(counting([0.0, 60.0], [0.0, 10.0], [0.0, 50.0], normsys(0.1)))
        assert at.status == "ok"


def test_blind_analysis_uses_asimov_data_of_the_prediction():
    at = based(SMALL["deficit"], blinded=True)
    model = at.profile.engine.model
    assert at.profile.best.parameters[model.poi] == 1
    reference = prepare(engine_of(SMALL["deficit"]), "qtilde").reference.parameters
    expected = np.array([10.0, 6.0]) + np.array([50.0, 52.0]) * 0.9 ** -reference[1]
    np.testing.assert_allclose(at.profile.data[:2], expected, rtol=2e-3)
    (each,) = impact_records(at, impacts(at), {})
    assert each.status == "ok"


class TestWhatCannotBeRanked:
    def test_parameter_at_its_bound(self):
        bounds = ({"name": "norm", "bounds": [[0.9, 1.1]]},)
        spec = workspace(
            {
                "region": ([120.0], {"s": ([10.0], [MU]), "b": ([100.0], [("norm", "normfactor", None)])}),
                "control": ([2000.0], {"b": ([1000.0], [("norm", "normfactor", None), normsys(0.01)])}),
            },
            parameters=bounds,
        )
        norm = by_name(ranked(spec))["norm"]
        assert norm.status == "at_bound"
        assert norm.reason == "the best fit of the parameter, 1.1, is at its bound"
        assert {getattr(norm, name) for name in IMPACTS} == {None}
        assert norm.postfit_uncertainty is None

    def test_flat_direction_of_other_parameters(self):
        """Two factors of one background, which a second region measures: mu is known, and so is what shifts it."""
        factors = [(name, "normfactor", None) for name in ("one", "two")]
        spec = workspace(
            {
                "region": ([60.0], {"s": ([10.0], [MU]), "b": ([50.0], factors), "c": ([5.0], [normsys(0.1)])}),
                "control": ([100.0], {"b": ([100.0], factors)}),
            }
        )
        at = based(spec)
        assert (at.status, at.usable) == ("no_covariance", True)
        records = by_name(impact_records(at, impacts(at), {}))
        for each in records.values():
            assert each.status == "undetermined"
            assert each.reason == "the likelihood is flat: there is no post-fit uncertainty"
            assert (each.largest, each.impact_covariance, each.methods_agree) == (None, None, None)
        assert records["scale"].impact_prefit_up == pytest.approx(-0.05, rel=1e-4)
        assert records["scale"].impact_observable_up == pytest.approx(-0.05, rel=1e-4)

    @pytest.mark.parametrize(
        "spec",
        [
            counting([120.0], [10.0], [100.0], ("norm", "normfactor", None), normsys(0.1)),
            counting([120.0], [0.0], [100.0], normsys(0.1)),
        ],
        ids=["a factor of the background", "no signal"],
    )
    def test_likelihood_flat_in_mu(self, spec):
        at = based(spec)
        assert (at.status, at.usable) == ("undetermined", False)

    def test_no_nuisance_parameters(self):
        at = based(counting([60.0], [10.0], [50.0]))
        found = impacts(at)
        assert impact_records(at, found, {}) == []
        np.testing.assert_allclose(found.bins.symmetric(), np.sqrt(60) / 10, rtol=1e-5)


class Failing(Newton):
    """Fits fail with top_scale held above 0.5 and lumi measured above 1, and end too low with jets held above 0.5."""

    def fit_held(self, data, starts, held):
        fits = super().fit_held(data, starts, held)
        for name, change in (("top_scale", np.nan), ("jets", -2.0)):
            i = self.model.names.index(name)
            fits.deviance[held[i] & (starts[i] > 0.5)] += change
        return fits

    def fit(self, data, starts, mu=None):
        fits = super().fit(data, starts, mu)
        lumi = self.model.nmain + self.model.constraints.parameter.tolist().index(self.model.names.index("lumi"))
        fits.deviance[data[lumi] > 1] = np.nan
        return fits


def test_fits_that_cannot_be_used():
    good, bad = by_name(ranked(REGIONS)), by_name(ranked(REGIONS, kind=Failing))
    scale, jets, lumi = (bad[name] for name in ("top_scale", "jets", "lumi"))
    assert (scale.status, scale.impact_postfit_up, scale.impact_prefit_up) == ("fit_failed", None, None)
    assert scale.impact_postfit_down == good["top_scale"].impact_postfit_down
    assert "shift up by the post-fit uncertainty: the fit did not converge" in scale.reason
    assert (jets.status, jets.impact_postfit_up) == ("lower_minimum", None)
    assert "below the best fit in -2 log L" in jets.reason
    assert (lumi.status, lumi.impact_observable_up) == ("fit_failed", None)
    assert lumi.impact_observable_down is not None
    assert lumi.impact_postfit_up == good["lumi"].impact_postfit_up
    assert bad["fakes_stat[0]"] == good["fakes_stat[0]"]


def test_unknown_impacts_come_last():
    names = [each.name for each in ranked(REGIONS)]

    class Broken(Newton):
        def fit_held(self, data, starts, held):
            fits = super().fit_held(data, starts, held)
            fits.deviance[held[self.model.names.index(names[0])]] = np.nan
            return fits

    assert [each.name for each in ranked(REGIONS, kind=Broken)] == [*names[1:], names[0]]
    sizes = [each.largest for each in ranked(REGIONS)]
    assert sizes == sorted(sizes, reverse=True)


def test_an_impact_does_not_depend_on_the_others():
    at = based(REGIONS)
    indices = at.ranked
    together = shifts.shift_parameters(at.profile, indices, at.errors[indices])
    for i in range(len(indices)):
        alone = shifts.shift_parameters(at.profile, indices[i : i + 1], at.errors[indices[i : i + 1]])
        assert alone.change.tobytes() == np.ascontiguousarray(together.change[:, i : i + 1]).tobytes()


def test_engine_of_pyhf():
    spec = SMALL["normsys"]
    ours = based(spec)
    theirs = basis(engine("pyhf", engine_of(spec).model, spec), prepare(engine_of(spec), "qtilde"), False)
    (one,), (other,) = (impact_records(at, impacts(at), {}) for at in (ours, theirs))
    for name in IMPACTS:
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=2e-3 * ours.sigma)
