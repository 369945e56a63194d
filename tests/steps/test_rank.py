"""The step that ranks nuisance parameters: its files, also when it fails."""

import csv
import json
from dataclasses import fields
from pathlib import Path

import pytest

import rank
from helpers.chain import Chain, strict
from helpers.steps import run_step
from helpers.workspaces import EVERY_MODIFIER, SMALL, counting, normsys
from muscan.base.errors import StepError
from muscan.inference.ranking import IMPACTS
from muscan.records.ranking import Impact, Ranking, Share
from muscan.report.measured import ranking as report

GROUPS = {"stat": ["mc*", "fakes_stat"], "jets": ["jets"]}


def ranked(folder: Path, spec: dict, *options: str, fit: tuple[str, ...] = ()) -> tuple[Path, Path]:
    chain = Chain(folder, spec)
    chain.fit(*fit)
    outputs = chain.folder / "ranking.json", chain.folder / "ranking.csv"
    files = ["--model", str(chain.model_file), "--fit", str(chain.fit_file), "--workspace", str(chain.workspace)]
    run_step(rank, [*files, *options, "--output", str(outputs[0]), "--csv", str(outputs[1])])
    return outputs


def options(**groups: list[str]) -> list[str]:
    return ["--groups", json.dumps(groups), "--confidence-level", "0.95"]


def test_files(tmp_path):
    record_file, csv_file = ranked(
        tmp_path, EVERY_MODIFIER, *options(**GROUPS), "--group-limits", "true", "--show", "7"
    )
    record = Ranking.read(record_file)
    assert strict(record_file)["made_by"]["inputs"].keys() == {"model.npz", "fit.json"}
    assert (record.status, record.poi, record.show, record.confidence_level) == ("ok", "mu", 7, 0.95)
    impacts = [Impact.from_json(each) for each in record.parameters]
    shares = [Share.from_json(each) for each in record.shares]
    assert [each.name for each in shares] == [
        *("statistical", "stat", "jets", "other parameters", "sum in quadrature", "total")
    ]
    assert [each.limit is None for each in shares] == [False] * 4 + [True, False]
    assert all(each.limit_ratio <= 1.0001 for each in shares if each.limit)
    with csv_file.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [each.name for each in impacts]
    for row, impact in zip(rows, impacts, strict=True):
        assert row["groups"] == " ".join(impact.groups)
        for name in ("value", "impact_postfit_up", "impact_observable_down", "pull"):
            assert (float(row[name]) if row[name] else None) == getattr(impact, name)
        assert row["methods_agree"] == str(impact.methods_agree).lower()
    assert b"\r" not in csv_file.read_bytes()


def test_the_same_bytes(tmp_path):
    one, two = (ranked(tmp_path / name, SMALL["staterror"], *options()) for name in "ab")
    assert [each.read_bytes() for each in one] == [each.read_bytes() for each in two]


def test_without_limits(tmp_path):
    record = Ranking.read(ranked(tmp_path, SMALL["normsys"], *options())[0])
    assert record.confidence_level is None
    assert {each["limit"] for each in record.shares} == {None}


def test_no_limits_of_q0(tmp_path):
    path, _ = ranked(tmp_path, SMALL["normsys"], *options(), "--group-limits", "true", fit=("--test-statistic", "q0"))
    record = strict(path)
    assert record["status"] == "ok"
    assert {each["limit_reason"] for each in record["shares"]} == {"the test statistic q0 has no upper limits"}
    assert "No expected limit" in report.describe(record).warnings[-1]


def test_failed_fit_leaves_a_header(tmp_path):
    record_file, csv_file = ranked(tmp_path, {"status": "failed", "reason": "no histograms"}, *options())
    assert strict(record_file) == {"status": "failed", "reason": "no histograms"}
    assert csv_file.read_text(encoding="utf-8") == ",".join(each.name for each in fields(Impact)) + "\n"
    with pytest.raises(StepError):
        Ranking.read(record_file)


def test_signal_without_events(tmp_path):
    record = strict(ranked(tmp_path, counting([55.0], [0.0], [50.0], normsys(0.1)), *options())[0])
    assert record["status"] == "undetermined"
    assert [each["status"] for each in record["parameters"]] == ["undetermined"]
    assert all(record["parameters"][0][name] is None for name in IMPACTS)


def test_limits_remain_without_impacts(tmp_path):
    record_file, csv_file = ranked(
        tmp_path, counting([0.0], [3.0], [1.5], normsys(0.1)), *options(), "--group-limits", "true"
    )
    record = strict(record_file)
    assert record["status"] == "at_edge"
    assert [each["status"] for each in record["parameters"]] == ["at_edge"]
    assert [each["covariance"] for each in record["shares"]] == [None] * 4
    assert record["shares"][-1]["limit"] > 0
    assert len(csv_file.read_text(encoding="utf-8").splitlines()) == 2


def test_engine_of_pyhf(tmp_path):
    ours, theirs = (
        strict(
            ranked(tmp_path / name, SMALL["normsys"], *options(), "--group-limits", "true", fit=("--engine", name))[0]
        )
        for name in ("newton", "pyhf")
    )
    assert (ours["engine"], theirs["engine"]) == ("newton", "pyhf")
    for one, other in zip(ours["shares"], theirs["shares"], strict=True):
        for key in ("below", "above", "covariance", "limit"):
            assert (one[key] is None) == (other[key] is None)
            assert one[key] is None or one[key] == pytest.approx(other[key], rel=5e-3)
