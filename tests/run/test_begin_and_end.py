"""Messages before any job starts, and after the last one."""

import json
import logging
import os
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest
import yaml

from muscan.base import seals
from muscan.run import begin, end, existing_results

GOOD = {
    "datasets": {"d": {"histograms": {"counts": {"SR": {"signal": 1.0, "background": 2.0, "observed": 3}}}}},
    "models": {"m": {"samples": {"signal": [{"name": "mu", "type": "normfactor"}], "background": []}}},
    "analyses": {"a": {"dataset": "d", "model": "m"}},
}
MISSING = {"histograms": {"csv": "missing.csv"}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, config: dict) -> list[str]:
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))
    return [str(folder / "mine.yaml")]


def with_missing() -> dict:
    return GOOD | {
        "datasets": GOOD["datasets"] | {"gone": MISSING},
        "analyses": GOOD["analyses"] | {"b": {"dataset": "gone", "model": "m"}},
    }


def test_what_cannot_be_used_is_left_out(folder):
    config = with_missing()
    usable = begin.usable_part(config, write(folder, config))
    assert list(usable.config["analyses"]) == ["a"]
    assert list(usable.not_run) == ["b"]
    assert "missing.csv" in usable.not_run["b"]
    assert len(usable.problems) == 1
    assert usable.without_row == []  # the row of b tells it


def test_a_run_of_nothing_ends_at_once(folder):
    config = GOOD | {"datasets": {"d": MISSING}}
    with pytest.raises(SystemExit, match=r"^mine\.yaml cannot be used \(in .*\):\n.*missing\.csv(.|\n)*README\.md"):
        begin.usable_part(config, write(folder, config))


def test_the_text_of_the_files_is_looked_at_once(folder):
    """Jobs on a cluster start Snakemake too."""
    (folder / "mine.yaml").write_text("analyses: {}\nanalyses: {}\n")
    files = [str(folder / "mine.yaml")]
    with pytest.raises(SystemExit, match="twice"):
        begin.usable_part(GOOD, files)
    assert begin.usable_part(GOOD, files, check_text=False).problems == []


class TestModule:
    """In a module, rules of the other workflow make input files, and messages name the module."""

    CONFIG = GOOD | {"datasets": {"d": MISSING}}

    def test_files_may_be_made_later(self, folder):
        usable = begin.usable_part(self.CONFIG, [], module="limits")
        assert list(usable.config["analyses"]) == ["a"]
        assert usable.problems == []
        begin.prepare(usable, [], "limits/results", module="limits")

    @pytest.mark.parametrize(
        ("workspace", "message"),
        [
            ({"file": "w.json", "patchset": "missing.json"}, "datasets.d.workspace.patchset: there is no file"),
            ({"file": "w{x}.json"}, "datasets.d.workspace.file: rename"),
            ({"file": "."}, "datasets.d.workspace.file: '.' is a folder"),
        ],
    )
    def test_files_that_cannot_be_made_later(self, folder, workspace, message):
        """The signals of a patch set decide which jobs there are."""
        config = {"datasets": {"d": {"workspace": workspace}}, "analyses": {"a": {"dataset": "d"}}}
        with pytest.raises(SystemExit, match=r"^The configuration of the module limits cannot be used") as error:
            begin.usable_part(config, [], module="limits")
        assert message in str(error.value)

    def test_the_configuration_of_the_other_workflow_is_not_changed(self, folder):
        before = json.dumps(self.CONFIG)
        usable = begin.usable_part(self.CONFIG, [], module="limits")
        assert usable.config["analyses"] is not self.CONFIG["analyses"]
        assert json.dumps(self.CONFIG) == before

    def test_what_killed_processes_left_is_removed(self, folder):
        """The main workflow does this when it starts; the handlers of a module are not called."""
        process = subprocess.run(
            [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
        )
        left = folder / "limits" / "results" / f"{seals.PART}{socket.gethostname()}-{process.stdout.strip()}-x"
        left.parent.mkdir(parents=True)
        left.touch()
        begin.prepare(begin.usable_part(GOOD, [], module="limits"), [], "limits/results", module="limits")
        assert not left.exists()

    def test_folders_below_the_prefix_must_be_writable(self, folder, monkeypatch):
        (folder / "limits").mkdir()
        monkeypatch.setattr(os, "access", lambda path, _: str(path) != "limits")
        assert existing_results.unwritable_folders("limits/results") == [
            "limits/results",
            "limits/logs",
            "limits/benchmarks",
        ]
        assert existing_results.unwritable_folders() == []


class TestLookingAround:
    def test_problems_are_told(self, folder, capsys):
        config = with_missing()
        files = write(folder, config)
        begin.prepare(begin.usable_part(config, files), files)
        assert "Not run, while the rest is: " in capsys.readouterr().err

    def test_data_sets_that_cannot_be_read_are_told(self, folder, capsys):
        (folder / "bad.csv").write_text("bin_low,bin_high,signal,background,observed\n0,1,5,20,twenty\n")
        config = GOOD | {
            "datasets": GOOD["datasets"] | {"bad": {"histograms": {"csv": "bad.csv"}}},
            "analyses": GOOD["analyses"] | {"b": {"dataset": "bad", "model": "m"}},
        }
        files = write(folder, config)
        begin.prepare(begin.usable_part(config, files), files)
        assert capsys.readouterr().err.startswith(
            "Will fail, while the rest is run: b: data set 'bad': bad.csv, line 2"
        )
        del config["analyses"]["a"]
        with pytest.raises(SystemExit, match=r"mine\.yaml cannot be used"):
            begin.prepare(begin.usable_part(config, files), files)

    def test_a_folder_in_which_nothing_can_be_written(self, folder, monkeypatch):
        monkeypatch.setattr(existing_results, "unwritable_folders", lambda results: ["results", "logs"])
        files = write(folder, GOOD)
        with pytest.raises(SystemExit, match="cannot write here: results, logs"):
            begin.prepare(begin.usable_part(GOOD, files), files)


HEADER = "analysis,signal,calculator,confidence_level,observed_limit,expected_m2,expected_m1,expected,expected_p1,"
HEADER += "expected_p2,status,mu_hat,mu_hat_error,mu_hat_at_bound,gof_p_value,test_statistic,failed_points,reason\n"
ROW = "search,signal,asymptotics,0.95,1.376,0.2,0.3,0.451,0.6,0.8,ok,1.03,0.21,False,0.73,qtilde,0,\n"
# A run whose jobs make the given files; its hooks are called, and then Snakemake writes its last words.
PROGRAM = """
import json, sys

sys.path.insert(0, {scripts!r})
from muscan.run import end

class Dag:
    def __init__(self, **states):  # files of jobs that did not have to run, that have finished, and that have not
        self.states = {{state: [Job(file) for file in files] for state, files in states.items()}}
        self.jobs = [job for jobs in self.states.values() for job in jobs]

    def noneedrun_finished(self, job):
        return job not in self.states["left"]

    def finished(self, job):
        return job in self.states["finished"]

    def needrun_jobs(self, exclude_finished):
        return self.states["finished"] + self.states["left"]

class Job:
    def __init__(self, file):
        self.output = [file] if file else []

dag = Dag(**json.loads(sys.argv[1]))
if sys.argv[2] == "error":
    end.show_how_to_continue(dag, ["results/limits.csv", "results/x"])
end.show_limits(dag, [])
print("Snakemake")
"""


def end_of_run(folder, hook: str = "success", current=(), finished=(), left=()) -> tuple[str, str]:
    """Return what a run prints after Snakemake's last words, and what it prints to stderr."""
    states = json.dumps({"current": current, "finished": finished, "left": left})
    command = [sys.executable, "-c", PROGRAM.format(scripts=str(end.SCRIPTS)), states, hook]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    first, printed = done.stdout.split("\n", 1)
    assert first == "Snakemake"
    return printed, done.stderr


@pytest.fixture
def table(folder):
    (folder / "results").mkdir()
    (folder / "results" / "limits.csv").write_text(HEADER + ROW)
    (folder / "results" / "report.html").write_text("")
    return folder


NOT_RENEWED = "This run did not renew results/limits.csv, which is from an earlier run.\n"


class TestEnd:
    @pytest.mark.parametrize("state", ["current", "finished"])
    def test_a_table_that_is_up_to_date_is_the_last_word(self, table, state):
        printed, errors = end_of_run(table, **{state: ["results/limits.csv", "results/report.html"]})
        assert "1.376" in printed
        assert "Tables: results/limits.csv\n" in printed  # limits.md is of no job
        assert printed.endswith("Report with explanations: results/report.html\n")
        assert errors == ""

    @pytest.mark.parametrize(
        "states",
        [{"left": ["results/limits.csv", "results/x"]}, {"finished": ["results/x"]}, {"current": ["results/x"]}],
    )
    def test_a_table_of_an_earlier_run_is_not_shown(self, table, states):
        """Either the run was stopped before the table, or it was asked for other files."""
        assert end_of_run(table, **states) == ("", NOT_RENEWED)

    def test_no_table(self, folder):
        assert end_of_run(folder, current=["results/x"]) == ("", "")

    def test_a_report_of_an_earlier_run_is_not_named(self, table):
        printed, _ = end_of_run(table, "error", finished=["results/limits.csv"], left=["results/report.html"])
        assert "1.376" in printed
        assert "results/report.html" not in printed

    def test_how_to_continue(self, table):
        """The files of an earlier run count as not made."""
        printed, errors = end_of_run(
            table, "error", finished=["results/y"], left=["results/limits.csv", "results/x", ""]
        )
        assert printed == ""
        lines = errors.splitlines()
        assert lines[0] + "\n" == NOT_RENEWED
        assert lines[1] == "Not made: results/limits.csv, results/x."
        assert lines[2].startswith("2 of 3 steps are left. Run the same command again to continue")
        assert len(lines) == 3

    def test_limits_that_are_missing_because_fits_failed(self, table):
        """Everything is made; a repetition alone would change nothing."""
        printed, errors = end_of_run(table, "error", finished=["results/limits.csv"], left=["results/.verdict", ""])
        assert "1.376" in printed
        assert errors.startswith("All results are made, but some could not be determined")


@pytest.mark.parametrize("dry_run", [True, False])
def test_nothing_to_do(table, monkeypatch, dry_run):
    """Snakemake calls neither hook; a dry run prints no table."""
    shown = []
    monkeypatch.setattr(end, "show_limits", lambda *args, **options: shown.append((*args, options)))
    logger = logging.getLogger(f"{__name__}.{dry_run}")
    logger.setLevel(logging.INFO)
    monkeypatch.setattr(end, "LOGGER", logger.name)
    end.show_limits_if_nothing_to_do(SimpleNamespace(dag="dag", dryrun=dry_run), ["grid"])
    logger.info("Select jobs to execute...")
    assert shown == []
    logger.info("Nothing to be done (all requested files are present and up to date).")
    assert shown == ([] if dry_run else [("dag", ["grid"], {"if_outdated": False})])


def test_a_full_disk(folder, monkeypatch):
    monkeypatch.setattr(existing_results, "LEAST_FREE", float("inf"))
    assert list(existing_results.describe_missing([])) == ["The disk is full: free some space first."]
