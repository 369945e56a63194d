"""make verify: pyhf repeats tests, and a wrong result of muscan is reported."""

import json

import pytest

from helpers.chain import SPEC, Chain
from muscan.commands import verify
from muscan.records.manifest import Manifest


@pytest.fixture
def scan(tmp_path) -> Chain:
    chain = Chain(tmp_path / "results", SPEC)
    chain.run((0.0, 1.0, 3.0))
    return chain


def run(scan: Chain) -> int:
    return verify.main(["--results", str(scan.results), "--number", "3"])


def change(path, **values) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


def test_pyhf_agrees(scan, capsys):
    assert run(scan) == 0
    said = capsys.readouterr().out
    assert said.count(": agrees\n") == 3
    assert "3 of 3 tests repeated: 0 disagree, 0 without a result of pyhf" in said


def test_a_wrong_cls_does_not_pass(scan, capsys):
    change(scan.results / scan.scan / "hypotest" / "mu_1.0.json", CLs_obs=0.9)
    assert run(scan) == 1
    assert "mu = 1: DISAGREES" in capsys.readouterr().out


def test_a_fit_above_the_minimum_does_not_pass(scan, capsys):
    record = json.loads(scan.fit_file.read_text(encoding="utf-8"))
    change(scan.fit_file, deviance=record["deviance"] + 0.01)
    assert run(scan) == 1
    assert "pyhf is lower" in capsys.readouterr().out


def test_tests_of_earlier_scans_are_not_in_the_sample(scan, capsys):
    """Only those that the manifest lists; without a manifest that is said."""
    earlier = scan.results / "earlier" / "signal" / "asymptotics" / "hypotest" / "mu_1.0.json"
    earlier.parent.mkdir(parents=True)
    earlier.write_bytes((scan.results / scan.scan / "hypotest" / "mu_1.0.json").read_bytes())
    assert len(verify.tests_of(scan.results)) == 4
    assert "there is no " in capsys.readouterr().err
    names = ["analysis/signal/fit.json", *(f"{scan.scan}/hypotest/mu_{mu}.json" for mu in ("0.0", "1.0", "3.0"))]
    records = [{"file": f"results/{name}", "sha256": ""} for name in names]
    manifest = Manifest(versions={}, config={}, problems=[], inputs=[], results=records)
    (scan.results / "manifest.json").write_text(json.dumps(manifest.to_json()), encoding="utf-8")
    assert {path.parents[3].name for path, _ in verify.tests_of(scan.results)} == {"analysis"}
    assert len(verify.tests_of(scan.results)) == 3
    assert capsys.readouterr().err == ""


def test_nothing_to_repeat(tmp_path, capsys):
    assert verify.main(["--results", str(tmp_path)]) == 1
    assert "run a scan first" in capsys.readouterr().err
