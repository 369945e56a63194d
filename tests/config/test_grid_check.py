"""The check of grids of signals and of their cross sections."""

import copy
import json

import pytest

from helpers.configurations import DEFAULT, problems
from muscan.config.check import usable_part


@pytest.fixture
def with_grid(tmp_path):
    """Return the default configuration and a grid over a patch set with the labels m1 and m2; changes the grid."""
    patch = {"metadata": {"name": "a", "values": [100, 1]}, "patch": []}
    files = {"B.json": {}, "patchset.json": {"metadata": {"labels": ["m1", "m2"]}, "patches": [patch]}}
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "xs.csv").write_text("m1,cross_section,cross_section_error\n100,2.0,0.1\n")

    def build(**grid) -> dict:
        source = {"file": str(tmp_path / "B.json"), "patchset": str(tmp_path / "patchset.json")}
        config = copy.deepcopy(DEFAULT)
        config["datasets"]["published"] = {"workspace": source}
        config["analyses"]["published"] = {"dataset": "published", "mu": "auto", "signals_per_job": 8}
        cross_sections = {"csv": str(tmp_path / "xs.csv"), "unit": "pb"}
        plane = {"analyses": ["published"], "x": "m1", "y": "m2", "cross_sections": cross_sections}
        config["grids"] = {"plane": plane | grid}
        return config

    return build


def test_a_grid_is_accepted(with_grid):
    more = {"axis_labels": {"m1": "m(X) [GeV]"}, "diagonal": 125.5, "numbers": True, "calculator": "asymptotics"}
    assert problems(with_grid()) == problems(with_grid(**more)) == []


@pytest.mark.parametrize(
    ("grid", "problem"),
    [
        (
            {"analyses": ["publishd"]},
            ".analyses: there is no analysis 'publishd' under `analyses`; did you mean 'publ",
        ),
        (
            {"analyses": ["original-locked"]},
            ".analyses: 'original-locked' has a single signal; a grid needs a",
        ),
        ({"analyses": []}, ".analyses: needs at least 1 entry, has 0"),
        ({"x": "m3"}, ".x: the signals of 'published' have no label 'm3'; there are m1, m2"),
        ({"y": "mass"}, ".y: the signals of 'published' have no label 'mass'; there are m1, m2"),
        (
            {"axis_labels": {"m11": "x"}},
            ".axis_labels: the signals of 'published' have no label 'm11'; did you mean 'm",
        ),
        ({"calculator": "toybased"}, ".calculator: 'published' does not use 'toybased', only asymptotics"),
        ({"cross_sections": {"csv": "none.csv", "unit": "pb"}}, ".cross_sections.csv: there is no file 'none.csv'"),
        ({"cross_sections": {"csv": "none.csv"}}, ".cross_sections: the key 'unit' is missing"),
        ({"y": "m1"}, ".y: must be a label different from x"),
        ({"diagonal": "125"}, ".diagonal: needs a number, has the text '125'"),
        ({"z": "m1"}, ": unknown key 'z'"),
    ],
)
def test_a_grid_is_refused(with_grid, grid, problem):
    found = problems(with_grid(**grid))
    assert len(found) == 1
    assert found[0].startswith(f"grids.plane{problem}")


def test_all_problems_of_cross_sections_are_told_before_anything_runs(with_grid, tmp_path):
    (tmp_path / "xs.csv").write_text("m1,cross_section,cross_section_error\n100,2O,0.1\n200,1,-0.1\n300,1,0\n300,2,0\n")
    (problem,) = problems(with_grid())
    assert problem.startswith(f"grids.plane.cross_sections.csv: {tmp_path}/xs.csv, line 2, column cross_section: '2O'")
    assert "line 3: the cross section is not positive, or its error is negative: m1 = 200" in problem
    assert "line 5: the row occurs twice: m1 = 300" in problem


def test_cross_sections_of_other_points_are_told_before_anything_runs(with_grid, tmp_path):
    (tmp_path / "xs.csv").write_text("m1,cross_section,cross_section_error\n300,1,0\n")
    (problem,) = problems(with_grid())
    assert "no row belongs to a point of the grid: the first row is m1 = 300, the first point m1 = 100" in problem


def test_a_grid_does_not_mix_confidence_levels(with_grid):
    config = with_grid(analyses=["published", "other"])
    config["analyses"]["other"] = config["analyses"]["published"] | {"confidence_level": 0.9}
    (problem,) = problems(config)
    assert problem == (
        "grids.plane.analyses: limits of different confidence_level cannot be compared: "
        "0.95 of 'published', 0.9 of 'other'"
    )


def test_a_grid_needs_all_of_its_analyses(with_grid):
    config = with_grid()
    config["analyses"]["other"] = {"dataset": "lost"}
    config["datasets"]["lost"] = {"workspace": {"file": "lost.json", "patchset": "lost.json"}}
    config["grids"]["both"] = {"analyses": ["published", "other"], "x": "m1"}
    rest, reasons, found = usable_part(config)
    assert "both" not in rest["grids"]
    assert list(reasons) == ["other"]
    assert any(text == "grids.both: needs other, which cannot be run" for text in found)
