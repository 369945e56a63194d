"""Pictures of scans of the likelihood, and what the report says of them: lines, words and files, not pixels."""

import json
from dataclasses import replace

import pytest

import find_intervals
import scan_likelihood
from helpers.chain import Chain, strict
from helpers.figures import ODD_NAMES, assert_inside, labels, words
from helpers.steps import run_step
from helpers.workspaces import counting, normsys
from muscan.plotting import likelihood_scans
from muscan.plotting.registry import ScanFiles
from muscan.records.intervals import Interval, Intervals
from muscan.records.likelihood_scans import COLUMNS, LikelihoodScan, LikelihoodScans
from muscan.report.measured import intervals as told_intervals
from muscan.report.measured import likelihood_scans as told_scans

SPEC = counting([75.0, 68.0], [10.0, 6.0], [50.0, 52.0], normsys(0.1))
SCANS = {"mu": ["mu"], "mu, scale": ["mu", "scale"], "mu, scael": ["mu", "scael"], "poi, mu": ["mu", "mu"]}


class Measured(Chain):
    """A signal with its intervals and scans."""

    def step(self, script, name: str, *words: str) -> dict:
        common = ["--model", str(self.model_file), "--fit", str(self.fit_file), "--workspace", str(self.workspace)]
        run_step(script, [*common, *words, "--output", str(self.folder / f"{name}.json")])
        return strict(self.folder / f"{name}.json")

    def intervals(self, *parameters: str) -> dict:
        return self.step(find_intervals, "intervals", "--levels", "0.68", "0.95", "--parameters", *parameters)

    def scans(self, scans: dict[str, list[str]]) -> dict:
        csv = str(self.folder / "likelihood_scans.csv")
        return self.step(scan_likelihood, "likelihood_scans", "--scans", json.dumps(scans), "--csv", csv)


@pytest.fixture(scope="module")
def signal(tmp_path_factory) -> Measured:
    chain = Measured(tmp_path_factory.mktemp("observed"), SPEC)
    chain.fit()
    chain.scans(SCANS)
    chain.intervals("sc*", "nothing")
    return chain


@pytest.fixture(scope="module")
def blind(tmp_path_factory) -> Measured:
    chain = Measured(tmp_path_factory.mktemp("blind"), SPEC)
    chain.fit("--blind")
    chain.scans(SCANS)
    chain.intervals("sc*")
    return chain


@pytest.fixture(scope="module")
def scans(signal) -> dict[str, LikelihoodScan]:
    record = LikelihoodScans.read(signal.folder / "likelihood_scans.json")
    return {each["name"]: LikelihoodScan.from_json(each) for each in record.scans}


class TestRecords:
    def test_a_scan_that_cannot_be_made_leaves_the_others(self, scans):
        assert [each.status for each in scans.values()] == ["ok", "ok", "failed", "failed"]
        assert "no parameter 'scael'; did you mean 'scale'?" in scans["mu, scael"].reason
        assert "are the same parameter" in scans["poi, mu"].reason

    def test_the_table_has_all_points(self, signal, scans):
        lines = (signal.folder / "likelihood_scans.csv").read_text(encoding="utf-8").split("\n")
        assert lines[0] == ",".join(COLUMNS)
        curve, plane = scans["mu"], scans["mu, scale"]
        assert lines[1] == f"mu,mu,{curve.values[0][0]},,,{curve.rises[0]},ok"
        x, y = (values[place] for values, place in zip(plane.values, (2, 5), strict=True))
        assert lines[1 + 61 + 5 * 30 + 2] == f'"mu, scale",mu,{x},scale,{y},{plane.rises[5][2]},ok'
        assert len(lines) == 1 + 61 + 30 * 30 + 1

    def test_the_curve_and_the_interval_have_the_same_ends(self, signal, scans):
        record = Intervals.read(signal.folder / "intervals.json")
        found = [Interval.from_json(each) for each in record.intervals]
        assert [(each.parameter, each.confidence_level) for each in found] == [
            (name, level) for name in ("mu", "scale") for level in (0.68, 0.95)
        ]
        for each, region in zip(found, scans["mu"].regions, strict=False):
            assert (each.low, each.high) == pytest.approx((region["low"], region["high"]), rel=1e-6)
        assert record.warnings == ["no parameter has a name like 'nothing'"]
        assert not record.blinded
        assert found[0].error == pytest.approx((found[0].high - found[0].low) / 2, rel=0.05)

    def test_a_blind_analysis_uses_expected_data(self, blind):
        """At mu = 1, the predicted signal, whatever is observed."""
        record = LikelihoodScans.read(blind.folder / "likelihood_scans.json")
        assert record.blinded
        assert record.scans[0]["best_fit"] == [1.0]
        assert Intervals.read(blind.folder / "intervals.json").intervals[0]["best_fit"] == 1.0

    def test_steps_can_be_repeated_with_the_same_bytes(self, signal):
        before = {each.name: each.read_bytes() for each in signal.folder.glob("*s.*")}
        signal.scans(SCANS)
        signal.intervals("sc*", "nothing")
        assert {each.name: each.read_bytes() for each in signal.folder.glob("*s.*")} == before

    def test_the_failure_of_the_fit_is_passed_on(self, tmp_path):
        chain = Measured(tmp_path, SPEC)
        chain.fit()
        chain.fit_file.unlink()
        chain.fit_file.write_text('{"status": "failed", "reason": "no fit"}', encoding="utf-8")
        assert chain.scans(SCANS) == chain.intervals() == {"status": "failed", "reason": "no fit"}
        assert (chain.folder / "likelihood_scans.csv").read_text(encoding="utf-8") == f"{','.join(COLUMNS)}\n"


class TestPictures:
    def test_a_curve(self, scans):
        scan = scans["mu"]
        figure = likelihood_scans.draw(scan, "t", "mu", blinded=False)
        (axes,) = figure.axes
        curve = next(each for each in axes.lines if each.get_label() == "Profile of the likelihood")
        assert set(scan.values[0]) | set(scan.best_fit) == set(curve.get_xdata())
        levels = [each.get_ydata()[0] for each in axes.lines if [*each.get_xdata()] == [0, 1]]
        assert levels[:2] == pytest.approx([0.989, 3.841], abs=1e-3)
        assert {"Observed data", "Signal strength μ", "Rise of −2 log L"} <= {
            part for text in words(figure) for part in text.split("\n")
        }
        assert {"Best fit", "Parabola of the covariance"} <= set(labels(axes))
        assert_inside(figure)

    def test_a_plane(self, scans):
        """The lines pass the extents of the regions, which are found without the grid."""
        scan = scans["mu, scale"]
        figure = likelihood_scans.draw(scan, "t", "mu", blinded=True)
        axes = figure.axes[0]
        lines = [each for each in axes.collections if len(each.get_paths()) == 1][-2:]
        for line, region in zip(lines, scan.regions[:2], strict=True):
            x = line.get_paths()[0].vertices[:, 0]
            assert (x.min(), x.max()) == pytest.approx((region["low"], region["high"]), rel=2e-3)
        assert any("Expected for μ = 1" in text for text in words(figure))
        assert_inside(figure)

    def test_failed_points_and_lower_minima(self, scans):
        curve, plane = scans["mu"], scans["mu, scale"]
        lost = [None, *curve.rises[1:]]
        figure = likelihood_scans.draw(replace(curve, rises=lost), "t", "mu", blinded=False)
        assert "Fit failed" in labels(figure.axes[0])
        assert "Fits failed, or the data are impossible, at 1 of 61 points" in words(figure)
        reason = "a fit with mu held ends 2 below the best fit"
        wrong = replace(plane, rises=[[None] * 30, *plane.rises[1:]], status="lower_minimum", reason=reason)
        figure = likelihood_scans.draw(wrong, "t", "mu", blinded=False)
        assert any(reason in text for text in words(figure))
        assert_inside(figure)

    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_odd_names(self, scans, name):
        figure = likelihood_scans.draw(
            replace(scans["mu, scale"], parameters=[name, 30 * name]), name, "mu", blinded=False
        )
        assert_inside(figure)

    def test_files_have_safe_names(self, signal):
        files = ScanFiles("t", measurement=str(signal.folder / "likelihood_scans.json"))
        assert [name for name, _ in likelihood_scans.pictures(files)] == ["mu", "mu,scale", "mu,scael", "poi,mu"]


class TestReport:
    def test_of_intervals(self, signal):
        section = told_intervals.describe(strict(signal.folder / "intervals.json"))
        assert section.title == "Intervals"
        assert section.sentences[0].startswith("The 68 % interval of mu is from ")
        (table,) = section.tables
        assert table.columns[3:] == ["68 % from", "68 % to", "95 % from", "95 % to"]
        assert [row[0] for row in table.rows] == ["mu", "scale"]
        assert {len(row) for row in table.rows} == {7}
        assert section.warnings == ["no parameter has a name like 'nothing'"]

    def test_of_missing_ends(self, signal):
        record = strict(signal.folder / "intervals.json")
        record["intervals"][0] |= {
            "low": None,
            "status": {"low": "at_bound", "high": "ok"},
            "bound": {"low": 0.0, "high": None},
        }
        reasons = {"low": "it is stuck", "high": "it is stuck"}
        for each in record["intervals"][1:]:
            each |= {"low": None, "high": None, "status": dict.fromkeys(reasons, "lower_minimum"), "reason": reasons}
        section = told_intervals.describe(record)
        assert "0 (bound) to" in section.sentences[0]
        assert "cut off by the bound of the parameter at 0" in section.sentences[0]
        assert "No interval is known: it is stuck" in section.warnings
        assert section.tables[0].rows[1][3:] == ["lower minimum"] * 4

    def test_of_scans(self, signal, blind):
        section = told_scans.describe(strict(signal.folder / "likelihood_scans.json"))
        assert len(section.warnings) == 2
        assert len(section.tables[0].rows) == 2 + 4
        assert "the observed data" in section.sentences[0]
        told = told_scans.describe(strict(blind.folder / "likelihood_scans.json"))
        assert "expected for mu = 1" in told.sentences[0]
        assert any(text == "mu, scale: the 95 % region meets the bound mu = 0." for text in told.sentences)
