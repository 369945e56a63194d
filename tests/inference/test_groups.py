"""Shares of groups in the uncertainty of mu and in the expected limit: closed formulas, and pyhf."""

import numpy as np
import pyhf
import pytest
from scipy.optimize import brentq

from helpers.workspaces import EVERY_MODIFIER, MU, SMALL, counting, engine_of, normsys, referee, workspace
from muscan.inference.groups import REST, all_groups, find_members, median_limits, shares
from muscan.inference.hypotest import hypotests, prepare
from muscan.inference.limits import upper_limits
from muscan.inference.newton import Newton
from muscan.inference.ranking import impacts
from muscan.inference.ranking_basis import Basis, basis
from muscan.records.ranking import Share

# Large counts, in which mu and three parameters are linear; `c` is constrained by a control region, too.
SIGNAL, BACKGROUND, CONTROL = 1e5, 4e6, 1e4
SIZES = {"a": 0.005, "b": 0.003, "c": 0.01}
REGIONS = {
    "region": (
        [BACKGROUND],
        {"s": ([SIGNAL], [MU]), "b": ([BACKGROUND], [normsys(size, name) for name, size in SIZES.items()])},
    ),
    "control": ([CONTROL], {"b": ([CONTROL], [normsys(0.01, "c"), normsys(0.008, "b")])}),
}
LINEAR = workspace(REGIONS)
JACOBIAN = np.array(
    [[SIGNAL, *(size * BACKGROUND for size in SIZES.values())], [0, 0, 0.008 * CONTROL, 0.01 * CONTROL]]
)
COUNTS = np.array([BACKGROUND, CONTROL])
HESSIAN = JACOBIAN.T @ np.diag(1 / COUNTS) @ JACOBIAN + np.diag([0, 1, 1, 1])
COVARIANCE = np.linalg.inv(HESSIAN)


def based(spec: dict, kind: type = Newton) -> Basis:
    made = engine_of(spec)
    return basis(kind(made.model), prepare(made, "qtilde"), False)


def shared(spec: dict, groups: dict | None = None, kind: type = Newton) -> dict[str, Share]:
    at = based(spec, kind)
    members, _ = find_members(at, groups or {})
    found = impacts(at) if at.usable else None
    return {each.name: each for each in shares(at, found, all_groups(at, members))}


def variance_with_held(*held: int) -> float:
    free = [i for i in range(4) if i not in held]
    return float(np.linalg.inv(HESSIAN[np.ix_(free, free)])[0, 0])


def test_gaussian_likelihood():
    found = shared(LINEAR, {"one": ["a"], "two": ["b", "c"]})
    assert list(found) == ["statistical", "one", "two", "sum in quadrature", "total"]
    total = COVARIANCE[0, 0]
    by_measurement = {"one": COVARIANCE[0, 1] ** 2, "two": COVARIANCE[0, 2] ** 2 + COVARIANCE[0, 3] ** 2}
    by_measurement["statistical"] = float(((COVARIANCE @ JACOBIAN.T / COUNTS)[0] ** 2 * COUNTS).sum())
    by_holding = {"statistical": variance_with_held(1, 2, 3), "one": total - variance_with_held(1)}
    by_holding["two"] = total - variance_with_held(2, 3)
    for name in by_holding:
        share = found[name]
        assert share.status == "ok"
        # steps of mu are a tenth of a percent of the background, where it is not quite linear in the parameters
        expected = pytest.approx(np.sqrt(by_holding[name]), rel=2e-2)
        assert (share.below, share.above) == (expected, expected)
        assert share.covariance == pytest.approx(np.sqrt(by_holding[name]), rel=1e-3)
        assert share.observables == pytest.approx(np.sqrt(by_measurement[name]), rel=5e-3)
    # the shares of measurements add up to the total, and those of held groups do not, because b and c are correlated
    assert sum(by_measurement.values()) == pytest.approx(total)
    assert found["sum in quadrature"].observables == pytest.approx(np.sqrt(total), rel=2e-3)
    assert found["sum in quadrature"].covariance == pytest.approx(np.sqrt(sum(by_holding.values())), rel=1e-3)
    assert found["total"].covariance == pytest.approx(np.sqrt(total), rel=1e-3)


def test_parameters_in_no_group():
    found = shared(LINEAR, {"one": ["a"]})
    assert (found[REST].kind, found[REST].parameters) == ("rest", ["b", "c"])
    assert found[REST].covariance == pytest.approx(np.sqrt(COVARIANCE[0, 0] - variance_with_held(2, 3)), rel=1e-3)


def test_factors_without_constraint_stay_free_in_the_statistical_share():
    """A control region of 400 events measures the factor of the background within 5 %."""
    factor = ("norm", "normfactor", None)
    spec = workspace(
        {
            "region": ([60.0], {"s": ([10.0], [MU]), "b": ([50.0], [factor, normsys(0.1)])}),
            "control": ([400.0], {"b": ([400.0], [factor])}),
        }
    )
    found = shared(spec)
    assert found["statistical"].covariance == pytest.approx(np.sqrt(60 + 50**2 / 400) / 10, rel=1e-4)
    assert found[REST].parameters == ["scale"]


def test_members_and_warnings():
    members, warnings = find_members(
        based(EVERY_MODIFIER),
        {"mc": ["mc*"], "all": ["*"], "none": ["nothing"], "mu": ["mu"], "stat": ["fakes_stat[1]"]},
    )
    names = engine_of(EVERY_MODIFIER).model.names
    assert [names[i] for i in members["mc"]] == ["mc[0]", "mc[1]", "mc[2]"]
    assert "mu" not in [names[i] for i in members["all"]]
    assert [names[i] for i in members["stat"]] == ["fakes_stat[1]"]
    assert list(members) == ["mc", "all", "stat"]
    assert "group none: 'nothing' matches no free nuisance parameter" in warnings
    assert "group mu: 'mu' matches no free nuisance parameter" in warnings
    assert "mc[0] is in several groups (mc, all): the sum counts it more than once" in warnings
    assert "top_norm in group all has no constraint: the statistical share includes it too" in warnings


def test_without_nuisance_parameters_everything_is_statistical():
    found = shared(counting([60.0], [10.0], [50.0]))
    assert list(found) == ["statistical", "sum in quadrature", "total"]
    for share in found.values():
        assert share.covariance == pytest.approx(np.sqrt(60) / 10, rel=1e-5)
        assert share.above == pytest.approx(found["total"].above)
    assert found["statistical"].observables == pytest.approx(np.sqrt(60) / 10, rel=1e-5)


def test_flat_direction():
    """With two factors of one background mu has a profile, but no covariance; without a control region neither."""
    factors = [(name, "normfactor", None) for name in ("one", "two")]
    regions = {
        "region": ([60.0], {"s": ([10.0], [MU]), "b": ([50.0], [*factors, normsys(0.1)])}),
        "control": ([400.0], {"b": ([400.0], factors)}),
    }
    found = shared(workspace(regions))
    assert found["statistical"].above == pytest.approx(np.sqrt(60 + 50**2 / 400) / 10, rel=0.1)
    del regions["control"]
    undetermined = shared(workspace(regions))
    assert {share.above for share in undetermined.values()} == {None}
    for share in [*found.values(), *undetermined.values()]:
        assert share.covariance is None
        assert share.kind == "sum" or "the likelihood is flat" in share.reason


class Failing(Newton):
    """Fits fail with mu held below its best fit by more than a half."""

    def fit_held(self, data, starts, held):
        fits = super().fit_held(data, starts, held)
        fits.deviance[held[self.model.poi] & (starts[self.model.poi] < 0.2)] = np.nan
        return fits


def test_failed_fits():
    found = shared(SMALL["normsys"], kind=Failing)
    assert found["total"].status == "fit_failed"
    assert found["total"].below is None
    assert found["total"].above is not None
    assert found[REST].below is None
    assert "lower end" in found[REST].reason
    assert found["sum in quadrature"].below is None


TILT = ("tilt", "histosys", {"hi_data": [33.0, 31.0], "lo_data": [28.0, 34.0]})
TWO = workspace(
    {
        "region": (
            [60.0, 62.0],
            {
                "signal": ([10.0, 6.0], [MU]),
                "top": (
                    [30.0, 32.0],
                    [normsys(0.1), ("tilt", "histosys", {"hi_data": [33.0, 31.0], "lo_data": [28.0, 34.0]})],
                ),
                "fakes": ([20.0, 20.0], [("stat", "shapesys", [4.0, 3.0])]),
            },
        )
    }
)


class TestLimits:
    @pytest.mark.parametrize("names", [(), ("scale",), ("stat[0]", "stat[1]"), ("scale", "tilt", "stat[0]", "stat[1]")])
    @pytest.mark.parametrize(("test_statistic", "level"), [("qtilde", 0.95), ("q", 0.9)])
    def test_pyhf_with_fixed_parameters(self, names, test_statistic, level):
        engine = engine_of(TWO, test_statistic=test_statistic)
        prepared = prepare(engine, test_statistic)
        held = np.array([engine.model.names.index(name) for name in names], int)
        ((limit, reason),) = median_limits(engine, prepared, [held], 1 - level)
        model, data = referee(TWO)
        bounds = [tuple(each) for each in engine.model.bounds.tolist()]
        fixed = [name in names for name in engine.model.names]
        options = {"par_bounds": bounds, "fixed_params": fixed, "init_pars": prepared.reference.parameters.tolist()}

        def median(mu: float) -> float:
            found = pyhf.infer.hypotest(mu, data, model, test_stat=test_statistic, return_expected=True, **options)
            return float(found[1]) - (1 - level)

        assert reason is None
        assert limit == pytest.approx(brentq(median, 0.3, 6, xtol=1e-4), rel=2e-3)

    def test_the_limit_with_all_parameters_free_is_that_of_the_scan(self):
        for spec in (TWO, EVERY_MODIFIER):
            engine = engine_of(spec)
            prepared = prepare(engine, "qtilde")
            ((limit, _),) = median_limits(engine, prepared, [np.zeros(0, int)], 0.05)

            def median(mu, _curve, engine=engine, prepared=prepared):
                tests = hypotests(engine, prepared, mu, "qtilde", "asymptotics")
                return np.array([test.p_values.CLs_exp[2] for test in tests])

            grid = np.linspace(0, 9, 10)
            (scanned,) = upper_limits(grid, median(grid, 0)[:, None], 0.05, median)
            assert limit == pytest.approx(scanned.value, rel=3e-5)

    def test_a_limit_beyond_the_bound_of_mu(self):
        engine = engine_of(counting([1000.0], [1.0], [1000.0], normsys(0.1)))
        ((limit, reason),) = median_limits(engine, prepare(engine, "qtilde"), [np.zeros(0, int)], 0.05)
        assert limit is None
        assert reason == "the limit is above the bound of mu, 10"

    def test_a_failed_fit(self):
        engine = engine_of(TWO)

        class Broken(Newton):
            def fit_held(self, data, starts, held):
                fits = super().fit_held(data, starts, held)
                return fits._replace(deviance=np.full_like(fits.deviance, np.nan))

        ((limit, reason),) = median_limits(Broken(engine.model), prepare(engine, "qtilde"), [np.zeros(0, int)], 0.05)
        assert limit is None
        assert reason == "a fit to the Asimov data did not converge"
