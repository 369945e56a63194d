"""What all pictures have in common: numbers, names, placeholders, files."""

import dataclasses
import json
import os
import subprocess
import sys

import pytest
from matplotlib.text import Text

import plot
from helpers.figures import LIMITS, NOTHING, ODD_NAMES, OK, SCRIPTS, assert_inside, fit_result, limits_table, words
from muscan.plotting import brazil, pulls, style
from muscan.plotting.limits import draw as draw_limits

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


def test_failures_travel_to_every_plot(tmp_path):
    failed = tmp_path / "failed.json"
    failed.write_text(json.dumps({"status": "failed", "reason": "no minimum"}))
    plot.main(["--plot", "yields", "--fit", str(failed), "--title", "t", "--output", str(tmp_path / "yields")])
    assert sorted(path.name for path in (tmp_path / "yields").iterdir()) == ["failed.pdf", "failed.png"]
    for name, result in (("pulls", "--fit"), ("brazil", "--limits")):
        plot.main(["--plot", name, result, str(failed), "--title", "t", "--output", str(tmp_path / f"{name}.png")])
        assert (tmp_path / f"{name}.png").stat().st_size > 1000
        assert (tmp_path / f"{name}.pdf").stat().st_size > 1000


@pytest.mark.parametrize("title", ["", "t", "m" * 100])
def test_titles_of_any_length_stay_inside(title):
    for figure in (
        brazil.draw(LIMITS, title),
        pulls.draw(fit_result(), title),
        style.placeholder("no minimum " * 200, title),
    ):
        assert_inside(figure)
