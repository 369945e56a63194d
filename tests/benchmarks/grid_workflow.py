"""Time of a whole grid of signals, from the JSON files to tables, contour and HEPData folder, against its size.

`grid_workflow.py [NUMBER ...]` scans so many signals of 1Lbb (10, 30 and all 125) in temporary folders, on all cores:
CLs at mu = 1 alone, and all limits. Memory is that of the largest process.
"""

import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from cases import PUBLISHED, need

from helpers.workflow import clone
from muscan.base.files import read_json

SCANS = {"CLs at mu = 1": [1], "all limits": "auto"}


def configuration(signals: list[str], mu: list | str) -> dict:
    folder = PUBLISHED / "1Lbb"
    files = {"file": str(folder / "BkgOnly.json.gz"), "patchset": str(folder / "patchset.json.gz")}
    return {
        "datasets": {"1Lbb": {"workspace": {**files, "signals": signals}}},
        "scan": {"mu": mu, "signals_per_job": 16, "plots": []},
        "analyses": {"1Lbb": {"dataset": "1Lbb"}},
        "grids": {"1Lbb": {"analyses": ["1Lbb"], "x": "m1", "y": "m2", "diagonal": 125}},
    }


def run(signals: list[str], mu: list | str) -> tuple[float, float]:
    """Wall time and the time of all cores, in seconds."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = clone(Path(temporary) / "run")
        (folder / "config.yaml").write_text(yaml.safe_dump(configuration(signals, mu)))
        begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "snakemake", "--configfile", "config.yaml", "--quiet"]
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        with (folder / "results" / "grids" / "1Lbb" / "points.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
    assert len(rows) == len(signals)
    column = "observed_limit" if mu == "auto" else "CLs_obs"
    assert all(row[column] for row in rows), "a signal has no result"
    return seconds, sum(getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime"))


def main(numbers: list[int]) -> None:
    need("1Lbb")
    patches = read_json(PUBLISHED / "1Lbb" / "patchset.json.gz")["patches"]
    names = [patch["metadata"]["name"] for patch in patches]
    for title, mu in SCANS.items():
        print(f"{title}:")
        for number in numbers:
            seconds, of_cores = run(names[:: max(len(names) // number, 1)][:number], mu)
            print(
                f"{number:>6} signals {seconds:7.1f} s  {of_cores:7.1f} core-s  {of_cores / number:6.2f} core-s/signal"
            )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process: {peak:.0f} MB")


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [10, 30, 125])
