"""The check of asymptotic limits: toys against closed formulas of counting experiments, and what is said of limits."""

import json
import os
import types
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import pdtr

import scan_signals
from helpers.steps import run_step
from helpers.workspaces import MU, SMALL, counting, normsys, workspace
from muscan.config.schema import complete
from muscan.config.settings import check_options, scan_settings
from muscan.histfactory.compile import compile_workspace
from muscan.inference.calculators import RELEVANT
from muscan.inference.engines import Pyhf
from muscan.inference.fit_bounds import fit_and_find_range
from muscan.inference.hypotest import hypotests, prepare
from muscan.inference.newton import Newton
from muscan.inference.signal_point import bounded, run_tests
from muscan.records.limits import Limits
from muscan.report import run_findings
from muscan.report.fit_section import _check_facts
from muscan.steps import limit_check
from muscan.steps.invert import Curves, limits_record
from muscan.steps.limit_check import with_check, with_error
from muscan.toys import asymptotics_check, pseudo_data, sensitivity
from muscan.toys.asymptotics_check import check_by_toys, estimated_seconds
from muscan.toys.sensitivity import sensitivities
from muscan.toys.weighted import CLsEstimate, ToySource, WeightedToys, log_probability

ALPHA = 0.05
SIGNAL_ALONE = np.log(20) / 3  # the limit on a signal of 3 events where nothing is observed, whatever the background
TWO_BINS = counting([50, 12], [10.0, 6.0], [50.0, 10.0], ("stat", "shapesys", [7.0, 3.0]), normsys(0.1))
KIND = {"calculator": "asymptotics", "test_statistic": "qtilde"}


def asymptotic(spec: dict, test_statistic: str = "qtilde"):
    """The engine, the fits and the asymptotic limits of a workspace."""
    model = compile_workspace(spec)
    engine, prepared, mu = fit_and_find_range(
        lambda bound: Newton(bounded(model, test_statistic, bound)), test_statistic, ALPHA
    )
    result = types.SimpleNamespace(test_statistic=test_statistic, blinded=False)
    curves = Curves(
        run_tests(engine, prepared, mu, result, "asymptotics"),
        lambda values: run_tests(engine, prepared, values, result, "asymptotics"),
    )
    return (
        engine,
        prepared,
        limits_record(curves.limits(ALPHA), curves, 1 - ALPHA, **KIND | {"test_statistic": test_statistic}),
    )


def both(limits: Limits) -> tuple[float, float]:
    return limits.observed_limit, limits.expected_limit[2]


def counted(observed: int, background: float, signal: float, mu: float) -> float:
    """CLs of a counting experiment without uncertainties: fewer events speak against the signal."""
    return pdtr(observed, background + mu * signal) / pdtr(observed, background)


def limit_of(observed: int, background: float, signal: float) -> float:
    return brentq(lambda mu: counted(observed, background, signal, mu) - ALPHA, 0, 100 / signal)


def test_nothing_observed_where_little_is_expected():
    engine, prepared, limits = asymptotic(counting([0], [3.0], [0.3]))
    checked = with_check(engine, prepared, limits, "auto", False, 0).check
    observed, expected = checked["observed"], checked["expected"]
    assert observed["mu"] == pytest.approx(0.712, abs=1e-3)
    for each in (observed, expected):  # the median of the background is 0 events too
        assert each["CLs"] == pytest.approx(np.exp(-3 * each["mu"]), rel=1e-3)
        assert each["limit"] == pytest.approx(SIGNAL_ALONE, rel=1e-3)
        assert each["verdict"] == "differs"
    assert checked["warnings"][0] == (
        "asymptotic observed limit 0.712, but toys find CLs = 0.1181, not 0.05: "
        "too strong by about 29 % (about 0.9986). Add toybased to calculators"
    )
    assert checked["failed_toys"] == 0 < checked["toys"]


@pytest.mark.parametrize(("observed", "background"), [(3, 5.0), (9, 4.2), (0, 3.0), (1, 0.6)])
def test_limits_of_counting_experiments(observed, background):
    engine, prepared, limits = asymptotic(counting([observed], [1.0], [background]))
    found = check_by_toys(engine, prepared, both(limits), "qtilde", ALPHA, 0)
    median = int(np.flatnonzero(pdtr(np.arange(20), background) >= 0.5)[0])
    for each, events in ((found.observed, observed), (found.expected, median)):
        assert abs(each.CLs.value - counted(events, background, 1.0, each.mu)) < 4 * each.CLs.error
        assert each.CLs.error < 0.1 * each.CLs.value
        right = limit_of(events, background, 1.0)
        if each.limit is None:
            assert each.mu == pytest.approx(right, rel=RELEVANT)
        else:
            assert abs(each.limit - right) < 4 * each.limit_error + 1e-3 * right


def test_errors_are_honest():
    """Pulls of CLs over seeds, against the closed formula."""
    engine, prepared, limits = asymptotic(counting([4], [1.0], [5.0]))
    mu = both(limits)
    found = [check_by_toys(engine, prepared, mu, "qtilde", ALPHA, seed) for seed in range(16)]
    for which, events in (("observed", 4), ("expected", 5)):
        values = [getattr(each, which).CLs for each in found]
        right = counted(events, 5.0, 1.0, getattr(found[0], which).mu)
        pulls = np.array([(each.value - right) / each.error for each in values])
        assert abs(pulls.mean()) < 4 / np.sqrt(len(pulls))
        assert 0.5 < pulls.std(ddof=1) < 1.6


@pytest.mark.parametrize("name", ["shapesys", "deficit"])
def test_weighted_toys_agree_with_toys_of_each_hypothesis(name):
    engine, prepared, limits = asymptotic(SMALL[name])
    found = check_by_toys(engine, prepared, both(limits), "qtilde", ALPHA, 0)
    number = 20_000
    background = prepared.reference.parameters
    for each, median in ((found.observed, False), (found.expected, True)):
        (tested,) = hypotests(engine, prepared, [each.mu], "qtilde", "asymptotics")
        q = []
        for parameters in (tested.parameters, background):
            data = pseudo_data.throw(engine.likelihood, parameters, number, np.random.default_rng(1))
            q.append(pseudo_data.calculate_q(engine, data, engine.fit(data, [parameters]), each.mu, "qtilde").q)
        threshold = np.median(q[1]) if median else tested.q_obs
        tails = [(values >= threshold - 1e-6).sum() for values in q]
        error = each.CLs.value * np.sqrt(1 / tails[0] + (8 if median else 1) / tails[1])
        assert abs(each.CLs.value - tails[0] / tails[1]) < 4 * np.hypot(each.CLs.error, error)


def test_weights_make_toys_of_one_fit_of_toys_of_others():
    """The mean weight is 1, and weighted toys have the mean of the fit, also one that threw none of them."""
    engine = asymptotic(TWO_BINS)[0]
    initial = engine.model.initial.copy()
    sources = []
    for mu in (0.0, 1.0, 2.0):
        parameters = initial.copy()
        parameters[engine.model.poi] = mu
        sources.append(ToySource("test", mu, parameters, 4000))
    thrown = WeightedToys(engine, "qtilde", sources, lambda name, mu, block: np.random.default_rng([int(mu), block]))
    thrown.throw_block()
    data = thrown.blocks[0][0]
    for parameters in (sources[1].parameters, (sources[0].parameters + sources[1].parameters) / 2):
        weights = thrown.weights(parameters)
        assert weights.mean() == pytest.approx(1, abs=0.05)
        assert data @ weights / weights.sum() == pytest.approx(engine.likelihood.asimov(parameters), abs=0.4)


def test_differences_of_log_probabilities_are_those_of_the_deviance():
    engine = asymptotic(TWO_BINS)[0]
    data = np.repeat(engine.model.data[:, None], 2, axis=1)
    first, second = engine.model.initial, engine.model.initial * 1.1 + 0.1
    logs = [log_probability(engine.likelihood, each, data)[0] for each in (first, second)]
    deviances = [engine.likelihood.deviance_of(each, data[:, 0]) for each in (first, second)]
    assert logs[0] - logs[1] == pytest.approx((deviances[1] - deviances[0]) / 2, rel=1e-9)


@pytest.mark.parametrize(
    "spec",
    [
        counting([4000], [100.0], [4000.0]),
        counting([2050, 3100, 970], [30.0, 60.0, 20.0], [2000.0, 3000.0, 1000.0], normsys(0.02)),
        counting([3900, 3100], [60.0, 90.0], [4000.0, 3000.0], ("stat", "shapesys", [40.0, 30.0])),
    ],
)
@pytest.mark.parametrize("test_statistic", ["qtilde", "q"])
def test_nothing_is_warned_of_where_events_are_many(spec, test_statistic):
    engine, prepared, limits = asymptotic(spec, test_statistic)
    for seed in range(4):
        checked = with_check(engine, prepared, limits, "auto", False, seed).check
        assert checked["by"] == "toys"
        assert checked["warnings"] == []
        assert [checked[name]["verdict"] for name in ("observed", "expected")] == ["agrees"] * 2
    assert min(each.events for each in sensitivities(engine, prepared, list(both(limits)))) > 1000


def test_the_same_numbers_again_whatever_was_checked_before():
    first, other = asymptotic(counting([3], [1.0], [5.0])), asymptotic(SMALL["normsys"])
    found = [json.dumps(with_check(*first, "auto", False, 0).check)]
    with_check(*other, "auto", False, 0)
    found += [json.dumps(with_check(*first, "auto", False, 0).check)]
    found += [json.dumps(with_check(*asymptotic(counting([3], [1.0], [5.0])), "auto", False, 0).check)]
    assert len(set(found)) == 1
    assert json.dumps(with_check(*first, "auto", False, 1).check) != found[0]


def test_pyhfs_limits_are_checked_with_newton_steps():
    spec = counting([3], [1.0], [5.0], normsys(0.01))
    newton, prepared, limits = asymptotic(spec)
    pyhf = Pyhf(newton.model, spec)
    found = [
        check_by_toys(*each, both(limits), "qtilde", ALPHA, 0)
        for each in ((newton, prepared), (pyhf, prepare(pyhf, "qtilde")))
    ]
    assert found[0].observed.CLs.value == pytest.approx(found[1].observed.CLs.value, rel=1e-6)


def test_a_limit_that_is_too_weak():
    """Toys cannot tell CLs below a thousandth of alpha from none, but say on which side a limit is off."""
    found = limit_check._check_of_toys(
        "observed", asymptotics_check.LimitCheck(2.0, CLsEstimate(0.03, 0.002), 1.6, 0.05), ALPHA, 0
    )
    assert found["warning"].startswith(
        "asymptotic observed limit 2, but toys find CLs = 0.0300 ± 0.0020, not 0.05: too weak"
    )
    assert "by about 25 % (about 1.600 ± 0.050)" in found["warning"]
    little = limit_check._check_of_toys(
        "observed", asymptotics_check.LimitCheck(2.0, CLsEstimate(0.03, 0.002), 1.95, 0.05), ALPHA, 0
    )
    assert (little["verdict"], little["warning"]) == ("differs", None)


def test_what_toys_cannot_tell_is_said():
    unknown = asymptotics_check.LimitCheck(2.0, CLsEstimate(np.nan, np.nan))
    assert "too few are as far" in limit_check._check_of_toys("observed", unknown, ALPHA, 0)["warning"]
    rough = asymptotics_check.LimitCheck(2.0, CLsEstimate(0.04, 0.012))
    assert "CLs there is 0.040 ± 0.012" in limit_check._check_of_toys("expected", rough, ALPHA, 0)["warning"]
    failed = limit_check._check_of_toys(
        "observed", asymptotics_check.LimitCheck(2.0, CLsEstimate(0.05, 0.001)), ALPHA, 31
    )
    assert (failed["verdict"], failed["CLs"]) == ("unknown", None)
    assert "the fits of 31 toys failed" in failed["warning"]
    beyond = asymptotics_check.LimitCheck(2.0, CLsEstimate(0.12, 0.002), beyond=31.0)
    assert "CLs is not 0.05 up to mu = 31 either" in limit_check._check_of_toys("observed", beyond, ALPHA, 0)["warning"]


def test_failed_toys_are_counted(monkeypatch):
    engine, prepared, limits = asymptotic(counting([3], [1.0], [5.0]))
    test = pseudo_data.calculate_q

    def failing(*args):
        found = test(*args)
        found.q[:40] = np.nan
        return found

    monkeypatch.setattr(pseudo_data, "calculate_q", failing)
    assert with_check(engine, prepared, limits, "auto", False, 0).check["by"] == "events"
    checked = with_check(engine, prepared, limits, "true", False, 0).check
    assert checked["failed_toys"] == checked["toys"] // 600 * 40
    assert [checked[name]["verdict"] for name in ("observed", "expected")] == ["unknown"] * 2


def test_a_deficit_beyond_all_toys_is_not_judged():
    """No observed event where 25 are expected happens once in 10^11."""
    engine, prepared, limits = asymptotic(counting([0], [5.0], [25.0]))
    checked = with_check(engine, prepared, limits, "auto", False, 0).check
    assert (checked["observed"]["CLs"], checked["observed"]["verdict"]) == (None, "unknown")
    assert checked["expected"]["CLs"] == pytest.approx(counted(25, 25.0, 5.0, checked["expected"]["mu"]), rel=0.3)


def test_limits_that_are_not_checked():
    engine, prepared, limits = asymptotic(counting([0], [3.0], [0.3]))
    assert with_check(engine, prepared, limits, "false", False, 0).check["reason"] == "check_asymptotics is false"
    beside = with_check(engine, prepared, limits, "auto", True, 0).check
    assert (beside["by"], beside["reason"]) == (None, "limits from toys are computed too")
    assert with_check(engine, prepared, limits, "true", True, 0).check["by"] == "toys"
    failed = Limits.from_failure("no fit", 0.95, **KIND)
    assert (
        "neither the observed nor the median expected"
        in with_check(None, None, failed, "auto", False, 0).check["reason"]
    )
    blind = with_check(engine, prepared, limits.without_observed(), "auto", False, 0).check
    assert blind["observed"] is None
    assert blind["expected"]["limit"] == pytest.approx(SIGNAL_ALONE, rel=1e-3)


def test_a_blind_check_does_not_depend_on_the_observed_data(tmp_path):
    contents = []
    for observed in (0, 3, 9):
        folder = tmp_path / str(observed)
        folder.mkdir()
        (folder / "published.json").write_text(json.dumps(counting([observed], [3.0], [0.3], normsys(0.1))))
        (folder / "checked.json").write_text('{"status": "ok"}')
        argv = ["--workspace", str(folder / "published.json"), "--checked", str(folder / "checked.json"), "--blind"]
        run_step(scan_signals, [*argv, "--folder", str(folder), "--signals", "signal"])
        contents.append((folder / "signal" / "asymptotics" / "limits.json").read_bytes())
    assert contents[0] == contents[1] == contents[2]
    found = json.loads(contents[0])["check"]
    assert found["by"] == "toys"
    assert found["observed"] is None
    assert found["warnings"]


@pytest.mark.parametrize("bins", [1, 4])
def test_events_of_equal_bins_add_up(bins):
    """The mean of the expectations with and without signal, as long as all bins are alike."""
    engine, prepared, _ = asymptotic(counting([5] * bins, [2.0] * bins, [4.0] * bins))
    (found,) = sensitivities(engine, prepared, [1.5])
    assert found.events == pytest.approx(bins * (4.0 + 0.5 * 1.5 * 2.0), rel=1e-6)
    assert found.signal == pytest.approx(1)


def test_a_bin_without_sensitivity_adds_no_events():
    engine, prepared, _ = asymptotic(counting([1, 5000], [2.0, 0.1], [0.5, 5000.0]))
    (found,) = sensitivities(engine, prepared, [1.5])
    assert found.events == pytest.approx(0.5 + 0.5 * 1.5 * 2.0, rel=0.01)


def test_large_models_are_judged_by_events(monkeypatch):
    monkeypatch.setattr(limit_check, "AFFORDABLE", 0.0)
    few = with_check(*asymptotic(counting([0], [3.0], [0.3])), "auto", False, 0).check
    assert (few["by"], few["observed"]["verdict"]) == ("events", "doubtful")
    assert (
        "rests on about 1.4 events in the bins that carry the sensitivity: it may be off by up to 35 %"
        in few["warnings"][0]
    )
    many = with_check(*asymptotic(counting([4000], [100.0], [4000.0])), "auto", False, 0).check
    assert (many["by"], many["warnings"]) == ("events", [])
    uncertain = workspace(
        {"c": ([4000], {"signal": ([300.0], [MU, normsys(0.5, "signal")]), "background": ([4000.0], [normsys(0.03)])})}
    )
    checked = with_check(*asymptotic(uncertain), "auto", False, 0).check
    assert "scales the signal by" in checked["warnings"][0]
    assert with_check(*asymptotic(counting([0], [3.0], [0.3])), "true", False, 0).check["by"] == "toys"


def test_the_report_says_what_was_found():
    engine, prepared, limits = asymptotic(counting([0], [3.0], [0.3]))

    def said(*options) -> str:
        return dict(_check_facts({"asymptotics": with_check(engine, prepared, limits, *options)}))[
            "Check of asymptotic limits"
        ]

    assert said("auto", False, 0).startswith("CLs at the observed limit 0.712: 0.1181; CLs at the expected limit 0.867")
    assert said("auto", True, 0) == "none: limits from toys are computed too"


def test_a_warning_needs_more_than_a_little_doubt():
    """Between 10 and 30 events a limit may be off by 10 %, which the report says."""
    said = limit_check._check_of_events("observed", 2.0, sensitivity.Sensitivity(20.0, 1.0))
    assert (said["verdict"], said["off"], said["warning"]) == ("doubtful", 0.1, None)
    said = limit_check._check_of_events("observed", 2.0, sensitivity.Sensitivity(31.0, 1.0))
    assert (said["verdict"], said["off"], said["warning"]) == ("agrees", 0.0, None)


def test_the_time_of_toys_is_estimated_from_the_model_alone():
    quick, slow = (asymptotic(SMALL[name])[0] for name in ("shapesys", "every modifier"))
    assert estimated_seconds(quick) < 0.2 < estimated_seconds(slow) < 5
    assert estimated_seconds(quick) == estimated_seconds(asymptotic(SMALL["shapesys"])[0])


def test_options_of_the_check():
    def options(scan: dict, analysis: dict) -> dict:
        config = {"scan": scan, "analyses": {"a": {"dataset": "d"} | analysis}}
        return check_options(scan_settings(complete(config), "a"))

    assert options({}, {}) == {"check_asymptotics": "auto", "seed": 0}
    assert options({"check_asymptotics": False}, {})["check_asymptotics"] == "false"
    assert options({"check_asymptotics": False}, {"check_asymptotics": True})["check_asymptotics"] == "true"
    assert options({"toys": {"seed": 7}}, {})["seed"] == 7


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.1181, 1e-17, "0.1181"),
        (0.1181, 0.005, "0.1181 ± 0.0050"),
        (3.65, 0.06, "3.650 ± 0.060"),
        (120.0, 35.0, "120 ± 35"),
    ],
)
def test_numbers_with_errors(value, error, text):
    assert with_error(value, error) == text


def rows(asymptotic_limit: float, from_toys: float, error: float) -> list[dict[str, str]]:
    common = dict.fromkeys(("gof_p_value", "mu_hat_at_bound", "reason", "expected_m2", "expected_p2", "warning"), "")
    common |= {"analysis": "a", "signal": "signal", "status": "ok", "expected": "", "expected_error": ""}
    first = common | {"calculator": "asymptotics", "observed_limit": str(asymptotic_limit), "observed_limit_error": ""}
    second = {"calculator": "toybased", "observed_limit": str(from_toys), "observed_limit_error": str(error)}
    return [first | {"warning": "first; second"}, common | second]


def test_what_is_to_be_looked_at_first():
    found = run_findings.collect_findings(rows(0.712, 0.9926, 0.012), {("a", "signal"): {}})
    assert [each.message for each in found if each.kind == "asymptotics"] == [
        "asymptotic observed limit 0.712, 0.9926 ± 0.012 from toys: it is too strong by about 28 %, use that from toys",
        "first",
        "second",
    ]


@pytest.mark.parametrize(("limit", "error"), [(0.97, 0.001), (0.8, 0.06)])
def test_calculators_that_agree(limit, error):
    """By less than 5 %, or within four standard deviations."""
    found = run_findings.collect_findings(rows(limit, 1.0, error), {("a", "signal"): {}})
    assert not [each for each in found if "from toys" in each.message]


# --- A study: what events tell of the limits of random models, judged by toys (make study-check)


def random_model(rng: np.random.Generator, kind: int) -> dict:
    """Counting experiments without and with uncertainties, several bins, and uncertain signals; 0.1 to 300 events."""
    bins, scale = (1, 10 ** rng.uniform(-1, 2.5)) if kind < 2 else (int(rng.integers(2, 8)), 10 ** rng.uniform(-0.5, 2))
    background = scale * (np.ones(1) if bins == 1 else rng.uniform(0.2, 2, bins))
    signal = np.sqrt(scale) * (np.ones(1) if bins == 1 else rng.uniform(0, 1, bins) ** 2 + 0.01)
    size, of_signal = rng.uniform(0.02, 0.3), rng.uniform(0.02, 0.6)
    modifiers = {
        0: ([], []),
        1: ([normsys(0.05)], [("stat", "shapesys", (size * background).tolist())]),
        2: ([normsys(0.1)], [("stat", "staterror", (size * background).tolist()), normsys(0.1)]),
        3: ([("own", "normsys", {"hi": 1 + of_signal, "lo": 1 / (1 + of_signal)})], [normsys(0.05)]),
    }[kind]
    samples = {"signal": (signal.tolist(), [MU, *modifiers[0]]), "background": (background.tolist(), modifiers[1])}
    return workspace({"channel": (rng.poisson(background).astype(float).tolist(), samples)})


@pytest.mark.skipif("MUSCAN_STUDY" not in os.environ, reason="a study: make study-check")
def test_study_of_what_events_tell():
    rng = np.random.default_rng(0)
    found = []
    for number in range(250):
        engine, prepared, limits = asymptotic(random_model(rng, number % 4))
        if None in both(limits):
            continue
        checked = check_by_toys(engine, prepared, both(limits), "qtilde", ALPHA, 0)
        of_events = sensitivities(engine, prepared, list(both(limits)))
        for each, said in zip((checked.observed, checked.expected), of_events, strict=True):
            ratio = each.mu / each.limit if each.limit else 1.0 if each.beyond is None else 0.0
            found.append((abs(ratio - 1), said.events, abs(said.signal - 1)))
    off, events, change = np.array(found).T
    uncertain = change > sensitivity.SIGNAL_CHANGE
    groups = {"all": (off >= 0, 1.0), "signal changed": (uncertain, sensitivity.ERROR_BY_SIGNAL)}
    for (low, high), most in zip(pairwise((0, 3, 10, 30, 100, np.inf)), (0.35, 0.2, 0.1, 0.05, 0.05), strict=True):
        groups[f"else {low} to {high} events"] = (events >= low) & (events < high) & ~uncertain, most
    for name, (of, most) in groups.items():
        number, worst = (off[of] > RELEVANT).sum(), 100 * off[of].max(initial=0)
        print(f"{name}: {of.sum()} limits, {number} off by more than 5 %, at most {worst:.1f} %")
        assert worst < 100 * most
    assert list(sensitivity.ERROR_BY_EVENTS.items()) == [(3, 0.35), (10, 0.2), (30, 0.1)]
