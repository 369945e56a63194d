"""The whole chain through Snakemake: results, reruns, failures, messages."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.workflow import (
    COLUMNS,
    clone,
    copy,
    environment,
    heed_interrupts,
    limits,
    planned,
    snakemake,
    write_config,
)


@pytest.fixture(scope="session")
def small_config(default_config) -> dict:
    """Two analyses of the default question on a coarse grid."""
    return {
        "datasets": {"mismatched": default_config["datasets"]["mismatched"]},
        "models": default_config["models"],
        "scan": {"mu": [0, 0.1, 0.4, 1.0, 2.0]},
        "analyses": {
            "locked": {"dataset": "mismatched", "model": "locked"},
            "floating": {"dataset": "mismatched", "model": "floating", "mu_per_job": 3, "plots": ["pulls"]},
        },
    }


@pytest.fixture(scope="session")
def finished(tmp_path_factory, small_config) -> Path:
    """A finished run; tests that change something work on a copy."""
    folder = clone(tmp_path_factory.mktemp("workflow") / "run")
    write_config(folder, small_config)
    result = snakemake(folder)
    (folder / "output.txt").write_text(result.stdout + result.stderr)
    return folder


@pytest.fixture
def changed(finished, tmp_path) -> Path:
    return copy(finished, tmp_path / "changed")


def test_limits_do_not_depend_on_the_grid(finished, seed_question):
    """Five points give the limits of the exact crossings, although linear interpolation would be far off."""
    reference = json.loads((seed_question / "reference.json").read_text())
    for model in ("locked", "floating"):
        row = limits(finished)[f"{model}/signal"]
        exact = reference[f"mismatched/{model}"]["exact_crossing"]
        assert row["status"] == "ok"
        expected = [exact["observed_limit"], *exact["expected_limit"]]
        assert [float(row[column]) for column in COLUMNS] == pytest.approx(expected, rel=1e-4)


def test_the_story_of_the_readme(finished):
    """The locked model excludes the injected signal strength and fits badly; the floating one does neither."""
    locked, floating = (limits(finished)[f"{model}/signal"] for model in ("locked", "floating"))
    assert float(locked["observed_limit"]) < 0.8 < float(floating["observed_limit"])
    assert float(locked["gof_p_value"]) < 0.05 < float(floating["gof_p_value"])


def test_table_of_the_run(finished):
    """The run ends with a table for people; limits.csv begins with the documented columns."""
    output = (finished / "output.txt").read_text()
    assert "Upper limits on mu at confidence level 0.95" in output
    assert "results/plots/limits.png" in output
    header = (finished / "results" / "limits.csv").read_text().splitlines()[0]
    assert header.split(",")[:11] == ["analysis", "signal", "calculator", "confidence_level", *COLUMNS, "status"]
    assert (finished / "results" / "limits.md").read_text().startswith("| analysis | signal | calculator |")


def test_results_of_a_scan(finished):
    folder = finished / "results" / "locked" / "signal" / "asymptotics"
    assert {path.name for path in (folder / "hypotest").iterdir()} == {
        f"mu_{mu}.json" for mu in ("0", "0.1", "0.4", "1", "2")
    }
    packed = finished / "results" / "floating" / "signal" / "asymptotics" / "hypotest"
    assert {path.name for path in packed.iterdir()} == {"mu_0_to_0.4.json", "mu_1_to_2.json"}
    plots = {str(path.relative_to(folder / "plots")) for path in (folder / "plots").rglob("*.p*")}
    names = ("brazil", "pulls", "yields/channel_prefit", "yields/channel_postfit")
    assert plots == {f"{name}.{suffix}" for name in names for suffix in ("png", "pdf")}


def test_pyhf_accepts_the_workspace(finished):
    """`pyhf cls` runs on the workspace and gives the CLs of the scan."""
    signal = finished / "results" / "locked" / "signal"
    command = [Path(sys.executable).with_name("pyhf"), "cls", "--test-poi", "0.4", str(signal / "workspace.json")]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ours = json.loads((signal / "asymptotics" / "hypotest" / "mu_0.4.json").read_text())
    theirs = json.loads(output)
    assert [ours["CLs_obs"], *ours["CLs_exp"]] == pytest.approx([theirs["CLs_obs"], *theirs["CLs_exp"]], rel=1e-3)


def test_second_run_does_nothing(finished):
    assert planned(finished) == {}


def test_touched_script_runs_nothing(changed):
    (changed / "scripts" / "invert.py").touch()
    assert planned(changed) == {}


def test_changed_plot_script_reruns_its_plots(changed):
    with (changed / "scripts" / "muscan" / "plotting" / "pulls.py").open("a") as script:
        script.write("# changed\n")
    assert planned(changed) == {"plot": 2, "report": 1, "manifest": 1}


def test_changed_plot_style_reruns_all_plots(changed):
    with (changed / "scripts" / "muscan" / "plotting" / "style.py").open("a") as script:
        script.write("# changed\n")
    assert planned(changed) == {"plot": 3, "plot_folder": 1, "compare_limits": 1, "report": 1, "manifest": 1}


def test_changed_statistics_reruns_what_uses_it(changed):
    with (changed / "scripts" / "muscan" / "inference" / "limits.py").open("a") as module:
        module.write("# changed\n")
    plan = planned(changed)
    assert plan["invert"] == 2
    assert not {"simulate", "build_workspace", "fit", "hypotest"} & set(plan)
    with (changed / "scripts" / "muscan" / "optimize" / "minimize.py").open("a") as module:
        module.write("# changed\n")
    plan = planned(changed)
    assert (plan["fit"], plan["hypotest"]) == (2, 7)
    assert not {"simulate", "build_workspace"} & set(plan)


def test_added_mu_keeps_the_old_tests(changed, small_config):
    analyses = small_config["analyses"]
    more = {**analyses["locked"], "mu": [0, 0.1, 0.2, 0.4, 1.0, 2.0, 3.0]}
    write_config(changed, {**small_config, "analyses": {**analyses, "locked": more}})
    plan = planned(changed)
    assert (plan["hypotest"], plan["invert"]) == (2, 1)
    assert "fit" not in plan
    before = limits(changed)
    snakemake(changed)
    after = limits(changed)
    assert after["floating/signal"] == before["floating/signal"]
    for column in COLUMNS:
        assert float(after["locked/signal"][column]) == pytest.approx(float(before["locked/signal"][column]), rel=2e-5)


def test_confidence_level_reruns_the_inversion(changed, small_config):
    write_config(changed, {**small_config, "scan": {**small_config["scan"], "confidence_level": 0.9}})
    plan = planned(changed)
    assert plan["invert"] == 2
    assert not {"fit", "hypotest"} & set(plan)


NOT_RENEWED = "This run did not renew results/limits.csv, which is from an earlier run."


class TestTableOfAnEarlierRun:
    """A table of limits is printed only at the end of a run to which it belongs."""

    def test_everything_is_up_to_date(self, finished):
        assert "confidence level 0.95" in snakemake(finished).stdout
        assert "confidence level" not in snakemake(finished, "--dry-run").stdout

    def test_one_file_of_another_configuration(self, changed, small_config):
        other = {"analyses": {"other": small_config["analyses"]["locked"]}}
        write_config(changed, small_config | other)
        result = snakemake(changed, "results/other/signal/workspace.json")
        assert "confidence level" not in result.stdout
        assert NOT_RENEWED in result.stderr

    def test_ctrl_c(self, changed, small_config):
        """There are no tracebacks, and the last lines say how to continue."""
        write_config(changed, small_config | {"scan": small_config["scan"] | {"confidence_level": 0.9}})
        shutil.rmtree(changed / "logs")
        command = [sys.executable, "-m", "snakemake", "--configfile", "test.yaml"]
        process = subprocess.Popen(
            command,
            cwd=changed,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=heed_interrupts,
        )
        deadline = time.monotonic() + 120
        while not list((changed / "logs").rglob("*.log")) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to Snakemake and all its jobs
        output = process.communicate(timeout=60)[0]
        assert process.returncode != 0
        assert "confidence level" not in output
        assert NOT_RENEWED in output
        assert "Traceback" not in output
        assert "Run the same command again to continue" in output.strip().splitlines()[-1]
        result = snakemake(changed)
        assert "confidence level 0.9 " in result.stdout
        assert NOT_RENEWED not in result.stderr


def test_commands_can_be_pasted(tmp_path, small_config):
    """The commands of a dry run, run by a shell one after the other, make the results. No variable is needed."""
    folder = clone(tmp_path / "run")
    analyses = {"it": {"dataset": "mismatched", "model": "locked", "mu": [0.4, 1.0], "plots": ["brazil"]}}
    write_config(folder, {**small_config, "analyses": analyses})
    dry = snakemake(folder, "-n", "-p", "--workflow-profile", "none")
    lines = (dry.stdout + dry.stderr).splitlines()
    commands = [line.strip().removeprefix("Shell command:").strip() for line in lines if "python scripts/" in line]
    assert len(commands) == 13
    shell = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input="\n".join(commands),
        cwd=folder,
        env={"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert shell.returncode == 0, shell.stderr
    assert (
        limits(folder)["it/signal"]["status"].startswith("above_scan") or limits(folder)["it/signal"]["observed_limit"]
    )


def workspace() -> dict:
    """A background-only workspace of two bins."""
    background = {"name": "background", "data": [50.0, 60.0], "modifiers": [
        {"name": "norm", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}},
    ]}  # fmt: skip
    return {
        "version": "1.0.0",
        "channels": [{"name": "SR", "samples": [background]}],
        "observations": [{"name": "SR", "data": [52.0, 58.0]}],
        "measurements": [{"name": "measurement", "config": {"poi": "mu", "parameters": []}}],
    }


def patch(signal: list[float], path: str = "/channels/0/samples/1") -> list[dict]:
    modifiers = [{"name": "mu", "type": "normfactor", "data": None}]
    return [{"op": "add", "path": path, "value": {"name": "signal", "data": signal, "modifiers": modifiers}}]


def test_failing_signals_do_not_stop_the_others(tmp_path):
    """Bad patches are named in the table; good ones get their limits; the exit code tells."""
    folder = clone(tmp_path / "run")
    patches = folder / "patches"
    patches.mkdir()
    (folder / "background.json").write_text(json.dumps(workspace()))
    signals = {
        "good": patch([10.0, 5.0]),
        "an odd $(touch hacked); 'name'": patch([20.0, 10.0]),
        "no channel": patch([1.0, 1.0], "/channels/7/samples/0"),
        "three bins": patch([1.0, 2.0, 3.0]),
    }
    for name, content in signals.items():
        (patches / f"{name}.json").write_text(json.dumps(content))
    (patches / "broken.json").write_text('[{"op": ')
    write_config(folder, {
        "datasets": {"published": {"workspace": {"file": "background.json", "patches": "patches"}}},
        "scan": {"mu": [0.2, 1, 3, 8], "mu_per_job": 4, "plots": ["brazil"]},
        "analyses": {"search": {"dataset": "published"}},
    })  # fmt: skip
    result = snakemake(folder, check=False)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout + result.stderr
    table = limits(folder)
    assert {name.partition("/")[2]: row["status"] for name, row in table.items()} == {
        "good": "ok",
        "an odd $(touch hacked); 'name'": "ok",
        "no channel": "fit_failed",
        "three bins": "fit_failed",
        "broken": "fit_failed",
    }
    assert all(row["observed_limit"] == "" for row in table.values() if row["status"] == "fit_failed")
    double = float(table["search/good"]["observed_limit"]) / 2
    assert float(table["search/an odd $(touch hacked); 'name'"]["observed_limit"]) == pytest.approx(double, rel=1e-4)
    assert "no channel" in table["search/no channel"]["reason"]
    assert "not JSON" in table["search/broken"]["reason"]
    assert not (folder / "hacked").exists()
    for name in ("no channel", "three bins", "broken"):
        assert f"failed: search / {name}" in re.sub(r"\s+", " ", result.stdout + result.stderr)
    assert "verdict" in planned(folder)
    assert "confidence level 0.95" in result.stdout  # this run made the table
    assert result.stderr.rstrip().endswith("it makes only what changes.")


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (
            {"scam": {}, "scan": {"mu": [], "confidence_level": "high"}},
            ["unknown key 'scam'; did you mean 'scan'?", "scan.mu: ", "scan.confidence_level: "],
        ),
        (
            {
                "scan": {"mu": [-1, 2]},
                "analyses": {"a": {"dataset": "mismatchd", "model": "locked"}},
                "datasets": {"mismatched": {"workspace": {"file": "none.json"}}},
            },
            ["scan.mu[0]: ", "did you mean 'mismatched'?", "none.json"],
        ),
    ],
)
def test_wrong_configuration_is_one_message(tmp_path, small_config, change, messages):
    folder = clone(tmp_path / "run")
    write_config(folder, {**small_config, **change})
    result = snakemake(folder, "-n", check=False)
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert [message for message in messages if message not in output] == []
    assert output.count("test.yaml cannot be used") == 1
    assert "Traceback" not in output


def test_unknown_signal_is_named(tmp_path):
    folder = clone(tmp_path / "run")
    (folder / "background.json").write_text(json.dumps(workspace()))
    (folder / "sig_100.json").write_text(json.dumps(patch([1.0, 1.0])))
    source = {"file": "background.json", "patches": "sig_*.json", "signals": ["sig_10"]}
    write_config(folder, {"datasets": {"p": {"workspace": source}}, "analyses": {"a": {"dataset": "p"}}})
    result = snakemake(folder, "-n", check=False)
    assert result.returncode != 0
    assert "there is no signal 'sig_10'; did you mean 'sig_100'?" in result.stdout + result.stderr


def test_default_configuration_is_planned_in_full(tmp_path, default_config):
    folder = clone(tmp_path / "run")
    write_config(folder, default_config)
    assert planned(folder) == {
        "simulate": 2,
        "build_workspace": 6,
        "compile_model": 6,
        "fit": 6,
        "discover": 6,
        "find_intervals": 6,
        "scan_likelihood": 4,
        "rank": 6,
        "hypotest": 102,
        "invert": 6,
        "plot": 18,
        "plot_folder": 10,
        "tables": 1,
        "compare_limits": 1,
        "report": 1,
        "verdict": 1,
        "manifest": 1,
    }
