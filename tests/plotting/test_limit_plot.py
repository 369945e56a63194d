"""The picture of all limits: lines, words and ranges, not pixels."""

from itertools import pairwise

import numpy as np
from matplotlib.patches import Rectangle

import compare_limits
from helpers.figures import NO_LIMITS, arrows, assert_inside, limits_table, words
from muscan.plotting.limits import OBSERVED, read_limits, row_names
from muscan.plotting.limits import draw as draw_limits
from muscan.records.columns import FIT_COLUMNS

# Limits of all analyses


def bars(axes) -> list[tuple[float, float]]:
    return [
        (patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches if isinstance(patch, Rectangle)
    ]


def test_limits_draw_bands_and_numbers():
    figure = draw_limits(limits_table([{}, {"analysis": "b", "signal": "m_$1$"}]))
    axes = figure.axes[0]
    assert bars(axes) == [(0.5, 1.9), (0.7, 1.4)] * 2
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b / m_$1$"]
    assert words(figure).count("1.50  (1.00 +0.40 −0.30)") == 2
    assert axes.get_xlabel() == "Upper limit on μ (95 % CL)"
    assert axes.get_xscale() == "linear"
    assert_inside(figure)


def test_limits_that_are_missing_are_said_and_drawn_as_far_as_known():
    upper = {"expected_p1": np.nan, "expected_p2": np.nan, "status": "above_scan: expected_p1 expected_p2"}
    lower = {"expected_m2": np.nan, OBSERVED: np.nan}
    lower["status"] = "below_scan: expected_m2; multiple_crossings: observed_limit"
    figure = draw_limits(limits_table([upper, lower, NO_LIMITS | {"status": "fit_failed"}]))
    axes = figure.axes[0]
    assert bars(axes) == [(0.5, 1.0), (0.7, 1.0), (0.7, 1.9), (0.7, 1.4)]
    assert [(arrow.xy, arrow.xyann[0] > 0) for arrow in arrows(axes)] == [((1.0, 0), True), ((0.7, 1), False)]
    assert "1.50  (1.00)  +1σ, +2σ above the scan" in words(figure)
    assert "(1.00 +0.40 −0.30)  observed CLs crosses several times  −2σ below the scan" in words(figure)
    assert "fit failed" in words(figure)
    assert_inside(figure)


def test_only_failed_rows():
    figure = draw_limits(limits_table([NO_LIMITS | {"status": "fit_failed"}]))
    assert "fit failed" in words(figure)


def test_limits_of_130_signals():
    scale = {name: value for name, value in limits_table([{}]).iloc[0].items() if isinstance(value, float)}
    rows = []
    for i in range(130):
        factor = 10 ** (i / 60)
        numbers = {name: value * factor for name, value in scale.items() if name != "confidence_level"}
        rows.append({"signal": f"sbottom_{i}", **numbers})
    figure = draw_limits(limits_table(rows))
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert len(axes.get_yticklabels()) == 130
    assert figure.get_figheight() < 30
    assert_inside(figure)
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(low.y0 >= high.y1 - 1 or high.y0 >= low.y1 - 1 for low, high in pairwise(boxes))


def test_calculator_and_level_are_named_where_they_differ():
    table = limits_table([{}, {"calculator": "toybased", "confidence_level": 0.9}])
    assert row_names(table) == ["a (asymptotics, 95 %)", "a (toybased, 90 %)"]


def test_a_signal_may_be_called_na(tmp_path):
    path = tmp_path / "limits.csv"
    limits = limits_table([{"signal": "NA"}, NO_LIMITS | {"signal": "1.50", "status": "fit_failed"}])
    limits.assign(**dict.fromkeys([*FIT_COLUMNS, "reason"], "")).to_csv(path, index=False)
    table = read_limits(path)
    assert list(table["signal"]) == ["NA", "1.50"]
    assert np.isnan(table["expected"][1])
    compare_limits.main(["--limits", str(path), "--output", str(tmp_path / "limits.png")])
    assert (tmp_path / "limits.pdf").exists()


def test_an_empty_table():
    assert not draw_limits(limits_table([{}]).iloc[:0]).axes
