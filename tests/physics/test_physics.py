"""The numbers that matter, against pyhf, published results and brute force; nothing here is our own frozen output."""

import csv
import json

import jsonpatch
import numpy as np
import pyhf
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import chi2, norm, poisson

from helpers.workspaces import counting, engine_of, normsys, referee, tight_minuit
from muscan.base.json_input import read_json
from muscan.inference.goodness_of_fit import saturated
from muscan.inference.hypotest import Prepared, hypotest, prepare
from muscan.inference.limits import upper_limits
from muscan.inference.newton import Newton
from muscan.inference.test_statistics import TEST_STATISTICS
from muscan.inference.uncertainties import uncertainties


def prepared(spec: dict, codes: dict | None = None, test_statistic: str = "qtilde", bound: float = 10.0):
    engine = engine_of(spec, codes, test_statistic, bound)
    return engine, prepare(engine, test_statistic)


def six_cls(engine: Newton, fits: Prepared, mu: float, test_statistic: str = "qtilde") -> np.ndarray:
    """The observed and the five expected CLs."""
    p_values = hypotest(engine, fits, mu, test_statistic, "asymptotics").p_values
    return np.array([p_values.CLs_obs, *p_values.CLs_exp])


def limits(engine: Newton, fits: Prepared, grid: np.ndarray, curves=range(6)) -> list[float]:
    def cls(mu: np.ndarray, curve: np.ndarray) -> np.ndarray:
        return np.array([six_cls(engine, fits, value)[i] for value, i in zip(mu.tolist(), curve, strict=True)])

    scan = np.array([six_cls(engine, fits, mu) for mu in grid.tolist()])
    found = upper_limits(grid, scan[:, list(curves)], 0.05, lambda mu, curve: cls(mu, np.array(curves)[curve]))
    assert [limit.status for limit in found] == ["ok"] * len(found)
    return [limit.value for limit in found]


class TestTheDefaultQuestion:
    """tests/data/seed-question, against pyhf's own fits and scans."""

    @pytest.fixture(params=["original/locked", "original/floating", "mismatched/locked", "mismatched/floating"])
    def case(self, request, seed_question) -> tuple[dict, dict]:
        dataset, model = request.param.split("/")
        with (seed_question / f"{dataset}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        signal, background, observed = (
            [float(row[column]) for row in rows] for column in ("signal", "background", "observed")
        )
        modifiers = [("background_stat", "shapesys", np.sqrt(background).tolist())]
        if model == "floating":
            modifiers.append(("bkgnorm", "normfactor", None))
        reference = json.loads((seed_question / "reference.json").read_text(encoding="utf-8"))
        return counting(observed, signal, background, *modifiers), reference[request.param]

    def test_best_fit(self, case):
        spec, reference = case
        engine, fits = prepared(spec)
        model = engine.model
        errors = uncertainties(engine, engine.model.data, fits.free).errors
        value, error = reference["mu_hat"]
        assert fits.free.parameters[model.poi] == pytest.approx(value, rel=1e-4)
        assert errors[model.poi] == pytest.approx(error, rel=1e-4)
        if reference["bkgnorm"]:
            index = model.names.index("bkgnorm")
            value, error = reference["bkgnorm"]
            assert fits.free.parameters[index] == pytest.approx(value, rel=1e-4)
            assert errors[index] == pytest.approx(error, rel=1e-4)

    def test_cls_at_mu_of_one(self, case):
        spec, reference = case
        cls = six_cls(*prepared(spec), 1.0)
        assert cls[0] == pytest.approx(reference["CLs_obs_at_mu_1"], rel=1e-5)
        assert cls[1:] == pytest.approx(reference["CLs_exp_at_mu_1"], rel=1e-5)

    def test_limits(self, case):
        spec, reference = case
        found = limits(*prepared(spec), np.linspace(0, 5, 6))
        exact = reference["exact_crossing"]
        assert found == pytest.approx([exact["observed_limit"], *exact["expected_limit"]], rel=2e-5)

    def test_goodness_of_fit(self, case):
        spec, reference = case
        engine, fits = prepared(spec)
        ours = saturated(engine.model, fits.free.deviance)
        expected, data = referee(spec)
        with tight_minuit():
            _, twice_nll = pyhf.infer.mle.fit(data, expected, return_fitted_val=True)
        counts = np.round(data)  # all are Poisson counts; (n / sqrt(n))^2 of the auxiliary ones is not quite n
        np.testing.assert_allclose(counts, data, rtol=1e-12)
        perfect = poisson.logpmf(counts, counts).sum()
        statistic = float(twice_nll) + 2 * perfect
        ndof = 20 - (2 if reference["bkgnorm"] else 1)
        assert ours.statistic == pytest.approx(statistic, abs=1e-6)
        assert ours.ndof == ndof
        assert ours.p_value == pytest.approx(chi2.sf(statistic, ndof), rel=1e-6)


class TestValidationOfPyhf:
    """The workspaces of pyhf's validation tests, with the interpolations of ROOT's HistFactory."""

    # coupledhistosys has a test of its own: its reference is wrong.
    WORKSPACES = (
        "1bin_shapesys",
        "1bin_shapesys_q0",
        "1bin_normsys",
        "2bin_histosys",
        "2bin_2channel",
        "2bin_2channel_couplednorm",
        "2bin_2channel_coupledhistosys",
        "2bin_2channel_coupledshapefactor",
    )

    @staticmethod
    def load(data, name: str) -> tuple[dict, dict]:
        folder = data / "pyhf-testsuite"
        cases = {case["workspace"]: case for case in read_json(folder / "expected_hypotest.json")}
        assert set(cases) == {f"ws_{each}.json" for each in TestValidationOfPyhf.WORKSPACES}
        return read_json(folder / f"ws_{name}.json"), cases[f"ws_{name}.json"]

    def ours(self, spec: dict, case: dict) -> np.ndarray:
        statistic = case["test_stat"]
        return six_cls(*prepared(spec, case["modifier_settings"], statistic), case["mu_test"], statistic)

    @pytest.mark.parametrize("name", [name for name in WORKSPACES if "coupledhistosys" not in name])
    def test_reference_file(self, data, name):
        spec, case = self.load(data, name)
        assert self.ours(spec, case) == pytest.approx([case["expected"]["obs"], *case["expected"]["exp"]], abs=1e-4)

    @pytest.mark.parametrize("name", [name for name in WORKSPACES if "coupledhistosys" not in name])
    def test_pyhf_with_a_tight_tolerance(self, data, name):
        spec, case = self.load(data, name)
        model, observed = referee(spec, case["modifier_settings"])
        with tight_minuit():
            cls, band = pyhf.infer.hypotest(
                case["mu_test"], observed, model, test_stat=case["test_stat"], return_expected_set=True
            )
        tolerance = 1e-5 if name.endswith("shapefactor") else 1e-6
        assert self.ours(spec, case) == pytest.approx([float(cls), *map(float, band)], abs=tolerance)

    def test_the_reference_of_coupledhistosys_stands_on_local_minima(self, data):
        """code0 has a kink at alpha = 0 and so two valleys; brute force over both, with pyhf's own likelihood.

        The reference file has CLs = 0.0797. It is what follows if every fit is restricted to alpha > 0. The deeper
        minima with mu held at 1 lie at alpha < 0, and CLs = 0.138 follows from them.
        """
        spec, case = self.load(data, "2bin_2channel_coupledhistosys")
        model, observed = referee(spec, case["modifier_settings"])
        assert model.config.par_names == ["coupled_histosys", "mu"]

        def lowest(dataset: np.ndarray, mu: float, signs=(-1, 1)) -> tuple[float, float]:
            """-2 log L and alpha, from a fine scan that a bounded search then refines.

            Beyond |alpha| = 2.5 the constraint alone adds more than any minimum here, and yields go below zero.
            """

            def at(alpha: float) -> float:
                return -2 * float(model.logpdf([alpha, mu], dataset)[0])

            best = (np.inf, np.nan)
            for sign in signs:
                scan = sign * np.linspace(1e-9, 2.5, 101)
                i = int(np.argmin([at(alpha) for alpha in scan]))
                around = sorted((scan[max(i - 1, 0)], scan[min(i + 1, 100)]))
                found = minimize_scalar(at, bounds=around, method="bounded", options={"xatol": 1e-9})
                best = min(best, (found.fun, found.x))
            return best

        def lowest_free(dataset: np.ndarray, signs=(-1, 1)) -> tuple[float, float]:
            """-2 log L and mu."""
            scan = np.linspace(0, 3, 31)
            i = int(np.argmin([lowest(dataset, mu, signs)[0] for mu in scan]))
            found = minimize_scalar(
                lambda mu: lowest(dataset, mu, signs)[0],
                bounds=(scan[max(i - 1, 0)], scan[i + 1]),
                method="bounded",
                options={"xatol": 1e-8},
            )
            return found.fun, found.x

        def cls(signs) -> np.ndarray:
            """arXiv:1007.1727 from the minima alone."""
            _, alpha = lowest(observed, 0.0, signs)
            asimov = np.asarray(model.expected_data([alpha, 0.0]))
            best, mu_hat = lowest_free(observed, signs)
            q = max(lowest(observed, 1.0, signs)[0] - best, 0) if mu_hat < 1 else 0.0
            q_asimov = lowest(asimov, 1.0, signs)[0] - lowest_free(asimov, signs)[0]
            shift = np.sqrt(q_asimov)
            distance = (q - q_asimov) / (2 * shift) if q > q_asimov else np.sqrt(q) - shift
            points = np.array([distance, 2, 1, 0, -1, -2])
            return norm.sf(points + shift) / norm.sf(points)

        reference = [case["expected"]["obs"], *case["expected"]["exp"]]
        everywhere = cls(signs=(-1, 1))
        assert everywhere[0] == pytest.approx(0.138, abs=1e-3)
        assert self.ours(spec, case) == pytest.approx(everywhere, abs=1e-4)
        assert cls(signs=(1,)) == pytest.approx(reference, abs=1e-4)

        # At the tested mu the minimum of the reference is higher than ours, in the data and in the Asimov data.
        engine, fits = prepared(spec, case["modifier_settings"])
        asimov = fits.asimov
        for dataset, gap in ((observed, 0.3), (asimov, 3.0)):
            (low, alpha), (high, other) = lowest(dataset, 1.0), lowest(dataset, 1.0, signs=(1,))
            assert alpha < 0 < other
            assert high - low > gap
        best, mu_hat = lowest_free(observed)
        found = -2 * float(model.logpdf(fits.free.parameters, observed)[0])
        assert found == pytest.approx(best, abs=1e-6)
        assert fits.free.parameters[engine.model.poi] == pytest.approx(mu_hat, abs=1e-4)


class TestPublishedLikelihoods:
    """Likelihoods that ATLAS published on HEPData."""

    @pytest.mark.parametrize(
        ("signal", "expected"),
        [
            (
                "1300_205_60",
                [0.24443627759085326, 0.09022509, 0.19378392, 0.38432345, 0.65577573, 0.89104210],
            ),
            ("1400_950_60", [0.021373283911064852]),
            ("1500_850_60", [0.045367205665400624]),
        ],
    )
    def test_sbottom(self, data, signal, expected):
        """pyhf's regression test, whose fits are good to about 1e-5."""
        folder = data / "sbottom-A"
        patch = read_json(folder / "patches" / f"sbottom_{signal}.json")
        spec = jsonpatch.apply_patch(read_json(folder / "BkgOnly.json.gz"), patch)
        cls = six_cls(*prepared(spec), 1.0)
        assert cls[: len(expected)] == pytest.approx(expected, abs=1e-5)

    @pytest.mark.parametrize(
        ("folder", "patchset", "signal", "expected", "tolerance"),
        [
            ("stau-highmass", "patchset.json", "DS_400_40", [0.10428], 1e-5),
            (
                "1Lbb",
                "patchset.json.gz",
                "C1N2_Wh_hbb_1000_0",
                [0.5856784, 0.0498812, 0.1264481, 0.2925806, 0.5694149, 0.8475967],
                2e-6,
            ),
        ],
    )
    def test_patch_sets(self, data, folder, patchset, signal, expected, tolerance):
        patches = pyhf.PatchSet(read_json(data / folder / patchset))
        spec = patches[signal].apply(read_json(data / folder / "BkgOnly.json.gz"))
        cls = six_cls(*prepared(spec), 1.0)
        assert cls[: len(expected)] == pytest.approx(expected, abs=tolerance)

    @pytest.mark.parametrize(
        ("region", "bound", "observed", "expected", "tolerances"),
        [
            # The published expected limits are 0.2 above ours; the observed ones agree to their last digit.
            ("Rpc2L0b", 20.0, 7.6, 6.4, (0.1, 0.3)),
            ("Rpc2L1b", 20.0, 11.6, 7.3, (0.1, 0.3)),
            # Asymptotic limits with two decimals; those in the paper were made with toys. SRMET observed no event.
            ("SRMET", 10.0, 2.18, 2.74, (0.006, 0.006)),
            ("SRMU", 10.0, 3.24, 4.10, (0.006, 0.006)),
        ],
    )
    def test_discovery_regions(self, data, region, bound, observed, expected, tolerances):
        """One-bin regions with a signal of one event: mu counts events."""
        engine, fits = prepared(read_json(data / "discovery-regions" / f"{region}.json"), bound=bound)
        grid = np.array([expected - 1, expected + 0.5, observed + 0.5, observed - 1])
        found = limits(engine, fits, np.unique(grid), curves=(0, 3))
        assert abs(found[0] - observed) < tolerances[0]
        assert abs(found[1] - expected) < tolerances[1]
        if region == "SRMET":
            assert engine.model.data[0] == 0
            assert fits.free.parameters[engine.model.poi] == 0


def test_a_limit_from_closed_formulas():
    """n = b events, b known: q and qtilde, their Asimov values and CLs can be written down."""
    n, s, b = 100.0, 10.0, 100.0
    engine, fits = prepared(counting([n], [s], [b]))

    def q(mu: float) -> float:
        return 2 * (mu * s - n * np.log1p(mu * s / b))

    for mu in (0.5, 1.5, 3.0):
        root = np.sqrt(q(mu))
        expected = [norm.sf(0 + root) / norm.sf(0), *(norm.sf(root - i) / norm.sf(-i) for i in (-2, -1, 0, 1, 2))]
        assert six_cls(engine, fits, mu) == pytest.approx(expected, rel=1e-6)
    (observed,) = limits(engine, fits, np.array([0.0, 10.0]), curves=[0])
    assert 2 * norm.sf(np.sqrt(q(observed))) == pytest.approx(0.05, rel=1e-4)


@pytest.mark.parametrize("test_statistic", TEST_STATISTICS)
def test_the_asimov_data_come_from_the_fit_to_the_data(test_statistic):
    spec = counting([70.0, 62.0], [10.0, 6.0], [50.0, 52.0], normsys(0.1))
    _, fits = prepared(spec, test_statistic=test_statistic)
    expected, data = referee(spec)
    mu = TEST_STATISTICS[test_statistic].asimov_mu
    with tight_minuit():
        parameters = pyhf.infer.mle.fixed_poi_fit(mu, data, expected)
    # The root of the derivative of pyhf's likelihood is ours to 1e-10; Minuit stops 1e-5 away from it.
    np.testing.assert_allclose(fits.asimov, expected.expected_data(parameters), rtol=3e-5, atol=1e-6)


def test_a_deviance_that_rounds_below_zero_is_a_perfect_fit():
    model = engine_of(counting([55.0, 62.0], [10.0, 6.0], [50.0, 52.0], normsys(0.1))).model
    assert saturated(model, -7.6e-31) == saturated(model, 0.0)
    assert saturated(model, 0.0).p_value == 1.0
