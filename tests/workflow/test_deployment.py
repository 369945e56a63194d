"""Snakemake runs jobs in conda environments and containers: what it asks conda and Apptainer for.

Neither is needed: programs of the same names note how they are called.
"""

import os
from pathlib import Path

import pytest

from helpers.workflow import clone, snakemake, write_config
from muscan.base.versions import ROOT

CONDA = """#!/bin/bash
case "$*" in
"info --json") echo '{"conda_prefix": "/nowhere", "platform": "linux-64"}';;
--version) echo "conda 25.1.1";;
"config --get channel_priority --json") echo '{"get": {"channel_priority": "strict"}}';;
"env create "*) echo "$*" >> "$CALLS"; mkdir -p "${@: -1}";;
esac
"""
# The job's command is the last argument, after the image and a shell with its option.
APPTAINER = """#!/bin/bash
if [ "$1" = --version ]; then echo "apptainer version 1.3.6"; exit; fi
echo "$*" >> "$CALLS"
exec "${@: -3:1}" "${@: -2:1}" "${@: -1}"
"""


@pytest.fixture
def run(tmp_path):
    """A function that runs Snakemake with such a program, and returns the folder and the lines of its calls."""
    folder = clone(tmp_path / "run")
    write_config(folder, {
        "datasets": {"counts": {"histograms": {"counts": {"SR": {"signal": 3, "background": 5, "observed": 5}}}}},
        "models": {"simple": {"samples": {"signal": [{"name": "mu", "type": "normfactor"}], "background": []}}},
        "scan": {"mu": [1, 3], "plots": ["pulls"]},
        "analyses": {"counts": {"dataset": "counts", "model": "simple"}},
    })  # fmt: skip

    def run(program: str, text: str, *options: str, **changes: str) -> tuple[Path, list[str]]:
        place = tmp_path / "bin"
        place.mkdir()
        (place / program).write_text(text)
        (place / program).chmod(0o755)
        path = f"{place}{os.pathsep}{os.environ['PATH']}"
        # helpers.workflow puts the interpreter's folder in front of the PATH that it finds.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", path)
            snakemake(folder, *options, CALLS=str(tmp_path / "calls"), **changes)
        return folder, (tmp_path / "calls").read_text().splitlines()

    return run


def test_conda_gets_the_environments_of_the_rules(run):
    folder, calls = run("conda", CONDA, "--sdm", "conda", "--conda-create-envs-only")
    made = {Path(call.split("--file ")[1].split(" ")[0]).read_text() for call in calls}
    names = ("histograms", "workspaces", "fits", "plots", "tables", "report", "muscan")
    assert made == {(ROOT / "envs" / f"{name}.yaml").read_text() for name in names}
    assert len(calls) == len(names)
    assert not (folder / "results").exists()


def test_jobs_run_in_the_image_that_the_user_names(run):
    folder, calls = run(
        "apptainer", APPTAINER, "results/datasets/counts/histograms.csv", "--sdm", "apptainer", MUSCAN_IMAGE="mine.sif"
    )
    assert len(calls) == 1
    assert " mine.sif " in calls[0]
    assert f"--home {folder}" in calls[0]
    assert "scripts/read_histograms.py" in calls[0]
    assert (folder / "results" / "datasets" / "counts" / "histograms.csv").exists()
