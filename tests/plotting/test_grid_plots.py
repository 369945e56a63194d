"""What the pictures of a signal grid draw: contours, bands, marks and words, not pixels."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

import plot_contour
import plot_mass_limits
from helpers.figures import assert_inside, by_label, labels, texts, words
from helpers.planes import (
    ALL_LIMITS,
    ERROR,
    GRID,
    SHIFTS,
    lose,
    make_points,
    plane,
    with_cls,
    without_limits,
)
from muscan.base.versions import ROOT
from muscan.plotting import style
from muscan.plotting.contour import draw as draw_contour
from muscan.plotting.contour import point_numbers
from muscan.plotting.mass_limits import pictures
from muscan.records.columns import CLS_COLUMNS, LIMIT_COLUMNS
from muscan.results import contours

SCRIPTS = ROOT / "scripts"
ODD_NAMES = ("a_$b$", "x^2", r"\alpha_{1} $\frac{1}{", "100 %")
AXES = ("m1", "m2")


def contour(points: pd.DataFrame, title: str = "t", labels=AXES, diagonal=None, numbers=False) -> Figure:
    figure = draw_contour(points, AXES, labels, title, diagonal=diagonal, numbers=numbers)
    figure.draw_without_rendering()
    return figure


def mass_limits(points: pd.DataFrame, x: str = "m1", title: str = "t", label: str = "m1") -> dict[str, Figure]:
    return dict(pictures(points, x, label, title))


def band(axes) -> ContourSet | None:
    return next((each for each in axes.collections if isinstance(each, ContourSet)), None)


# Contours


def test_contours_are_drawn_where_they_are():
    figure = contour(make_points())
    axes = figure.axes[0]
    lines = {each.get_label(): each for each in axes.collections if isinstance(each, LineCollection)}
    assert lines.keys() == SHIFTS.keys() - {"expected_m1", "expected_p1"}
    for key, collection in lines.items():
        (segment,) = collection.get_segments()
        np.testing.assert_allclose(plane(*segment.T), -SHIFTS[key], atol=1e-9)
    assert labels(axes) == ["Observed", "Observed, ± 1σ theory", "Expected", "Expected ± 1σ", "Signal points"]
    np.testing.assert_allclose(by_label(axes, "Signal points").get_xydata(), GRID)
    assert (axes.get_title("left"), axes.get_title("right")) == ("t", "asymptotics, 95 % CL")
    assert (axes.get_xlabel(), axes.get_ylabel()) == AXES
    assert_inside(figure)


@pytest.mark.parametrize("spread", [0.2, 0.01])  # the second band is thinner than a tenth of the triangles
def test_the_band_lies_between_the_contours_of_one_sigma(spread):
    axes = contour(make_points(spread=spread)).axes[0]
    (path,) = band(axes).get_paths()
    inside = [path.contains_point((x, 100)) for x in 700 + 300 * spread * np.array([-1.05, -0.95, 0, 0.95, 1.05])]
    assert inside == [False, True, True, True, False]
    heights = plane(*path.vertices[:-1].T)
    assert np.abs(heights).max() == pytest.approx(spread, rel=0.01)


def test_the_band_of_curved_contours_ends_at_them():
    points = make_points(lambda m1, m2: plane(m1, m2) + np.sin(m1) / 3)
    points["expected_p1"] *= np.exp(3 * np.sin(points["m2"]) ** 2)  # not as wide everywhere
    path = band(contour(points).axes[0]).get_paths()[0]
    ends = np.concatenate(
        [np.concatenate(contours.contour_lines(points, *AXES)[f"expected_{each}"]) for each in ("m1", "p1")]
    )
    distances = [np.hypot(*(path.vertices - end).T).min() for end in ends]
    assert max(distances) < 8  # a fine triangle is 100 / 8 wide


def test_no_cross_sections():
    points = without_limits(make_points(cross_sections=False)).assign(**dict.fromkeys(CLS_COLUMNS, 0.01234))
    axes = contour(points, numbers=True).axes[0]
    assert labels(axes) == [
        "Observed: all points excluded",
        "Expected: all points excluded",
        "Signal points",
    ]
    assert band(axes) is None
    assert words(axes.figure).count("0.012") == len(GRID)
    assert {"Numbers: observed CLs at μ = 1", "Contours: from CLs at μ = 1"} <= {*words(axes.figure)}


def test_points_whose_limit_comes_from_cls_have_circles():
    points = lose(with_cls(make_points(cross_sections=False)), 700, 100)
    figure = contour(lose(points, 900, 200, ("observed_limit",)), numbers=True)
    np.testing.assert_allclose(
        by_label(figure.axes[0], "Limit from CLs at μ = 1: 2").get_xydata(), [(700, 100), (900, 200)]
    )
    assert "Contours: from upper limits on μ, CLs at μ = 1 at 2 of 74 points" in words(figure)
    assert not any("missing" in label for label in labels(figure.axes[0]))
    assert len(by_label(figure.axes[0], "observed").get_segments()) == 1
    assert_inside(figure)
    for all_alike in (make_points(), without_limits(with_cls(make_points()))):
        assert not any("Limit from" in label for label in labels(contour(all_alike).axes[0]))


def test_numbers_are_the_limits():
    points = make_points()
    figure = contour(points, numbers=True)
    shown = words(figure)
    assert all(style.number(limit, 2) in shown for limit in points["xsec_observed_limit"])
    assert "Numbers: observed upper limits on the cross section in pb" in shown
    assert_inside(figure)
    shown = words(contour(make_points(cross_sections=False), numbers=True))
    assert all(style.number(limit, 2) in shown for limit in points["observed_limit"])
    assert "Numbers: observed upper limits on μ" in shown


@pytest.mark.parametrize("columns", [3, 12, 25])
def test_numbers_do_not_touch_each_other(columns):
    places = [(float(m1), float(m2)) for m1 in np.linspace(200, 1000, columns) for m2 in range(0, 501, 100)]
    figure = contour(make_points(places=places), numbers=True)
    values, _ = point_numbers(make_points(places=places))
    numbers = [text for text in figure.axes[0].texts if text.get_text() in values]
    assert len(numbers) == len(places)
    boxes = [text.get_window_extent() for text in numbers]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    assert len({text.get_fontsize() for text in numbers}) == 1


def test_tiny_cls_is_not_spelled_out():
    points = without_limits(make_points(cross_sections=False)).assign(**dict.fromkeys(CLS_COLUMNS, 3e-7))
    points.loc[0, "CLs_obs"] = np.nan
    assert point_numbers(points)[0] == ["", *["<0.01"] * (len(GRID) - 1)]


def test_points_without_a_value_are_crosses_and_leave_gaps():
    points = lose(lose(make_points(), 700, 100), 900, 200, ("expected_p1",))
    figure = contour(points, numbers=True)
    axes = figure.axes[0]
    cross = by_label(axes, "A value is missing: 2")
    np.testing.assert_allclose(cross.get_xydata(), [(700, 100), (900, 200)])
    assert cross.get_marker() == "x"
    assert (700, 100) not in map(tuple, by_label(axes, "Signal points").get_xydata())
    assert len(by_label(axes, "expected").get_segments()) == 2
    assert not any(path.contains_point((700, 100)) for path in band(axes).get_paths())
    assert any(path.contains_point((700, 100)) for path in band(contour(make_points()).axes[0]).get_paths())
    assert_inside(figure)


@pytest.mark.parametrize(
    ("points", "why"),
    [
        (make_points(lambda m1, m2: 5.0), "no point excluded"),
        (make_points(lambda m1, m2: -5.0), "all points excluded"),
        (make_points(places=[(300.0, 0.0), (900.0, 0.0)]), "too few points for a contour"),
        (make_points(places=[(float(m1), 0.0) for m1 in range(300, 1000, 100)]), "too few points for a contour"),
        (make_points().assign(**dict.fromkeys(LIMIT_COLUMNS, np.nan)), "no values"),
    ],
)
def test_a_picture_without_contours_says_why(points, why):
    figure = contour(points, diagonal=0, numbers=True)
    assert {f"Observed: {why}", f"Observed, ± 1σ theory: {why}", f"Expected: {why}"} <= set(labels(figure.axes[0]))
    assert "Expected ± 1σ" not in labels(figure.axes[0])
    assert_inside(figure)


def test_one_point_and_none():
    axes = contour(make_points(places=[(500.0, 100.0)]), numbers=True).axes[0]
    assert axes.get_xlim()[0] < 500 < axes.get_xlim()[1]
    assert not contour(make_points().iloc[:0]).axes


def test_the_legend_leaves_the_points_free():
    figure = contour(lose(make_points(), 700, 100))
    axes = figure.axes[0]
    below = axes.transData.inverted().transform(axes.get_legend().get_window_extent().get_points())[0, 1]
    assert below > max(m2 for _, m2 in GRID)


@pytest.mark.parametrize(
    ("offset", "axis_labels", "text"),
    [
        (125, AXES, "m1 < m2 + 125"),
        (0, AXES, "m1 < m2"),
        (-12.5, ("M [GeV]", "m [GeV]"), "M < m − 12.5 GeV"),
        (1, ("M [TeV]", "m [GeV]"), "M < m + 1"),
        (0, ("$M_x$ [GeV]", "m\n[GeV]"), "$M_x$ < m"),
    ],
)
def test_the_diagonal(offset, axis_labels, text):
    figure = contour(make_points(), diagonal=offset, labels=axis_labels)
    axes = figure.axes[0]
    x, y = by_label(axes, "diagonal").get_data()
    np.testing.assert_allclose(x - y, offset)
    assert x[1] > x[0]
    assert axes.get_xlim()[0] <= x[0]
    assert axes.get_ylim()[0] <= y[0] + 1e-9
    label = next(each for each in axes.texts if each.get_text() == text)
    assert np.subtract(*label.get_position()) < offset  # it stands on the side that it tells of
    assert_inside(figure)


def test_a_diagonal_outside_of_the_frame_is_not_drawn():
    axes = contour(make_points(), diagonal=5000).axes[0]
    assert "diagonal" not in [line.get_label() for line in axes.lines]


# Limits against one label


def test_one_picture_for_each_value_of_the_other_label():
    figures = mass_limits(make_points())
    counts = pd.Series([m2 for _, m2 in GRID]).value_counts()
    assert figures.keys() == {f"m2_{m2:g}" for m2, count in counts.items() if count > 1}
    for figure in figures.values():
        assert_inside(figure)


def test_limits_on_the_cross_section():
    points = make_points().sample(frac=1, random_state=1)
    figure = mass_limits(points)["m2_100"]
    axes = figure.axes[0]
    row = points[points["m2"] == 100].sort_values("m1")
    np.testing.assert_allclose(by_label(axes, "Observed").get_xydata(), row[["m1", "xsec_observed_limit"]])
    np.testing.assert_allclose(by_label(axes, "Expected").get_xydata(), row[["m1", "xsec_expected"]])
    np.testing.assert_allclose(by_label(axes, "Theory ± 1σ").get_xydata(), row[["m1", "cross_section"]])
    for label, low, high in (("Expected ± 1σ", "m1", "p1"), ("Expected ± 2σ", "m2", "p2")):
        vertices = by_label(axes, label).get_paths()[0].vertices
        corners = [row[["m1", f"xsec_expected_{side}"]].to_numpy() for side in (low, high)]
        assert {*map(tuple, np.concatenate(corners))} == {*map(tuple, vertices)}
    theory = [each for each in axes.collections if isinstance(each, PolyCollection)][2].get_paths()[0].vertices
    for sign in (-1, 1):
        for each in row.itertuples():
            assert np.isclose(theory, [each.m1, each.cross_section * (1 + sign * ERROR)]).all(axis=1).any()
    assert axes.get_yscale() == "log"
    assert axes.get_ylabel() == "Upper limit on the cross section [pb]"
    assert (axes.get_title("left"), axes.get_title("right")) == ("t\nm2 = 100", "\nasymptotics, 95 % CL")


def test_the_legend_leaves_the_limits_free():
    figure = mass_limits(lose(make_points(), 700, 100))["m2_100"]
    axes = figure.axes[0]
    figure.draw_without_rendering()
    below = axes.transData.inverted().transform(axes.get_legend().get_window_extent().get_points())[0, 1]
    row = make_points().query("m2 == 100")
    assert below > row[["xsec_expected_p2", "cross_section"]].max(axis=None)
    assert axes.get_ylim()[0] < row[["xsec_expected_m2", "cross_section"]].min(axis=None)


def test_limits_on_mu_without_cross_sections():
    figure = mass_limits(make_points(cross_sections=False), "m2")["m1_800"]
    axes = figure.axes[0]
    row = make_points().query("m1 == 800")
    np.testing.assert_allclose(by_label(axes, "Observed").get_xydata(), row[["m2", "observed_limit"]])
    assert list(by_label(axes, "μ = 1").get_ydata()) == [1, 1]
    assert axes.get_ylabel() == "Upper limit on μ"
    assert "Theory" not in " ".join(labels(axes))


def test_numbers_where_no_point_has_one():
    points = make_points()
    points[[name for name in points if "limit" in name or "expected" in name or name.startswith("CLs")]] = np.nan
    assert "no values" in " ".join(words(contour(points, numbers=True)))


def test_a_missing_limit_breaks_lines_and_bands():
    axes = mass_limits(lose(make_points(), 700, 100))["m2_100"].axes[0]
    row = make_points().query("m2 == 100")
    for label in ("Observed", "Expected"):
        known = np.isfinite(by_label(axes, label).get_ydata())
        assert list(known) == [m1 != 700 for m1 in row["m1"]]
    for label in ("Expected ± 1σ", "Expected ± 2σ"):
        left, right = (path.vertices[:, 0] for path in by_label(axes, label).get_paths())
        assert (left.max(), right.min()) == (600, 800)
    cross = by_label(axes, "A limit is missing: 1")
    assert list(cross.get_xdata()) == [700]
    assert cross.get_marker() == "x"


def test_a_point_between_missing_ones_keeps_its_band():
    points = lose(lose(make_points(), 800, 100), 1000, 100)
    axes = mass_limits(points)["m2_100"].axes[0]
    bars = [each for each in axes.collections if isinstance(each, LineCollection)]
    row = points.query("m1 == 900 and m2 == 100").iloc[0]
    for bar, (low, high) in zip(bars, (("m2", "p2"), ("m1", "p1")), strict=True):
        (segment,) = bar.get_segments()
        np.testing.assert_allclose(segment, [[900, row[f"xsec_expected_{each}"]] for each in (low, high)])


def test_no_limit_at_all():
    points = make_points().assign(**dict.fromkeys(ALL_LIMITS, np.nan))
    figure = mass_limits(points)["m2_0"]
    assert f"A limit is missing: {sum(m2 == 0 for _, m2 in GRID)}" in labels(figure.axes[0])
    assert_inside(figure)


def test_no_cross_section_for_one_row_of_the_grid():
    points = make_points()
    points.loc[points["m2"] == 50, ["cross_section", *ALL_LIMITS[6:]]] = np.nan
    figures = mass_limits(points)
    assert "μ = 1" in labels(figures["m2_50"].axes[0])
    assert "Theory ± 1σ" in labels(figures["m2_0"].axes[0])


def test_other_labels_of_every_kind():
    points = make_points(places=[(300.0, 0.0), (400.0, 0.0), (500.0, 0.0), (600.0, 0.0)])
    points.insert(3, "a/$b$", ["x y", "x y", "NA", "NA"])
    points.loc[:1, "m2"] = np.nan
    figures = mass_limits(points)
    assert [*figures] == ["m2_0_a%2F%24b%24_NA", "m2_none_a%2F%24b%24_x%20y"]
    assert "t\nm2 = none, a/$b$ = x y" in words(figures["m2_none_a%2F%24b%24_x%20y"])


# Files


def write(folder: Path, points: pd.DataFrame) -> Path:
    path = folder / "points.csv"
    points.to_csv(path, index=False)
    return path


def test_pictures_are_a_directory_that_replaces_an_older_one(tmp_path):
    points = write(tmp_path, make_points(places=[(300.0, 50.5), (400.0, 50.5), (400.0, 0.0)]))
    output = tmp_path / "plots" / "limits"
    output.mkdir(parents=True)
    (output / "old.png").touch()
    plot_mass_limits.main(["--points", str(points), "--x", "m1", "--title", "t", "--output", str(output)])
    assert sorted(path.name for path in output.iterdir()) == ["m2_50.5.pdf", "m2_50.5.png"]
    assert [path.name for path in output.parent.iterdir()] == ["limits"]


def test_a_grid_of_one_label_is_one_picture(tmp_path):
    points = write(tmp_path, make_points(places=[(300.0, 0.0), (400.0, 0.0)]).drop(columns="m2"))
    plot_mass_limits.main(["--points", str(points), "--x", "m1", "--title", "t", "--output", str(tmp_path / "limits")])
    assert sorted(path.name for path in (tmp_path / "limits").iterdir()) == ["limits.pdf", "limits.png"]


@pytest.mark.parametrize(
    ("points", "x", "words_of_it"),
    [
        (make_points(places=[(300.0, 0.0), (400.0, 50.0)]), "m1", "No two signal points differ in m1 alone."),
        (make_points().iloc[:0], "m1", "No two signal points differ in m1 alone."),
        (make_points(), "m3", "the signal points have no label 'm3', only m1, m2"),
        (pd.concat([make_points()] * 2), "m1", "several signal points at m1 = 200, m2 = 0: 's_200_0', 's_200_0'"),
    ],
)
def test_without_limits_to_draw_the_picture_says_why(tmp_path, monkeypatch, points, x, words_of_it):
    said = []
    monkeypatch.setattr(style, "placeholder", lambda reason, title: said.append(reason) or Figure())
    path = write(tmp_path, points)
    plot_mass_limits.main(["--points", str(path), "--x", x, "--title", "t", "--output", str(tmp_path / "limits")])
    assert said == [words_of_it]
    assert sorted(each.name for each in (tmp_path / "limits").iterdir()) == ["none.pdf", "none.png"]


def test_a_contour_that_cannot_be_drawn_says_why(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(style, "placeholder", lambda reason, title: said.append((reason, title)) or Figure())
    path = write(tmp_path, pd.concat([make_points(), make_points().iloc[[0]]]))
    command = ["--points", str(path), "--x", "m1", "--y", "m2", "--title", "grid"]
    plot_contour.main([*command, "--output", str(tmp_path / "exclusion.png")])
    assert said == [("several signal points at m1 = 200, m2 = 0: 's_200_0', 's_200_0'", "grid")]
    assert (tmp_path / "exclusion.pdf").exists()


@pytest.mark.parametrize("name", [*ODD_NAMES, "a\nb", "m" * 100])
def test_names_are_literal(name):
    points = make_points(places=[(300.0, 0.0), (400.0, 0.0), (300.0, 50.0)]).assign(signal=name, unit=name)
    shown = style.one_line(name)
    figures = [
        contour(points, name, (name, name), diagonal=5, numbers=True),
        mass_limits(points, title=name, label=name)["m2_0"],
    ]
    for figure in figures:
        assert_inside(figure)
        assert not any(text.get_parse_math() for text in texts(figure))
        axes = figure.axes[0]
        assert axes.get_xlabel() == shown
        assert axes.get_title("left").split("\n")[0] == shown
        unit = style.one_line(name, 20)
        assert any(f"in {unit}" in text or f"[{unit}]" in text for text in words(figure))


@pytest.mark.parametrize("script", ["plot_contour", "plot_mass_limits"])
def test_files_do_not_depend_on_hashes_or_settings_of_the_user(tmp_path, script):
    points = write(tmp_path, lose(make_points(places=[place for place in GRID if place[1] in (50, 100)]), 700, 100))
    settings = tmp_path / "matplotlibrc"
    settings.write_text("font.size: 30\naxes.facecolor: red\npdf.fonttype: 3\ncontour.linewidth: 9\n")
    command = [sys.executable, "-W", "error", SCRIPTS / f"{script}.py", "--points", points, "--title", "t"]
    if script == "plot_contour":
        command += ["--x", "m1", "--y", "m2", "--diagonal", "125", "--numbers"]
    else:
        command += ["--x", "m1"]
    written = []
    for run, changes in enumerate(({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "MATPLOTLIBRC": str(settings)})):
        folder = tmp_path / str(run)
        output = folder / "a.png" if script == "plot_contour" else folder
        subprocess.run([*command, "--output", output], check=True, env=os.environ | changes)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    assert {Path(name).suffix for name in written[0]} == {".png", ".pdf"}
    assert all(content.startswith((b"\x89PNG", b"%PDF")) for content in written[0].values())
