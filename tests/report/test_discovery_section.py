"""What the report says of the significance of an excess."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm

from helpers.planes import make_points, with_significance
from muscan.config.schema import complete
from muscan.inference.discovery import Excess, NoSignificance, significance
from muscan.records.discovery import Discovery
from muscan.report.measured.discovery import describe
from muscan.report.sections import grid_section
from muscan.steps.discover import discovery_record

FAILED = NoSignificance("fit_failed", "the fit at mu = 1 did not converge")


def record(z: float, mu_hat: float = 1.2, at_bound: float | None = None, expected=None) -> Discovery:
    expected = expected or [significance(2.5 + n) for n in (-2, -1, 0, 1, 2)]
    return discovery_record(Excess(mu_hat, at_bound, significance(z), expected))


def words(found: Discovery) -> tuple[str, list[list[str]], str]:
    """Sentences, rows of the table, warnings."""
    section = describe(found.to_json())
    return " ".join(section.sentences), section.tables[0].rows, " ".join(section.warnings)


def test_an_excess():
    text, rows, warnings = words(record(3.0))
    assert "They come from asymptotic formulae." in text
    assert "Observed: p0 = 0.00135 and Z = 3.00, with mu_hat = 1.20." in text
    assert "p0 = 0.00621 and Z = 2.50 (median); in 68 % of such data Z is from 1.50 to 3.50." in text
    assert [row[2] for row in rows] == ["3.00", "0.50", "1.50", "2.50", "3.50", "4.50"]
    assert warnings == ""


def test_a_deficit():
    text, _, _ = words(record(0.0, mu_hat=-0.3))
    assert "The best fit has no excess (mu_hat = −0.300): p0 is 0.5 and Z is 0." in text


def test_bounds():
    text, rows, warnings = words(record(20.0, mu_hat=10.0, at_bound=10.0))
    assert "Observed: p0 < 2.8e−89 and Z > 20.00" in text
    assert rows[0] == ["observed", "< 2.8e−89", "> 20.00"]
    assert "only an upper bound: mu_hat is at the upper bound of the fits, 10" in warnings
    text, rows, _ = words(record(50.0))
    assert "Observed: p0 < 2.2e−308 and Z = 50.00" in text


def test_what_is_missing():
    text, rows, warnings = words(record(3.0, expected=FAILED))
    assert "Expected" not in text
    assert rows[3][1:] == ["–", "–"]
    assert warnings == "There is no expected p0: the fit at mu = 1 did not converge."


def test_a_blind_analysis():
    text, rows, _ = words(record(3.0).without_observed())
    assert "The analysis is blind: there is no observed p0" in text
    assert [row[0] for row in rows] == [f"expected{each}" for each in (" −2σ", " −1σ", ", median", " +1σ", " +2σ")]
    assert "0.00135" not in text + str(rows)


@pytest.mark.parametrize("blind", [False, True])
def test_toys(blind):
    asymptotic = record(4.2)
    toys = {"thrown": 250000, "target": 0.1, "target_reached": False}
    toys |= {"background_only": {"failed": 3}, "signal_plus_background": {"failed": 1}}
    failed = {place: {"p0_obs": None, "p0_exp": [None, None, value, None, None]}
              for place, value in (("in_tail", 0.007), ("outside", 0.006))}  # fmt: skip
    found = replace(
        asymptotic,
        calculator="toybased",
        status={"observed": "toys_too_few", "expected": "ok"},
        reason={"observed": "2 of 150000 toys are in the tail; p0 needs 10 there", "expected": None},
        p0_obs=None,
        Z_obs=None,
        p0_obs_bound=4.2e-5,
        Z_obs_bound=3.93,
        p0_exp_error=[0.01, 0.005, 0.0004, None, None],
        toys=toys,
        failed_toys=failed,
        asymptotics=asymptotic.to_json(),
    )
    found = found.without_observed() if blind else found
    text, rows, warnings = words(found)
    assert "They come from 250\u202f000 toys." in text
    assert rows[-3][1:3] == ["0.00621 ± 4.0e−04", "2.50"]
    assert rows[-3][3:] == ["0.00621", "2.50"]
    assert "The relative error of p0 is not below 0.1: raise max of the toys." in warnings
    assert "The fits of 4 toys failed." in warnings
    assert "a median expected p0 of 0.00700 and 0.00600" in warnings
    if blind:
        assert "observed p0 of" not in warnings
        assert "4.2e" not in text + warnings + str(rows)
    else:
        assert "Observed: p0 < 4.2e−05 and Z > 3.93" in text
        assert rows[0][1:] == [
            "< 4.2e−05",
            "> 3.93",
            f"{math.erfc(4.2 / math.sqrt(2)) / 2:.2e}".replace("-", "−"),
            "4.20",
        ]
        assert "only an upper bound at 95 % confidence level: 2 of 150000 toys are in the tail" in warnings


# The table of the points of a grid


def points_shown(folder, table) -> dict:
    (folder / "grids" / "g").mkdir(parents=True)
    table.to_csv(folder / "grids" / "g" / "points.csv", index=False)
    config = {
        "datasets": {"d": {"workspace": {"file": "w.json"}}},
        "analyses": {"a": {"dataset": "d"}},
        "grids": {"g": {"analyses": ["a"], "x": "m1", "y": "m2"}},
    }
    return grid_section(SimpleNamespace(folder=folder, config=complete(config), figures=lambda *_: []), "g")


def test_points_of_a_grid_have_z_or_a_bound(tmp_path):
    """Z, a lower bound that follows from p0 at four standard deviations, and neither."""
    points = make_points(places=[(400, 0), (500, 0), (600, 0)])
    points = with_significance(points, lambda m1, m2: m1 / 200, lambda m1, m2: m1 / 100)
    points.loc[1:, ["Z_obs", "p0_obs"]] = np.nan
    points.loc[1, "p0_obs_bound"] = norm.sf(4)
    shown = points_shown(tmp_path, points)
    assert shown["numbers"][-2:] == ["Z obs.", "Z exp."]
    assert [row["numbers"][-2:] for row in shown["rows"]] == [["2.00", "4.00"], ["> 4.00", "5.00"], ["–", "6.00"]]
    assert all(len(row["numbers"]) == len(shown["numbers"]) for row in shown["rows"])


def test_points_of_a_grid_without_p0_have_no_columns_for_z(tmp_path):
    shown = points_shown(tmp_path, make_points(places=[(400, 0), (500, 0)]))
    assert not any("Z" in name for name in shown["numbers"])
    assert {len(row["numbers"]) for row in shown["rows"]} == {len(shown["numbers"])}
