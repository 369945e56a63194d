"""The pictures of data and prediction: lines, words and ranges, not pixels."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from scipy.stats import norm, poisson

import plot
from helpers.figures import assert_inside, channel, fit_result, labels, sample
from muscan.base.errors import InputError
from muscan.plotting import stacks, style, yields
from muscan.records.fit import ChannelYields, FitResult

# Yields


def test_garwood_intervals_cover_one_sigma():
    counts = np.array([0.0, 1.0, 7.0, 120.0])
    down, up = stacks.garwood(counts)
    tail = norm.sf(1)
    np.testing.assert_allclose(poisson.cdf(counts, counts + up), tail, rtol=1e-9)
    np.testing.assert_allclose(poisson.sf(counts[1:] - 1, counts[1:] - down[1:]), tail, rtol=1e-9)
    assert down[0] == 0


def draw_yields(fit: FitResult, stage: str = "postfit", edges=None, signals=frozenset({"signal"})) -> Figure:
    first = ChannelYields.from_json(fit.yields[0])
    text = yields.stage_notes(fit)[stage]
    return yields.draw_channel(first, stage, "title", text, edges, stacks.sample_colors(fit, set(signals)))


@pytest.mark.parametrize("stage", ["prefit", "postfit"])
def test_yields_are_stacked(stage):
    fit = fit_result()
    figure = draw_yields(fit, stage, np.array([0.0, 1.0, 2.0, 4.0]))
    main, ratio = figure.axes
    assert labels(main) == ["Data", "signal", "large", "small", "Uncertainty"]
    *stack, total, band = [patch for patch in main.patches if isinstance(patch, StepPatch)]
    assert len(stack) == 3
    np.testing.assert_allclose(stack[0].get_data().values, fit.yields[0]["samples"]["small"][stage])
    np.testing.assert_allclose(stack[-1].get_data().values, fit.yields[0]["total"][stage])
    assert stack[-1].get_facecolor()[:3] == pytest.approx((0.741, 0.122, 0.004), abs=1e-3)  # the signal's red
    np.testing.assert_allclose(total.get_data().edges, [0, 1, 2, 4])
    error = fit.yields[0]["total"][f"{stage}_error"]
    np.testing.assert_allclose(band.get_data().values - band.get_data().baseline, 2 * np.array(error))
    np.testing.assert_allclose(main.containers[0].lines[0].get_ydata(), [12, 0, 3])
    np.testing.assert_allclose(main.containers[0].lines[0].get_xdata(), [0.5, 1.5, 3])
    expected = np.array([12, 0, 3]) / fit.yields[0]["total"][stage]
    np.testing.assert_allclose(ratio.containers[0].lines[0].get_ydata(), expected)
    assert main.get_ylim()[0] == 0
    assert_inside(figure)


def test_the_legend_leaves_the_data_free():
    main = draw_yields(fit_result()).axes[0]
    top = main.transData.inverted().transform(main.get_legend().get_window_extent().get_points())[0, 1]
    assert top > 12 + stacks.garwood(np.array([12.0]))[1, 0]


def test_yields_say_stage_best_fit_and_quality():
    assert (
        draw_yields(fit_result()).axes[0].get_title("right") == "post-fit\nμ = 0.43 ± 0.19, goodness of fit p = 0.013"
    )
    assert draw_yields(fit_result(), "prefit").axes[0].get_title("right") == "pre-fit\nμ = 1"


def test_yields_without_degrees_of_freedom_and_at_a_bound():
    bound = fit_result().parameters | {"at_bound": [True] + [False] * 4}
    nothing = {"statistic": 0.4, "ndof": 0, "p_value": None}
    fit = fit_result(mu_hat=3e-12, mu_hat_minos=[None, 0.4], parameters=bound, goodness_of_fit=nothing)
    assert yields.stage_notes(fit)["postfit"] == "μ = 0 (at its bound), no degrees of freedom"


def test_bins_are_numbered_without_edges():
    ratio = draw_yields(fit_result()).axes[1]
    assert list(ratio.get_xticks()) == [1, 2, 3]
    assert ratio.get_xlabel() == "Bin"
    single = fit_result(yields=[channel("SR", [7], b=sample(8))])
    assert list(draw_yields(single).axes[1].get_xticks()) == [1]


def test_nothing_predicted_and_nothing_observed():
    empty = fit_result(yields=[channel("SR", [0, 2], b=sample(0, 0) | {"postfit_error": [0, 0]})])
    main, ratio = draw_yields(empty).axes
    assert labels(main) == ["Data", "Uncertainty"]
    assert np.isnan(ratio.containers[0].lines[0].get_ydata()).all()


def test_contents_of_different_size_get_a_logarithmic_axis():
    wide = fit_result(yields=[channel("SR", [9000, 40, 0], b=sample(10000, 50, 0.5), signal=sample(0, 5, 5))])
    main = draw_yields(wide).axes[0]
    assert main.get_yscale() == "log"
    assert main.get_ylim()[0] < 0.5
    assert main.get_ylim()[1] > 20000
    assert not any("$" in text.get_text() for text in main.get_yticklabels())


def test_data_outside_the_ratio_panel_are_marked():
    far = fit_result(yields=[channel("SR", [900, 10], b=sample(100, 10))])
    ratio = draw_yields(far).axes[1]
    above = next(line for line in ratio.lines if line.get_marker() == "^")
    assert list(above.get_xdata()) == [1]
    assert ratio.get_ylim() == (0, 2)


def test_more_samples_than_colours_are_added_up():
    many = {f"b{i:02d}": sample(100 - i, 1) for i in range(14)}
    fit = fit_result(yields=[channel("SR", [1000, 10], **many)])
    stack = stacks.stack_order(ChannelYields.from_json(fit.yields[0]), "prefit", stacks.sample_colors(fit, set()))
    assert [label for label, *_ in stack] == [*(f"b{i:02d}" for i in reversed(range(8))), "6 smaller backgrounds"]
    assert len({color for *_, color in stack}) == len(style.PALETTE)
    np.testing.assert_allclose(np.sum([events for _, events, _ in stack], axis=0), fit.yields[0]["total"]["prefit"])


def test_signal_is_what_the_parameter_of_interest_scales():
    scaled = [{"name": "mu", "type": "normfactor", "data": None}]
    samples = [{"name": "s_$1$", "data": [1], "modifiers": scaled}, {"name": "b", "data": [1], "modifiers": []}]
    assert yields.signal_samples({"channels": [{"name": "c", "samples": samples}]}, "mu") == {"s_$1$"}


def test_wrong_edges_are_an_error():
    with pytest.raises(InputError, match="channel 'SR': 1 bins in the histograms, 3 in the fit"):
        list(yields.pictures_of(fit_result(), "t", {"SR": np.array([0.0, 1.0])}, set()))


def test_yields_are_a_directory_that_replaces_an_older_one(tmp_path):
    fit = tmp_path / "fit.json"
    fit.write_text(json.dumps(fit_result(yields=[channel("SR $x$/1.5", [7], b=sample(8))]).to_json()))
    output = tmp_path / "plots" / "yields"
    output.mkdir(parents=True)
    (output / "old.png").touch()
    plot.main(["--plot", "yields", "--fit", str(fit), "--title", "t", "--output", str(output)])
    names = [f"SR%20%24x%24%2F1.5_{stage}.{kind}" for stage in ("postfit", "prefit") for kind in ("pdf", "png")]
    assert sorted(path.name for path in output.iterdir()) == names
    assert [path.name for path in output.parent.iterdir()] == ["yields"]
