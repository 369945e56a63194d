"""The points of a grid of signals: cross sections, the best of several analyses, what failed."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

import grid_points
from muscan.base.errors import InputError
from muscan.base.files import write_json
from muscan.config.scans import outline_of
from muscan.config.schema import complete
from muscan.config.signals import path_name
from muscan.inference.discovery import Excess, significance
from muscan.inference.limits import Limit
from muscan.records.columns import CROSS_SECTION_COLUMNS, DISCOVERY_COLUMNS, LIMIT_COLUMNS, P0_COLUMNS, Z_COLUMNS
from muscan.records.limits import Limits
from muscan.results import contours
from muscan.steps.discover import discovery_record
from muscan.steps.invert import six_limits

MASSES = {"a_100_1": (100, 1), "a_200_1": (200, 1), "a_200_50": (200, 50)}
FORM = "a_{m1}_{m2}"


def limits(observed: float | None, expected: float | None, cls: float | None = 0.5) -> Limits:
    """A record with a band that is the expected limit times 0.5, 0.7, 1, 1.4, 2."""
    band = [None if expected is None else expected * factor for factor in (0.5, 0.7, 1, 1.4, 2)]
    found = [Limit(value, "ok" if value else "above_scan", None if value else "why") for value in (observed, *band)]
    return Limits(
        calculator="asymptotics",
        test_statistic="qtilde",
        confidence_level=0.95,
        **six_limits(found),
        points=[{"mu": 1}],
        failed_points=[],
        nominal={"CLs_obs": cls, "CLs_exp": [0.1, 0.2, cls, 0.7, 0.9]},
    )


class Grid:
    """Results of some analyses, and the table of their grid."""

    def __init__(self, folder: Path):
        self.folder, self.analyses, self.settings = folder, {}, {"x": "m1", "y": "m2"}
        self.discovery: set[str] = set()  # analyses that ask for p0

    def add(self, analysis: str, results: dict[str, Limits], form: str = FORM) -> None:
        for signal, record in results.items():
            patches = self.folder / analysis / "patches"
            patches.mkdir(parents=True, exist_ok=True)
            (patches / f"{signal}.json").write_text("[]")
            file = self.folder / "results" / analysis / path_name(signal) / "asymptotics" / "limits.json"
            write_json(file, record if isinstance(record, dict) else record.to_json())
        source = {"file": "B.json", "patches": str(patches), "labels": form, "signals": list(results)}
        self.analyses[analysis] = source

    def discover(self, analysis: str, z: dict[str, float | None]) -> None:
        """Write observed Z of signals, with expected ones that are 1 larger; of None, the record of a failure."""
        self.discovery.add(analysis)
        for signal, observed in z.items():
            file = self.folder / "results" / analysis / signal / "asymptotics" / "discovery.json"
            found = None if observed is None else [significance(observed + 1 + n) for n in range(-2, 3)]
            excess = found and Excess(1.0, None, significance(observed), found)
            failure = {"status": "failed", "reason": "no minimum"}
            write_json(file, discovery_record(excess).to_json() if excess else failure)

    def cross_sections(self, text: str) -> None:
        (self.folder / "xs.csv").write_text(text)
        self.settings["cross_sections"] = {"csv": str(self.folder / "xs.csv"), "unit": "pb"}

    def rows(self) -> dict[str, dict[str, str]]:
        config = {
            "datasets": {name: {"workspace": source} for name, source in self.analyses.items()},
            "analyses": {name: {"dataset": name, "discovery": name in self.discovery} for name in self.analyses},
            "grids": {"grid": {"analyses": list(self.analyses), **self.settings}},
        }
        outline = outline_of(complete(config))
        files = [str(self.folder / f"points.{kind}") for kind in ("csv", "md")]
        options = ["--outline", json.dumps(outline), "--grid", "grid", "--results", str(self.folder / "results")]
        grid_points.main([*options, "--csv", files[0], "--markdown", files[1]])
        with open(files[0], newline="", encoding="utf-8") as file:
            return {row["signal"]: row for row in csv.DictReader(file)}


@pytest.fixture
def grid(tmp_path) -> Grid:
    return Grid(tmp_path)


@pytest.fixture
def three(grid) -> Grid:
    grid.add("a", dict(zip(MASSES, [limits(0.5, 0.8), limits(3.0, 2.0), limits(1.5, 0.9)], strict=True)))
    return grid


def test_labels_and_limits_stand_in_the_table(three):
    rows = three.rows()
    assert {signal: (int(row["m1"]), int(row["m2"])) for signal, row in rows.items()} == MASSES
    row = rows["a_200_1"]
    assert [float(row[name]) for name in LIMIT_COLUMNS] == pytest.approx([3.0, 1.0, 1.4, 2.0, 2.8, 4.0])
    assert [float(row[name]) for name in ("CLs_obs", "CLs_exp_m2", "CLs_exp_p2")] == [0.5, 0.1, 0.9]
    assert row["cross_section"] == row["unit"] == row["xsec_observed_limit"] == ""


def test_a_limit_below_one_excludes(three):
    rows = three.rows()
    assert [rows[signal]["excluded"] for signal in MASSES] == ["True", "False", "False"]
    assert [rows[signal]["expected_excluded"] for signal in MASSES] == ["True", "False", "True"]


def test_without_limits_cls_at_mu_of_one_excludes(grid):
    grid.add("a", dict(zip(MASSES, [limits(None, None, cls) for cls in (0.049, 0.051, None)], strict=True)))
    rows = grid.rows()
    assert [rows[signal]["excluded"] for signal in MASSES] == ["True", "False", ""]


@pytest.mark.parametrize(
    ("status", "bound", "answer"),
    [
        ("above_scan", 5.0, "False"),  # CLs is still above at mu = 5
        ("above_scan", 0.5, ""),
        ("below_scan", 0.2, "True"),
        ("below_scan", 3.0, ""),
        ("fit_failed", 5.0, ""),  # the bound of a limit whose tests failed may be on either side
    ],
)
def test_without_limits_and_cls_the_end_of_the_scan_may_tell(grid, status, bound, answer):
    record = limits(None, None, None)
    ends = six_limits([Limit(None, status, "why", bound)] * 6)
    grid.add("a", {"a_100_1": replace(record, **ends)})
    row = grid.rows()["a_100_1"]
    assert (row["excluded"], row["expected_excluded"]) == (answer, answer)


def test_cls_at_mu_of_one_may_come_from_toys(grid):
    """It does where toys were thrown at mu = 1; elsewhere there is none."""
    for mu, cls in ((1.0, "0.3"), (1.5, "")):
        point = {"mu": mu, "CLs_obs": 0.3, "CLs_exp": [0.1, 0.2, 0.3, 0.4, None]}
        grid.add("a", {"a_100_1": replace(limits(None, None), nominal=None, points=[point])})
        row = grid.rows()["a_100_1"]
        assert (row["CLs_obs"], row["CLs_exp"], row["CLs_exp_p2"]) == (cls, cls, "")


class TestCrossSections:
    def test_by_one_label(self, three):
        three.cross_sections("m1,cross_section,cross_section_error\n200,0.25,0.02\n100.0, 4 ,0.4\n")
        rows = three.rows()
        for signal, size, error in (("a_100_1", 4, 0.4), ("a_200_1", 0.25, 0.02), ("a_200_50", 0.25, 0.02)):
            row = rows[signal]
            assert (float(row["cross_section"]), float(row["cross_section_error"]), row["unit"]) == (size, error, "pb")
            for name, limit in zip(CROSS_SECTION_COLUMNS, LIMIT_COLUMNS, strict=True):
                assert float(row[name]) == pytest.approx(size * float(row[limit]), rel=1e-14)

    def test_by_all_labels_and_by_signal(self, three):
        three.cross_sections("m2,m1,cross_section,cross_section_error\n1,100,1,0\n1,200,2,0\n50,200,3,0\n")
        by_labels = three.rows()
        three.cross_sections("signal,cross_section,cross_section_error\na_200_50,3,0\na_100_1,1,0\na_200_1,2,0\n")
        assert three.rows() == by_labels
        assert [float(by_labels[signal]["cross_section"]) for signal in MASSES] == [1, 2, 3]

    def test_a_point_without_one_is_named(self, three, capsys):
        three.cross_sections("m1,cross_section,cross_section_error\n100,4,0.4\n")
        rows = three.rows()
        assert (
            rows["a_200_1"]["xsec_observed_limit"] == rows["a_200_1"]["cross_section"] == rows["a_200_1"]["unit"] == ""
        )
        assert float(rows["a_200_1"]["observed_limit"]) == 3.0
        assert "no cross section for this point" in rows["a_200_1"]["reason"]
        assert "a_200_1: no cross section for this point" in capsys.readouterr().err
        assert rows["a_100_1"]["reason"] == ""

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "xs.csv: the file is empty"),
            (
                "m1,xsec\n100,4\n",
                r"xs\.csv: needs the columns cross_section, cross_section_error, and `signal`",
            ),
            ("cross_section,cross_section_error\n4,1\n", "needs the columns"),
            ("m3,cross_section,cross_section_error\n1,4,1\n", "has m3, cross_section, cross_section_error"),
            (
                "m1,cross_section,cross_section_error\n100,4,\n",
                "line 2, column cross_section_error: ''",
            ),
            ("m1,cross_section,cross_section_error\n100,4,1\n200,x,1\n", "line 3, column cross_section: 'x' is not"),
            ("m1,cross_section,cross_section_error\n100,inf,1\n", "line 2, column cross_section: 'inf'"),
            ("m1,cross_section,cross_section_error\n100,4,1\n100.0,5,1\n", "line 3: the row occurs twice: m1 = 100"),
            (
                "m1,cross_section,cross_section_error\n100,-4,1\n",
                "line 2: the cross section is not positive, or its error is neg",
            ),
            (
                "m1,cross_section,cross_section_error\n100,4,-1\n",
                "line 2: the cross section is not positive, or its error is neg",
            ),
            ("m1,cross_section,cross_section_error\n100,4,1\n200,1,1,7\n", "line 3: 4 cells, but the header has 3"),
            ("m1,cross_section,cross_section_error\n100,4,1,7\n", "line 2: 4 cells, but the header has 3"),
            ("m1,m1,cross_section,cross_section_error\n100,1,4,1\n", "has two columns with the same name, 'm1'"),
            (
                "m1,cross_section,cross_section_error\n",
                "no row belongs to a point of the grid: the first row is missing",
            ),
            (
                "m1,m2,cross_section,cross_section_error\n1,50,4,1\n",
                "the first row is m1 = 1, m2 = 50, the first point m1 = 100, m2 = 1",
            ),
            (
                "signal,cross_section,cross_section_error\nx,4,1\n",
                "first row is x, the first point a_100_1",
            ),
            ("m1;cross_section;cross_section_error\n100;4;1\n", "needs the columns"),
        ],
    )
    def test_a_file_that_cannot_be_used(self, three, text, message):
        three.cross_sections(text)
        with pytest.raises(InputError, match=message):
            three.rows()


class TestSeveralAnalyses:
    def test_the_best_expected_limit_wins(self, grid):
        """Whatever is observed; and signals are the same if their labels are, not their names."""
        grid.add("a", {"a_100_1": limits(0.1, 2.0), "a_200_1": limits(5.0, 0.5)})
        grid.add(
            "b", {"b_100_1": limits(9.0, 1.0), "b_200_1": limits(0.2, 0.6), "b_300_1": limits(1, 1)}, "b_{m1}_{m2}"
        )
        rows = grid.rows()
        assert {signal: row["analysis"] for signal, row in rows.items()} == {
            "b_100_1": "b",
            "a_200_1": "a",
            "b_300_1": "b",
        }
        assert float(rows["b_100_1"]["observed_limit"]) == 9.0

    def test_without_limits_the_best_expected_cls_wins(self, grid):
        grid.add("a", {"a_100_1": limits(None, None, 0.3)})
        grid.add("b", {"a_100_1": limits(None, None, 0.2)})
        assert grid.rows()["a_100_1"]["analysis"] == "b"

    def test_a_limit_that_is_missing_is_estimated_for_the_choice(self, grid):
        """An expected limit of 3.0 that is known, and CLs of Gaussian measurements with limits of 1 and 10."""
        for limit, best in ((1.0, "b"), (10.0, "a")):
            strengths = norm.isf(0.025) / limit
            band = [norm.cdf(n - strengths) / norm.cdf(n) for n in (-2, -1, 0, 1, 2)]
            grid.add("a", {"a_100_1": limits(3.0, 3.0)})
            grid.add("b", {"a_100_1": replace(limits(None, None), nominal={"CLs_obs": None, "CLs_exp": band})})
            assert grid.rows()["a_100_1"]["analysis"] == best

    def test_what_failed_in_the_other_is_told(self, grid):
        kind = {"calculator": "asymptotics", "test_statistic": "qtilde"}
        grid.add("a", {"a_100_1": Limits.from_failure("the minimiser gave up", 0.95, **kind)})
        grid.add("b", {"a_100_1": limits(1.0, 1.0)})
        row = grid.rows()["a_100_1"]
        assert (row["analysis"], row["status"], row["reason"]) == ("b", "ok", "a: the minimiser gave up")


def test_failures_are_rows_without_numbers(grid):
    kind = {"calculator": "asymptotics", "test_statistic": "qtilde"}
    records = [
        {"status": "failed", "reason": "no such file"},
        Limits.from_failure("no patch", 0.95, **kind),
        limits(1.0, 1.0),
    ]
    grid.add("a", dict(zip(MASSES, records, strict=True)))
    grid.cross_sections("m1,cross_section,cross_section_error\n100,4,0.4\n200,1,0.1\n")
    rows = grid.rows()
    for signal, reason in (("a_100_1", "no such file"), ("a_200_1", "no patch")):
        row = rows[signal]
        assert (row["status"], row["reason"], row["confidence_level"]) == ("fit_failed", reason, "0.95")
        assert {row[name] for name in (*LIMIT_COLUMNS, *CROSS_SECTION_COLUMNS, "CLs_obs", "excluded")} == {""}
    assert rows["a_200_50"]["excluded"] == "False"


class TestSignificances:
    def test_are_of_the_analysis_with_the_best_limit(self, grid):
        """One of three has failed at the point where its limit is the best."""
        grid.add("a", dict(zip(MASSES, [limits(1.0, 0.5), limits(1.0, 2.0), limits(1.0, 2.0)], strict=True)))
        grid.add("b", dict(zip(MASSES, [limits(1.0, 1.0), limits(1.0, 1.0), limits(1.0, 3.0)], strict=True)))
        grid.add("c", dict(zip(MASSES, [limits(1.0, 1.5), limits(1.0, 1.5), limits(1.0, 1.0)], strict=True)))
        grid.discover("a", dict.fromkeys(MASSES, 3.0))
        grid.discover("b", dict.fromkeys(MASSES, 1.0))
        grid.discover("c", dict.fromkeys(MASSES))
        rows = grid.rows()
        assert [row["analysis"] for row in rows.values()] == ["a", "b", "c"]
        first, second, failed = rows.values()
        for row, z in ((first, [3, 2, 3, 4, 5, 6]), (second, [1, 0, 1, 2, 3, 4])):
            assert [float(row[name]) for name in Z_COLUMNS] == z
            assert [float(row[name]) for name in P0_COLUMNS] == pytest.approx(norm.sf(z), rel=1e-12)
            assert row["p0_status"] == "ok"
        assert {failed[name] for name in (*Z_COLUMNS, *P0_COLUMNS)} == {""}
        assert failed["p0_status"] == "fit_failed"

    def test_without_a_wish_there_are_no_columns(self, three):
        assert not set(DISCOVERY_COLUMNS) & set(three.rows()["a_100_1"])

    def test_if_one_analysis_does_not_ask_there_are_no_columns(self, grid):
        """Its points would look as if they had no excess worth a number."""
        for name in "ab":
            grid.add(name, {"a_100_1": limits(1.0, 1.0)})
        grid.discover("a", {"a_100_1": 3.0})
        assert not set(DISCOVERY_COLUMNS) & set(grid.rows()["a_100_1"])

    def test_the_table_is_read_as_it_was_written(self, three):
        three.discover("a", dict(zip(MASSES, [1.0, None, 0.0], strict=True)))
        three.rows()
        points = contours.read_points(three.folder / "points.csv")
        assert contours.label_names(points) == ["m1", "m2"]
        assert points["Z_obs"].tolist() == pytest.approx([1.0, np.nan, 0.0], nan_ok=True)
        assert points["p0_status"].tolist() == ["ok", "fit_failed", "ok"]

    def test_two_signals_at_one_place_have_none(self, grid):
        grid.add("a", {"a_100_1": limits(1.0, 1.0), "a_100_1.0": limits(2.0, 2.0)})
        grid.discover("a", {"a_100_1": 1.0, "a_100_1.0": 2.0})
        (row,) = grid.rows().values()
        assert {row[name] for name in DISCOVERY_COLUMNS} == {""}


def test_two_signals_at_one_place_do_not_count(grid):
    grid.add("a", {"a_100_1": limits(1.0, 1.0), "a_100_1.0": limits(2.0, 2.0), "a_200_1": limits(3.0, 3.0)})
    rows = grid.rows()
    assert rows["a_100_1, a_100_1.0"]["reason"] == "several signals are here: a_100_1, a_100_1.0"
    assert rows["a_100_1, a_100_1.0"]["observed_limit"] == ""
    assert rows["a_200_1"]["observed_limit"] == "3.0"


def test_labels_do_not_take_the_names_of_columns(grid):
    grid.settings = {"x": "label_status", "y": "label_cross_section"}
    grid.add("a", {"a_100_1": limits(1.0, 1.0)}, "a_{status}_{cross_section}")
    row = grid.rows()["a_100_1"]
    assert (row["label_status"], row["label_cross_section"], row["status"]) == ("100", "1", "ok")


def test_the_order_of_the_signals_does_not_matter(grid, three):
    rows = three.rows()
    source = three.analyses["a"]
    source["signals"] = list(reversed(source["signals"]))
    assert list(three.rows().items()) == list(rows.items())


def test_a_label_that_is_no_number_leaves_its_point_out_of_the_plane(grid, tmp_path):
    grid.add("a", {"a_100_1": limits(1.0, 1.0), "a_200_1": limits(2.0, 2.0)})
    values = {"a_100_1": ["heavy", 1], "a_200_1": [200, 1]}
    patches = [{"metadata": {"name": name, "values": each}, "patch": []} for name, each in values.items()]
    write_json(tmp_path / "set.json", {"metadata": {"labels": ["m1", "m2"]}, "patches": patches})
    grid.analyses["a"] = {"file": "B.json", "patchset": str(tmp_path / "set.json")}
    rows = grid.rows()
    assert (rows["a_100_1"]["m1"], rows["a_100_1"]["observed_limit"]) == ("", "1.0")
    assert rows["a_100_1"]["reason"] == "m1 = 'heavy' has no place on an axis"
    assert (float(rows["a_200_1"]["m1"]), rows["a_200_1"]["reason"]) == (200, "")
