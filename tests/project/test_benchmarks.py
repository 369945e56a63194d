"""The benchmarks say what they need."""

import runpy
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        (["bench.py"], "1Lbb/BkgOnly.json.gz, 1Lbb/patchset.json.gz, sbottom-A/BkgOnly.json.gz"),
        (["bench_ranking.py"], "sbottom-A/BkgOnly.json.gz, sbottom-A/patches"),
        (["bench.py", "--dump", "cases"], "lacks sbottom-A/BkgOnly.json.gz, sbottom-A/patches"),
        (["grid_workflow.py"], "lacks 1Lbb/BkgOnly.json.gz, 1Lbb/patchset.json.gz."),
        (["job_workflow.py"], "lacks 1Lbb/BkgOnly.json.gz, 1Lbb/patchset.json.gz."),
        (["toy_workflow.py", "5000"], "lacks sbottom-A/BkgOnly.json.gz, sbottom-A/patches"),
    ],
)
def test_without_the_likelihoods_there_is_a_line_that_says_so(tmp_path, monkeypatch, command, missing):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setenv("MUSCAN_DATA", str(tmp_path / "nothing"))
    monkeypatch.delitem(sys.modules, "cases", raising=False)
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(BENCHMARKS / command[0]), run_name="__main__")
    for words in (missing, str(tmp_path / "nothing"), "config/examples/README.md", "MUSCAN_DATA"):
        assert words in end.value.code
    assert "\n" not in end.value.code
    assert not (tmp_path / "cases").exists()
