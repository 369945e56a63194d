"""Toys: how they are thrown and counted, against pyhf and closed formulas; blocks, partitions, accounts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyhf
import pytest
from pyhf.infer.calculators import ToyCalculator
from scipy.stats import chi2, ks_2samp

import throw_toys
from helpers.toy_signal import ROUNDS, Signal
from helpers.workspaces import EVERY_MODIFIER, SMALL, counting, engine_of, normsys, referee, tight_minuit, workspace
from helpers.workspaces import MU as POI
from muscan.base.json_input import read_json
from muscan.inference.hypotest import hypotests, prepare
from muscan.inference.newton import Newton
from muscan.records.limits import Limits
from muscan.records.toys import ToyPlan
from muscan.steps import plan_toys
from muscan.toys import plan as toy_plan
from muscan.toys import pseudo_data

STUDY = "MUSCAN_STUDY" in os.environ
TWO_BINS = ("shapesys", "normsys", "deficit")


def q_of(spec: dict, mu: float, number: int, test_statistic: str = "qtilde") -> tuple[np.ndarray, np.ndarray, float]:
    """Test statistics of signal+background and of background-only toys, and the observed one."""
    engine = engine_of(spec, test_statistic=test_statistic)
    prepared = prepare(engine, test_statistic)
    (tested,) = hypotests(engine, prepared, [mu], test_statistic, "asymptotics")
    found = []
    for hypothesis, parameters in (
        (pseudo_data.WITH_SIGNAL, tested.parameters),
        (pseudo_data.BACKGROUND_ONLY, prepared.reference.parameters),
    ):
        data = pseudo_data.throw(
            engine.likelihood, parameters, number, pseudo_data.stream(0, "test", hypothesis, mu, 0)
        )
        found.append(pseudo_data.calculate_q(engine, data, engine.fit(data, [parameters]), mu, test_statistic).q)
    return (*found, tested.q_obs)


@pytest.fixture
def signal(tmp_path) -> Signal:
    return Signal(tmp_path / "signal", SMALL["shapesys"])


MU = ("--mu", 0, 1, 2, 3, 4, 5)


def test_every_block_has_a_stream_of_its_own():
    keys = [(0, "m", "signal", 1.0, 0), (1, "m", "signal", 1.0, 0), (0, "n", "signal", 1.0, 0)]
    keys += [(0, "m", "background", 1.0, 0), (0, "m", "signal", 1.5, 0), (0, "m", "signal", 1.0, 1)]
    numbers = [pseudo_data.stream(*key).integers(2**62) for key in keys]
    assert len(set(numbers)) == len(keys)
    assert numbers == [pseudo_data.stream(*key).integers(2**62) for key in keys]


def test_toys_have_the_moments_of_their_distributions():
    """Poisson counts and Poisson auxiliary measurements have variance = mean, Gaussian ones their sigma."""
    engine, number = engine_of(EVERY_MODIFIER), 20_000
    model = engine.model
    data = pseudo_data.throw(engine.likelihood, model.initial, number, np.random.default_rng(3))
    expected = engine.likelihood.asimov(model.initial)
    gaussian = np.concatenate([np.zeros(model.nmain, bool), ~model.constraints.is_poisson])
    sigma = np.concatenate([np.ones(model.nmain), model.constraints.sigma])
    variance = np.where(gaussian, sigma**2, expected)
    pulls = (data.mean(axis=1) - expected) / np.sqrt(variance / number)
    assert (pulls**2).sum() < chi2.isf(1e-4, len(pulls))
    np.testing.assert_allclose(data.var(axis=1) / variance, 1, atol=0.06)
    assert (data[~gaussian] == np.round(data[~gaussian])).all()


@pytest.mark.parametrize("name", ["shapesys", "every modifier"])
def test_the_test_statistic_of_a_toy_is_that_of_pyhf(name):
    engine, mu = engine_of(SMALL[name]), 1.5
    model, _ = referee(SMALL[name])
    data = pseudo_data.throw(engine.likelihood, engine.model.initial, 8, np.random.default_rng(1))
    ours = pseudo_data.calculate_q(engine, data, engine.fit(data, [engine.model.initial]), mu, "qtilde").q
    settings = model.config.suggested_init(), model.config.suggested_bounds(), model.config.suggested_fixed()
    with tight_minuit():
        pyhfs = [float(pyhf.infer.test_statistics.qmu_tilde(mu, toy, model, *settings)) for toy in data.T]
    assert ours == pytest.approx(pyhfs, abs=2e-4)


def pyhf_distributions(spec: dict, mu: float, number: int, test_statistic: str) -> list[np.ndarray]:
    model, data = referee(spec)
    bounds = model.config.suggested_bounds()
    if test_statistic == "q":
        bounds[model.config.poi_index] = (-10, 10)
    np.random.seed(2)  # noqa: NPY002 (the stream that pyhf uses)
    options = {"test_stat": test_statistic, "par_bounds": bounds, "ntoys": number, "track_progress": False}
    with tight_minuit():
        calculator = ToyCalculator(data, model, **options)
        return [np.asarray(each.samples) for each in calculator.distributions(mu)]


@pytest.mark.parametrize(
    ("name", "mu", "test_statistic"),
    [
        ("shapesys", 1.0, "qtilde"),
        ("shapesys", 2.5, "qtilde"),
        ("normsys", 2.0, "qtilde"),
        ("deficit", 0.6, "qtilde"),
        ("normsys", 1.0, "q"),
    ],
)
def test_distributions_are_those_of_pyhf(name, mu, test_statistic):
    """Kolmogorov and Smirnov on both distributions: p is improbably small for none."""
    ours = q_of(SMALL[name], mu, 10_000, test_statistic)[:2]
    for mine, pyhfs in zip(ours, pyhf_distributions(SMALL[name], mu, 300, test_statistic), strict=True):
        assert ks_2samp(mine, pyhfs).pvalue > 2e-3


def test_distributions_of_the_default_question_are_those_of_pyhf(seed_question):
    histograms = np.genfromtxt(seed_question / "original.csv", delimiter=",", names=True)
    stat = ("background_stat", "shapesys", np.sqrt(histograms["background"]).tolist())
    columns = (histograms[name].tolist() for name in ("observed", "signal", "background"))
    spec = counting(*columns, stat, ("bkgnorm", "normfactor", None))
    ours = q_of(spec, 2.0, 5_000)[:2]
    for mine, pyhfs in zip(ours, pyhf_distributions(spec, 2.0, 80, "qtilde"), strict=True):
        assert ks_2samp(mine, pyhfs).pvalue > 2e-3


@pytest.mark.parametrize(("region", "observed", "expected"), [("SRMET", 3.0, 3.0), ("SRMU", 3.6, 4.2)])
def test_published_limits_on_few_events(data, tmp_path, region, observed, expected):
    """From toys, where asymptotics gives 2.18/2.74 and 3.24/4.1; the published numbers are rounded to 0.1."""
    signal = Signal(tmp_path / region, read_json(data / "discovery-regions" / f"{region}.json"))
    mu = ("--mu", 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7)
    limits = signal.limits(*mu, "--per-hypothesis", 20_000, "--block", 10_000)
    median, error = limits.expected_limit[2], limits.expected_limit_error[2]
    assert limits.observed_limit == pytest.approx(observed, abs=0.05 + 2 * limits.observed_limit_error)
    assert median == pytest.approx(expected, abs=0.05 + 2 * error)
    assert limits.observed_limit_error < 0.06 > error


@pytest.mark.parametrize(("n", "background"), [(0, 0.5), (3, 2.0), (5, 9.0)])
def test_limits_of_a_counting_experiment_are_those_of_a_closed_formula(tmp_path, n, background):
    """Without nuisance parameters CLs = P(N <= n | mu + b) / P(N <= n | b), whatever orders the counts."""
    from scipy.optimize import brentq
    from scipy.stats import poisson

    def cls(mu, count):
        return poisson.cdf(count, mu + background) / poisson.cdf(count, background)

    signal = Signal(tmp_path / "signal", counting([float(n)], [1.0], [background]), poi_bound=20)
    scan = [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9, 10, 12]
    limits = signal.limits("--mu", *scan, "--per-hypothesis", 10_000, "--block", 5000)
    exact = brentq(lambda mu: cls(mu, n) - 0.05, 0.1, 30)
    assert limits.observed_limit == pytest.approx(exact, abs=3 * limits.observed_limit_error)
    # The band: the counts that the background reaches in the fraction Phi(z) of the cases.
    from scipy.stats import norm

    for z, value, error in zip((-1, 0, 1), limits.expected_limit[1:4], limits.expected_limit_error[1:4], strict=True):
        quantile = poisson.ppf(norm.cdf(z), background)
        assert value == pytest.approx(brentq(lambda mu, k=quantile: cls(mu, k) - 0.05, 0.1, 40), abs=3.5 * error)
    pulls = [
        (point["CLs_obs"] - cls(point["mu"], n)) / point["CLs_obs_error"]
        for point in limits.points
        if point["CLs_obs_error"]
    ]
    assert np.abs(pulls).max() < 4


@pytest.mark.parametrize(
    ("n", "background", "scan"),
    [(3, 2.0, [1, 10]), (0, 0.5, [1, 8]), (3, 2.0, [2, 4, 8, 12]), (3, 2.0, [1, 3, 5, 7, 9, 11, 13])],
)
def test_a_coarse_grid_gives_the_limit_of_the_closed_formula_or_none(tmp_path, n, background, scan):
    from scipy.optimize import brentq
    from scipy.stats import poisson

    exact = brentq(lambda mu: poisson.cdf(n, mu + background) / poisson.cdf(n, background) - 0.05, 0.1, 30)
    signal = Signal(tmp_path / "signal", counting([float(n)], [1.0], [background]), poi_bound=20)
    limits = signal.limits("--mu", *scan, "--per-hypothesis", 30_000, "--block", 5000)
    if limits.status["observed_limit"] == "ok":
        assert limits.observed_limit == pytest.approx(exact, abs=3 * limits.observed_limit_error)
    else:
        assert "around" in limits.reason["observed_limit"]


@pytest.mark.parametrize("number", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("confidence_level", [0.7, 0.95])
def test_a_handful_of_toys_gives_finite_errors_or_no_limit(tmp_path, number, confidence_level):
    signal = Signal(tmp_path / "signal", SMALL["shapesys"])
    for seed in range(4):
        options = ["--per-hypothesis", number, "--block", 1, "--confidence-level", confidence_level, "--seed", seed]
        limits = signal.limits("--mu", 0.5, 1, 1.5, 2, 2.5, 3, 4, *options)
        for (value, status, *_), error in zip(limits.entries(), limits.limit_errors(), strict=True):
            assert (value is not None) == (status == "ok") == (error is not None)
            assert error is None or 0 < error < value


def test_only_mu_zero_is_a_scan_that_ends_too_low(tmp_path):
    limits = Signal(tmp_path / "signal", SMALL["shapesys"]).limits("--mu", 0, "--per-hypothesis", 10)
    assert (limits.status["observed_limit"], limits.bound["observed_limit"]) == ("above_scan", 0)
    assert limits.points[0]["CLs_obs"] == 1


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Signal:
    """Limits from one job."""
    signal = Signal(tmp_path_factory.mktemp("toys") / "signal", SMALL["shapesys"])
    signal.limits(*MU, "--per-hypothesis", 400, "--block", 50)
    return signal


@pytest.mark.parametrize("parts", [[0, 1, 2, 3, 4, 5, 6, 7], [7, 2, 0, 1, 5, 4, 3, 6], [2, 0, 1]])
def test_results_do_not_depend_on_the_partition(reference, tmp_path, parts):
    """Any number of jobs in any order: the same bytes in every block and in limits.json."""
    signal = Signal(tmp_path / "signal", SMALL["shapesys"])
    plan = signal.plan(*MU, "--per-hypothesis", 400, "--block", 50)
    signal.throw(plan, parts, len(parts))
    signal.invert(plan)
    assert signal.blocks() == reference.blocks()
    assert (signal.folder / "limits.json").read_bytes() == (reference.folder / "limits.json").read_bytes()


def test_jobs_share_all_of_the_work_once(reference):
    tasks = toy_plan.new_tasks(ToyPlan.from_json(read_json(reference.folder / "plan_0.json")))
    for parts in (1, 3, 7, 100):
        shares = [toy_plan.tasks_of_job(tasks, part, parts) for part in range(parts)]
        assert [task for share in shares for task in share] == tasks
    fits = [sum(task.fits_per_toy() for task in toy_plan.tasks_of_job(tasks, part, 3)) for part in range(3)]
    assert max(fits) - min(fits) <= 2 * max(task.fits_per_toy() for task in tasks)


def test_lost_and_broken_blocks_are_made_again(reference, tmp_path):
    folder = tmp_path / "signal"
    shutil.copytree(reference.folder, folder)
    damaged = sorted((folder / "toys").glob("mu_*/*.npz"))
    damaged[0].unlink()
    damaged[1].write_bytes(damaged[1].read_bytes()[:100])
    damaged[2].write_bytes(b"nonsense")
    damaged[3].write_bytes(damaged[4].read_bytes())  # a block of another kind
    shutil.rmtree(folder / "toys" / "free")
    before, limits = reference.blocks(), (folder / "limits.json").read_bytes()
    again = object.__new__(Signal)
    again.__dict__ |= reference.__dict__ | {"folder": folder}
    again.invert(folder / "plan_0.json")
    assert (folder / "limits.json").read_bytes() == limits
    made = {name: content for name, content in again.blocks().items() if "free" not in name}
    assert made == {name: content for name, content in before.items() if "free" not in name}


def ages(signal: Signal) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in (signal.folder / "toys").rglob("*.npz")}


def test_more_toys_keep_the_old_ones(signal):
    signal.limits(*MU, "--per-hypothesis", 100, "--block", 50)
    before, blocks = ages(signal), signal.blocks()
    signal.limits(*MU, 6, "--per-hypothesis", 170, "--block", 50)  # rounded up to whole blocks, and one more mu
    after = ages(signal)
    assert {name: after[name] for name in before} == before
    assert len(after) == 4 * (1 + 2 * 6)
    assert {name: signal.blocks()[name] for name in blocks} == blocks


@pytest.mark.parametrize("change", ["seed", "model", "block"])
def test_another_seed_or_model_changes_all_toys(signal, tmp_path, change):
    signal.limits(*MU, "--per-hypothesis", 100, "--block", 50)
    spec = SMALL["shapesys"] if change != "model" else counting([55.0, 62.0], [10.0, 6.0], [50.0, 52.0], normsys(0.1))
    other = Signal(tmp_path / "other", spec)
    shutil.copytree(signal.folder / "toys", other.folder / "toys")  # they must not be taken for its own
    options = ["--seed", 1] if change == "seed" else []
    other.limits(*MU, "--per-hypothesis", 100, "--block", 25 if change == "block" else 50, *options)
    for name in signal.blocks():
        if "free" not in name:
            with np.load(signal.folder / name) as old, np.load(other.folder / name) as new:
                assert not np.array_equal(old["q"], new["q"]), name


class Failing(Newton):
    """Every fourth toy cannot be fitted with mu held, every eighth not at all."""

    def fit(self, data, starts, mu=None):
        fits = super().fit(data, starts, mu)
        if data.shape[1] >= 50:
            fits.deviance[:: 8 if mu is None else 4] = np.nan
        return fits


def test_failed_toys_are_counted_and_bound_the_limit(tmp_path, monkeypatch):
    """More than a quarter fails. The limits with them for and against exclusion enclose the one without them."""
    monkeypatch.setattr("muscan.inference.engines.Newton", Failing)
    signal = Signal(tmp_path / "signal", SMALL["shapesys"])
    options = ("--mu", 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, "--per-hypothesis", 4000, "--block", 1000)
    limits = signal.limits(*options, "--max-failed-fraction", 0.5)
    for point in limits.points:
        for counts in point["toys"].values():
            assert counts["thrown"] == 4000 == counts["converged"] + counts["rescued"] + counts["failed"]
            assert 900 < counts["failed"] < 1700
    lowest, highest = (limits.failed_toys[f"{word}_exclusion"] for word in ("for", "against"))
    assert lowest["observed_limit"] < limits.observed_limit
    if highest["observed_limit"] is not None:
        assert limits.observed_limit < highest["observed_limit"]
    else:
        assert highest["status"]["observed_limit"] == "above_scan"
    refused = signal.limits(*options, "--max-failed-fraction", 0.1)
    assert refused.status["observed_limit"] == "fit_failed"
    assert refused.observed_limit is None
    assert "% of its toys failed" in refused.failed_points[0]["reason"]
    assert refused.failed_points[0]["status"] == "fit_failed"


def test_nothing_failed_bounds_nothing(reference):
    limits = Limits.from_json(read_json(reference.folder / "limits.json"))
    for word in ("for", "against"):
        assert limits.failed_toys[f"{word}_exclusion"]["observed_limit"] == limits.observed_limit


def test_free_fits_that_end_too_high_are_counted_and_mended():
    """Where the free fit stops above the held one, q would be negative."""

    class Stuck(Newton):
        def fit(self, data, starts, mu=None):
            fits = super().fit(data, starts, mu)
            if mu is None and len(starts) == 1 and starts[0].ndim == 1:
                fits.deviance[:3] += 50
            return fits

    right, stuck = engine_of(SMALL["normsys"]), Stuck(engine_of(SMALL["normsys"]).model)
    data = pseudo_data.throw(right.likelihood, right.model.initial, 20, np.random.default_rng(1))
    start = [right.model.initial]
    mended = pseudo_data.calculate_q(stuck, data, stuck.fit(data, start), 1.0, "qtilde")
    assert mended.q == pytest.approx(
        pseudo_data.calculate_q(right, data, right.fit(data, start), 1.0, "qtilde").q, abs=1e-7
    )
    assert pseudo_data.count(mended).q_below_zero == 3


def test_at_zero_both_hypotheses_are_the_same(reference):
    point = Limits.from_json(read_json(reference.folder / "limits.json")).points[0]
    assert (point["mu"], point["CLs_obs"], point["CLs_exp"]) == (0, 1.0, [1.0] * 5)


def test_bands_without_toys_say_so(signal):
    """50 toys cannot tell where the -2 sigma band crosses, which is where one in a thousand signal toys is."""
    limits = signal.limits("--mu", 1, 2, 3, 4, 5, 6, 8, "--per-hypothesis", 50, "--block", 50)
    assert limits.status["expected_limit"][0] == "toys_too_few"
    assert limits.expected_limit[0] is None
    assert "are needed" in limits.reason["expected_limit"][0]
    for point in limits.points:
        for value, status in zip([point["CLs_obs"], *point["CLs_exp"]], point["CLs_status"], strict=True):
            assert (value is None) == (status == "toys_too_few")
            assert value != 0


def test_a_failed_fit_to_the_data_stops_one_point(tmp_path, monkeypatch):
    original = plan_toys.hypotests

    def failing(engine, prepared, mu, *rest):
        from muscan.base.errors import FitError

        tested = original(engine, prepared, mu, *rest)
        return [FitError("gave up") if value == 2 else each for value, each in zip(mu, tested, strict=True)]

    monkeypatch.setattr(plan_toys, "hypotests", failing)
    scan = ("--mu", 1, 1.5, 2, 2.5, 3, 3.5, 4, 5)
    limits = Signal(tmp_path / "signal", SMALL["shapesys"]).limits(*scan, "--per-hypothesis", 2000)
    assert limits.failed_points == [{"mu": 2.0, "status": "fit_failed", "reason": "gave up"}]
    assert limits.status["observed_limit"] == "ok"


def test_a_failure_before_the_toys_becomes_the_reason(tmp_path):
    signal = Signal(tmp_path / "signal", SMALL["shapesys"])
    Path(signal.fit).write_text('{"status": "failed", "reason": "the fit did not converge"}', encoding="utf-8")
    limits = signal.limits(*MU, "--per-hypothesis", 100)
    assert set(limits.status["expected_limit"]) == {limits.status["observed_limit"]} == {"fit_failed"}
    assert limits.reason["observed_limit"] == "the fit did not converge"


def test_toys_are_added_until_the_target_is_reached(tmp_path):
    signal = Signal(tmp_path / "signal", SMALL["shapesys"])
    limits = signal.until(0.03, *MU, 6, 7, 8, "--max", 1_000_000, "--block", 200)
    assert limits.toys["target_reached"]
    assert limits.observed_limit_error < 0.03 * limits.observed_limit
    assert limits.expected_limit_error[2] < 0.03 * limits.expected_limit[2]
    thrown = limits.toys["blocks_by_round"]["signal"]
    assert max(blocks[-1] for blocks in thrown) > 2 * min(blocks[-1] for blocks in thrown)  # not everywhere alike
    assert all(list(blocks) == sorted(blocks) for blocks in thrown)


def ends_early(monkeypatch) -> None:
    """As if asymptotics were wrong by more than expected: points end between the median and +1 sigma."""
    original = plan_toys.mu_near_limits

    def short(limits: Limits, *rest) -> list[float]:
        return [mu for mu in original(limits, *rest) if mu < 0.55 * limits.expected_limit[4]]

    monkeypatch.setattr(plan_toys, "mu_near_limits", short)


def test_points_are_added_where_the_limits_of_toys_lie_beyond_the_asymptotic_ones(tmp_path, monkeypatch):
    ends_early(monkeypatch)
    limits = Signal(tmp_path / "signal", SMALL["shapesys"]).until(0.05, *MU, 6, 7, 8, "--block", 200)
    first = [
        mu for mu, blocks in zip(limits.toys["mu"], limits.toys["blocks_by_round"]["signal"], strict=True) if blocks[0]
    ]
    assert max(limits.toys["mu"]) > 1.3 * max(first)
    assert limits.status["expected_limit"][3] == "ok"
    assert limits.expected_limit[3] > max(first)
    assert limits.toys["target_reached"]


def test_late_points_end_at_the_bound_of_the_fits_and_may_fail(tmp_path, monkeypatch):
    """Points that come in a later round: none beyond the bound, none twice; one whose fit to the data fails."""
    original = plan_toys.hypotests

    def failing(engine, prepared, mu, *rest):
        from muscan.base.errors import FitError

        tested = original(engine, prepared, mu, *rest)
        return [FitError("gave up") if value > 2.9 else each for value, each in zip(mu, tested, strict=True)]

    monkeypatch.setattr(plan_toys, "hypotests", failing)
    ends_early(monkeypatch)
    signal = Signal(tmp_path / "signal", SMALL["shapesys"], poi_bound=10.006)
    limits = signal.until(0.05, *MU, 6, 7, 8, 10, "--block", 200)
    assert len(set(limits.toys["mu"])) == len(limits.toys["mu"])
    assert max(limits.toys["mu"]) <= 10.006
    assert {point["reason"] for point in limits.failed_points} == {"gave up"}
    assert set(map(len, limits.toys["blocks_by_round"]["signal"])) == {0, ROUNDS}


def test_a_largest_number_below_the_first_round_is_refused(tmp_path):
    limits = Signal(tmp_path / "signal", SMALL["shapesys"]).until(0.05, *MU, "--max", 3000, "--block", 1000)
    assert limits.status["observed_limit"] == "fit_failed"
    assert "raise max (3000) or make block smaller" in limits.reason["observed_limit"]


def test_a_limit_outside_of_the_points_is_not_a_target_that_was_reached(tmp_path):
    """The limit is above 50, and fits reach 10."""
    signal = Signal(tmp_path / "signal", counting([8.0], [0.1], [10.0]))
    limits = signal.until(0.1, "--mu", 0, 5, 10, "--block", 100)
    assert limits.status["observed_limit"] == "above_scan"
    assert limits.toys["target_reached"] is None


def test_the_largest_number_of_toys_is_kept(tmp_path):
    limits = Signal(tmp_path / "signal", SMALL["shapesys"]).until(0.002, *MU, 6, 7, 8, "--max", 9000, "--block", 200)
    assert limits.toys["target_reached"] is False
    assert sum(limits.toys["thrown"].values()) <= 9000


def six(limits: Limits) -> tuple[np.ndarray, np.ndarray]:
    """Values and errors, nan where there is none."""
    values = np.array([value for value, *_ in limits.entries()], dtype=float)
    return values, np.array(limits.limit_errors(), dtype=float)


def test_the_quoted_error_is_the_spread_over_seeds(tmp_path):
    """Limits of many seeds against one run with 100 times more toys (20 times in the small version)."""
    seeds, number, more = (200, 1000, 100) if STUDY else (30, 500, 20)
    signal = Signal(tmp_path / "signal", SMALL["shapesys"])
    scan = ("--mu", 0.75, 1.1, 1.5, 1.9, 2.3, 2.7, 3.2, 3.7, 4.2, 5)
    truth, _ = six(signal.limits(*scan, "--per-hypothesis", more * number, "--block", 5000, "--seed", 10**6))
    found = [six(signal.limits(*scan, "--per-hypothesis", number, "--seed", seed)) for seed in range(seeds)]
    values, errors = np.moveaxis(np.array(found), 1, 0)
    precision = np.sqrt(1 / seeds + 1 / more)  # of the mean pull; the long run has an error too
    for i, name in ((0, "observed"), (3, "expected")):
        pulls = (values[:, i] - truth[i]) / errors[:, i]
        ratio = np.sqrt((errors[:, i] ** 2).mean()) / values[:, i].std(ddof=1)
        print(f"{name} limit {truth[i]:.4f}, {seeds} seeds of {number} + {number} toys: quoted / spread {ratio:.3f}, ")
        print(f"pulls with mean {pulls.mean():.3f} +- {precision:.3f} and width {pulls.std(ddof=1):.3f}")
        assert abs(pulls.mean()) < 3.5 * precision
        assert ratio == pytest.approx(1, abs=0.15 if STUDY else 0.4)
        assert pulls.std(ddof=1) == pytest.approx(1, abs=0.15 if STUDY else 0.4)


def uncertain_signal(size: float) -> dict:
    """4.2 signal events known to this part, 0.11 background events, none observed: CLs falls slowly with mu."""
    signal = ([4.2], [POI, ("us", "shapesys", [4.2 * size])])
    background = ([0.11], [("ub", "normsys", {"hi": 2.0, "lo": 0.001})])
    return workspace({"SR": ([0.0], {"signal": signal, "background": background})})


def test_limits_where_cls_falls_slowly(tmp_path):
    """Against toys of the same counts in a closed form: median 1.158 +- 0.010, +1 sigma 3.51 +- 0.03."""
    signal = Signal(tmp_path / "signal", uncertain_signal(0.7), poi_bound=40.0)
    scan = (0.7, 0.85, 1, 1.2, 1.4, 1.7, 2.1, 2.6, 3.2, 3.8, 4.5, 5.4, 6.5)
    limits = signal.limits("--mu", *scan, "--per-hypothesis", 3000)
    for which, right, uncertainty in ((2, 1.158, 0.010), (3, 3.51, 0.03)):
        error = np.hypot(limits.expected_limit_error[which], uncertainty)
        assert error < 0.2 * right
        assert abs(limits.expected_limit[which] - right) < 3 * error


def test_a_limit_that_its_points_determine_is_given(tmp_path):
    """With 100 % the closed form has CLs = 0.0536 at 2.64 and 0.0471 at 3.01."""
    signal = Signal(tmp_path / "signal", uncertain_signal(1.0), poi_bound=40.0)
    limits = signal.limits("--mu", 1.5, 1.9, 2.3, 2.64, 3.01, 3.5, 4.2, 5, "--per-hypothesis", 5000)
    assert limits.status["observed_limit"] == "ok"
    assert 2.64 - 2 * limits.observed_limit_error < limits.observed_limit < 3.01 + 2 * limits.observed_limit_error
    assert limits.observed_limit_error < 0.35


def test_plans_end_where_toys_exclude(tmp_path):
    """At most twenty values of mu; the last is beyond the +2 sigma limit of toys, but not far."""
    signal = Signal(tmp_path / "signal", uncertain_signal(0.3), poi_bound=40.0)
    limits = signal.until(0.2, *MU, 8)
    assert len(limits.toys["mu"]) <= 20
    assert limits.status["expected_limit"][3:] == ["ok", "ok"]
    assert limits.expected_limit[4] < max(limits.toys["mu"]) < 2.5 * limits.expected_limit[4]


def test_pyhf_can_fit_the_toys(tmp_path):
    """`engine: pyhf` throws the same toys, from fits that differ by Minuit's precision."""
    found = []
    for engine in ("newton", "pyhf"):
        signal = Signal(tmp_path / engine, SMALL["normsys"], engine=engine)
        plan = signal.plan("--mu", 1.5, "--per-hypothesis", 20, "--block", 20)
        signal.throw(plan, [0], 1)
        with np.load(next(signal.folder.glob("toys/mu_1.5/background_0.npz"))) as file:
            found.append(file["q"])
    assert np.median(np.abs(found[1] - found[0])) < 2e-2
    assert np.corrcoef(found)[0, 1] > 0.99


def test_memory_does_not_grow_with_the_number_of_toys(tmp_path):
    """18,000 more toys of 200 counts and as many auxiliary ones would take 58 MB."""
    background = np.full(200, 100.0)
    spec = counting(background.tolist(), [2.0] * 200, background.tolist(), ("stat", "shapesys", [5.0] * 200))
    peak = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    peaks = []
    for blocks in (2, 20):
        signal = Signal(tmp_path / str(blocks), spec)
        plan = signal.plan("--mu", 1, "--per-hypothesis", 1000 * blocks)
        options = [*signal.common, "--plan", plan, "--toys", signal.folder / "toys", "--output", signal.folder / "done"]
        program = f"import sys; sys.path.insert(0, {str(Path(throw_toys.__file__).parent)!r})\nimport throw_toys\n"
        program += f"throw_toys.main({[*map(str, options)]!r})\n{peak}"
        run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
        peaks.append(int(run.stdout.split()[-1]))
    assert peaks[1] < peaks[0] + 20_000  # kB
