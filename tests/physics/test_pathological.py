"""Valid models that are nearly pathological: limits against pyhf or closed formulas, or a reason why there are none."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from helpers.judge import Judge, at_most, complaints, limits_of
from helpers.workspaces import EVERY_MODIFIER, LUMI, MU, counting, engine_of, fit, normsys, workspace
from muscan.inference.hypotest import prepare

SCALE = normsys(0.1)
FREE = ("free", "normfactor", None)
ODD = ("$\\mu$ [a/b]\u2028", "normfactor", None)
SHAPE = {"hi_data": [58.0, 49.0], "lo_data": [43.0, 54.0]}
BOTH = {"signal": ([10.0, 6.0], [MU]), "background": ([50.0, 52.0], [SCALE])}


MODELS = {
    "zero observed": counting([0.0], [5.0], [3.0], SCALE),
    "no nuisance parameter": counting([6.0, 9.0], [3.0, 2.0], [4.0, 7.0]),
    "huge counts": counting([100_010_000.0], [1e5], [1e8], normsys(1e-4)),
    "tiny background": counting([0.0, 1.0], [2.0, 3.0], [1e-6, 1e-6], SCALE),
    "tiny background, events observed": counting([3.0], [2.0], [1e-6], SCALE),
    "signal in one channel of many": workspace(
        {"region": ([55.0, 62.0], BOTH)}
        | {f"control{i}": ([98.0 + i], {"background": ([100.0], [SCALE, normsys(0.05, f"own{i}")])}) for i in range(8)}
    ),
    "deficit": counting([30.0, 35.0], [10.0, 6.0], [50.0, 52.0], SCALE),
    "excess beyond the default bound": counting([500.0], [10.0], [50.0], SCALE),
    "large signal": counting([55.0], [3e5], [50.0], SCALE),
    "small signal": counting([55.0], [2e-3], [50.0], SCALE),
    "normsys and histosys of one name": counting(
        [55.0, 62.0], [10.0, 6.0], [50.0, 52.0], ("one", "normsys", {"hi": 1.1, "lo": 0.9}), ("one", "histosys", SHAPE)
    ),
    "normfactor of several samples": workspace(
        {
            "region": (
                [55.0, 62.0],
                BOTH | {"other": ([5.0, 3.0], [FREE]), "top": ([7.0, 9.0], [FREE, normsys(0.2, "theory")])},
            ),
            "control": ([101.0], {"top": ([80.0], [FREE]), "background": ([15.0], [SCALE])}),
        }
    ),
    "signal strength of the background too": workspace(
        {
            "region": ([55.0], {"signal": ([10.0], [MU]), "background": ([40.0], [SCALE]), "more": ([3.0], [MU])}),
            "control": ([13.0], {"interference": ([5.0], [MU]), "background": ([10.0], [SCALE])}),
        }
    ),
    "negative template": workspace(
        {
            "region": (
                [55.0, 60.0],
                {
                    "signal": ([10.0, 6.0], [MU]),
                    "background": ([50.0, 60.0], [SCALE]),
                    "interference": ([-3.0, -8.0], [normsys(0.2, "theory")]),
                },
            )
        }
    ),
    "zero nominal lifted by histosys": counting(
        [3.0, 62.0],
        [10.0, 6.0],
        [0.0, 52.0],
        ("shape", "histosys", {"hi_data": [4.0, 49.0], "lo_data": [0.5, 54.0]}),
    ),
    "no signal in one channel": workspace(
        {"region": ([55.0, 62.0], BOTH), "empty": ([9.0], {"signal": ([0.0], [MU]), "background": ([8.0], [SCALE])})}
    ),
    "no events in one channel": workspace(
        {"region": ([55.0, 62.0], BOTH), "empty": ([0.0], {"signal": ([0.0], [MU]), "background": ([0.0], [SCALE])})}
    ),
    "signal without background in a bin": counting([0.0, 62.0], [1.0, 6.0], [0.0, 52.0], SCALE),
    "lumi alone": counting([55.0], [10.0], [50.0], ("lumi", "lumi", None), parameters=(LUMI,)),
    "fixed parameters": counting(
        [55.0],
        [10.0],
        [50.0],
        SCALE,
        FREE,
        parameters=[{"name": "scale", "fixed": True, "inits": [0.7]}, {"name": "free", "fixed": True, "inits": [1.1]}],
    ),
    "a fixed parameter outside of its bounds": counting(
        [55.0],
        [10.0],
        [50.0],
        SCALE,
        parameters=[{"name": "scale", "fixed": True, "inits": [2.0], "bounds": [[-1, 1]]}],
    ),
    "bounds without the best fit": workspace(
        {"region": ([55.0, 62.0], BOTH), "control": ([101.0, 93.0], {"background": ([80.0, 90.0], [SCALE])})},
        parameters=[{"name": "scale", "bounds": [[-5.0, -0.5]]}],
    ),
    "bounds that are equal": counting(
        [55.0], [10.0], [50.0], FREE, parameters=[{"name": "free", "bounds": [[1.2, 1.2]]}]
    ),
    "start outside of the bounds": counting(
        [55.0], [10.0], [50.0], SCALE, parameters=[{"name": "scale", "bounds": [[-1, 1]], "inits": [30.0]}]
    ),
    "normsys without effect": counting([55.0], [10.0], [50.0], ("none", "normsys", {"hi": 1.0, "lo": 1.0}), SCALE),
    "normsys of one side": counting([55.0], [10.0], [50.0], ("one", "normsys", {"hi": 1.2, "lo": 1.0})),
    "normsys of the same side": counting(
        [55.0, 62.0], [10.0, 6.0], [50.0, 52.0], ("one", "normsys", {"hi": 1.2, "lo": 1.1})
    ),
    "shapefactor that takes up a control region": workspace(
        {
            "region": (
                [55.0, 62.0],
                {"signal": ([10.0, 6.0], [MU]), "background": ([50.0, 52.0], [SCALE, ("form", "shapefactor", None)])},
            ),
            "control": ([101.0, 93.0], {"background": ([80.0, 90.0], [("form", "shapefactor", None)])}),
        }
    ),
    "parameter of interest of another name": workspace(
        {
            "region": ([55.0], {"signal": ([10.0], [ODD]), "background": ([50.0], [SCALE, FREE])}),
            "control": ([98.0], {"background": ([100.0], [FREE])}),
        },
        poi=ODD[0],
    ),
    "lower bound below zero": counting(
        [40.0], [10.0], [50.0], SCALE, parameters=[{"name": "mu", "bounds": [[-5.0, 5.0]]}]
    ),
    "bounds narrower than the limit": counting(
        [55.0], [10.0], [50.0], SCALE, parameters=[{"name": "mu", "bounds": [[0.0, 0.5]]}]
    ),
    "bounds above zero": counting(
        [55.0], [10.0], [50.0], SCALE, parameters=[{"name": "mu", "bounds": [[2.0, 8.0]], "inits": [5.0]}]
    ),
    "observed numbers that are not whole": counting(
        [55.4, 61.7], [10.0, 6.0], [50.0, 52.0], ("stat", "shapesys", [7.0, 5.0])
    ),
    "uncertainties of zero": counting(
        [55.0, 62.0], [10.0, 6.0], [50.0, 52.0], ("stat", "shapesys", [0.0, 5.0]), ("mc", "staterror", [0.0, 0.0])
    ),
    "uncertainty twice the events": counting([55.0], [10.0], [50.0], ("stat", "shapesys", [100.0])),
    "a ridge in the middle": counting(
        [20.0, 90.0],
        [10.0, 6.0],
        [50.0, 60.0],
        ("bump", "histosys", {"hi_data": [15.0, 85.0], "lo_data": [15.0, 85.0]}),
    ),
}


@pytest.mark.parametrize("test_statistic", ["qtilde", "q"])
@pytest.mark.parametrize("name", MODELS)
def test_limits_are_those_of_pyhf(tmp_path, name, test_statistic):
    with at_most(30):
        results = limits_of(tmp_path / "x", MODELS[name], "--test-statistic", test_statistic)
    assert set(results.statuses()) == {"ok"}, results.limits["reason"]
    assert complaints(results, MODELS[name], which=(0, 1, 3, 5)) == []


def counting_limit(observed: float, background: float, alpha: float = 0.05) -> tuple[float, float]:
    """Observed and median expected limit on the number of signal events, without uncertainties, from qtilde.

    Equations (59), (65) and (66) of arXiv:1007.1727 with q of two Poisson probabilities.
    """

    def q(n: float, s: float) -> float:
        best = max(n - background, 0.0)
        if best > s:
            return 0.0
        half = (s - best) - (n * np.log((s + background) / (best + background)) if n else 0.0)
        return 2 * max(half, 0.0)  # rounding

    def observed_cls(s: float) -> float:
        here, there = q(observed, s), q(background, s)
        if here > there:
            sb, b = (here + there) / (2 * np.sqrt(there)), (here - there) / (2 * np.sqrt(there))
        else:
            sb, b = np.sqrt(here), np.sqrt(here) - np.sqrt(there)
        return norm.sf(sb) / norm.sf(b)

    far = 10 * (background + observed + 10)
    median = brentq(lambda s: norm.sf(np.sqrt(q(background, s))) / 0.5 - alpha, 1e-3, far)
    return brentq(lambda s: observed_cls(s) - alpha, 1e-3, far), median


@pytest.mark.parametrize("signal", [1e-8, 1e-4, 1.0, 1e4, 1e8, 1e11])
@pytest.mark.parametrize(("observed", "background"), [(0.0, 3.0), (5.0, 5.0), (12.0, 5.0), (3.0, 1e-6), (1e8, 1e8)])
def test_limits_of_a_single_count_by_hand(tmp_path, signal, observed, background):
    """The range of mu follows the size of the signal over 19 orders of magnitude."""
    results = limits_of(tmp_path / "x", counting([observed], [signal], [background]))
    expected = counting_limit(observed, background)
    found = results.all_limits()
    if expected[1] / signal > 2e8:  # other limits are above what a scan tries
        assert "above_scan" in results.statuses()
    elif min(expected) / signal < 1e-11:
        assert found[0] is None or found[0] == pytest.approx(expected[0] / signal, rel=1e-3)
    else:
        assert [found[0] * signal, found[3] * signal] == pytest.approx(expected, rel=2e-4)


def test_a_given_range_of_large_and_small_limits(tmp_path):
    spec = counting([55.0], [3e5], [50.0], SCALE)
    given = limits_of(tmp_path / "x", spec, "--mu", "0", "5e-5", "1e-3", "--poi-bound", "1e-3")
    auto = limits_of(tmp_path / "y", spec)
    assert given.all_limits() == pytest.approx(auto.all_limits(), rel=3e-5)
    assert given.all_limits()[0] < 1e-4


def test_200_channels_of_a_bin(tmp_path):
    """The channels are copies: limits are those of a single channel with 200 times the events."""
    channels = {f"c{i}": ([55.0], {"signal": ([1.0], [MU]), "background": ([50.0], [SCALE])}) for i in range(200)}
    many = limits_of(tmp_path / "many", workspace(channels))
    one = limits_of(tmp_path / "one", counting([55.0 * 200], [200.0], [50.0 * 200], SCALE))
    assert many.all_limits() == pytest.approx(one.all_limits(), rel=1e-4)


def test_200_parameters_without_effect(tmp_path):
    nothing = [(f"none{i}", "normsys", {"hi": 1.0, "lo": 1.0}) for i in range(200)]
    many = limits_of(tmp_path / "many", counting([55.0], [10.0], [50.0], SCALE, *nothing))
    one = limits_of(tmp_path / "one", counting([55.0], [10.0], [50.0], SCALE))
    assert many.all_limits() == pytest.approx(one.all_limits(), rel=3e-5)


def test_200_parameters_that_share_an_uncertainty(tmp_path):
    """Independent uncertainties of one sample add in quadrature, to first order."""
    many = limits_of(tmp_path / "m", counting([55.0], [10.0], [50.0], *(normsys(1e-3, f"s{i}") for i in range(200))))
    one = limits_of(tmp_path / "one", counting([55.0], [10.0], [50.0], normsys(1e-3 * np.sqrt(200))))
    assert many.all_limits() == pytest.approx(one.all_limits(), rel=1e-3)


def test_every_modifier(tmp_path):
    results = limits_of(tmp_path / "x", EVERY_MODIFIER)
    assert complaints(results, EVERY_MODIFIER, which=(0, 3)) == []


# --- Several badly known factors of one template: each of them alone may empty it


def of_signal(observed: list, signal: list, background: list, *modifiers: tuple) -> dict:
    """A signal with these modifiers over a known background."""
    return workspace({"A": (observed, {"signal": (signal, [MU, *modifiers]), "background": (background, [])})})


TWICE = ("own", "shapesys", [172.8])
ROUGH = ("mc", "staterror", [77.76])
# Modifiers of the signal, mu, and where one factor alone has emptied it; the rest is nominal.
EMPTIED = {
    "a gamma of staterror": (
        of_signal([412.0], [86.4], [326.0], ROUGH, TWICE, ("scale", "normsys", {"hi": 0.8, "lo": 0.9})),
        432.0,
        {"mc[0]": 1e-8},
    ),
    "staterror in two bins": (
        of_signal(
            [60.0, 110.0],
            [20.0, 40.0],
            [58.0, 112.0],
            ("mc", "staterror", [16.0, 28.0]),
            ("own", "shapesys", [24.0, 60.0]),
        ),
        170.0,
        {"mc[0]": 1e-8, "mc[1]": 1e-8},
    ),
    "a histosys": (
        of_signal(
            [95.0],
            [30.0],
            [97.0],
            ("own", "shapesys", [45.0]),
            ("shape", "histosys", {"hi_data": [60.0], "lo_data": [0.0]}),
        ),
        115.0,
        {"shape": -1.0},
    ),
    "a histosys instead of staterror": (
        of_signal(
            [95.0],
            [30.0],
            [97.0],
            ("mc", "staterror", [10.0]),
            ("shape", "histosys", {"hi_data": [60.0], "lo_data": [0.0]}),
        ),
        14.0,
        {"shape": -1.0},
    ),
}


@pytest.mark.parametrize("name", EMPTIED)
def test_the_cheapest_factor_empties_a_template(name):
    spec, mu, emptied = EMPTIED[name]
    engine = engine_of(spec, test_statistic="q", poi_bound=1e3)
    model = engine.model
    judge, prepared = Judge(spec, model), prepare(engine, "q")
    starts = [prepared.reference.parameters, prepared.free.parameters]
    point = model.initial.copy()
    for parameter, value in {model.poi_name: mu, **emptied}.items():
        point[model.names.index(parameter)] = value
    for data in (judge.data, judge.asimov(prepared.reference.parameters)):
        found = fit(engine, data, starts, mu).parameters
        assert found[model.poi] == mu
        assert judge.value(found, data) < judge.value(point, data) + 1e-6


def test_limits_where_a_factor_empties_a_template(tmp_path):
    """The median limit of a case that a random search found."""
    spec = EMPTIED["a gamma of staterror"][0]
    results = limits_of(tmp_path / "x", spec, "--test-statistic", "q")
    assert complaints(results, spec, which=(0, 3)) == []


# --- Where there is no limit, a reason


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (
            counting([5.0, 2.0], [1.0, 0.0], [5.0, 0.0], SCALE),
            "channel 'channel', bin 2: 2 events are observed where no sample predicts any",
        ),
        (
            counting([5.0], [1.0], [5.0], ("stat", "shapesys", [1e-300])),
            "channel 'channel', sample 'background', shapesys 'stat': a relative uncertainty below 1e-50",
        ),
        (
            counting([5.0], [1.0], [1e200], ("stat", "shapesys", [1e190])),
            "1e+200 is too large; numbers must be below 1e+50",
        ),
        (counting([5.0], [1e30], [5.0]), "all limits are below mu = 1e-12: make the signal smaller"),
    ],
)
def test_what_cannot_be_calculated_is_said(tmp_path, spec, reason):
    results = limits_of(tmp_path / "x", spec)
    assert results.fit["status"] == "failed"
    assert reason in results.reason
    assert set(results.statuses()) == {"fit_failed"}
    assert reason in results.limits["reason"]["observed_limit"]


@pytest.mark.parametrize("observed", [0.0, 3.0])
def test_a_model_that_no_signal_changes(tmp_path, observed):
    """CLs = 1 everywhere, also where no template has any event."""
    background = [0.0] if observed == 0 else [4.0]
    results = limits_of(tmp_path / "x", counting([observed], [0.0], background))
    assert set(results.statuses()) == {"above_scan"}
    assert {point["CLs_obs"] for point in results.limits["points"]} == {1.0}
