"""The picture of pulls: lines, words and ranges, not pixels."""

import numpy as np
import pytest

from helpers.figures import assert_inside, fit_result, words
from muscan.plotting import pulls

# Pulls


def test_pulls_are_in_units_of_the_constraint():
    figure = pulls.draw(fit_result(), "t")
    constrained, free = figure.axes
    np.testing.assert_allclose(constrained.containers[0].lines[0].get_xdata(), [-0.5, 2.0])
    segments = constrained.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([np.ptp(segment[:, 0]) / 2 for segment in segments], [0.9, 0.8])
    assert [text.get_text() for text in constrained.get_yticklabels()] == ["alpha_$x$", "gamma[0]"]
    np.testing.assert_allclose(free.containers[0].lines[0].get_xdata(), [0.427, 0.83])
    assert {"0.43 ± 0.19", "0.830 ± 0.030"} <= set(words(figure))
    assert "lumi" not in words(figure)  # it is fixed
    assert_inside(figure)


def test_parameters_at_a_bound_are_marked():
    bound = fit_result().parameters | {"at_bound": [True] + [False] * 4}
    figure = pulls.draw(fit_result(parameters=bound), "t")
    marked = figure.axes[1].containers[1].lines[0]
    assert list(marked.get_xdata()) == [0.427]
    assert marked.get_markerfacecolor() == "white"
    assert "0.43 ± 0.19 (at its bound)" in words(figure)


def test_all_parameters_fixed():
    fixed = fit_result().parameters | {"fixed": [True] * 5}
    assert "All parameters are fixed." in words(pulls.draw(fit_result(parameters=fixed), "t"))


@pytest.mark.parametrize(("count", "columns"), [(20, 1), (126, 3)])
def test_many_pulls(count, columns):
    every = {
        "names": [f"a_parameter_with_a_long_name_{i}" for i in range(count)],
        "values": [0.1] * (count - 1) + [7.5],
        "errors": [1.0] * count,
        "correlations": [],
        "initial": [0.0] * count,
        "constraint_widths": [1.0] * count,
        "fixed": [False] * count,
        "at_bound": [False] * count,
    }
    figure = pulls.draw(fit_result(parameters=every), "t")
    assert len(figure.axes) == columns
    assert sum(len(axes.containers[0].lines[0].get_xdata()) for axes in figure.axes) == count
    assert all(axes.get_xlim()[1] > 8.5 for axes in figure.axes)
    assert_inside(figure)


def test_pulls_of_one_parameter():
    one = {name: values[1:2] for name, values in fit_result().parameters.items()}
    figure = pulls.draw(fit_result(parameters=one), "t")
    assert len(figure.axes) == 1
    assert_inside(figure)
