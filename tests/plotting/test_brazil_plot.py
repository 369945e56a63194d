"""The picture of CLs against mu: lines, words and ranges, not pixels."""

import dataclasses

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from helpers.figures import ABOVE, LIMITS, MU, NOTHING, arrows, assert_inside, by_label, labels, point, words
from muscan.plotting import brazil

# CLs against mu


def test_brazil_draws_the_curves():
    axes = brazil.draw(LIMITS, "t").axes[0]
    observed = by_label(axes, "Observed")
    np.testing.assert_allclose(observed.get_ydata(), [each["CLs_obs"] for each in LIMITS.points])
    assert len(observed.get_markevery()) == len(MU)  # no marker at the refinement
    assert 5 not in observed.get_markevery()
    median = by_label(axes, "Expected (median)")
    assert median.get_linestyle() == "--"
    np.testing.assert_allclose(median.get_ydata(), [each["CLs_exp"][2] for each in LIMITS.points])
    bands = [band for band in axes.collections if isinstance(band, PolyCollection)]
    for band, (low, high) in zip(bands, ((1, 3), (0, 4)), strict=True):
        heights = band.get_paths()[0].vertices[:, 1]
        for each in LIMITS.points:
            assert each["CLs_exp"][low] in heights
            assert each["CLs_exp"][high] in heights
    assert by_label(axes, "CLs = 0.05").get_ydata() == pytest.approx([0.05, 0.05])


def test_brazil_marks_the_limits():
    figure = brazil.draw(LIMITS, "t")
    axes = figure.axes[0]
    assert by_label(axes, "Observed limit 2.35").get_xdata()[0] == 2.3456
    assert by_label(axes, "Expected limit 1.96 +0.80 −0.59").get_xdata()[0] == 1.96
    assert not arrows(axes)
    assert axes.get_title("right") == "asymptotics, 95 % CL"
    assert_inside(figure)


def test_brazil_shows_where_cls_is_large_and_says_how_far_the_scan_goes():
    wide = dataclasses.replace(LIMITS, points=[*LIMITS.points, *map(point, range(6, 41))])
    axes = brazil.draw(wide, "t").axes[0]
    assert 5 < axes.get_xlim()[1] < 10
    assert axes.get_xlabel() == "Signal strength μ (scanned from 0 to 40)"
    assert axes.get_ylim()[0] == pytest.approx(0.001)
    assert axes.get_ylim()[1] > 2  # room for the legend
    assert max(axes.yaxis.get_majorticklocs()) == 1


def test_brazil_says_why_there_is_no_limit():
    figure = brazil.draw(dataclasses.replace(LIMITS, **ABOVE), "t")
    axes = figure.axes[0]
    assert labels(axes)[-3:] == [
        "Observed limit: above the scan, > 1.5",
        "Expected limit: above the scan, > 1.5",
        "Expected +1σ, +2σ: above the scan, > 1.5",
    ]
    assert [arrow.xyann[0] for arrow in arrows(axes)] == [1.5, 1.5]
    assert all(arrow.xy[0] == axes.get_xlim()[1] for arrow in arrows(axes))
    assert_inside(figure)


def test_brazil_marks_failed_points():
    failed = [{"mu": 7.0, "reason": "no minimum"}, {"mu": 0.25, "reason": "no minimum"}]
    axes = brazil.draw(dataclasses.replace(LIMITS, failed_points=failed), "t").axes[0]
    crosses = by_label(axes, "Failed tests: 2")
    assert list(crosses.get_xdata()) == [7.0, 0.25]
    assert crosses.get_marker() == "x"
    assert axes.get_xlim()[1] > 7


@pytest.mark.parametrize("mu", [0.0, 1.5])
def test_brazil_of_one_point(mu):
    limits = dataclasses.replace(LIMITS, **ABOVE | {"points": [point(mu)]})
    axes = brazil.draw(limits, "t").axes[0]
    assert list(by_label(axes, "Observed").get_xdata()) == [mu]
    assert axes.get_xlim()[0] < mu < axes.get_xlim()[1]


def test_brazil_without_any_point_is_a_placeholder():
    reason = NOTHING | {"observed_limit": "none of the 2 tests of the scan succeeded"}
    failed = [{"mu": 0.5, "reason": "no minimum"}]
    figure = brazil.draw(dataclasses.replace(LIMITS, points=[], reason=reason, failed_points=failed), "t")
    assert not figure.axes
    assert "none of the 2 tests of the scan succeeded. At mu = 0.5: no minimum" in words(figure)
