"""Exclusion contours: where they are for limits and CLs that are known formulas of the masses."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.path import Path as Polygon
from scipy.optimize import brentq
from scipy.spatial import Delaunay
from scipy.stats import norm

from helpers.planes import ALL_LIMITS, FLUCTUATIONS, GRID, SHIFTS, lose, make_points, plane, with_cls, without_limits
from muscan.base.errors import InputError
from muscan.records.columns import CLS_COLUMNS, LIMIT_COLUMNS
from muscan.results import contours


def all_of(lines: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(lines)


def length(lines: list[np.ndarray]) -> float:
    return sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in lines)


@pytest.mark.parametrize("key", SHIFTS)
def test_a_limit_that_is_exponential_in_the_masses_has_straight_contours(key):
    (line,) = contours.contour_lines(make_points(), "m1", "m2")[key]
    np.testing.assert_allclose(plane(*line.T), -SHIFTS[key], atol=1e-9)
    assert line[:, 1].min() == 0  # from here to the other side of the grid
    assert (line[:, 0] - line[:, 1]).min() < 200


def test_the_keys_are_those_of_what_is_known():
    assert contours.contour_lines(make_points(), "m1", "m2").keys() == SHIFTS.keys()
    without = contours.contour_lines(make_points(cross_sections=False), "m1", "m2")
    assert [*without] == ["observed", "expected", "expected_m1", "expected_p1"]
    no_errors = make_points().assign(cross_section_error=np.nan)
    assert contours.contour_lines(no_errors, "m1", "m2").keys() == without.keys()


def test_theory_errors_count_point_by_point():
    points = make_points()
    points["cross_section_error"] = points["cross_section"] * points["m2"] / 1000
    (line,) = contours.contour_lines(points, "m1", "m2")["theory_p1"]
    # At m2 = 0 there is no error; the error moves the contour only above.
    ends = line[np.argsort(line[:, 1])][[0, -1]]
    assert plane(*ends[0]) == pytest.approx(-0.1, abs=1e-9)
    assert plane(*ends[1]) == pytest.approx(-0.1 + np.log(1 + ends[1, 1] / 1000), abs=2e-3)


def gaussian_shift(sigma: float) -> float:
    """log of the limit of a Gaussian measurement over the median expected one, from the condition CLs = 0.05."""
    shifted = brentq(lambda limit: norm.cdf(sigma - limit) / norm.cdf(sigma) - 0.05, 0, 20)
    return np.log(shifted / norm.isf(0.025))


def test_cls_of_gaussian_measurements_make_the_contours_of_their_limits():
    points = without_limits(with_cls(make_points(cross_sections=False)))
    assert contours.quantity(points) == "CLs"
    curves = contours.contour_lines(points, "m1", "m2")
    for key, sigma in {"observed": 0.5, "expected": 0, "expected_m1": -1, "expected_p1": 1}.items():
        np.testing.assert_allclose(plane(*all_of(curves[key]).T), -gaussian_shift(sigma), atol=1e-9)


def counting(points: pd.DataFrame) -> pd.DataFrame:
    """Signals of s events without background, none observed: CLs = exp(-mu s), the limit is ln 20 / s."""
    events = np.log(20) / points["expected"]
    limits, cls = (
        dict.fromkeys(names, value)
        for names, value in ((LIMIT_COLUMNS, np.log(20) / events), (CLS_COLUMNS, np.exp(-events)))
    )
    return points.assign(**limits, **cls)


COARSE = [(float(m1), float(m2)) for m1 in range(200, 1001, 100) for m2 in range(0, 601, 150)]


def test_where_limits_are_known_they_make_the_contour():
    """Right to 1e-3 of the range of the axes; what CLs at mu = 1 tells is not, in a model that is not Gaussian."""
    points = counting(make_points(places=COARSE, cross_sections=False))
    assert contours.quantity(points) == "limit"

    def off(points: pd.DataFrame, key: str) -> float:
        """The largest distance to the true contour along m1, over the range of m1."""
        return np.abs(300 * plane(*all_of(contours.contour_lines(points, "m1", "m2")[key]).T)).max() / 800

    for key in ("observed", "expected", "expected_m1", "expected_p1"):
        assert off(points, key) < 1e-3
        assert 1e-3 < off(without_limits(points), key) < 0.05
    assert contours.describe_basis(points, "observed") == "upper limits on mu"
    assert contours.describe_basis(without_limits(points), "observed") == "CLs at mu = 1"


@pytest.mark.parametrize("cross_sections", [True, False])
def test_a_limit_that_is_missing_is_estimated_from_cls(cross_sections):
    """After a scan that ends at mu = 1.5: of a Gaussian measurement the estimate is exact, and there are no gaps."""
    points = with_cls(make_points(cross_sections=cross_sections))
    for column, sigma in zip(LIMIT_COLUMNS, FLUCTUATIONS, strict=True):  # the limits that belong to these CLs
        points[column] = points["expected"] * np.exp(gaussian_shift(sigma))
    cut = points.copy()
    for column in LIMIT_COLUMNS:
        cut.loc[cut[column] > 1.5, column] = np.nan
    whole, curves = (contours.contour_lines(each, "m1", "m2") for each in (points, cut))
    for key in contours.CONTOURS:
        np.testing.assert_allclose(all_of(curves[key]), all_of(whole[key]), rtol=1e-9)
        missing = cut[contours.CONTOURS[key]].isna().sum()
        assert contours.estimated_heights(cut)[key].sum() == missing
        assert (
            contours.describe_basis(cut, key) == f"upper limits on mu, CLs at mu = 1 at {missing} of {len(GRID)} points"
        )
    if cross_sections:  # the estimate does not tell whether the limit is below 1 ± the error of a cross section
        assert np.isnan(contours.heights(cut)["theory_p1"][cut["observed_limit"].isna()]).all()


def test_cls_puts_a_point_on_its_side_of_the_contour():
    """Excluded where CLs is below 1 - confidence level, even if expected and observed CLs do not fit one another."""
    points = without_limits(make_points(cross_sections=False))
    rng = np.random.default_rng(0)
    for name in CLS_COLUMNS:
        points[name] = rng.choice([0, 1e-200, 1e-3, 0.0499, 0.0501, 0.3, 0.999999, 1], len(points))
    points["confidence_level"] = rng.choice([0.9, 0.95, 0.999999], len(points))
    for key, height in contours.heights(points).items():
        known = np.isfinite(height)
        assert known.all() or key == "observed"
        excluded = points[contours.CLS[key]] < 1 - points["confidence_level"]
        np.testing.assert_array_equal((height < 0)[known], excluded[known])


def test_a_signal_without_effect_leaves_no_gap():
    """No limit up to any mu, CLs = 1: it is not excluded, and the contour passes between it and its neighbours."""
    points = with_cls(make_points(cross_sections=False))
    gone = points["m1"] >= 900
    points.loc[gone, [*ALL_LIMITS]] = np.nan
    points.loc[gone, [*CLS_COLUMNS]] = 1.0
    assert (contours.heights(points)["expected"][gone] == contours.CLIP).all()
    lines = contours.contour_lines(points, "m1", "m2")["expected"]
    assert len(lines) == 1
    assert np.abs(plane(*all_of(lines).T)).max() < 0.5


def test_the_quantity():
    assert contours.quantity(make_points()) == "limit"
    with_both = with_cls(make_points(cross_sections=False))
    assert contours.quantity(with_both) == "limit"
    assert contours.quantity(without_limits(with_both)) == "CLs"
    assert contours.quantity(without_limits(make_points())) == "limit"  # there is nothing


def test_a_curved_contour_converges_with_the_grid():
    def bowl(m1, m2):
        return np.log(np.hypot(m1 - 50, m2 - 50) / 30)

    def worst(step: int) -> float:
        places = [(float(a), float(b)) for a in range(0, 101, step) for b in range(0, 101, step)]
        (circle,) = contours.contour_lines(
            make_points(bowl, [*places[: len(places) // 2], *places[len(places) // 2 + 1 :]]), "m1", "m2"
        )["expected"]
        np.testing.assert_allclose(circle[0], circle[-1])
        return np.abs(np.hypot(*(circle - 50).T) - 30).max()

    assert worst(10) < 1
    assert worst(5) < worst(10) / 2.5  # 4 for a linear interpolation


def corners_around(points: pd.DataFrame, m1: float, m2: float) -> list[Polygon]:
    """The triangles that have the point as a corner, from an own triangulation of the grid."""
    places = points[["m1", "m2"]].to_numpy()
    simplices = Delaunay(places / np.ptp(places, axis=0)).simplices
    index = np.flatnonzero((places == [m1, m2]).all(axis=1))[0]
    return [Polygon(places[simplex]) for simplex in simplices if index in simplex]


@pytest.mark.parametrize("key", ["observed", "expected", "theory_m1"])
def test_a_missing_point_leaves_a_gap(key):
    rng = np.random.default_rng(3)  # places in general position have one triangulation only
    places = [tuple(place) for place in rng.uniform(0, 1000, (150, 2))]
    points = make_points(lambda m1, m2: (m1 - 500) / 200, places)
    whole = contours.contour_lines(points, "m1", "m2")[key]
    near = np.argmin(np.hypot(*(points[["m1", "m2"]].to_numpy() - all_of(whole)[len(all_of(whole)) // 2]).T))
    gone = tuple(points.loc[near, ["m1", "m2"]])
    holes = corners_around(points, *gone)
    lines = contours.contour_lines(lose(points, *gone), "m1", "m2")[key]

    def inside(lines: list[np.ndarray]) -> float:
        """Length of the lines in the holes, by many small steps."""
        steps = np.concatenate([np.linspace(a, b, 200)[1:-1] for line in lines for a, b in pairwise(line)])
        return sum(
            hole.contains_points(steps, radius=-1e-6).sum() + hole.contains_points(steps, radius=1e-6).sum()
            for hole in holes
        )

    assert inside(whole) > 0
    assert inside(lines) == 0
    assert len(lines) == len(whole) + 1
    kept = {tuple(vertex) for vertex in np.round(all_of(lines), 6)}
    assert kept < {tuple(vertex) for vertex in np.round(all_of(whole), 6)}  # what remains is where it was


def test_a_value_that_is_missing_for_one_contour_leaves_the_others():
    points = lose(make_points(), 700, 100, ("expected_p1",))
    whole, curves = (contours.contour_lines(each, "m1", "m2") for each in (make_points(), points))
    assert length(curves["expected_p1"]) < length(whole["expected_p1"]) - 30
    for key in ("observed", "expected", "expected_m1", "theory_p1"):
        np.testing.assert_array_equal(all_of(curves[key]), all_of(whole[key]))


def test_a_limit_of_zero_counts_as_missing():
    points = make_points()
    points.loc[(points["m1"] == 700) & (points["m2"] == 100), "expected"] = 0.0
    curves, missing = (
        contours.contour_lines(points, "m1", "m2"),
        contours.contour_lines(lose(make_points(), 700, 100), "m1", "m2"),
    )
    np.testing.assert_array_equal(all_of(curves["expected"]), all_of(missing["expected"]))


def test_a_cross_section_that_may_be_zero_excludes_nothing():
    """An error of twice the cross section, where the observed limit excludes by far."""
    points = make_points()
    here = ((points["m1"] == 300) & (points["m2"] == 0)).to_numpy()
    points.loc[here, "cross_section_error"] = 2 * points.loc[here, "cross_section"]
    heights = contours.heights(points)
    assert heights["observed"][here] < 0 < heights["theory_m1"][here]
    assert heights["theory_p1"][here] < heights["observed"][here]


def test_after_a_scan_of_mu_of_one_there_are_no_contours_of_theory():
    points = without_limits(with_cls(make_points()))
    assert [*contours.contour_lines(points, "m1", "m2")] == [*contours.CONTOURS]


def test_order_of_rows_and_units_of_the_axes_do_not_matter():
    points = make_points(lambda m1, m2: plane(m1, m2) + np.sin(m1) / 3)  # not smooth: the triangles matter
    whole = contours.contour_lines(points, "m1", "m2")
    mixed = contours.contour_lines(points.sample(frac=1, random_state=1).reset_index(drop=True), "m1", "m2")
    scaled = contours.contour_lines(points.assign(m1=points["m1"] / 1000 - 7, m2=points["m2"] * 1000 + 3), "m1", "m2")
    for key, lines in whole.items():
        np.testing.assert_array_equal(all_of(mixed[key]), all_of(lines))
        back = (all_of(scaled[key]) - [-7, 3]) * [1000, 1e-3]
        np.testing.assert_allclose(back, all_of(lines), atol=1e-6)


def test_contours_stay_inside_of_the_points():
    points = make_points(lambda m1, m2: (m1 - 500) / 100, [(0.0, 0.0), (1000.0, 0.0), (500.0, 100.0)])
    (line,) = contours.contour_lines(points, "m1", "m2")["expected"]
    assert line[:, 1].min() == pytest.approx(0, abs=1e-9)
    assert line[:, 1].max() == pytest.approx(100, abs=1e-9)
    np.testing.assert_allclose(line[:, 0], 500, atol=1e-9)


@pytest.mark.parametrize(("dent", "begins"), [(0.5, 0.25), (80.0, 0.0)])
def test_only_flat_triangles_at_the_border_are_left_out(dent, begins):
    places = [(0.0, 0.0), (500.0, dent), (1000.0, 0.0), (0.0, 1000.0), (500.0, 1000.0), (1000.0, 1000.0)]
    points = make_points(lambda m1, m2: (m1 - 250) / 100, places)
    (line,) = contours.contour_lines(points, "m1", "m2")["expected"]
    assert line[:, 1].min() == pytest.approx(begins, abs=1e-9)  # without it: on the side from (0, 0) to (500, dent)


@pytest.mark.parametrize(
    "places",
    [
        [],
        [(500.0, 0.0)],
        [(500.0, 0.0), (900.0, 100.0)],
        [(float(m1), 0.0) for m1 in range(200, 1000, 100)],
        [(500.0, float(m2)) for m2 in range(0, 800, 100)],
        [(float(m1), m1 / 3) for m1 in range(200, 1000, 100)],
        [(float(m1), m1 - 125 + 1e-9 * (m1 % 3)) for m1 in range(200, 1000, 100)],
    ],
)
def test_points_on_a_line_have_no_contours(places):
    points = make_points(places=places) if places else make_points().iloc[:0]
    assert not any(contours.contour_lines(points, "m1", "m2").values())


@pytest.mark.parametrize("shift", [-50.0, 50.0])
def test_everything_or_nothing_excluded(shift):
    points = make_points(lambda m1, m2: plane(m1, m2) + shift)
    assert not any(contours.contour_lines(points, "m1", "m2").values())


def test_nothing_known():
    points = make_points()
    points[[*LIMIT_COLUMNS, "confidence_level"]] = np.nan
    assert not any(contours.contour_lines(points, "m1", "m2").values())
    assert not any(contours.contour_lines(points.assign(cross_section=np.nan), "m1", "m2").values())


def test_a_signal_without_the_label_has_no_place():
    points = make_points()
    nowhere = points.iloc[[0, 1]].assign(m2=np.nan, observed_limit=1e9)
    curves = contours.contour_lines(pd.concat([points, nowhere]), "m1", "m2")
    np.testing.assert_array_equal(
        all_of(curves["observed"]), all_of(contours.contour_lines(points, "m1", "m2")["observed"])
    )


def test_two_signals_at_one_place_are_an_error():
    points = pd.concat([make_points(), make_points().iloc[[4]].assign(signal="twin $_")])
    name, m1, m2 = points.iloc[4][["signal", "m1", "m2"]]
    with pytest.raises(InputError) as error:
        contours.contour_lines(points, "m1", "m2")
    assert str(error.value) == f"several signal points at m1 = {m1:g}, m2 = {m2:g}: {name!r}, 'twin $_'"


def test_labels_that_cannot_be_axes_are_an_error():
    with pytest.raises(InputError, match="no label 'm3', only m1, m2"):
        contours.contour_lines(make_points(), "m1", "m3")
    with pytest.raises(InputError, match="label 'm2' is not a number"):
        contours.contour_lines(make_points().assign(m2="heavy"), "m1", "m2")


def test_the_file_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "points.csv"
    points = lose(make_points(), 700, 100)
    points.loc[[0, 1], "signal"] = ["NA", "1.50"]
    points.insert(3, "model", "NA")  # a label of words
    points.to_csv(path, index=False)
    read = contours.read_points(path)
    pd.testing.assert_frame_equal(read, points, check_dtype=False)
    assert list(read["signal"][:2]) == ["NA", "1.50"]
    assert set(read["model"]) == {"NA"}
    assert contours.label_names(read) == ["m1", "m2", "model"]
    assert read["observed_limit"].isna().sum() == 1


def test_whole_numbers_and_empty_columns_are_numbers(tmp_path):
    path = tmp_path / "points.csv"
    make_points(cross_sections=False).astype({"m1": int, "m2": int}).to_csv(path, index=False)
    read = contours.read_points(path)
    assert read[["m1", "m2", "cross_section", *CLS_COLUMNS]].dtypes.eq(float).all()
    assert set(read["unit"]) == {""}
    np.testing.assert_allclose(plane(*all_of(contours.contour_lines(read, "m1", "m2")["expected"]).T), 0, atol=1e-9)


def test_a_limit_that_is_no_number_is_an_error(tmp_path):
    path = tmp_path / "points.csv"
    make_points().astype({"expected": object}).replace({"expected": {make_points()["expected"][3]: "?"}}).to_csv(path)
    with pytest.raises(InputError, match="row 4, column 'expected': '\\?' is not a number"):
        contours.read_points(path)
