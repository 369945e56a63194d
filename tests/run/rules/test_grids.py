"""Values for the rules of grids of signals."""

from types import SimpleNamespace

import pytest

from muscan.config.schema import complete
from muscan.run.rules.grids import Grids
from muscan.run.rules.scans import Scans

PLANE = SimpleNamespace(grid="plane")
LINE = SimpleNamespace(grid="line")


@pytest.fixture
def grids(tmp_path) -> Grids:
    for name in ("m_1", "m_2"):
        (tmp_path / f"{name}.json").write_text("[]")
    plane = {
        "analyses": ["a", "b"],
        "x": "m1",
        "y": "status",
        "diagonal": -125,
        "axis_labels": {"m1": "mass [GeV]"},
        "cross_sections": {"csv": "xs.csv", "unit": "pb"},
    }
    config = {
        "datasets": {"d": {"workspace": {"file": "w.json", "patches": str(tmp_path)}}},
        "analyses": {
            "a": {"dataset": "d", "calculators": ["toybased", "asymptotics"]},
            "b": {"dataset": "d", "calculators": ["toybased"], "discovery": True},
        },
        "grids": {
            "plane": plane,
            "line": {"analyses": ["a"], "x": "m1"},
            "asked": {"analyses": ["b"], "x": "m1"},
        },
    }
    return Grids(complete(config), Scans(complete(config)))


def test_limits_are_of_the_calculator_that_all_analyses_have(grids):
    assert grids.names == ["plane", "line", "asked"]
    assert grids.limits(PLANE) == [f"results/{a}/{m}/toybased/limits.json" for a in "ab" for m in ("m_1", "m_2")]
    assert grids.limits(LINE) == [f"results/a/{m}/asymptotics/limits.json" for m in ("m_1", "m_2")]


def test_discoveries_are_of_grids_whose_analyses_all_ask_for_them(grids):
    asked = SimpleNamespace(grid="asked")
    assert grids.discoveries(asked) == [f"results/b/{m}/toybased/discovery.json" for m in ("m_1", "m_2")]
    assert grids.discoveries(PLANE) == grids.discoveries(LINE) == []


def test_axes(grids):
    assert [grids.label(axis)(PLANE) for axis in "xy"] == ["m1", "label_status"]  # a column has that name
    assert [grids.axis_title(axis)(PLANE) for axis in "xy"] == ["mass [GeV]", []]
    assert grids.units(PLANE) == ["m1=GeV"]
    assert grids.setting("diagonal")(PLANE) == -125
    assert grids.cross_sections(PLANE) == "xs.csv"


def test_settings_that_are_not_given_are_empty_lists(grids):
    assert grids.label("y")(LINE) == grids.axis_title("y")(LINE) == grids.units(LINE) == []
    assert grids.setting("diagonal")(LINE) == grids.cross_sections(LINE) == []
    assert grids.setting("numbers")(LINE) is False
