"""The forecast: jobs as Snakemake counts them; times and sizes extrapolated from a sample of signals."""

import io
import json
import re

import pytest
import yaml
from rich.console import Console

from helpers.workflow import REPO, clone, planned, snakemake, write_config
from muscan.base.words import format_duration
from muscan.commands import check, forecast, rule_graph, simulate_grid
from muscan.commands.forecast import Forecast, advice, first_round_toys
from muscan.commands.timed_sample import Sample, job_counts, toy_fits
from muscan.config.schema import complete
from muscan.config.settings import ScanSettings, scan_settings

COUNTS = {"datasets": {"d": {"histograms": {"counts": {"SR": {"s": 5, "b": 50, "observed": 52}}}}}}
MODEL = {"m": {"samples": {"s": [{"name": "mu", "type": "normfactor"}], "b": []}}}
TOYS = {"target": 0.1, "jobs": 3}
SCAN = {"mu": [0, 0.5, 1, 2, 3, 4], "plots": ["brazil"]}


def counting(**scan) -> dict:
    return {**COUNTS, "models": MODEL, "analyses": {"a": {"dataset": "d", "model": "m"} | SCAN | scan}}


def settings(**scan) -> ScanSettings:
    return scan_settings(complete(counting(**scan)), "a")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write the files of a grid of signals."""
    folder = tmp_path_factory.mktemp("forecast")
    simulate_grid.main(["--output", str(folder)])
    return folder


def grid(folder, signals="signal_*00_0", **scan) -> dict:
    files = {"file": str(folder / "BkgOnly.json"), "patchset": str(folder / "patchset.json"), "signals": signals}
    return {
        "datasets": {"g": {"workspace": files}},
        "analyses": {"g": {"dataset": "g", "plots": []} | scan},
        "grids": {"plane": {"analyses": ["g"], "x": "m1", "y": "m2"}},
    }


def both(*configs: dict) -> dict:
    """Return several configurations with different names as one."""
    return {block: {name: each for config in configs for name, each in config.get(block, {}).items()}
            for block in ("datasets", "models", "analyses", "grids")}  # fmt: skip


@pytest.fixture
def configurations(folder) -> dict[str, dict]:
    single = both(counting(), grid(folder, mu=[0, 1, 2], plots=["brazil", "yields"]))
    toys = {"calculators": ["asymptotics", "toybased"], "toys": {"target": 0.1, "jobs": 3}}
    packed = both(counting(mu_per_job=4, **toys), grid(folder, mu="auto", signals_per_job=4))
    return {"single": single, "packed": packed}


@pytest.mark.parametrize("name", ["single", "packed"])
def test_jobs_are_those_of_snakemake(configurations, tmp_path, name):
    run = clone(tmp_path / "run")
    write_config(run, configurations[name])
    counts = job_counts(configurations[name])
    dry_run = snakemake(run, "-n", "--workflow-profile", "none")
    printed = (dry_run.stdout + dry_run.stderr).partition("Job stats:")[2]
    expected: dict[str, int] = {}
    for rule, number in dict(re.findall(r"^(\w+) +(\d+)$", printed, re.MULTILINE)).items():  # it is printed twice
        rule = "scan_signals" if rule.startswith("scan_g_") else rule
        expected[rule] = expected.get(rule, 0) + int(number)
    assert counts | {"all": 1, "total": sum(counts.values()) + 1} == expected
    assert planned(run).keys() >= counts.keys() - {"scan_signals"}
    assert sum(counts.values()) > 5


def test_what_it_says(folder, tmp_path, monkeypatch, capsys):
    """All analyses and jobs are listed, and no files remain."""
    monkeypatch.chdir(tmp_path)
    config = grid(folder, mu="auto", signals_per_job=4)
    config["datasets"] |= COUNTS["datasets"]
    config |= {"models": MODEL}
    toys = {"calculators": ["toybased"], "toys": {"per_hypothesis": 100, "block": 50}}
    config["analyses"]["counts"] = {"dataset": "d", "model": "m", "mu": [0, 1, 2], "plots": [], **toys}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
    assert forecast.main(["--configfiles", "c.yaml", "--cores", "3"]) == 0
    output = capsys.readouterr().out
    rows = {line.split()[0]: line.split() for line in output.splitlines() if line.startswith((" g ", " counts "))}
    assert rows["g"][1] == "9"
    assert rows["counts"][1] == "1"
    assert f"In all {sum(job_counts(config).values())} jobs" in output
    assert "on 3 cores" in output
    assert "`mu_per_job` and `signals_per_job` put more work into a job" in " ".join(output.split())
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]


def test_a_bad_patch_among_the_timed_ones_is_no_obstacle(folder, tmp_path):
    patchset = json.loads((folder / "patchset.json").read_text())
    patchset["patches"][0]["patch"] = []
    file = tmp_path / "patchset.json"
    file.write_text(json.dumps(patchset))
    config = grid(folder, "all", mu="auto", signals_per_job=10)
    config["datasets"]["g"]["workspace"]["patchset"] = str(file)
    found = forecast.forecast(complete(config), "g")
    assert found.signals == len(patchset["patches"])
    assert found.seconds > 0
    assert found.size > 0


def test_signals_that_all_fail_are_said(tmp_path, monkeypatch, capsys, folder):
    monkeypatch.chdir(tmp_path)
    config = grid(folder, ["signal_300_0"], mu="auto")
    config["datasets"]["g"]["workspace"]["measurement"] = "none"
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
    assert forecast.main(["--configfiles", "c.yaml"]) == 1
    assert "nothing could be timed" in capsys.readouterr().out


BAD = "bin_low,bin_high,s,b,observed\n0,1,5,20,twenty\n"


@pytest.mark.parametrize("others", [True, False])
def test_a_data_set_that_cannot_be_read_is_said_and_the_others_are_timed(tmp_path, monkeypatch, capsys, others):
    """The message is that of `make check`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.csv").write_text(BAD)
    config = counting()
    config["datasets"]["bad"] = {"histograms": {"csv": "bad.csv"}}
    config["analyses"]["bad"] = config["analyses"]["a"] | {"dataset": "bad"}
    if not others:
        del config["analyses"]["a"]
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
    message = "bad: data set 'bad': bad.csv, line 2, column observed: 'twenty' is not a finite number"
    assert check.main(["--configfiles", "c.yaml"]) == 1
    assert f"error {message}" in " ".join(capsys.readouterr().out.split())
    assert forecast.main(["--configfiles", "c.yaml"]) == 1
    output = capsys.readouterr().out
    assert f"failed: {message}" in " ".join(output.split())
    assert any(line.startswith(" a ") for line in output.splitlines()) == others


def test_grids_of_analyses_that_cannot_be_read_are_not_counted(tmp_path):
    (tmp_path / "bad.csv").write_text(BAD)
    config = counting() | {
        "grids": {"good": {"analyses": ["a"], "x": "m1"}, "lost": {"analyses": ["a", "bad"], "x": "m1"}}
    }
    config["datasets"] = COUNTS["datasets"] | {"bad": {"histograms": {"csv": str(tmp_path / "bad.csv")}}}
    config["analyses"]["bad"] = config["analyses"]["a"] | {"dataset": "bad"}
    rest, reasons = forecast.without_unreadable(complete(config))
    assert list(rest["analyses"]) == ["a"]
    assert list(rest["grids"]) == ["good"]
    assert len(reasons) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scan: {mo: 1}\n", "the key 'datasets' is missing"),
        ("a: [", "c.yaml cannot be used"),
        ("- 1\n", "c.yaml cannot"),
    ],
)
def test_a_bad_configuration_is_refused(tmp_path, monkeypatch, capsys, text, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(text)
    assert forecast.main(["--configfiles", "c.yaml"]) == 1
    assert message in capsys.readouterr().err
    assert forecast.main(["--configfiles", "none.yaml"]) == 1


def test_toys_are_counted_as_fits():
    """Ten toys at three values of mu: 30 signal toys with two fits, ten background-only toys with one and three."""
    assert toy_fits(10, 3) == 30 * 2 + 10 + 30
    assert first_round_toys(settings(toys={"per_hypothesis": 5000, "block": 1000}).toys) == 5000
    assert first_round_toys(settings(toys={"target": 0.1, "block": 500}).toys) == 1000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.04 s"), (12.3, "12 s"), (99, "99 s"), (120, "2 min"), (7200, "2 h"), (360000, "100 h")],
)
def test_times_have_a_fitting_unit(seconds, text):
    assert format_duration(seconds) == text


class TestAdvice:
    def test_short_signals_share_a_job(self, monkeypatch):
        monkeypatch.setattr("os.cpu_count", lambda: 2)
        chain = {"patch_workspace": 1.0, "compile_model": 1.0, "fit": 2.0, "hypotest": 1.5, "invert": 1.5}
        assert "signals_per_job: 12 (9 x " in advice(Sample(chain, {}, 0), settings(), 100, {"hypotest": 1})

    def test_long_signals_do_not(self):
        found = advice(Sample({"scan_signals": 100.0}, {"scan_signals": 99.0}, 0), settings(), 100, {})
        assert found == ""

    def test_a_packing_that_suits_is_left_alone(self, monkeypatch):
        monkeypatch.setattr("os.cpu_count", lambda: 2)
        packed = settings(signals_per_job=12)
        assert advice(Sample({"scan_signals": 3.0}, {"scan_signals": 2.0}, 0), packed, 100, {}) == ""


def test_where_nothing_is_recommended():
    console = Console(width=120, file=io.StringIO())
    console.print(forecast.table([Forecast("a", 1, 3, 2.0, 1.0, 5e6, ""), Forecast("b", 1, 3, 2.0, 1.0, 5e6, "x: 2")]))
    *_, first, second, _ = console.file.getvalue().splitlines()
    assert first.split("MB")[1].strip() == "nothing to change"
    assert second.split("MB")[1].strip() == "x: 2"


def test_what_a_cluster_is_sent():
    """All rules except local ones; each pack of signals has its own rule."""
    rules = set(rule_graph.stages(REPO / "rules"))
    texts = [file.read_text() for file in (REPO / "rules").glob("*.smk")]
    parts = [part for text in texts for part in re.split(r"^(?=(?:use )?rule )", text, flags=re.MULTILINE)]
    local = {re.search(r"rule (?:\w+ as )?(\w+)", part)[1] for part in parts if "localrule: True" in part}
    assert local < rules
    assert set(forecast.SENT) == (rules - local) | {"scan_signals"}
