"""Commands and scripts explain themselves, and wrong input is one line that says which file or option is wrong."""

import json
import os
import subprocess
import sys

import pytest

from muscan.base.code import SCRIPTS
from muscan.base.errors import InputError
from muscan.commands import init
from muscan.commands.parser import COMMANDS

LIMITS = "failed: mine.csv is not a table of limits: it lacks the columns 'analysis', 'signal', 'calculator', ..."
POINTS = (
    "failed: mine.csv is not a table of signal points: it lacks the columns 'signal', 'analysis', 'calculator', ..."
)
MANIFEST = "failed: other.json is not a manifest: it lacks 'inputs'\n"
FIT = "failed: other.json is not a fit.json: it lacks 'poi', 'poi_bounds', 'mu_hat', ..."
NO_RESULTS = "failed: there are no results here yet: run make scan first (results/{} does not exist)\n"
NUMBER = "error: argument {}: needs a whole number above zero, has {!r}\n"
# Command lines, and how their last line on stderr begins; a line break stands for its end.
WRONG = {
    "muscan verify --number -3": NUMBER.format("--number", "-3"),
    "muscan verify --number 0": NUMBER.format("--number", "0"),
    "muscan forecast --configfiles mine.yaml --cores 0": NUMBER.format("--cores", "0"),
    "muscan reproduce --cores 0": NUMBER.format("--cores", "0"),
    "muscan reproduce --cores some": NUMBER.format("--cores", "some"),
    "muscan reproduce": NO_RESULTS.format("manifest.json"),
    "muscan limits --limits results/limits.csv": NO_RESULTS.format("limits.csv"),
    "report.py --manifest results/manifest.json --output x": NO_RESULTS.format("manifest.json"),
    "muscan reproduce --manifest other.json": MANIFEST,
    "report.py --manifest other.json --output x": MANIFEST,
    "muscan limits --limits mine.csv": LIMITS,
    "verdict.py --limits mine.csv": LIMITS,
    "compare_limits.py --limits mine.csv --output x.png": LIMITS,
    "verdict.py --limits long.csv": "failed: long.csv is not a table of limits: field larger than field limit",
    "verdict.py --limits image.csv": "failed: image.csv is not a table of limits: 'utf-8' codec can't decode byte 0xff",
    "hepdata.py --points mine.csv --grid g --output x": POINTS,
    "plot_contour.py --points mine.csv --x a --y b --title t --output x.png": POINTS,
    "plot_mass_limits.py --points mine.csv --x a --title t --output x": POINTS,
    "plot_significance.py --points mine.csv --x a --y b --title t --output x.png": POINTS,
    "plot_p0.py --points mine.csv --x a --title t --output x": POINTS,
    "plot.py --plot pulls --title t --output x.png": "failed: the picture pulls needs --fit\n",
    "plot.py --plot toys --title t --output x.png": "failed: the picture toys needs --limits\n",
    "plot.py --plot pulls --fit other.json --title t --output x.png": FIT,
    "plot.py --plot yields --fit other.json --title t --output x": FIT,
    "simulate.py --spec {} --output x": "failed: --spec: the key 'seed' is missing; --spec: the key 'bins' is missing;",
    "simulate.py --spec { --output x": "simulate.py: error: argument --spec: not JSON: ",
    "simulate.py --spec 3 --output x": "simulate.py: error: argument --spec: needs a JSON object, has 3\n",
    "tables.py --outline {} --csv x --markdown y": "error: argument --outline: the JSON lacks 'datasets', 'analyses'\n",
    "muscan jobs --configfile nothere.yaml": "failed: nothere.yaml: no such file\n",
    "muscan rule_graph --output x": "failed: the standard input is not a graph of rules: it needs the output of ",
}


def run(folder, line: str) -> subprocess.CompletedProcess:
    program, *words = line.split(" ")
    command = [sys.executable, str(SCRIPTS / program), *words]
    return subprocess.run(command, cwd=folder, input="", capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n")
    (tmp_path / "long.csv").write_text(f"analysis,signal\n{'a' * 200_000},b\n")
    (tmp_path / "image.csv").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "other.json").write_text(json.dumps({"versions": {}, "config": {}, "problems": [], "results": []}))
    return tmp_path


@pytest.mark.parametrize("line", WRONG)
def test_wrong_input_is_one_line(folder, line):
    before = sorted(folder.rglob("*"))
    done = run(folder, line)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines(keepends=True)[-1]
    assert WRONG[line] in last
    assert last.startswith(("failed: ", "simulate.py", "tables.py", "python scripts/muscan"))
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("spec", "problem"),
    [({"csv": 3}, "--spec.csv: needs a path, has 3"), ({}, "--spec: needs exactly one of csv, root, counts")],
)
def test_wrong_source_of_histograms_is_the_reason_of_the_failure(folder, spec, problem):
    done = run(folder, f"read_histograms.py --spec {json.dumps(spec, separators=',:')} --output x.csv")
    assert done.stderr == f"failed: {problem}\n"
    assert json.loads((folder / "x.csv").read_text()) == {"status": "failed", "reason": problem}


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_lists_all_commands(folder, word):
    done = run(folder, f"muscan {word}")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "usage: python scripts/muscan COMMAND ..."
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(COMMANDS)
    assert "  check           Check a configuration and all its models before a run." in lines


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_can_be_pasted(folder, command):
    done = run(folder, f"muscan {command} --help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: python scripts/muscan {command} ")


@pytest.mark.skipif(os.geteuid() == 0 and not os.path.isdir("/proc"), reason="root can write everywhere")
def test_a_folder_in_which_nothing_can_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("bin_low,bin_high,signal,background,observed\n0,1,5,50,52\n")
    (tmp_path / "closed").mkdir(mode=0o500)
    output = "/proc/mine.yaml" if os.geteuid() == 0 else "closed/mine.yaml"
    with pytest.raises(InputError, match=f"^muscan cannot write here: {output}: "):
        init.main(["--from", "mine.csv", "--output", output])
