"""Free factors: no limit depends on a bound that nobody stated; stated ones are obeyed, and told where they are met."""

import json
from dataclasses import replace

import numpy as np
import pyhf
import pytest
import yaml
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm

import compile_model
from helpers.chain import Chain
from helpers.ranges import curves, ranged
from helpers.steps import run_step
from helpers.workspaces import MU, counting, engine_of, normsys, referee, tight_minuit, workspace
from muscan.commands import verify
from muscan.diagnosis.diagnose import diagnose
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.model import from_npz, model_digest
from muscan.histfactory.parameters import FACTOR_BOUNDS
from muscan.inference.engines import engine
from muscan.inference.hypotest import hypotests, prepare
from muscan.inference.limits import upper_limits
from muscan.inference.minuit import fit as fit_by_minuit
from muscan.inference.signal_point import bounded
from muscan.inputs.blinding import prefit_background_parameters
from muscan.records.limits import Limits
from muscan.report.bounds_met import describe_bounds_met
from muscan.toys import pseudo_data
from muscan.toys.pseudo_data import AT_STATED

K = ("k", "normfactor", None)
OBSERVED, SIGNAL, BACKGROUND = [7.0, 10.0], [2.0, 6.0], [6.0, 4.0]
UNIT = [0.6, 0.4]  # the same background, normalised to 1: its factor is 17 at mu = 0
STATED = {"name": "k", "bounds": [list(FACTOR_BOUNDS)]}  # as pyhf's default, but said


def limits(spec: dict, test_statistic: str = "qtilde") -> list[float]:
    engine, fits, mu = ranged(spec, test_statistic)
    found = upper_limits(
        np.array(mu),
        curves(engine, fits, mu, test_statistic),
        0.05,
        lambda values, which: curves(engine, fits, values, test_statistic)[np.arange(len(which)), which],
    )
    assert [each.status for each in found] == ["ok"] * 6
    return [each.value for each in found]


def by_hand(highest: float) -> list[float]:
    """Observed and median expected limit of the counts above, with a background of `highest` times UNIT at most.

    Profiles from scalar minimisations, asymptotic formulae of arXiv:1007.1727 in qtilde.
    """
    signal, background = np.array(SIGNAL), np.array(UNIT)

    def profile(mu: float, data: np.ndarray) -> tuple[float, float]:
        def deviance(k: float) -> float:
            nu = mu * signal + k * background
            return 2 * float(np.sum(nu - data - data * np.log(nu / data)))

        found = minimize_scalar(deviance, bounds=(1e-9, highest), method="bounded", options={"xatol": 1e-9})
        return min((deviance(k), k) for k in (found.x, highest))

    observed = np.array(OBSERVED)
    asimov = profile(0.0, observed)[1] * background
    best = minimize_scalar(
        lambda mu: profile(mu, observed)[0], bounds=(0, 9), method="bounded", options={"xatol": 1e-9}
    )

    def cls(mu: float) -> tuple[float, float]:
        q = max(profile(mu, observed)[0] - best.fun, 0.0) if mu > best.x else 0.0
        q_asimov = profile(mu, asimov)[0] - profile(0.0, asimov)[0]
        root, of_asimov = np.sqrt([q, q_asimov])
        if q > q_asimov:
            root = (q + q_asimov) / (2 * of_asimov)
        return norm.sf(root) / norm.sf(root - of_asimov), norm.sf(of_asimov) / 0.5

    return [brentq(lambda mu, which=which: cls(mu)[which] - 0.05, 0.1, 9) for which in (0, 1)]


def test_the_field_file(field):
    """A template normalised to 1 or to 10 events: the same limits, those of a profile by hand."""
    config = yaml.safe_load((field / "free-factor-at-bound.yaml").read_text(encoding="utf-8"))
    expected = by_hand(1e4)
    assert expected == pytest.approx([2.612, 1.576], abs=5e-4)
    for name in config["analyses"]:
        counts = config["datasets"][name]["histograms"]["counts"]["SR"]
        found = limits(counting(counts["observed"], counts["sig"], counts["bkg"], K))
        assert [found[0], found[3]] == pytest.approx(expected, rel=1e-4), name


def several_channels(scale: float, kind: str) -> dict:
    """A background that is free in a signal region and two control regions, with uncertainties of several kinds."""
    shape = ("shape", "histosys", {"hi_data": [66.0 * scale, 37.0 * scale], "lo_data": [55.0 * scale, 42.0 * scale]})
    free = ("k", kind, None)
    return workspace(
        {
            "SR": ([107.0, 90.0], {"s": ([20.0, 16.0], [MU]), "b": ([60.0 * scale, 40.0 * scale], [free, shape])}),
            "CR": (
                [420.0, 310.0],
                {"b": ([380.0 * scale, 290.0 * scale], [free, normsys(0.05)]), "o": ([20.0, 9.0], [])},
            ),
            "VR": (
                [55.0, 44.0],
                {"b": ([50.0 * scale, 40.0 * scale], [free, ("stat", "shapesys", [4.0 * scale] * 2)])},
            ),
        }
    )


MODELS = {
    "a normfactor": lambda scale: counting(OBSERVED, SIGNAL, [6.0 * scale, 4.0 * scale], K),
    "a normfactor with uncertainties": lambda scale: counting(
        [58.0, 43.0], [5.0, 9.0], [50.0 * scale, 30.0 * scale], K, ("stat", "staterror", [4.0 * scale, 3.0 * scale])
    ),
    "a normfactor of several channels": lambda scale: several_channels(scale, "normfactor"),
    "a shapefactor": lambda scale: several_channels(scale, "shapefactor"),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_scale_of_a_free_template_does_not_matter(name):
    expected = limits(MODELS[name](1.0))
    for scale in (0.1, 0.35, 10.0, 1e-5):
        assert limits(MODELS[name](scale)) == pytest.approx(expected, rel=2e-5), scale


@pytest.mark.parametrize("name", MODELS)
def test_pyhf_with_wide_bounds(name):
    """CLs where the default bounds would stop every fit, from pyhf with bounds that hold all of them."""
    spec = MODELS[name](0.02)
    found, fits, mu = ranged(spec)
    mu = mu[5]
    model, data = referee(spec)
    free = [name.startswith("k") for name in model.config.par_names]
    bounds = [(0, 1000) if each else pair for each, pair in zip(free, model.config.suggested_bounds(), strict=True)]
    start = [50.0 if each else value for each, value in zip(free, model.config.suggested_init(), strict=True)]
    with tight_minuit():
        cls, expected = pyhf.infer.hypotest(mu, data, model, start, bounds, return_expected_set=True)
    assert curves(found, fits, [mu])[0] == pytest.approx([float(cls), *map(float, expected)], abs=2e-4)


def test_the_range_of_the_scan_needs_no_poi_bound_of_its_own():
    """q, negative mu_hat: the limits of the two scales agree too."""
    assert limits(counting([3.0, 2.0], SIGNAL, UNIT, K), "q") == pytest.approx(
        limits(counting([3.0, 2.0], SIGNAL, BACKGROUND, K), "q"), rel=2e-5
    )


def test_bounds_of_small_factors_stay():
    """Nothing changes for fits that the default bounds do not touch."""
    found, _, _ = ranged(counting(OBSERVED, SIGNAL, BACKGROUND, K))
    assert found.model.bounds[0].tolist() == list(FACTOR_BOUNDS)
    assert found.model.default_bounded.tolist() == [True, False]


def test_a_fit_that_only_a_default_bound_makes_impossible():
    """The signal has negative events where k alone is measured: k = (80 + 5 mu) / 9 fits these exactly, at every mu."""
    region = ([500.0], {"s": ([10.0], [MU]), "b": ([300.0], [normsys(0.3)])})
    control = ([80.0], {"s": ([-5.0], [MU]), "b": ([9.0], [K])})
    assert limits(workspace({"SR": region, "CR": control})) == pytest.approx(
        limits(workspace({"SR": region})), rel=1e-4
    )


class TestGrowthEnds:
    def test_where_two_factors_multiply_one_template(self):
        """Their product is what the data know: the limits are those of one factor."""
        both = limits(counting(OBSERVED, SIGNAL, [6e-3, 4e-3], K, ("l", "normfactor", None)))
        assert both == pytest.approx(limits(counting(OBSERVED, SIGNAL, BACKGROUND, K)), rel=1e-4)

    def test_where_a_factor_has_no_effect(self):
        spec = counting(OBSERVED, SIGNAL, BACKGROUND, normsys(0.2))
        expected = limits(spec)
        spec["channels"][0]["samples"].append(
            {"name": "none", "data": [0.0, 0.0], "modifiers": [{"name": "k", "type": "normfactor", "data": None}]}
        )
        found, fits, _ = ranged(spec)
        index = found.model.names.index("k")
        assert found.model.bounds[index].tolist() == list(FACTOR_BOUNDS)
        assert fits.free.parameters[index] == 1
        assert limits(spec) == pytest.approx(expected, rel=1e-6)

    def test_where_the_data_set_no_upper_end(self):
        """k l events in SR, l in CR where none are seen: l falls and k rises for ever, and SR alone makes the limit.

        There the background is free: q and that of the Asimov data are 2 (mu - 5 - 5 log(mu / 5)) above mu = 5.
        """
        ell = ("l", "normfactor", None)
        regions = {"SR": ([5.0], {"s": ([1.0], [MU]), "b": ([1.0], [K, ell])}), "CR": ([0.0], {"b": ([1.0], [ell])})}

        def cls(mu: float) -> float:
            return 2 * norm.sf(np.sqrt(2 * (mu - 5 - 5 * np.log(mu / 5)))) - 0.05

        found = limits(workspace(regions))
        assert [found[0], found[3]] == pytest.approx([brentq(cls, 5.1, 30)] * 2, rel=2e-4)

    def test_where_the_factor_multiplies_the_signal_alone(self):
        """At mu = 0 the factor does nothing; at any other mu it fits VR exactly, and SR alone makes the limit."""
        regions = {"SR": ([7.0], {"s": ([2.0], [MU]), "b": ([5.0], [normsys(0.2)])})}
        expected = limits(workspace(regions))
        spec = workspace(regions | {"VR": ([20.0], {"s": ([3.0], [MU, K]), "b": ([5.0], [])})})
        found, fits, _ = ranged(spec)
        assert fits.reference.parameters[found.model.names.index("k")] == 1
        assert limits(spec) == pytest.approx(expected, rel=1e-4)


class TestStatedBounds:
    SPEC = counting(OBSERVED, SIGNAL, UNIT, K, parameters=(STATED,))

    def test_they_are_obeyed(self):
        found = limits(self.SPEC)
        assert [found[0], found[3]] == pytest.approx(by_hand(FACTOR_BOUNDS[1]), rel=1e-4)
        assert found[3] == pytest.approx(1.262, abs=5e-4)

    def test_every_fit_that_ends_there_is_named(self, tmp_path):
        """At mu the best k solves sum(b n / nu) = 1, which is above 10 where mu is small."""
        scan = Chain(tmp_path, self.SPEC)
        scan.run((0.0, 0.2, 0.4, 0.8, 1.6, 3.2))
        fit = json.loads(scan.fit_file.read_text(encoding="utf-8"))
        assert fit["at_bounds"] == {"free": {}, "reference": {"k": 10.0}}
        assert fit["stated_bounds"] == ["k"]
        found = Limits.from_json(json.loads(scan.limits_file.read_text(encoding="utf-8")))
        signal, background = np.array(SIGNAL), np.array(UNIT)

        def met(data: np.ndarray, mu: float) -> bool:
            return mu > 0 and float(background @ (data / (mu * signal + 10 * background))) > 1

        mus = sorted({point["mu"] for point in found.points})
        (told,) = (each["mu"] for each in found.at_bounds if (each["data"], each["bound"]) == ("observed", 10.0))
        assert told == [mu for mu in mus if met(np.array(OBSERVED), mu)]
        assert told[0] == 0.2
        sentence, other = (each.sentence for each in describe_bounds_met(fit, [found]))
        assert other.startswith("k is at its bound 0 in ")  # where mu is large
        assert sentence.startswith("k is at its bound 10 in the fit at mu = 0 that defines the Asimov data, in ")
        tested = sorted({mu for each in found.at_bounds if each["bound"] for mu in each["mu"]})
        assert f"in {len(tested)} tests from mu = {tested[0]:.4g} to {tested[-1]:.4g}: limits depend" in sentence
        far = {"parameter": "k", "bound": 0.0, "data": "observed", "mu": [9.0]}  # above all limits
        (only,) = describe_bounds_met(fit | {"at_bounds": {}}, [replace(found, at_bounds=[far])])
        assert only == ("k is at its bound 0 in the test of mu = 9", False)

    def test_pyhf_as_the_engine_obeys_and_tells(self):
        fitted = engine("pyhf", bounded(compile_workspace(self.SPEC), "qtilde", 10.0), self.SPEC)
        (tested,) = hypotests(fitted, prepare(fitted, "qtilde"), [0.5], "qtilde", "asymptotics")
        assert tested.at_bounds["observed"] == {"k": 10.0}

    def test_toys_that_end_there_are_counted(self):
        """Those whose likelihood still rises beyond a bound of k, at the tested mu or at the best one for this k."""
        high = 10.3  # with this signal no counts are fitted best exactly there
        signal, background = np.array([2.3, 6.1]), np.array(UNIT)
        stated = STATED | {"bounds": [[0.0, high]]}
        found = engine_of(counting(OBSERVED, signal.tolist(), UNIT, K, parameters=(stated,)))
        parameters, number = np.array([12.0, 0.0]), 60
        data = pseudo_data.throw(
            found.likelihood, parameters, number, pseudo_data.stream(0, "test", pseudo_data.WITH_SIGNAL, 0.7, 0)
        )
        thrown = pseudo_data.calculate_q(found, data, found.fit(data, [parameters]), 0.7, "qtilde")

        def slope(template: np.ndarray, counts: np.ndarray, mu: float, k: float) -> float:
            """Half of the derivative of the deviance by the factor of this template."""
            return float(template @ (1 - counts / (mu * signal + k * background)))

        def best(counts: np.ndarray, k: float) -> float:
            least = 1e-9
            return (
                brentq(lambda mu: slope(signal, counts, mu, k), least, 99) if slope(signal, counts, least, k) < 0 else 0
            )

        def met(counts: np.ndarray) -> bool:
            sides = [(k, sign, mu) for k, sign in ((0.0, 1), (high, -1)) for mu in (0.7, best(counts, k))]
            return any(sign * slope(background, counts, mu, k) > 0 for k, sign, mu in sides)

        expected = [met(counts) for counts in data.T]
        assert 5 < sum(expected) < number - 5
        assert ((thrown.flags & AT_STATED) > 0).tolist() == expected
        assert pseudo_data.count(thrown).at_stated_bound == sum(expected)


def test_toys_do_not_feel_the_scale():
    """The same toys of both scales have the same test statistic, though the default bound would stop most."""
    found = {}
    for scale, background in ((1.0, BACKGROUND), (10.0, UNIT)):
        fitted = engine_of(counting(OBSERVED, SIGNAL, background, K))
        parameters = np.array([1.7 * scale, 0.0])
        data = pseudo_data.throw(
            fitted.likelihood, parameters, 300, pseudo_data.stream(0, "test", pseudo_data.BACKGROUND_ONLY, 0.0, 0)
        )
        found[scale] = pseudo_data.calculate_q(fitted, data, fitted.fit(data, [parameters]), 1.5, "qtilde")
        assert not (found[scale].flags & AT_STATED).any()
    np.testing.assert_allclose(found[10.0].q, found[1.0].q, atol=1e-6)


def test_the_random_numbers_of_toys_do_not_depend_on_who_gave_the_bounds():
    model = compile_workspace(counting(OBSERVED, SIGNAL, BACKGROUND, K))
    assert model_digest(model) == model_digest(replace(model, stated=~model.stated))
    assert model_digest(model) != model_digest(model.with_upper_bounds({"k": 20.0}))


def test_minuit_finds_the_way_without_an_upper_bound():
    model = compile_workspace(counting(OBSERVED, SIGNAL, [6e-5, 4e-5], K)).without_default_bounds()
    start, held = model.initial.copy(), np.arange(len(model.names)) == model.poi
    start[held] = 0
    found = fit_by_minuit(engine("newton", model).likelihood, model.data, start, held)
    assert found[0] == pytest.approx([1.7e5, 0.0], rel=1e-4)


def test_what_fit_json_says_is_what_tests_and_pyhf_take(tmp_path, capsys):
    """`make verify` gives pyhf the same bounds, and agrees."""
    chain = Chain(tmp_path / "results", counting(OBSERVED, SIGNAL, UNIT, K))
    found = chain.run((0.0, 1.0, 2.0, 4.0))
    assert [found.observed_limit, found.expected_limit[2]] == pytest.approx(by_hand(1e4), rel=1e-4)
    fit = json.loads(chain.fit_file.read_text(encoding="utf-8"))
    assert fit["factor_bounds"]["k"] >= 4 * 17
    assert fit["at_bounds"] == {"free": {}, "reference": {}}
    assert list(describe_bounds_met(fit, [found])) == []
    assert verify.main(["--results", str(tmp_path / "results"), "--number", "4"]) == 0
    assert capsys.readouterr().out.count(": agrees\n") == 4


def test_the_compiled_file_knows_who_gave_the_bounds(tmp_path):
    parameters = (STATED, {"name": "mu", "bounds": [[0.0, 10.0]]})
    source, output = tmp_path / "workspace.json", tmp_path / "model.npz"
    free = (
        K,
        ("l", "normfactor", None),
        ("shape", "shapefactor", None),
        normsys(0.1),
        ("stat", "staterror", [1.0, 1.0]),
    )
    source.write_text(
        json.dumps(counting(OBSERVED, SIGNAL, BACKGROUND, *free, parameters=parameters)), encoding="utf-8"
    )
    run_step(compile_model, ["--workspace", str(source), "--output", str(output)])
    model = from_npz(output)
    assert {name for name, stated in zip(model.names, model.stated, strict=True) if stated} == {"k", "mu"}
    assert {model.names[i] for i in np.flatnonzero(model.default_bounded)} == {"l", "shape[0]", "shape[1]"}


def test_an_initial_value_beyond_the_default_bound():
    """It is not outside of anything: the blind expectation is made with it, and nothing is said."""
    model = compile_workspace(counting([30.0, 20.0], SIGNAL, UNIT, K, parameters=({"name": "k", "inits": [50.0]},)))
    assert prefit_background_parameters(model).tolist() == [50.0, 0.0]
    assert "initial-value" not in {finding.kind for finding in diagnose(model)}


def test_a_factor_that_may_rise_can_undo_the_poi():
    """mu k in the signal, k l in the background: at any mu k falls and l rises. pyhf with wide bounds excludes none."""
    ell = ("l", "normfactor", None)
    spec = workspace({"SR": (OBSERVED, {"s": (SIGNAL, [MU, K]), "b": (BACKGROUND, [K, ell])})})
    errors = [finding for finding in diagnose(compile_workspace(spec)) if finding.severity == "error"]
    assert [finding.kind for finding in errors] == ["poi-flat"]
    model, data = referee(spec)
    bounds = [(0, 1e5) if name == "l" else (0, 200) for name in model.config.par_names]
    with tight_minuit():
        assert float(pyhf.infer.hypotest(100.0, data, model, par_bounds=bounds)) > 0.9
    stated = spec | {"measurements": [{"name": "m", "config": {"poi": "mu", "parameters": [STATED | {"name": "l"}]}}]}
    kinds = [(finding.severity, finding.kind) for finding in diagnose(compile_workspace(stated))]
    assert ("warning", "poi-flat") in kinds
