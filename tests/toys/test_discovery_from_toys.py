"""p0 from toys: against closed formulas, its errors and bounds, and how it is distributed without a signal."""

import numpy as np
import pytest
from scipy.stats import beta, binom, kstest, norm, poisson

from helpers.measured_signal import MeasuredSignal
from helpers.workspaces import SMALL, counting, engine_of
from muscan.inference.hypotest import prepare
from muscan.records.discovery import Discovery
from muscan.toys import pseudo_data
from muscan.toys.discovery import DiscoveryToys, expected_p0, observed_p0, wanted_toys
from muscan.toys.tail_fraction import significance, tail_fraction, tail_of

TOYS = ("--per-hypothesis", 40_000, "--block", 20_000)


def counted(folder, n: float, background: float, signal: float, *options, **more) -> Discovery:
    spec = counting([float(n)], [float(signal)], [float(background)])
    result = MeasuredSignal(folder, spec, **more).measure("discovery", *(options or TOYS), rounds=1)
    return Discovery.from_json(result)


@pytest.mark.parametrize(("n", "background", "signal"), [(7, 3.0, 5.0), (2, 0.3, 3.0), (31, 20.0, 9.0)])
def test_p0_of_a_counting_experiment_is_that_of_the_closed_formula(tmp_path, n, background, signal):
    """P(N >= n | b) observed, and at quantiles of N with signal expected."""
    found = counted(tmp_path / "signal", n, background, signal)
    exact = poisson.sf(n - 1, background)
    assert found.p0_obs == pytest.approx(exact, abs=4 * found.p0_obs_error)
    assert found.p0_obs_error == pytest.approx(np.sqrt(exact * (1 - exact) / 40_000), rel=0.1)
    assert found.Z_obs == pytest.approx(norm.isf(found.p0_obs), abs=1e-9)
    assert not found.no_excess
    for place, z in enumerate((-2, -1, 0, 1, 2)):
        count = poisson.ppf(norm.cdf(z), signal + background)
        exact = poisson.sf(count - 1, background)
        if count <= background:
            assert (found.p0_exp[place], found.Z_exp[place]) == (0.5, 0.0)
        elif found.p0_exp[place] is None:
            assert exact < found.p0_exp_bound[place] < 20 / 40_000
        else:
            assert found.p0_exp[place] == pytest.approx(exact, abs=4 * found.p0_exp_error[place])
    assert found.toys["background"]["thrown"] == found.toys["signal"]["thrown"] == 40_000


def test_without_toys_in_the_tail_there_is_an_upper_bound(tmp_path):
    """The bound at 95 % for no toy among N: 1 - 0.05^(1/N)."""
    found = counted(tmp_path / "signal", 20, 3.0, 5.0, "--per-hypothesis", 1000, "--block", 1000)
    assert (found.p0_obs, found.Z_obs, found.status["observed"]) == (None, None, "toys_too_few")
    assert found.p0_obs_bound == pytest.approx(1 - 0.05 ** (1 / 1000))
    assert found.Z_obs_bound == pytest.approx(norm.isf(found.p0_obs_bound))
    assert "0 of 1000 toys" in found.reason["observed"]


@pytest.mark.parametrize("n", [0, 2, 3])
def test_without_an_excess_p0_is_one_half(tmp_path, n):
    found = counted(tmp_path / "signal", n, 3.0, 5.0, "--per-hypothesis", 500, "--block", 500)
    assert (found.p0_obs, found.Z_obs, found.p0_obs_error, found.no_excess) == (0.5, 0.0, 0.0, True)


def test_a_signal_without_events_has_no_significance(tmp_path):
    signal = MeasuredSignal(tmp_path / "signal", counting([5.0], [0.0], [5.0]))
    found = signal.measure("discovery", "--per-hypothesis", 100, "--block", 100)
    assert set(found["status"].values()) == {"no_effect"}
    assert (found["p0_obs"], found["Z_obs"], set(found["p0_exp"]), set(found["Z_exp"])) == (None, None, {None}, {None})


def test_toys_are_added_until_the_target_is_reached(tmp_path):
    signal = MeasuredSignal(tmp_path / "signal", counting([8.0], [5.0], [3.0]))
    options = ["--target", 0.1, "--max", 100_000, "--block", 500]
    found = Discovery.from_json(signal.measure("discovery", *options))
    exact = poisson.sf(7, 3.0)
    assert found.toys["target_reached"]
    assert found.p0_obs_error < 0.1 * found.p0_obs
    assert found.p0_obs == pytest.approx(exact, abs=4 * found.p0_obs_error)
    few = Discovery.from_json(signal.measure("discovery", *[3000 if word == 100_000 else word for word in options]))
    assert few.toys["target_reached"] is False
    assert few.toys["thrown"] <= 3000


def test_jobs_and_the_order_of_rounds_do_not_matter(tmp_path):
    one, many = (MeasuredSignal(tmp_path / name, SMALL["shapesys"]) for name in ("one", "many"))
    options = ["--per-hypothesis", 700, "--block", 100]
    first = one.measure("discovery", *options, rounds=1)
    assert many.measure("discovery", *options, rounds=1, jobs=4) == first
    blocks = {path.name: path.read_bytes() for path in one.folder.glob("discovery/toys/*/*.npz")}
    assert {path.name: path.read_bytes() for path in many.folder.glob("discovery/toys/*/*.npz")} == blocks


def test_a_blind_analysis_has_expected_values_only(tmp_path):
    found = counted(tmp_path / "signal", 30, 20.0, 9.0, "--per-hypothesis", 4000, "--block", 4000, blind=True)
    assert (found.p0_obs, found.q0_obs, found.mu_hat, found.status["observed"]) == (None, None, None, "blinded")
    count = poisson.ppf(0.5, 29.0)
    assert found.p0_exp[2] == pytest.approx(poisson.sf(count - 1, 20.0), abs=4 * found.p0_exp_error[2])
    assert found.failed_toys["in_tail"]["p0_obs"] is None


def test_failed_toys_are_counted_for_and_against():
    background = np.array([*[0.0] * 80, *[3.0] * 10, *[9.0] * 6, *[np.nan] * 4])
    toys = DiscoveryToys(5.0, background, np.array([1.0, 5.0, 6.0] * 10))
    assert observed_p0(toys.without_failed()).value() == pytest.approx(6 / 96)
    assert observed_p0(toys.with_failed(in_tail=True)).value() == pytest.approx(10 / 100)
    assert observed_p0(toys.with_failed(in_tail=False)).value() == pytest.approx(6 / 100)


def test_too_many_failed_toys_give_no_p0(tmp_path, monkeypatch):
    from muscan.toys import store

    def without_fits(*args):
        found = pseudo_data_calculate(*args)
        return found._replace(q=np.where(np.arange(len(found.q)) % 10 == 0, np.nan, found.q))

    pseudo_data_calculate = pseudo_data.calculate_q
    monkeypatch.setattr(store.pseudo_data, "calculate_q", without_fits)
    found = counted(tmp_path / "signal", 7, 3.0, 5.0, "--per-hypothesis", 100, "--block", 100)
    assert found.status == {"observed": "fit_failed", "expected": "fit_failed"}
    assert (found.p0_obs, found.p0_exp) == (None, [None] * 5)
    assert "10 %" in found.reason["observed"]


# Errors and bounds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("probability", [0.2, 0.02, 0.005])
def test_binomial_errors_and_bounds_have_their_coverage(probability):
    """Exactly, by the binomial distribution: one error covers about 68 %, and the bound at least 95 %."""
    total = 4000
    tails = np.arange(int(binom.ppf(1e-9, total, probability)), int(binom.isf(1e-9, total, probability)) + 1)
    weights = binom.pmf(tails, total, probability)
    found = [tail_fraction(int(tail), total) for tail in tails]
    inside = [each.value is not None and abs(each.value - probability) < each.error for each in found]
    assert weights @ inside == pytest.approx(0.683, abs=0.07)  # counts are discrete
    assert weights @ [each.upper >= probability for each in found] >= 0.95
    assert found[0].upper == pytest.approx(beta.ppf(0.95, tails[0] + 1, total - tails[0]))


def test_toys_equal_to_the_data_are_in_the_tail():
    toys = np.array([0.0, 1.0, 2.0, 2.0, 2.0 - 1e-9, 3.0, 3.0])
    assert tail_of(toys, 2.0).tail == 5
    assert tail_of(toys, 0.0).tail == 7
    assert significance(0.5) == 0.0


def test_errors_of_expected_values_include_the_toys_with_signal():
    """q0 = z^2 of Gaussian z: the spread of the median expected p0 over many sets of toys is its error."""
    rng = np.random.default_rng(4)
    found = []
    for _ in range(300):
        background, signal = (np.maximum(rng.normal(mean, 1, size), 0) ** 2 for mean, size in ((0, 20_000), (2, 400)))
        found.append(expected_p0(DiscoveryToys(None, background, signal))[2])
    values, errors = np.array([(each.value(), each.error()) for each in found]).T
    assert np.median(values) == pytest.approx(norm.sf(2), rel=0.03)
    assert values.std() == pytest.approx(np.median(errors), rel=0.2)
    assert np.median([each.signal_error for each in found]) > 2 * np.median([each.fraction.error for each in found])


def test_a_median_that_needs_too_many_toys_is_left_out():
    rng = np.random.default_rng(5)
    background, signal = (np.maximum(rng.normal(mean, 1, 2000), 0) ** 2 for mean in (0, 6))
    toys = DiscoveryToys(1.0, background, signal)
    assert wanted_toys(toys, 0.2, most=10_000) == (2000, 2000)  # the observed p0 of 0.16 is known to 5 %
    assert wanted_toys(toys._replace(q_obs=None), 0.2, most=1e9)[0] == 20_000  # by the largest growth of a round


# The distribution of p0 without a signal ----------------------------------------------------------------------------


def test_p0_is_uniform_without_a_signal():
    """Pseudo-data of a shape model: P(p0 <= x) = x below the point mass of deficits, which have p0 = 0.5."""
    engine = engine_of(SHAPE)
    reference = prepare(engine, "qtilde").reference.parameters

    def q0(name: str, number: int) -> np.ndarray:
        data = pseudo_data.throw(engine.likelihood, reference, number, pseudo_data.stream(1, "study", name, 0.0, 0))
        return pseudo_data.calculate_q(engine, data, engine.fit(data, [reference]), 0.0, "q0").q

    toys, study = q0("toys", 20_000), q0("data", 4000)
    found = [observed_p0(DiscoveryToys(q, toys, toys)) for q in study]
    p0 = np.array([each.value() if each.value() is not None else each.fraction.upper for each in found])
    deficits = np.array([each.no_excess for each in found])
    share = (toys <= 1e-6).mean()
    assert deficits.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / len(study)))
    assert set(p0[deficits]) == {0.5}
    # With an excess, p0 is uniform from 0 to the fraction of toys with an excess.
    assert kstest(p0[~deficits] / (1 - share), "uniform").pvalue > 0.01
    for z in (1.0, 2.0):
        expected = norm.sf(z)
        error = np.sqrt(expected * (1 - expected) * (1 / len(study) + 1 / len(toys)))
        assert (p0 <= expected).mean() == pytest.approx(expected, abs=4 * error)


SHAPE = counting(
    [104.0, 118.0, 131.0, 92.0, 87.0, 60.0, 55.0],
    [1.0, 5.0, 12.0, 15.0, 9.0, 4.0, 1.0],
    [110.0, 105.0, 96.0, 88.0, 79.0, 70.0, 61.0],
    ("norm", "normfactor", None),
    ("tilt", "histosys", {"hi_data": [121.0, 112.0, 99.0, 87.0, 76.0, 65.0, 55.0],
                          "lo_data": [99.0, 98.0, 93.0, 89.0, 82.0, 75.0, 67.0]}),
)  # fmt: skip
