"""From counts of toys to limits: bias and errors, on a Gaussian measurement whose CLs is known exactly."""

import os

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.stats import binom, norm

from muscan.inference.calculators import N_SIGMA
from muscan.toys import probit, tail_counts
from muscan.toys.allocation import MEDIAN, OBSERVED, allocate, relative_error
from muscan.toys.limits import limit_values, toy_curves
from muscan.toys.tail_counts import PointStatistics

ALPHA, SIGMA, SEEN = 0.05, 0.5, 0.1
SKEW = 0.15  # of a mean pull: the error of a few toys grows with the limit that they give
STUDY = "MUSCAN_STUDY" in os.environ
SCAN = np.arange(0.2, 4.01, 0.2)


def q(measured: np.ndarray, mu: float) -> np.ndarray:
    """The test statistic q of a measurement of mu with the standard deviation SIGMA."""
    return np.where(measured > mu, 0.0, ((mu - measured) / SIGMA) ** 2)


def gaussian(rng: np.random.Generator, scan: np.ndarray, signal, background) -> list[PointStatistics]:
    """Toys of a Gaussian measurement; `signal` and `background` are their numbers at each point."""
    signal, background = (np.broadcast_to(number, scan.shape).astype(int) for number in (signal, background))
    measured = rng.normal(0, SIGMA, background.max())
    return [
        PointStatistics(mu, float(q(SEEN, mu)), q(rng.normal(mu, SIGMA, n), mu), q(measured[:m], mu))
        for mu, n, m in zip(scan, signal, background, strict=True)
    ]


def exact_cls(mu: float, measured: float) -> float:
    return norm.cdf((measured - mu) / SIGMA) / norm.cdf(measured / SIGMA)


def exact_limits() -> np.ndarray:
    """Observed, then expected from -2 to +2 sigma."""
    measured = [SEEN, *(z * SIGMA for z in N_SIGMA)]
    return np.array([brentq(lambda mu, x=x: exact_cls(mu, x) - ALPHA, max(x, 1e-9), 10) for x in measured])


def test_counts_at_each_point_are_those_of_the_definition():
    """Tails include the threshold; quantiles of the background are those of its sorted values."""
    points = gaussian(np.random.default_rng(1), SCAN[:3], 500, 400)
    found = tail_counts.count_tails(points)
    for i, point in enumerate(points):
        descending = np.sort(point.background)[::-1]
        thresholds = [point.q_obs, *(descending[int(np.ceil(level * 400)) - 1] for level in norm.cdf(N_SIGMA))]
        assert found.signal[0, :, i].tolist() == [(point.signal >= each).sum() for each in thresholds]
        assert found.background[0, :, i].tolist() == [(point.background >= each).sum() for each in thresholds]


def test_toys_like_the_data_are_in_the_tail():
    """Two fits of the same counts differ by rounding; the toy must count all the same."""
    point = PointStatistics(1.0, 2.0, np.array([2.0 - 1e-9, 1.9, 0.0]), np.array([2.0 - 1e-9, 2.0 + 1e-9, 0.0, 0.0]))
    found = tail_counts.count_tails([point])
    assert (found.signal[0, 0, 0], found.background[0, 0, 0]) == (1, 2)


def test_toys_without_excess_are_not_in_the_tail_of_a_small_observed_value():
    point = PointStatistics(1.0, 1e-9, np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 2.0]))
    found = tail_counts.count_tails([point])
    assert (found.signal[0, 0, 0], found.background[0, 0, 0]) == (1, 2)


def test_probit_regression_maximises_the_binomial_likelihood():
    rng = np.random.default_rng(2)
    x, total, weights = np.linspace(-1, 1, 7), np.full(7, 50.0), np.array([0.2, 0.7, 1, 1, 1, 0.7, 0.2])
    tail = rng.binomial(50, norm.cdf(-0.5 - 1.2 * x)).astype(float)
    design = np.stack([np.ones(7), x], axis=1)

    def loss(beta):
        return -(weights * binom.logpmf(tail, total, norm.cdf(design @ beta))).sum()

    best = minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    ours = probit.regression(design, tail[None], total, weights)[0]
    assert ours == pytest.approx(best.x, abs=1e-5)


def test_the_response_is_the_variance_that_a_point_brings():
    """Against many samples in which the counts of a single point fluctuate."""
    rng = np.random.default_rng(3)
    x, total, weights = np.linspace(-1, 1, 5), np.full(5, 4000.0), np.ones(5)
    design, beta, at = np.stack([np.ones(5), x], axis=1), np.array([-1.5, -0.8]), np.array([1.0, 0.3])
    expected = total * norm.cdf(design @ beta)
    variances = probit.response(design, at, design @ beta, total, weights) ** 2
    for i in (0, 3):
        tails = np.repeat(expected[None], 3000, axis=0)
        tails[:, i] = rng.binomial(4000, expected[i] / 4000, 3000)
        spread = (probit.regression(design, tails, total, weights) @ at).var()
        assert variances[i] == pytest.approx(spread, rel=0.12)


def test_errors_of_cls_are_those_of_repetition():
    streams = [np.random.default_rng(seed) for seed in range(120)]
    found = [toy_curves(gaussian(rng, SCAN[2:6], 3000, 3000), ALPHA, rng) for rng in streams]
    cls = np.array([each.CLs for each in found])
    # Where the threshold can fall on q = 0, which many toys have, CLs jumps to 1 and has no Gaussian error.
    complete = ~np.isnan(cls).any(axis=0) & (cls.max(axis=0) < 0.9)
    assert complete.sum() >= 10
    quoted = np.sqrt(np.mean([each.errors[complete] ** 2 for each in found], axis=0))
    assert quoted / cls[:, complete].std(axis=0) == pytest.approx(1, abs=0.2)


def repeated(seeds: int, scan: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Values and errors of the six limits, nan where there is none, shape (seeds, 6) each."""
    values, errors = np.full((2, seeds, 6), np.nan)
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        for i, each in enumerate(toy_curves(gaussian(rng, scan, number, number), ALPHA, rng).limits):
            if each.limit.status == "ok":
                values[seed, i], errors[seed, i] = each.limit.value, each.error
    return values, errors


@pytest.mark.parametrize("scan", [SCAN, np.geomspace(0.25, 3.5, 14)], ids=["even", "geometric"])
def test_limits_are_unbiased_and_their_errors_right(scan):
    """Mean and width of the pulls against the exact limits; the spread of the limits is the quoted error."""
    seeds = 200 if STUDY else 40
    values, errors = repeated(seeds, scan, 2000)
    exact = exact_limits()
    for i in (0, 3, 4, 5):
        assert np.isfinite(values[:, i]).all()
        pulls = (values[:, i] - exact[i]) / errors[:, i]
        ratio = np.sqrt((errors[:, i] ** 2).mean()) / values[:, i].std()
        print(f"limit {i}: mean pull {pulls.mean():.3f}, width {pulls.std():.3f}, quoted / spread {ratio:.3f}")
        assert abs(pulls.mean()) < SKEW + 3 / np.sqrt(seeds)
        assert ratio == pytest.approx(1, abs=0.2 if STUDY else 0.4)
        assert pulls.std() == pytest.approx(1, abs=0.15 if STUDY else 0.35)


def test_adding_toys_until_a_target_does_not_bias_the_limits():
    """Toys in rounds, as many as the last uncertainty asks for: mean pull and error against the exact limits."""
    seeds, target = (200 if STUDY else 16), 0.03
    scan, exact, pulls, reached = np.geomspace(0.3, 3, 14), exact_limits(), [], []
    for seed in range(seeds):
        signal, background = np.full(len(scan), 200), np.full(len(scan), 400)
        for _ in range(4):
            # The same seeds again, so that a larger sample begins with the smaller one.
            streams = np.random.SeedSequence([seed, 7]).spawn(len(scan) + 1)
            measured = np.random.default_rng(streams[-1]).normal(0, SIGMA, background.max())
            points = [
                PointStatistics(
                    mu, float(q(SEEN, mu)), q(np.random.default_rng(s).normal(mu, SIGMA, n), mu), q(measured[:m], mu)
                )
                for mu, n, m, s in zip(scan, signal, background, streams, strict=False)
            ]
            found = toy_curves(points, ALPHA, np.random.default_rng(seed))
            wanted = allocate(found, signal, background, target)
            signal, background = (np.ceil(each / 100).astype(int) * 100 for each in wanted)
        limits = [found.limits[which] for which in (OBSERVED, MEDIAN)]
        reached.append(all(relative_error(each) <= target for each in limits))
        pulls.append([(x.limit.value - exact[i]) / x.error for x, i in zip(limits, (OBSERVED, MEDIAN), strict=True)])
    mean, width = np.mean(pulls, axis=0), np.std(pulls, axis=0)
    print(f"target {target} reached by {np.mean(reached):.1%}: mean pulls {mean}, widths {width}")
    assert np.mean(reached) >= 0.9
    assert (np.abs(mean) < SKEW + 3 / np.sqrt(seeds)).all()
    assert width == pytest.approx([1, 1], abs=0.15 if STUDY else 0.4)


def exact(mu: float, tail: float, number: int) -> PointStatistics:
    """Toys of which exactly this part is in the tail of signal+background, and all are in that of the background."""
    signal = np.zeros(number)
    signal[: round(tail * number)] = 2.0
    return PointStatistics(mu, 1.0, signal, np.full(number, 2.0))


def scans(limit: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Values of mu as they are planned, as users write them, and as they are planned for limits that lie far apart."""
    return {
        "planned": limit * 1.14 ** (np.arange(-8, 8) + rng.random()),
        "written": np.linspace(0, limit * rng.uniform(1.6, 3.5), 16)[1:],
        "sparse": limit * 1.4 ** (np.arange(-6, 6) + rng.random()),
    }


@pytest.mark.parametrize("k", [1, 1.5, 3, 10, 1000])
def test_limits_of_slow_tails_have_no_bias(k):
    """CLs = (1 + 3 mu / k)^-k, from a power law to an ordinary counting experiment, exp(-3 mu)."""
    truth = k / 3 * (ALPHA ** (-1 / k) - 1)
    number, rng = 100_000, np.random.default_rng(0)
    for _ in range(20 if STUDY else 1):
        for name, mu in scans(truth, rng).items():
            points = [exact(value, (1 + 3 * value / k) ** -k, number) for value in mu]
            limit = limit_values(points, ALPHA, np.zeros(0))[0]
            # One point at the limit would determine it so well; several do better by up to a factor of three.
            slope = 3 * truth / (1 + 3 * truth / k)
            error = np.sqrt((1 - ALPHA) / (ALPHA * number)) / slope / 3
            bias = np.log(limit.value / truth)
            print(f"k = {k}, {name}: bias {100 * bias:.4f} %, {bias / error:.3f} of the statistical error")
            assert abs(bias) < min(1e-3, 0.1 * error)


def test_the_error_of_a_curve_that_does_not_fit_is_told():
    """CLs that winds around a power law, with many toys at points far apart: only the curve is in doubt."""
    mu, quoted = 1.4 ** np.arange(-6, 7.0) * 1.2, []
    for phase in np.linspace(0, 2 * np.pi, 8, endpoint=False):

        def cls(value: float, phase=phase) -> float:
            return 0.05 * np.exp(-1.5 * np.log(value) + 0.2 * np.sin(5 * np.log(value) + phase))

        truth = brentq(lambda value: cls(value) - ALPHA, 0.5, 2)
        points = [exact(value, min(cls(value), 1), 30_000) for value in mu]
        found = toy_curves(points, ALPHA, np.random.default_rng(0)).limits[0]
        if found.limit.status == "ok":
            quoted.append((abs(found.limit.value - truth) / found.error, found.model_error / found.error))
    pulls, share = np.transpose(quoted)
    assert len(quoted) >= 4
    assert pulls.max() < 3
    assert share.max() > 0.8  # where the curve is the error


def test_a_jump_of_cls_is_no_smooth_crossing():
    """Where few different data sets are possible CLs may jump over its threshold."""
    mu = 1.1 ** (np.arange(-8, 8) + 0.8)
    points = [exact(value, np.exp(-value) * (0.3 if value < 1 else 0.06), 20_000) for value in mu]
    limit = toy_curves(points, ALPHA, np.random.default_rng(0)).limits[0].limit
    assert (limit.status, limit.value) == ("points_disagree", None)
    assert "at mu = 0.981118 and 0.0204 at 1.07923" in limit.reason


@pytest.mark.parametrize(
    ("scan", "status", "bound"),
    [
        (SCAN[:3], "above_scan", SCAN[2]),
        (SCAN[12:], "below_scan", SCAN[12]),
    ],
)
def test_limits_outside_of_the_scan_are_said_to_be(scan, status, bound):
    found = toy_curves(gaussian(np.random.default_rng(0), scan, 20_000, 20_000), ALPHA, np.random.default_rng(0))
    limit = found.limits[0].limit
    assert (limit.status, limit.value, limit.bound) == (status, None, pytest.approx(bound))


def test_points_without_background_toys_in_the_tail_do_not_matter_elsewhere():
    """Data far from the background at one end of the scan, where the limit is not."""
    points = gaussian(np.random.default_rng(0), SCAN, 5000, 5000)
    points[-1] = points[-1]._replace(q_obs=1e4)
    found = toy_curves(points, ALPHA, np.random.default_rng(0))
    assert np.isnan(found.CLs[0, -1])
    assert found.limits[0].limit.value == pytest.approx(exact_limits()[0], abs=4 * found.limits[0].error)
    nowhere = [point._replace(q_obs=1e4) for point in points]
    limit = toy_curves(nowhere, ALPHA, np.random.default_rng(0)).limits[0].limit
    assert (limit.status, limit.value) == ("toys_too_few", None)
    assert "more than 30000 toys are needed" in limit.reason


def test_a_significant_rise_is_no_limit():
    points = gaussian(np.random.default_rng(0), SCAN, 2000, 2000)
    points[8] = points[8]._replace(signal=points[8].signal + 10)
    assert toy_curves(points, ALPHA, np.random.default_rng(0)).limits[0].limit.status == "not_monotone"


def test_fluctuations_are_not_called_rises():
    for seed in range(15):
        points = gaussian(np.random.default_rng(seed), np.linspace(0.5, 1.6, 40), 300, 300)
        assert toy_curves(points, ALPHA, np.random.default_rng(seed)).limits[0].limit.status == "ok"


@pytest.mark.parametrize("number", [10, 60])
def test_too_few_toys_name_what_is_needed(number):
    """With as many as the message says there is a limit."""
    found = toy_curves(gaussian(np.random.default_rng(4), SCAN, number, number), ALPHA, np.random.default_rng(0))
    limit = found.limits[1].limit
    assert (limit.status, limit.value) == ("toys_too_few", None)
    needed = int(float(limit.reason.partition("about ")[2].partition(" ")[0]))
    assert needed > number
    many = gaussian(np.random.default_rng(5), np.linspace(0.2, 1.1, 10), 20 * needed, 20 * needed)
    assert toy_curves(many, ALPHA, np.random.default_rng(0)).limits[1].limit.status == "ok"


def test_the_cheapest_allocation_meets_the_target():
    """Predicted variances with the wanted toys are those of the target, and no shift of toys is cheaper."""
    points = gaussian(np.random.default_rng(6), np.geomspace(0.4, 2.5, 12), 3000, 3000)
    found = toy_curves(points, ALPHA, np.random.default_rng(6))
    limit = found.limits[OBSERVED]
    now = np.full(12, 3000)
    single = found._replace(limits=[limit, *[limit] * 5])
    wanted, background = allocate(single, now, now, 0.007)
    cost = 1 + limit.used.sum()

    def variance(n, m):
        return (limit.signal_variance * now / n).sum() + limit.background_variance * 3000 / m

    free = limit.used & (wanted > now)
    assert np.sqrt(variance(wanted, background[limit.used].max())) <= 0.007
    per_cost = (limit.signal_variance * now / wanted**2)[free] / 2  # gain of one more fit, everywhere the same
    assert per_cost == pytest.approx(per_cost.mean(), rel=1e-6)
    of_background = limit.background_variance * 3000 / background[limit.used].max() ** 2 / cost
    assert of_background == pytest.approx(per_cost.mean(), rel=1e-6)
