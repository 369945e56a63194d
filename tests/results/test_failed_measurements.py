"""Which measurements of a signal the table of limits calls failed."""

import json

import pytest

from muscan.results.measurements import describe_failed, failed_parts, files_of_scan

FIT = "the fit did not converge"
END = {"value": 1.0, "status": "ok", "reason": None}


def interval(parameter: str, low: str, reason: str | None) -> dict:
    return {"parameter": parameter, "status": {"low": low, "high": "ok"}, "reason": {"low": reason, "high": None}}


@pytest.mark.parametrize(
    ("measurement", "record", "reasons"),
    [
        (
            "discovery",
            {"status": {"observed": "blinded", "expected": "fit_failed"}, "reason": {"expected": FIT}},
            [FIT],
        ),
        ("discovery", {"status": {"observed": "toys_too_few", "expected": "ok"}, "reason": {}}, []),
        ("intervals", {"poi": "mu", "intervals": [interval("mu", "lower_minimum", FIT)]}, [FIT]),
        (
            "intervals",
            {"poi": "mu", "intervals": [interval("mu", "at_bound", "x"), interval("k", "fit_failed", FIT)]},
            [],
        ),
        (
            "likelihood_scans",
            {"scans": [{"name": "a", "status": "failed", "reason": "no a"}, {"status": "ok"}]},
            ["a: no a"],
        ),
        (
            "feldman_cousins",
            {"intervals": [{"lower": END, "upper": END | {"status": "fit_failed", "reason": FIT}}]},
            [FIT],
        ),
        ("feldman_cousins", {"intervals": [{"lower": END, "upper": END | {"status": "beyond_tested"}}]}, []),
        ("ranking", {"status": "lower_minimum", "reason": FIT, "parameters": []}, [FIT]),
        ("ranking", {"status": "ok", "reason": None, "parameters": [{"status": "fit_failed"}]}, []),
    ],
)
def test_main_parts(measurement, record, reasons):
    assert failed_parts(measurement, record) == reasons


def test_measurements_that_fail_for_one_reason_are_named_together(tmp_path):
    for name, content in {
        "ranking": {"status": "failed", "reason": FIT},
        "intervals": {"status": "failed", "reason": FIT},
        "likelihood_scans": {"scans": [{"name": "a", "status": "failed", "reason": "no a"}]},
    }.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    files = ["intervals.json", "likelihood_scans.json", "ranking.json"]
    assert describe_failed(tmp_path, files) == f"intervals, ranking: {FIT}; likelihood scans: a: no a"
    assert describe_failed(tmp_path, []) == ""


def test_each_scan_has_the_discovery_of_its_calculator():
    files = ["asymptotics/discovery.json", "toybased/discovery.json", "ranking.json", "ranking.csv"]
    outline = {"analyses": {"a": {"measurements": files}}}
    assert files_of_scan(outline, "a", "toybased") == ["toybased/discovery.json", "ranking.json"]
