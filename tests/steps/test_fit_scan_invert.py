"""The steps from a workspace to a table of limits, run as the rules run them: files in, files out."""

import csv
import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pyhf
import pytest
from markdown_it import MarkdownIt

import tables
from helpers.chain import MU, SPEC, Chain, strict
from helpers.workspaces import SMALL, counting, normsys, referee, tight_minuit
from muscan.base.errors import FitError
from muscan.base.files import write_text
from muscan.inference import signal_point
from muscan.records.columns import LIMIT_COLUMNS
from muscan.records.fit import FitResult
from muscan.records.hypotest import Hypotest
from muscan.results.tables import as_markdown

SCALE = ("scale", "normsys", {"hi": 1.4, "lo": 0.9})
BOTH = ("observed_limit", "expected_limit")


def table(results: Path, *scans: str) -> tuple[list[dict], str]:
    """The rows of limits.csv, and limits.md."""
    csv_file, markdown = results / "limits.csv", results / "limits.md"
    signals = [unquote(scan.split("/")[1]) for scan in scans]
    patches = results / "patches"
    for signal in signals:
        write_text(patches / f"{signal}.json", "[]")
    source = {"file": "BkgOnly.json", "patches": str(patches), "signals": signals}
    outline = {
        "datasets": {"data": {"workspace": source}},
        "analyses": {scans[0].split("/")[0]: {"dataset": "data", "calculators": ["asymptotics"], "measurements": []}},
    }
    common = ["--results", str(results), "--outline", json.dumps(outline)]
    tables.main([*common, "--csv", str(csv_file), "--markdown", str(markdown)])
    with csv_file.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file)), markdown.read_text(encoding="utf-8")


@pytest.fixture
def chain(tmp_path) -> Chain:
    return Chain(tmp_path / "results", SPEC)


@pytest.fixture
def failing_test(monkeypatch):
    """Let the tests of some values of mu fail."""

    def install(fails) -> None:
        original = signal_point.hypotests

        def patched(engine, prepared, mu, *rest):
            tested = original(engine, prepared, mu, *rest)
            return [
                FitError("the minimiser gave up") if fails(value) else test
                for value, test in zip(mu, tested, strict=True)
            ]

        monkeypatch.setattr(signal_point, "hypotests", patched)

    return install


class TestWhatAScanFinds:
    def test_limits_are_those_of_pyhf(self, chain):
        limits = chain.run()
        model, data = referee(SPEC)
        with tight_minuit():
            observed, expected = pyhf.infer.intervals.upper_limits.toms748_scan(data, model, 0, 5, rtol=1e-6)
        assert limits.observed_limit == pytest.approx(float(observed), rel=2e-5)
        assert limits.expected_limit == pytest.approx([float(each) for each in expected], rel=2e-5)
        assert limits.status == {"observed_limit": "ok", "expected_limit": ["ok"] * 5}
        assert limits.reason == limits.bound == {"observed_limit": None, "expected_limit": [None] * 5}
        assert limits.failed_points == []

    def test_the_points_are_the_scan_and_its_refinements(self, chain):
        limits = chain.run()
        assert [point["mu"] for point in limits.points if not point["refinement"]] == list(MU)
        mu = [point["mu"] for point in limits.points]
        assert mu == sorted(mu)
        refined = [point for point in limits.points if point["refinement"]]
        nearest = min(refined, key=lambda point: abs(point["mu"] - limits.observed_limit))
        assert nearest["CLs_obs"] == pytest.approx(0.05, rel=1e-3)

    def test_the_best_fit_is_the_one_of_pyhf(self, chain):
        result = FitResult.from_json(chain.fit())
        model, data = referee(SPEC)
        with tight_minuit():
            best, twice_nll = pyhf.infer.mle.fit(data, model, return_uncertainties=True, return_fitted_val=True)
        values, errors = best.T
        assert result.poi == "mu"
        assert result.mu_hat == pytest.approx(values[model.config.poi_index], abs=1e-4)
        assert result.parameters["names"] == model.config.par_names
        np.testing.assert_allclose(result.parameters["values"], values, atol=1e-4)
        np.testing.assert_allclose(result.parameters["errors"], errors, rtol=2e-3)
        np.testing.assert_allclose(np.diag(result.parameters["correlations"]), 1)
        assert result.deviance == result.goodness_of_fit["statistic"]
        perfect = -2 * float(model.logpdf(values, data)[0]) - float(twice_nll)
        assert perfect == pytest.approx(0, abs=1e-9)

    def test_the_yields_are_complete(self, chain):
        (channel,) = chain.fit()["yields"]
        assert channel["channel"] == "channel"
        assert channel["observed"] == [55, 62]
        assert channel["samples"]["background"]["prefit"] == [50, 52]
        assert set(channel["samples"]) == {"signal", "background"}
        for key in ("prefit", "postfit"):
            total = np.sum([sample[key] for sample in channel["samples"].values()], axis=0)
            np.testing.assert_allclose(channel["total"][key], total)
            assert np.all(np.array(channel["total"][f"{key}_error"]) > 0)

    def test_several_mu_in_a_file_are_the_same_as_a_file_each(self, chain):
        chain.fit()
        separate = [chain.hypotest(mu) for mu in MU]
        together = [chain.hypotest(*MU[:2]), chain.hypotest(*MU[2:])]
        assert [record for path in together for record in strict(path)] == [strict(path) for path in separate]
        first, second = chain.invert(separate).to_json(), chain.invert(together).to_json()
        first.pop("made_by")
        second.pop("made_by")
        assert first == second

    def test_the_order_of_the_files_does_not_matter(self, chain):
        chain.fit()
        paths = [chain.hypotest(mu) for mu in MU]
        assert chain.invert(paths).to_json() == chain.invert(paths[::-1]).to_json()

    def test_pyhf_as_the_engine(self, chain):
        ours = strict(self.at_one(chain))
        reference = strict(self.at_one(chain, "--engine", "pyhf"))
        assert (ours["engine"], reference["engine"]) == ("newton", "pyhf")
        assert reference["CLs_obs"] == pytest.approx(ours["CLs_obs"], abs=1e-4)
        assert reference["CLs_exp"] == pytest.approx(ours["CLs_exp"], abs=1e-4)

    def test_pyhf_as_the_engine_where_nothing_but_mu_is_free(self, tmp_path):
        """One channel without nuisance parameters: at a fixed mu there is nothing left to fit."""
        spec = counting([6.0], [5.0], [4.0])
        ours, reference = (
            strict(self.at_one(Chain(tmp_path / engine, spec), "--engine", engine)) for engine in ("newton", "pyhf")
        )
        # q of a Poisson count of 6, and of the Asimov count of 4, where 9 are expected
        q, q_asimov = (2 * (9 - best - n * np.log(9 / best)) for n, best in ((6, 6.0), (4, 4.0)))
        for result in (ours, reference):
            found = [result[name] for name in ("q_obs", "q_asimov")]
            assert found == pytest.approx([q, q_asimov], abs=1e-5)

    @staticmethod
    def at_one(chain, *options: str) -> Path:
        chain.fit(*options)
        return chain.hypotest(1.0)

    def test_two_runs_give_the_same_bytes(self, tmp_path):
        files = []
        for place in ("here", "there/and/deeper"):
            results = tmp_path / place
            Chain(results, SPEC).run()
            table(results, "analysis/signal/asymptotics")
            files.append({path.relative_to(results): path.read_bytes() for path in results.rglob("*.*")})
        assert files[0] == files[1]
        assert len(files[0]) == 4 + len(MU) + 3

    @pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
    def test_the_confidence_level_is_obeyed(self, chain, level):
        chain.fit()
        limits = chain.invert([chain.hypotest(0.0), chain.hypotest(6.0)], "--confidence-level", str(level))
        assert limits.confidence_level == level
        at_limit = strict(chain.hypotest(limits.observed_limit))
        assert at_limit["CLs_obs"] == pytest.approx(1 - level, rel=1e-3)
        at_median = strict(chain.hypotest(limits.expected_limit[2]))
        assert at_median["CLs_exp"][2] == pytest.approx(1 - level, rel=1e-3)

    def test_the_test_statistic_of_the_fit_is_used(self, tmp_path):
        chain = Chain(tmp_path, SMALL["deficit"])
        result = chain.fit("--test-statistic", "q")
        assert result["mu_hat"] < 0
        assert result["poi_bounds"] == [-10, 10]
        record = strict(chain.hypotest(1.0))
        assert record["test_statistic"] == "q"
        limits = chain.invert([chain.hypotest(0.0), chain.hypotest(5.0)])
        assert limits.test_statistic == "q"
        assert limits.status["observed_limit"] == "ok"

    def test_interpolation_codes_reach_the_tests(self, tmp_path):
        values = {}
        for code in ("code4", "code1"):
            chain = Chain(tmp_path / code, counting([60.0, 49.0], [10.0, 2.0], [50.0, 52.0], SCALE))
            chain.compile("--normsys", code)
            assert chain.fit()["interpolation"] == {"normsys": code, "histosys": "code4p"}
            values[code] = strict(chain.hypotest(1.0))["CLs_obs"]
            model, data = referee(strict(chain.workspace), {"normsys": code})
            with tight_minuit():
                assert values[code] == pytest.approx(float(pyhf.infer.hypotest(1.0, data, model)), abs=1e-6)
        assert abs(values["code4"] - values["code1"]) > 1e-4

    def test_a_scan_beyond_the_usual_bound_of_the_poi(self, tmp_path):
        chain = Chain(tmp_path, counting([55.0, 62.0], [1.0, 0.6], [50.0, 52.0], normsys(0.1)))
        chain.fit("--poi-bound", "50")
        limits = chain.invert([chain.hypotest(0.0), chain.hypotest(50.0)])
        assert limits.observed_limit > 10
        assert strict(chain.hypotest(limits.observed_limit))["CLs_obs"] == pytest.approx(0.05, rel=1e-3)


class TestWhatAScanDoesNotFind:
    def test_a_scan_that_is_too_short(self, chain):
        limits = chain.run(mu=(0.0, 0.5))
        assert limits.observed_limit is None
        assert limits.expected_limit == [None] * 5
        assert limits.status == {"observed_limit": "above_scan", "expected_limit": ["above_scan"] * 5}
        assert limits.bound == {"observed_limit": 0.5, "expected_limit": [0.5] * 5}
        assert "extend mu beyond 0.5" in limits.reason["observed_limit"]

    def test_a_scan_that_begins_too_late(self, chain):
        limits = chain.run(mu=(8.0, 9.0))
        assert set(limits.status["expected_limit"]) == {limits.status["observed_limit"]} == {"below_scan"}
        assert "begin mu below 8" in limits.reason["observed_limit"]

    def test_each_limit_has_its_own_status(self, chain):
        limits = chain.run(mu=(0.0, 2.0))
        statuses = [limits.status["observed_limit"], *limits.status["expected_limit"]]
        assert set(statuses) == {"ok", "above_scan"}
        for value, status in zip([limits.observed_limit, *limits.expected_limit], statuses, strict=True):
            assert (value is None) == (status != "ok")

    def test_one_failed_test_leaves_the_limits(self, chain, failing_test, capsys):
        complete = chain.run()
        failing_test(lambda mu: mu == 2.0)
        path = chain.hypotest(2.0)
        record = Hypotest.from_json(strict(path))
        assert (record.mu, record.status, record.reason) == (2.0, "fit_failed", "the minimiser gave up")
        assert record.CLs_obs is None
        assert list(record.CLs_exp) == [None] * 5
        assert "mu = 2: fit_failed: the minimiser gave up" in capsys.readouterr().out
        limits = chain.invert([path, *(chain.hypotest(mu) for mu in MU if mu != 2.0)])
        assert limits.failed_points == [{"mu": 2.0, "status": "fit_failed", "reason": "the minimiser gave up"}]
        assert 2.0 not in [point["mu"] for point in limits.points]
        assert limits.observed_limit == pytest.approx(complete.observed_limit, rel=2e-5)
        assert limits.expected_limit == pytest.approx(complete.expected_limit, rel=2e-5)
        (row,), _ = table(chain.results, chain.scan)
        assert (row["status"], row["failed_points"], row["reason"]) == ("ok", "1", "failed tests: mu = 2")

    def test_all_tests_of_a_scan_failed(self, chain, failing_test):
        failing_test(lambda mu: True)
        limits = chain.run()
        assert limits.status["observed_limit"] == "fit_failed"
        assert "none of the 5 tests" in limits.reason["observed_limit"]
        assert [point["mu"] for point in limits.failed_points] == list(MU)
        assert limits.points == []

    def test_tests_between_the_points_failed(self, chain, failing_test):
        failing_test(lambda mu: mu not in MU)
        limits = chain.run()
        for key in BOTH:
            assert set(np.atleast_1d(limits.status[key])) == {"fit_failed"}
        assert "the minimiser gave up" in limits.reason["observed_limit"]
        assert len(limits.points) == len(MU)
        assert limits.failed_points

    def test_tests_of_another_kind_are_not_mixed_in(self, chain):
        chain.fit()
        tests = [chain.hypotest(mu) for mu in MU]
        chain.fit("--test-statistic", "q")
        limits = chain.invert(tests)
        assert limits.observed_limit is None
        assert limits.status["observed_limit"] == "fit_failed"
        assert "'qtilde', not 'q'" in limits.reason["observed_limit"]

    def test_mu_outside_the_bounds_of_the_fit(self, chain, capsys):
        """The fits would clip mu to the bound, and give the CLs of another mu."""
        chain.fit()
        record = strict(chain.hypotest(12.0))
        assert record["status"] == "failed"
        assert "mu = 12 is outside the bounds of the fits, 0 to 10" in record["reason"]
        assert record["reason"] in capsys.readouterr().err


BAD = {
    "not JSON": ("{", "not JSON"),
    "no workspace": ({"version": "1.0.0"}, "'channels' is missing"),
    "no signal": (counting([9.0], [3.0], [10.0], poi="nu"), "parameter of interest"),
    "a failure of an earlier step": ({"status": "failed", "reason": "the patch of 700_1 does not apply"}, "of 700_1"),
    "negative data": (counting([-9.0], [3.0], [10.0]), "negative observed data"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_failure_travels_to_the_table(tmp_path, name, capsys):
    spec, reason = BAD[name]
    good, bad = Chain(tmp_path, SPEC, "good"), Chain(tmp_path, spec, "bad%20one")
    good.run()
    record = bad.fit()
    assert record["status"] == "failed"
    assert reason in record["reason"]
    assert "failed: " in capsys.readouterr().err
    tests = [bad.hypotest(mu) for mu in MU]
    assert record.pop("test_statistic") == "qtilde"  # for the limits
    assert [strict(path) for path in tests] == [record] * len(MU)
    limits = bad.invert(tests)
    assert limits.observed_limit is None
    assert limits.expected_limit == [None] * 5
    assert limits.status == {"observed_limit": "fit_failed", "expected_limit": ["fit_failed"] * 5}
    assert limits.reason == {"observed_limit": record["reason"], "expected_limit": [record["reason"]] * 5}
    assert limits.points == []
    rows, markdown = table(tmp_path, good.scan, bad.scan)
    assert [row["signal"] for row in rows] == ["good", "bad one"]
    assert rows[0]["status"] == "ok"
    assert (rows[1]["status"], rows[1]["reason"]) == ("fit_failed", record["reason"])
    for column in (*LIMIT_COLUMNS, "mu_hat", "mu_hat_error", "gof_p_value"):
        assert float(rows[0][column]) > 0
        assert rows[1][column] == ""
    assert "–" in markdown.splitlines()[3]


def test_a_defect_ends_the_job(chain, monkeypatch):
    """Only problems of the input or of a fit are recorded; a later run would otherwise believe them."""
    monkeypatch.setattr("muscan.steps.fit.fit_result", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        chain.fit()
    assert not chain.fit_file.exists()


class TestTables:
    def test_numbers(self, chain):
        limits = chain.run()
        result = strict(chain.fit_file)
        (row,), markdown = table(chain.results, chain.scan)
        assert [float(row[column]) for column in LIMIT_COLUMNS] == [
            limits.observed_limit,
            *limits.expected_limit,
        ]
        assert float(row["mu_hat"]) == result["mu_hat"]
        assert float(row["mu_hat_error"]) == result["mu_hat_error"]
        assert float(row["gof_p_value"]) == result["goodness_of_fit"]["p_value"]
        assert (row["analysis"], row["signal"], row["calculator"]) == ("analysis", "signal", "asymptotics")
        assert f"| {limits.observed_limit:.4g} |" in markdown

    def test_a_best_fit_at_the_bound_has_no_error(self, tmp_path):
        chain = Chain(tmp_path, SMALL["deficit"])
        chain.run()
        assert strict(chain.fit_file)["mu_hat_minos"][0] is None
        (row,), _ = table(tmp_path, chain.scan)
        assert float(row["mu_hat"]) == 0
        assert row["mu_hat_error"] == ""

    def test_a_signal_without_events_is_no_failure(self, tmp_path):
        """The likelihood is flat in mu: no uncertainty of mu, nothing excluded, CLs = 1 everywhere.

        The other uncertainties are those of the background alone, here of one constrained by data and auxiliary data:
        n = 50 (1 + 0.1 alpha) to first order, so 1 / sigma^2 = 1 + 5^2 / nu, up to the bend of the interpolation.
        """
        chain = Chain(tmp_path, counting([55.0], [0.0], [50.0], normsys(0.1)))
        limits = chain.run()
        assert [point["CLs_obs"] for point in limits.points] == pytest.approx([1.0] * len(MU), abs=1e-6)
        fitted = strict(chain.fit_file)
        poi = fitted["parameters"]["names"].index("mu")
        assert fitted["parameters"]["errors"][poi] is None
        nu = fitted["yields"][0]["total"]["postfit"][0]
        sigma = (1 + (0.1 * nu) ** 2 / nu) ** -0.5
        assert fitted["parameters"]["errors"][1 - poi] == pytest.approx(sigma, rel=0.05)
        assert fitted["yields"][0]["total"]["postfit_error"][0] == pytest.approx(0.1 * nu * sigma, rel=0.05)
        (row,), _ = table(tmp_path, chain.scan)
        assert row["status"] == "above_scan"
        assert row["mu_hat_error"] == ""

    def test_statuses_name_their_columns(self, chain):
        chain.run(mu=(0.0, 2.0))
        (row,), _ = table(chain.results, chain.scan)
        kind, _, columns = row["status"].partition(": ")
        assert kind == "above_scan"
        assert columns.split()
        for column in LIMIT_COLUMNS:
            assert (row[column] == "") == (column in columns.split())
        assert "extend mu beyond 2" in row["reason"]

    def test_reasons_do_not_break_the_markdown(self, tmp_path):
        chain = Chain(tmp_path, {"status": "failed", "reason": "a | b\nc"})
        chain.run()
        _, markdown = table(tmp_path, chain.scan)
        lines = markdown.splitlines()
        assert len(lines) == 3
        assert "a \\| b c" in lines[2]
        assert lines[2].replace("\\|", "").count("|") == lines[0].count("|")

    @pytest.mark.parametrize(
        "text",
        ["a|b", "<script>alert(1)</script>", "$x$ and $y$", "`code`", "*a* _b_ __c__", "a_b_c", "[x](y) ![x](y)",
         "\\", "a\\|b", "&lt; &amp;", "~~gone~~", "# a", "100 %", "\\\\|", "http://a.b/c_d"],
    )  # fmt: skip
    def test_markdown_shows_texts_as_they_are(self, text):
        """A parser of Markdown gives back what was put in, in the one cell, also as the name of a column."""
        parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
        table = pd.DataFrame({"a": [text, 1.5], text: ["", text]})
        html = parser.render(as_markdown(table))
        cells = [unescape(cell) for cell in re.findall(r"<t[hd]>(.*?)</t[hd]>", html)]
        assert cells == ["a", text, text, "", "1.5", text]

    def test_control_characters_are_no_part_of_the_markdown(self):
        table = as_markdown(pd.DataFrame({"a": ["one\ntwo\r\x1b[2Jthree"]}))
        assert table.splitlines()[2] == "| one two  \\[2Jthree |"
