"""The picture of the ranking: bars, points, words and ranges, not pixels."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from helpers.figures import ODD_NAMES, assert_inside, words
from helpers.rankings import free, impact, ranking
from muscan.plotting import ranking as plot
from muscan.plotting import style


def draw(parameters, **changes):
    figure = plot.draw(ranking(parameters, **changes), "analysis / signal")
    assert_inside(figure)
    return figure


def bars(figure) -> list[tuple]:
    """Row, length, colour and whether it is filled, of each bar."""
    return [
        (
            round(bar.get_y() + bar.get_height() / 2, 2),
            bar.get_width(),
            to_hex(bar.get_facecolor() if bar.get_facecolor()[3] else bar.get_edgecolor()),
            bool(bar.get_facecolor()[3]),
        )
        for bar in figure.axes[0].patches
    ]


def test_impacts_and_pulls():
    figure = draw([impact("jets", 0.2), free("norm", 0.1)])
    assert bars(figure) == [
        (0, -0.2, plot.DOWN, True),
        (0, 0.2, plot.UP, True),
        (0, -0.25, plot.DOWN, False),
        (0, 0.25, plot.UP, False),
        (1, -0.1, plot.DOWN, True),
        (1, 0.1, plot.UP, True),
    ]
    top, bottom = figure.axes
    assert top.get_xlim() == pytest.approx((-0.275, 0.275))
    assert [label.get_text() for label in top.get_yticklabels()] == ["jets", "norm"]
    (points,) = bottom.containers
    assert list(points.lines[0].get_xdata()) == [0.5]
    np.testing.assert_allclose(points.lines[2][0].get_segments()[0][:, 0], [-0.3, 1.3])
    assert top.get_xlabel() == "Change of the best-fit μ (1.50 ± 0.45)"
    assert "1.030 ± 0.050" in words(figure)


def test_impacts_on_one_side_do_not_hide_each_other():
    figure = draw([impact("a", impact_postfit_down=0.1, impact_postfit_up=0.2)])
    places = {(round(bar.get_y(), 3), round(bar.get_height(), 3)) for bar in figure.axes[0].patches[:2]}
    assert places == {(0.0, 0.36), (-0.36, 0.36)}


def test_number_of_parameters():
    names = [f"a_parameter_{i}" for i in range(100)]
    parameters = [impact(name) for name in names]
    for show, number in ((None, 20), (3, 3), (100, 100), (1000, 100)):
        labels = draw(parameters, show=show).axes[0].get_yticklabels()
        assert [label.get_text() for label in labels] == names[:number]
    assert len(draw(parameters[:1]).axes[0].get_yticklabels()) == 1


def test_problems_are_marked():
    nothing = dict.fromkeys(("impact_postfit_down", "impact_postfit_up"))
    figure = draw(
        [
            impact("a", status="fit_failed", **nothing),
            impact("b", status="lower_minimum", **nothing),
            impact("c", stopped=["impact_prefit_down"]),
            impact("d", stopped=["impact_observable_down"], methods_agree=False),
            impact("e", status="undetermined", constraint=None, **nothing),
        ]
    )
    notes = {text.get_text(): text.get_color() for text in figure.axes[0].texts if text.get_text()}
    red = style.SIGNAL_COLOR
    assert notes == {
        **{"fit failed": red, "lower minimum": red, "no uncertainty": red},
        **{"shift stopped at a bound": "black", "not Gaussian": "black"},
    }


def test_names_of_users():
    long = "a_very_long_name_of_a_parameter_" + 40 * "x"
    figure = draw([impact(name) for name in (*ODD_NAMES, long)])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[:-1] == list(ODD_NAMES)
    assert len(labels[-1]) == plot.LONGEST


def test_strong_pulls_are_in_the_frame():
    figure = draw([impact("a", pull=-7.5)])
    assert figure.axes[1].get_xlim()[0] < -8.3


def test_blind():
    assert "analysis / signal (blinded: expected for μ = 1)" in words(draw([impact("a")], blinded=True))


@pytest.mark.parametrize(
    ("parameters", "changes", "reason"),
    [
        ([], {}, "The model has no free nuisance parameters."),
        (
            [impact("a")],
            {"status": "at_bound", "reason": "mu_hat = 10 is at a bound of mu"},
            "mu_hat = 10 is at a bound",
        ),
    ],
)
def test_without_impacts_the_picture_says_why(parameters, changes, reason):
    assert any(reason in text for text in words(draw(parameters, **changes)))
