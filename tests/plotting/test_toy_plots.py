"""Pictures and tables of limits from toys: the numbers that they show."""

import json

import numpy as np
import pytest
from matplotlib.text import Text

import plot
from helpers.toy_signal import Signal
from helpers.workspaces import SMALL
from muscan.base.json_input import read_json
from muscan.plotting import brazil, distributions, toys
from muscan.records.columns import LIMIT_COLUMNS
from muscan.records.limits import Limits
from muscan.records.toys import ToyPoint
from muscan.results import compare_calculators, tables
from muscan.toys.plan import ThrownPoint
from muscan.toys.pseudo_data import ToyResults

SCAN = ("--mu", 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5)


@pytest.fixture(scope="module")
def signal(tmp_path_factory) -> Signal:
    made = Signal(tmp_path_factory.mktemp("toys") / "analysis" / "signal" / "toybased", SMALL["shapesys"])
    made.limits(*SCAN, "--per-hypothesis", 600, "--block", 300)
    return made


@pytest.fixture
def limits(signal) -> Limits:
    return Limits.from_json(read_json(signal.folder / "limits.json"))


def texts(figure) -> str:
    figure.draw_without_rendering()
    return "\n".join(text.get_text() for text in figure.findobj(Text) if text.get_visible())


def test_the_brazil_band_has_the_errors_and_the_asymptotic_curve(limits):
    figure = brazil.draw(limits, "a scan")
    (axes,) = figure.axes
    assert f"{limits.observed_limit:.2f}"[:3] in texts(figure)
    assert " ± " in texts(figure)
    asymptotic = next(line for line in axes.lines if line.get_label() == "Asymptotic, observed")
    expected = [point["CLs_obs"] for point in limits.asymptotics["points"]]
    assert asymptotic.get_ydata().tolist() == expected
    bars = [segment for container in axes.containers for part in container[2] for segment in part.get_segments()]
    point = next(point for point in limits.points if point["mu"] == 2)
    low, high = point["CLs_obs"] - point["CLs_obs_error"], point["CLs_obs"] + point["CLs_obs_error"]
    assert any(np.allclose(bar, [[2, low], [2, high]]) for bar in bars)


def test_the_map_of_toys_shows_their_numbers(limits):
    figure = toys.draw(limits, "a scan")
    above, below = figure.axes
    heights = [bar.get_height() for container in above.containers for bar in container]
    assert sum(heights) == 600 * 9 * 2  # nine values of mu above zero, two hypotheses
    observed = next(line for line in below.lines if line.get_label() == "Observed")
    point = limits.points[4]
    assert observed.get_ydata()[4] == pytest.approx(100 * point["CLs_obs_error"] / point["CLs_obs"])
    assert "6\u202f000 toys" in texts(figure)


def test_distributions_are_fractions_of_the_toys(limits):
    """Without toys beyond the frame all bins sum to one, those of the asymptotic forms too."""
    rng = np.random.default_rng(1)
    q = [np.where(rng.random(3000) < 0.5, 0.0, rng.chisquare(1, 3000)), rng.chisquare(4, 3000)]
    flags = np.zeros(3000, np.uint8)
    point = ToyPoint(2.0, "ok", None, 1.7, 4.0)
    figure = distributions.draw(ThrownPoint(point, *(ToyResults(each, flags) for each in q)), limits, "a scan")
    (axes,) = figure.axes
    points = [np.nansum(container[0].get_ydata()) for container in axes.containers]
    assert points == pytest.approx([1, 1], abs=2e-3)
    forms = [patch.get_data().values.sum() for patch in axes.patches if hasattr(patch, "get_data")]
    assert forms == pytest.approx([1, 1], abs=2e-2)
    assert "√q̃ = 1.30" in texts(figure)


def test_chosen_distributions(signal, limits, tmp_path):
    """Those next to the limits, or those asked for."""
    common = [
        "--plot",
        "distributions",
        *signal.common,
        "--plan",
        str(signal.folder / "plan_0.json"),
        "--toys",
        str(signal.folder / "toys"),
    ]
    common += ["--limits", str(signal.folder / "limits.json"), "--title", "a scan"]
    plot.main([*common, "--output", str(tmp_path / "near")])
    nearest = {
        min(SCAN[1:], key=lambda mu, at=at: abs(mu - at)) for at in (limits.observed_limit, limits.expected_limit[2])
    }
    assert {path.stem for path in (tmp_path / "near").glob("*.png")} == {f"mu_{mu:g}" for mu in nearest}
    plot.main([*common, "--show", "0.9", "4.2", "--output", str(tmp_path / "asked")])
    assert {path.name for path in (tmp_path / "asked").iterdir()} == {
        f"mu_{mu}.{kind}" for mu in (1, 4) for kind in ("png", "pdf")
    }


def test_a_scan_of_mu_zero_alone_has_pictures(tmp_path):
    made = Signal(tmp_path / "signal", SMALL["shapesys"])
    limits = made.limits("--mu", 0, "--per-hypothesis", 10)
    assert "extend mu beyond 0" in "".join(texts(toys.draw(limits, "a scan")).split("\n")).replace("  ", " ")
    assert brazil.draw(limits, "a scan").axes


def test_a_failure_is_written_in_the_pictures(tmp_path):
    failed = tmp_path / "limits.json"
    failed.write_text(json.dumps({"status": "failed", "reason": "the patch does not apply"}), encoding="utf-8")
    common = ["--limits", str(failed), "--title", "a scan"]
    plot.main(["--plot", "toys", *common, "--output", str(tmp_path / "toys.png")])
    assert (tmp_path / "toys.png").exists()
    options = ["--plan", str(failed), "--model", "m", "--fit", "f", "--toys", "t"]
    plot.main(["--plot", "distributions", *common, *options, "--output", str(tmp_path / "folder")])
    assert (tmp_path / "folder" / "none.pdf").exists()


def test_tables_have_the_errors_and_the_ratios(signal, limits):
    results = signal.folder.parents[2]
    scan = "analysis/signal/toybased"
    row = tables.scan_row(results, scan)
    assert row["observed_limit_error"] == limits.observed_limit_error
    assert row["expected_p1_error"] == limits.expected_limit_error[3]
    rows = compare_calculators.limit_rows(results, scan)
    assert [each["limit"] for each in rows] == list(LIMIT_COLUMNS)
    asymptotic = limits.asymptotics["observed_limit"]
    assert rows[0]["ratio"] == pytest.approx(limits.observed_limit / asymptotic)
    assert rows[0]["ratio_error"] == pytest.approx(limits.observed_limit_error / asymptotic)
    missing = next(each for each in rows if each["status"] != "ok")
    assert missing["toybased"] is missing["ratio"] is None
