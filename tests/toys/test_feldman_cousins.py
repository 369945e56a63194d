"""Feldman-Cousins intervals from toys: against the published tables and exact sums; blocks, partitions, bounds."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2, norm, poisson

from helpers.measured_signal import MeasuredSignal
from helpers.workspaces import SMALL, counting
from muscan.records.feldman_cousins import END_STATUSES, FeldmanCousins
from muscan.report.measured.feldman_cousins import describe
from muscan.toys.acceptance import BRACKET, CURVE, Side, find_end, further_distances

STEP = 0.01  # of the published tables
COUNTS = np.arange(80)


def exact_p_value(mu: float, n: int, background: float) -> float:
    """The probability of counts that rank no higher than n in the likelihood ratio, equation (4.1) of the paper."""
    best = np.maximum(COUNTS - background, 0)
    ratio = poisson.logpmf(COUNTS, mu + background) - poisson.logpmf(COUNTS, best + background)
    return float(poisson.pmf(COUNTS, mu + background)[ratio <= ratio[n] + 1e-9].sum())


def exact_ends(n: int, background: float, level: float = 0.9, step: float = 0.002) -> tuple[float, float]:
    """The ends of the set of accepted mu, on a grid."""
    grid = np.arange(0, 20, step)
    accepted = grid[[exact_p_value(mu, n, background) >= 1 - level for mu in grid]]
    return float(accepted[0]), float(accepted[-1])


# Table IV of physics/9711021, 90 %: {(n, b): ends}.
PUBLISHED = {
    (0, 0.0): (0.00, 2.44),
    (1, 0.0): (0.11, 4.36),
    (2, 0.0): (0.53, 5.91),
    (3, 0.0): (1.10, 7.42),
    (5, 0.0): (1.84, 9.99),
    (3, 1.0): (0.10, 6.42),
    (4, 1.0): (0.74, 7.60),
    (4, 2.0): (0.00, 6.60),
    (4, 3.0): (0.00, 5.60),
    (5, 3.0): (0.00, 6.99),
    (6, 3.0): (0.15, 8.47),
}
# At each mu. `make study-intervals` throws as many as an end within a step of the table needs.
STUDY = bool(os.environ.get("MUSCAN_STUDY"))
TOYS = 300_000 if STUDY else 20_000
# For n = 0 the paper raises upper ends where they would fall below those of larger b, see its section IV B: it prints
# 1.08 for b = 3, where the set of accepted mu ends at 0.95.
RAISED = (0, 3.0, 1.08)


@pytest.mark.parametrize(("n", "background"), PUBLISHED)
def test_exact_sums_give_the_published_table(n, background):
    assert exact_ends(n, background) == pytest.approx(PUBLISHED[n, background], abs=STEP)


def measure(folder: Path, n: float, background: float, *options, level: float = 0.9, **more) -> FeldmanCousins:
    signal = MeasuredSignal(folder, counting([float(n)], [1.0], [background]), poi_bound=20)
    return FeldmanCousins.from_json(signal.measure("feldman_cousins", "--levels", level, *options, **more))


def values(interval: dict) -> list[float]:
    return [interval[side]["value"] for side in ("lower", "upper")]


@pytest.mark.parametrize(("n", "background"), PUBLISHED)
def test_intervals_of_a_counting_experiment_are_those_of_the_published_table(tmp_path, n, background):
    """Within a step of the table and the stated error, which is large where p is nearly flat next to the end."""
    published = PUBLISHED[n, background]
    found = measure(tmp_path / "signal", n, background, "--per-hypothesis", TOYS, "--block", TOYS)
    (interval,) = found.intervals
    errors = np.array([interval[side]["error"] for side in ("lower", "upper")])
    assert (np.abs(np.subtract(values(interval), published)) <= STEP + errors).all()
    assert (np.abs(np.subtract(values(interval), exact_ends(n, background))) <= STEP + errors).all()
    assert errors.max() < (0.12 if STUDY else 0.4)
    assert interval["lower"]["status"] == ("at_bound" if published[0] == 0 else "ok")
    pulls = [(each["p"] - exact_p_value(each["mu"], n, background)) / each["error"] for each in found.points]
    assert np.abs(pulls).max() < 4.5
    assert interval["rejected_inside"] == []


def test_many_toys_lead_within_a_step_of_the_table(tmp_path):
    found = measure(tmp_path / "signal", 0, 0.0, "--per-hypothesis", 300_000, "--block", 300_000)
    assert values(found.intervals[0]) == pytest.approx(PUBLISHED[0, 0.0], abs=STEP)


def test_an_end_that_the_paper_has_raised_is_that_of_the_exact_sums(tmp_path):
    n, background, published = RAISED
    found = measure(tmp_path / "signal", n, background, "--per-hypothesis", 20_000, "--block", 20_000)
    exact = exact_ends(n, background)
    assert values(found.intervals[0]) == pytest.approx(exact, abs=STEP)
    assert published > exact[1] + STEP


# Table X of physics/9711021: a Gaussian measurement x of unit width and a mean that is not negative.
GAUSSIAN = {
    -1.0: {0.6827: (0.00, 0.27), 0.90: (0.00, 0.81), 0.95: (0.00, 1.10)},
    1.0: {0.6827: (0.24, 2.00), 0.90: (0.00, 2.64), 0.95: (0.00, 2.96)},
}


@pytest.mark.parametrize("x", GAUSSIAN)
def test_intervals_of_a_gaussian_measurement_are_those_of_the_published_table(tmp_path, x):
    """A counting experiment with a million events of background is one; mu scales its standard deviation."""
    width = 1000.0
    signal = MeasuredSignal(tmp_path / "signal", counting([width**2 + x * width], [width], [width**2]))
    options = ["--levels", *GAUSSIAN[x], "--per-hypothesis", 20_000, "--block", 10_000]
    found = FeldmanCousins.from_json(signal.measure("feldman_cousins", *options))
    for interval in found.intervals:
        errors = [interval[side]["error"] for side in ("lower", "upper")]
        distances = np.abs(np.subtract(values(interval), GAUSSIAN[x][interval["level"]]))
        assert (distances < STEP + 3 * np.array(errors)).all()
        assert max(errors) < 0.02


FEW = ("--levels", 0.68, 0.9, "--per-hypothesis", 200, "--block", 100)


def folder_of(signal: MeasuredSignal) -> dict[str, bytes]:
    """Plans, toys and result, by name, without the lists of jobs."""
    files = [path for path in signal.folder.rglob("*") if "feldman_cousins" in str(path) and path.is_file()]
    return {str(path.relative_to(signal.folder)): path.read_bytes() for path in files if path.parent.name != "jobs"}


def test_partitions_interruptions_and_more_toys(tmp_path):
    """Other jobs give the same bytes; after a loss the missing blocks are made again; more toys reuse the others."""
    one, many = (MeasuredSignal(tmp_path / name, SMALL["shapesys"]) for name in ("one", "many"))
    one.measure("feldman_cousins", *FEW)
    many.measure("feldman_cousins", *FEW, jobs=3)
    first = folder_of(one)
    assert folder_of(many) == first
    lost = sorted(one.folder.glob("feldman_cousins/toys/*/*.npz"))[::3]
    for path in lost[::2]:
        path.unlink()
    for path in lost[1::2]:
        path.write_bytes(path.read_bytes()[:100])
    one.measure("feldman_cousins", *FEW)
    assert folder_of(one) == first
    times = {path: path.stat().st_mtime_ns for path in one.folder.glob("feldman_cousins/toys/*/*.npz")}
    one.measure("feldman_cousins", *[400 if word == 200 else word for word in FEW])
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    assert len(list(one.folder.glob("feldman_cousins/toys/*/*.npz"))) > len(times)


def test_a_target_is_reached_with_toys_where_they_help(tmp_path):
    signal = MeasuredSignal(tmp_path / "signal", SMALL["deficit"])
    options = ["--levels", 0.95, "--target", 0.03, "--max", 200_000, "--block", 500]
    found = FeldmanCousins.from_json(signal.measure("feldman_cousins", *options))
    end = found.intervals[0]["upper"]
    assert found.toys["target_reached"]
    assert 0 < end["error"] < 0.03 * end["value"]
    assert found.toys["blocks_by_round"] == sorted(found.toys["blocks_by_round"])
    few = FeldmanCousins.from_json(signal.measure("feldman_cousins", *[5000 if w == 200_000 else w for w in options]))
    assert few.toys["target_reached"] is False
    assert few.toys["thrown"] <= 5000


def test_a_blind_analysis_gives_the_interval_expected_for_mu_1(tmp_path):
    signal = MeasuredSignal(tmp_path / "signal", SMALL["shapesys"], blind=True)
    found = FeldmanCousins.from_json(signal.measure("feldman_cousins", *FEW))
    assert (found.data, found.mu_hat) == ("asimov", 1.0)
    assert "blind" in describe(found.to_json()).sentences[0]


def test_too_few_toys_give_no_end(tmp_path):
    found = measure(tmp_path / "signal", 3, 1.0, "--per-hypothesis", 40, "--block", 40)
    (interval,) = found.intervals
    assert {interval[side]["status"] for side in ("lower", "upper")} == {"toys_too_few"}
    assert len(describe(found.to_json()).warnings) == 2


# The search for an end, with exact tail probabilities --------------------------------------------------------------


def side_of(p_value, distances: list[float], toys: int = 10_000, room: float = 50.0, jumps: float = 0.0) -> Side:
    x = np.sort(np.array(distances, dtype=float))
    tail = np.round(toys * np.array([p_value(each) for each in x]))
    return Side(x, tail, np.full(len(x), float(toys)), np.full(len(x), jumps), room)


def gaussian(x: float) -> float:
    return float(chi2.sf(x**2, 1))


def test_a_smooth_curve_has_the_error_of_its_toys():
    """The end is at the quantile; its error is that of a regression with these points."""
    end = find_end(side_of(gaussian, np.linspace(1.3, 2.0, 8)), 0.1)
    assert (end.status, end.found_by) == ("ok", CURVE)
    assert end.value == pytest.approx(norm.isf(0.05), abs=2e-3)
    single = np.sqrt(0.1 * 0.9 / 10_000) / (2 * norm.pdf(norm.isf(0.05)))
    assert single / np.sqrt(8) < end.error < single
    assert further_distances(end, side_of(gaussian, np.linspace(1.3, 2.0, 8)), None) == []


def test_a_jump_is_between_two_tested_values():
    def jumps(x: float) -> float:
        return 0.15 if x < 1.7 else 0.06

    side = side_of(jumps, np.linspace(1.4, 2.0, 7), jumps=0.09)
    end = find_end(side, 0.1)
    assert end.found_by == BRACKET
    assert abs(end.value - 1.7) <= end.error == pytest.approx(0.05)
    assert all(1.6 < each < 1.8 for each in further_distances(end, side, None))


def test_ends_outside_of_the_tested_values_have_a_status():
    accepted = side_of(gaussian, [0.5, 1.0])
    assert find_end(accepted, 0.1).status == "beyond_tested"
    assert min(further_distances(find_end(accepted, 0.1), accepted, None)) > 1.0
    at_bound = find_end(side_of(gaussian, [0.5, 1.0], room=1.0), 0.1)
    assert (at_bound.status, at_bound.value) == ("at_bound", 1.0)
    assert find_end(Side(*[np.zeros(0)] * 4, 0.0), 0.1).status == "at_bound"
    assert find_end(Side(*[np.zeros(0)] * 4, 1.0), 0.1).status == "fit_failed"
    assert {"ok", "at_bound", "beyond_tested", "toys_too_few", "fit_failed"} == set(END_STATUSES)


def test_errors_of_ends_have_the_coverage_of_one_standard_deviation():
    """Simulated counts at seven values of mu: the true end is within one error in 68 % of the cases."""
    rng = np.random.default_rng(1)
    x = np.linspace(1.3, 2.0, 7)
    inside = 0
    for _ in range(150):
        tail = rng.binomial(2000, chi2.sf(x**2, 1)).astype(float)
        end = find_end(Side(x, tail, np.full(7, 2000.0), np.zeros(7), 50.0), 0.1)
        inside += abs(end.value - norm.isf(0.05)) < end.error
    assert 0.60 < inside / 150 < 0.80
