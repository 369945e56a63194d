"""What the pictures of p0 and Z of a signal grid draw."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from scipy.stats import norm

import plot_p0
import plot_significance
from helpers.figures import ODD_NAMES, assert_inside, by_label, labels, texts, words
from helpers.planes import make_points, with_significance
from muscan.plotting import style
from muscan.plotting.mass_limits import pictures
from muscan.plotting.p0 import draw as draw_p0
from muscan.plotting.significance import draw as draw_significance

AXES = ("m1", "m2")
OBSERVED = ("p0_obs", "Z_obs")


def expected(m1, m2):
    """3 where the masses add up to 900, 5 where they add up to 700."""
    return 12 - (m1 + m2) / 100


def observed(m1, m2):
    """As expected for a signal a little weaker: 3 where the masses add up to 800, 5 where they add up to 600."""
    return 11 - (m1 + m2) / 100


def points(observed=observed, expected=expected, **options) -> pd.DataFrame:
    return with_significance(make_points(**options), observed, expected)


def blinded(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(status="blinded: observed_limit", **dict.fromkeys(OBSERVED, np.nan))


def plane(table: pd.DataFrame, title: str = "t", labels=AXES, diagonal=None, numbers=False) -> Figure:
    figure = draw_significance(table, AXES, labels, title, diagonal=diagonal, numbers=numbers)
    figure.draw_without_rendering()
    return figure


def line(table: pd.DataFrame, title: str = "t", label: str = "m1", m2: float = 100) -> Figure:
    ((name, figure),) = pictures(table[table["m2"] == m2], "m1", label, title, draw_p0, "p0")
    assert name == f"m2_{m2:g}"
    return figure


# p0 against one label


def test_p0_is_drawn_where_it_is():
    figure = line(points().sample(frac=1, random_state=1))
    axes = figure.axes[0]
    row = points().query("m2 == 100").sort_values("m1")
    np.testing.assert_allclose(by_label(axes, "Observed").get_xydata(), row[["m1", "p0_obs"]])
    np.testing.assert_allclose(by_label(axes, "Expected for μ = 1").get_xydata(), row[["m1", "p0_exp"]])
    assert by_label(axes, "Expected for μ = 1").get_linestyle() == "--"
    assert axes.get_yscale() == "log"
    assert (axes.get_title("left"), axes.get_title("right")) == ("t\nm2 = 100", "\nasymptotics")
    assert_inside(figure)


@pytest.mark.parametrize(("largest", "sigmas"), [(0.5, 3), (4.4, 4), (5.2, 5)])
def test_lines_mark_standard_deviations(largest, sigmas):
    """Down to the largest excess, and at least to 3."""
    row = points(lambda m1, m2: 0 * m1, lambda m1, m2: largest + 0 * m1)
    figure = line(row)
    axes = figure.axes[0]
    for n in range(1, sigmas + 1):
        assert by_label(axes, f"_{n}σ").get_ydata() == pytest.approx([norm.sf(n)] * 2)
    shown = [text for text in words(figure) if text.endswith("σ")]
    assert shown[:sigmas] == [f"{n}σ" for n in range(1, sigmas + 1)]
    low, high = axes.get_ylim()
    assert low < norm.sf(largest)
    assert low > norm.sf(max(largest, 3) + 1)
    assert high > 0.5
    assert all(low <= tick <= 0.5 for tick in axes.get_yticks())


def test_a_huge_expected_significance_does_not_hide_the_data():
    axes = line(points(lambda m1, m2: 1 + 0 * m1, lambda m1, m2: 30 + 0 * m1)).axes[0]
    assert norm.sf(8) < axes.get_ylim()[0] < norm.sf(7)


def test_huge_significances_keep_their_words_apart():
    figure = line(points(lambda m1, m2: 30 + 0 * m1, lambda m1, m2: 3 + 0 * m1))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text().endswith("σ")]
    assert len(boxes) > 4
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_missing_values_leave_gaps_and_bounds_are_triangles():
    table = points()
    here, there = (table["m2"] == 100) & (table["m1"] == 500), (table["m2"] == 100) & (table["m1"] == 800)
    table.loc[here, OBSERVED] = np.nan
    table.loc[here, "p0_obs_bound"] = 2e-9
    table.loc[there, ["p0_exp", *OBSERVED]] = np.nan
    table["p0_obs_error"] = 0.1 * table["p0_obs"]
    figure = line(table)
    axes = figure.axes[0]
    assert np.isnan(by_label(axes, "Observed").get_ydata()).sum() == 2
    bound = by_label(axes, "Observed, upper bound")
    assert bound.get_marker() == "v"
    assert bound.get_xydata()[np.isfinite(bound.get_ydata())].tolist() == [[500, 2e-9]]
    assert list(by_label(axes, "p0 is missing: 1").get_xdata()) == [800]
    assert axes.get_ylim()[0] < 2e-9
    bars = [each for each in axes.collections if isinstance(each, LineCollection)]
    row = table.query("m2 == 100").sort_values("m1")
    ends = [segment[:, 1] for segment in bars[0].get_segments() if len(segment)]
    np.testing.assert_allclose(ends, np.outer(row["p0_obs"].dropna(), [0.9, 1.1]))
    assert_inside(figure)


def test_a_blind_picture_shows_the_expected_p0():
    axes = line(blinded(points())).axes[0]
    assert labels(axes) == ["Expected for μ = 1"]


def test_the_legend_is_above_the_curves():
    figure = line(points())
    figure.draw_without_rendering()
    axes = figure.axes[0]
    below = axes.transData.inverted().transform(axes.get_legend().get_window_extent().get_points())[0, 1]
    assert below > 0.5


# Z in the plane


def test_lines_are_where_z_has_their_level():
    figure = plane(points(), numbers=True)
    axes = figure.axes[0]
    drawn = {each.get_label(): each for each in axes.collections if isinstance(each, LineCollection)}
    sums = {"observed 3": 800, "observed 5": 600, "expected 3": 900, "expected 5": 700}
    for label, total in sums.items():
        (segment,) = drawn[label].get_segments()
        np.testing.assert_allclose(segment.sum(axis=1), total, atol=1e-6)
    assert labels(axes) == ["Observed 3σ", "Observed 5σ", "Expected 3σ", "Expected 5σ", "Signal points"]
    assert {"Numbers: observed Z", "Observed Z", "1.0", "9.0"} <= set(words(figure))
    assert_inside(figure)


def test_the_surface_has_the_interpolated_observed_z():
    axes, bar = plane(points()).axes
    surface = next(each for each in axes.collections if each.get_array() is not None)
    table = points()
    assert sorted(surface.get_array()) == pytest.approx(sorted(table["Z_obs"]))
    assert bar.get_ylabel() == "Observed Z"
    assert surface.get_clim() == (0, 8)


@pytest.mark.parametrize(("largest", "end"), [(1.0, 5.0), (6.5, 6.5), (20.0, 8.0)])
def test_colours_end_between_5_and_8(largest, end):
    axes = plane(points(lambda m1, m2: largest + 0 * m1)).axes[0]
    surface = next(each for each in axes.collections if each.get_array() is not None)
    assert surface.get_clim() == (0, end)


def test_a_line_that_does_not_exist_says_why():
    weak = points(lambda m1, m2: 1.0 + 0 * m1, lambda m1, m2: 4.0 + 0 * m1)
    figure = plane(weak, diagonal=125)
    assert labels(figure.axes[0])[:4] == [
        "Observed 3σ: no point reaches 3σ",
        "Observed 5σ: no point reaches 5σ",
        "Expected 3σ: all points above 3σ",
        "Expected 5σ: no point reaches 5σ",
    ]
    assert_inside(figure)
    nothing = points().assign(Z_obs=np.nan, p0_obs=np.nan)
    assert "Observed 3σ: no values" in labels(plane(nothing, numbers=True).axes[0])
    line = points(places=[(300.0, 0.0), (900.0, 0.0)])
    assert "Observed 3σ: too few points for a line" in labels(plane(line, numbers=True).axes[0])


def test_a_blind_plane_shows_the_expected_z():
    figure = plane(blinded(points()), numbers=True)
    axes, bar = figure.axes
    assert labels(axes) == ["Expected 3σ", "Expected 5σ", "Signal points"]
    assert bar.get_ylabel() == "Expected Z"
    assert "Numbers: expected Z" in words(figure)


def test_points_without_z_are_marked():
    table = points()
    bound, gone = (table["m1"] == 500) & (table["m2"] == 100), (table["m1"] == 800) & (table["m2"] == 200)
    table.loc[bound | gone, OBSERVED] = np.nan
    table.loc[bound, "p0_obs_bound"] = norm.sf(4.2)
    figure = plane(table, numbers=True)
    axes = figure.axes[0]
    np.testing.assert_allclose(by_label(axes, "Only a lower bound of Z: 1").get_xydata(), [(500, 100)])
    np.testing.assert_allclose(by_label(axes, "A value is missing: 1").get_xydata(), [(800, 200)])
    assert ">4.2" in words(figure)
    surface = next(each for each in axes.collections if each.get_array() is not None)
    assert len(surface.get_array()) == len(table) - 2
    assert_inside(figure)


def test_a_plane_without_points():
    assert not plane(points().iloc[:0]).axes


# Both


def write(folder: Path, table: pd.DataFrame) -> str:
    table.to_csv(folder / "points.csv", index=False)
    return str(folder / "points.csv")


def test_files(tmp_path):
    table = write(tmp_path, points(places=[(300.0, 0.0), (400.0, 0.0), (400.0, 50.0)]))
    common = ["--points", table, "--title", "t", "--x", "m1"]
    plot_p0.main([*common, "--output", str(tmp_path / "p0")])
    assert {"m2_0.png", "m2_0.pdf"} <= {path.name for path in (tmp_path / "p0").iterdir()}
    plot_significance.main([*common, "--y", "m2", "--numbers", "true", "--output", str(tmp_path / "z.png")])
    assert (tmp_path / "z.pdf").exists()
    single = write(tmp_path, points(places=[(300.0, 0.0), (400.0, 0.0)]).drop(columns="m2"))
    plot_p0.main(["--points", single, "--title", "t", "--x", "m1", "--output", str(tmp_path / "line")])
    assert sorted(path.name for path in (tmp_path / "line").iterdir()) == ["p0.pdf", "p0.png"]


@pytest.mark.parametrize("name", [*ODD_NAMES, "a\nb", "m" * 100])
def test_names_are_literal(name):
    table = points(places=[(300.0, 0.0), (400.0, 0.0), (300.0, 50.0)]).assign(signal=name)
    shown = style.one_line(name)
    for figure in (plane(table, name, (name, name), diagonal=5, numbers=True), line(table, name, name, m2=0)):
        assert_inside(figure)
        assert not any(text.get_parse_math() for text in texts(figure))
        assert figure.axes[0].get_xlabel() == shown
        assert figure.axes[0].get_title("left").split("\n")[0] == shown
