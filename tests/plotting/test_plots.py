"""What the plots draw: lines, words and ranges, not pixels."""

import dataclasses
import json
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.text import Annotation, Text
from scipy.stats import norm, poisson

import compare_limits
import plot
from muscan.base.errors import InputError
from muscan.base.versions import ROOT
from muscan.plotting import brazil, pulls, stacks, style, yields
from muscan.plotting.limits import EXPECTED, OBSERVED, read_limits, row_names
from muscan.plotting.limits import draw as draw_limits
from muscan.records.columns import FIT_COLUMNS
from muscan.records.fit import ChannelYields, FitResult
from muscan.records.limits import Limits

SCRIPTS = ROOT / "scripts"
MU = np.linspace(0, 5, 11)
OK = {"observed_limit": "ok", "expected_limit": ["ok"] * 5}
NOTHING = {"observed_limit": None, "expected_limit": [None] * 5}
ODD_NAMES = ("a_$b$", "x^2", r"\alpha_{1} $\frac{1}{", "100 %")


def cls(mu: float, sigma: float) -> float:
    """CLs of a Gaussian measurement of mu with unit resolution that fluctuates up by sigma."""
    return float(norm.sf(mu - sigma) / norm.sf(-sigma))


def point(mu: float, refinement: bool = False) -> dict:
    return {"mu": mu, "CLs_obs": cls(mu, 0.5), "CLs_exp": [cls(mu, n) for n in range(-2, 3)], "refinement": refinement}


LIMITS = Limits(
    calculator="asymptotics",
    test_statistic="qtilde",
    confidence_level=0.95,
    observed_limit=2.3456,
    expected_limit=[0.96, 1.37, 1.96, 2.76, 3.66],
    status=OK,
    reason=NOTHING,
    bound=NOTHING,
    points=[*map(point, MU[:5]), point(2.3456, refinement=True), *map(point, MU[5:])],
    failed_points=[],
)
ABOVE = {
    "observed_limit": None,
    "expected_limit": [0.96, 1.37, None, None, None],
    "status": {"observed_limit": "above_scan", "expected_limit": ["ok", "ok", *["above_scan"] * 3]},
    "bound": {"observed_limit": 1.5, "expected_limit": [None, None, 1.5, 1.5, 1.5]},
    "points": [point(mu) for mu in MU[:4]],
}


def sample(*events: float) -> dict:
    events = np.array(events, dtype=float)
    return {
        "prefit": [*events],
        "prefit_error": [*(0.1 * events)],
        "postfit": [*(0.9 * events)],
        "postfit_error": [0.5] * len(events),
    }


def channel(name: str, observed: list[float], **samples: dict) -> dict:
    total = {key: np.sum([each[key] for each in samples.values()], axis=0).tolist() for key in sample(0)}
    return ChannelYields(name, observed, samples, total).to_json()


def fit_result(**changes) -> FitResult:
    fit = FitResult(
        fitted_by={"engine": "newton", "free": "newton", "reference": "newton"},
        poi="mu",
        poi_bounds=[0, 10],
        mu_hat=0.427,
        mu_hat_error=0.191,
        mu_hat_minos=[-0.19, 0.19],
        deviance=35.4,
        parameters={
            "names": ["mu", "alpha_$x$", "gamma[0]", "lumi", "norm"],
            "values": [0.427, -0.5, 1.2, 1.0, 0.83],
            "errors": [0.191, 0.9, 0.08, 0.0, 0.03],
            "correlations": np.eye(5).tolist(),
            "initial": [1.0, 0.0, 1.0, 1.0, 1.0],
            "constraint_widths": [None, 1.0, 0.1, None, None],
            "fixed": [False, False, False, True, False],
            "at_bound": [False, False, False, False, False],
        },
        reference={},
        asimov=[],
        goodness_of_fit={"statistic": 35.4, "ndof": 19, "p_value": 0.0126},
        yields=[channel("SR", [12, 0, 3], small=sample(1, 1, 1), signal=sample(0, 2, 4), large=sample(9, 3, 2))],
        interpolation={},
        test_statistic="qtilde",
    )
    return dataclasses.replace(fit, **changes)


def limits_table(rows: list[dict]) -> pd.DataFrame:
    full = {"analysis": "a", "signal": "signal", "calculator": "asymptotics", "confidence_level": 0.95, "status": "ok"}
    full |= dict(zip([OBSERVED, *EXPECTED], [1.5, 0.5, 0.7, 1.0, 1.4, 1.9], strict=True))
    return pd.DataFrame([full | row for row in rows])


NO_LIMITS = dict.fromkeys([OBSERVED, *EXPECTED], np.nan)


def words(figure: Figure) -> list[str]:
    """All texts of a figure that are to be seen."""
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


def labels(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def by_label(axes, label: str):
    return next(line for line in axes.lines if line.get_label() == label)


def arrows(axes) -> list[Annotation]:
    return [child for child in axes.get_children() if isinstance(child, Annotation)]


def assert_inside(figure: Figure) -> None:
    """Nothing is clipped at the border of the figure."""
    figure.draw_without_rendering()
    box = figure.get_tightbbox()  # inches
    assert min(box.x0, box.y0) > -0.01
    assert box.x1 < figure.get_figwidth() + 0.01
    assert box.y1 < figure.get_figheight() + 0.01


# Shared


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.74404, "0.744"), (1.3756, "1.38"), (12345.6, "12346"), (0, "0.00"), (-2.5, "−2.50"), (3e-7, "3.00e−07")],
)
def test_numbers_have_three_significant_digits(value, expected):
    assert style.number(value) == expected


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((0.6214, 0.2147, 0.1712), "0.62 +0.21 −0.17"),
        ((1.0266, 0.2138), "1.03 ± 0.21"),
        ((-1e-15, 0.7065), "0.00 ± 0.71"),
        ((251.3, 98.2, 71.4), "251 +98 −71"),
        ((2.0, None), "2.00"),
    ],
)
def test_errors_have_two_significant_digits(numbers, expected):
    assert style.with_error(*numbers) == expected


def test_placeholder_says_the_reason():
    figure = style.placeholder("no minimum was found for a_$b$", "analysis / x^2")
    assert {"no minimum was found for a_$b$", "analysis / x^2"} <= set(words(figure))


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_are_literal(name):
    figures = [
        brazil.draw(LIMITS, name),
        pulls.draw(fit_result(), name),
        draw_limits(limits_table([{"analysis": name}])),
        style.placeholder(name, name),
    ]
    for figure in figures:
        texts = [text for text in figure.findobj(Text) if text.get_text() == name]
        assert texts
        assert not any(text.get_parse_math() for text in texts)


def test_long_names_get_an_ellipsis_and_line_breaks_go():
    assert style.one_line("a\nb") == "a b"
    short = style.one_line("begin" + "x" * 200 + "end", 30)
    assert len(short) == 30
    assert (short[:5], short[-3:]) == ("begin", "end")


def test_files_do_not_depend_on_time_hashes_or_settings_of_the_user(tmp_path):
    limits = tmp_path / "limits.json"
    limits.write_text(json.dumps(LIMITS.to_json()))
    settings = tmp_path / "matplotlibrc"
    settings.write_text("font.size: 30\naxes.facecolor: red\npdf.fonttype: 3\n")
    written = []
    for run, changes in enumerate(({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "MATPLOTLIBRC": str(settings)})):
        command = [sys.executable, SCRIPTS / "plot.py", "--plot", "brazil", "--limits", limits, "--title", "t"]
        output = tmp_path / f"{run}.png"
        subprocess.run([*command, "--output", output], check=True, env=os.environ | changes)
        written.append((output.read_bytes(), output.with_suffix(".pdf").read_bytes()))
    assert written[0] == written[1]
    assert written[0][0].startswith(b"\x89PNG")
    assert written[0][1].startswith(b"%PDF")
    assert b"CreationDate" not in written[0][1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "0.pdf",
        "0.png",
        "1.pdf",
        "1.png",
        "limits.json",
        "matplotlibrc",
    ]


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


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("below_scan", "Observed limit: below the scan, < 1"),
        ("multiple_crossings", "Observed limit: CLs crosses several times"),
        ("not_monotone", "Observed limit: CLs rises with μ"),
        ("toys_too_few", "Observed limit: too few toys"),
        ("fit_failed", "Observed limit: fit failed"),
    ],
)
def test_every_status_has_words(status, expected):
    bound = 1.0 if status == "below_scan" else None
    changes = {
        "observed_limit": None,
        "status": OK | {"observed_limit": status},
        "bound": NOTHING | {"observed_limit": bound},
    }
    limits = dataclasses.replace(LIMITS, **changes)
    assert brazil.limit_texts(limits)[0] == expected


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


def test_failures_travel_to_every_plot(tmp_path):
    failed = tmp_path / "failed.json"
    failed.write_text(json.dumps({"status": "failed", "reason": "no minimum"}))
    plot.main(["--plot", "yields", "--fit", str(failed), "--title", "t", "--output", str(tmp_path / "yields")])
    assert sorted(path.name for path in (tmp_path / "yields").iterdir()) == ["failed.pdf", "failed.png"]
    for name, result in (("pulls", "--fit"), ("brazil", "--limits")):
        plot.main(["--plot", name, result, str(failed), "--title", "t", "--output", str(tmp_path / f"{name}.png")])
        assert (tmp_path / f"{name}.png").stat().st_size > 1000
        assert (tmp_path / f"{name}.pdf").stat().st_size > 1000


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


@pytest.mark.parametrize("title", ["", "t", "m" * 100])
def test_titles_of_any_length_stay_inside(title):
    for figure in (
        brazil.draw(LIMITS, title),
        pulls.draw(fit_result(), title),
        style.placeholder("no minimum " * 200, title),
    ):
        assert_inside(figure)


def test_pulls_of_one_parameter():
    one = {name: values[1:2] for name, values in fit_result().parameters.items()}
    figure = pulls.draw(fit_result(parameters=one), "t")
    assert len(figure.axes) == 1
    assert_inside(figure)


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
